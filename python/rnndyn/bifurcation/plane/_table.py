"""How a stability diagram looks in a terminal and in a notebook."""

from rnndyn._common.words import counted
from rnndyn.bifurcation.plane.result import StabilityDiagram
from rnndyn.results.table import Table, table_of


@table_of.register
def _table(diagram: StabilityDiagram) -> Table:
    n_y, n_x = len(diagram.y_values), len(diagram.x_values)
    title = (
        f"StabilityDiagram of {diagram.model!r}: {diagram.x_name} x {diagram.y_name}, "
        f"{n_x} x {n_y} points, {len(diagram.curves):,} curves"
    )
    lines = []
    for index, order in enumerate(diagram.orders):
        if (diagram.n_cycles[index] > 0).any():
            share = (diagram.n_stable[index] > 0).mean()
            lines.append(
                f"  order {order}: up to {diagram.n_cycles[index].max()} cycles at a point, "
                f"a stable one at {share:.1%} of the points"
            )
    run = diagram.run
    if not run.finished:
        done = f"{run.n_lines_done:,} of {run.n_lines:,} lines; there are no curves"
        lines.append(run.incomplete_text(done))
        return Table(title, notes=lines)
    n_gaps = len(diagram.gaps)
    if not run.complete:
        lines.append(f"  may miss cycles; {counted(n_gaps, 'gap')}")
    elif n_gaps:
        what = "a gap tells" if n_gaps == 1 else f"{n_gaps:,} gaps tell"
        lines.append(f"  complete at every point but for what {what} of")
    else:
        lines.append("  complete at every point; no gaps")
    return Table(title, notes=lines)
