"""How branches and events look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted, model_text
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.results.table import Row, Table, head_and_tail, table_of

_MAX_GAPS = 5
_HEADINGS = ("kind", "outcome", "order", "unit", "point", "status")


@table_of.register
def _table(branch_set: BranchSet) -> Table:
    return Table(
        title=_title(branch_set),
        headings=("#", branch_set.axis, *_HEADINGS),
        rows=_rows(branch_set),
        left_aligned={"kind", "outcome", "status"},
        notes=_notes(branch_set),
    )


def _title(branch_set: BranchSet) -> str:
    first, last = branch_set.axis_values[[0, -1]]
    return (
        f"{counted(len(branch_set.branches), 'branch', 'branches')} and "
        f"{counted(len(branch_set.events), 'event')} of {model_text(branch_set.models[0])}, "
        f"{branch_set.axis} = {first:g} to {last:g}"
    )


def _rows(branch_set: BranchSet) -> list[Row]:
    columns = branch_set.event_columns
    listed = np.flatnonzero(branch_set.events.changes_dynamics).tolist()
    values = branch_set.value_at(columns["s"])

    def row(i: int) -> Row:
        unit, point = int(columns["unit"][i]), int(columns["time_index"][i])
        return (
            str(i),
            f"{values[i]:.8g}",
            KIND_NAMES[columns["kind"][i]].replace("_", " "),
            OUTCOME_NAMES[columns["outcome"][i]].replace("_", " "),
            str(len(branch_set.itineraries[columns["itinerary"][i]])),
            "" if unit < 0 else str(unit),
            "" if point < 0 else str(point),
            "converged" if columns["converged"][i] else "guess",
        )

    return head_and_tail(listed, row)


def _notes(branch_set: BranchSet) -> list[str]:
    """Count what the table leaves out, say how sure the result is, and list the first gaps."""
    run = branch_set.run
    lines = []
    n_left = int((~branch_set.events.changes_dynamics).sum())
    if n_left:
        lines.append(
            f"Not listed: {counted(n_left, 'border collision')} that leave"
            f"{'s' if n_left == 1 else ''} every cycle as it was, only with another itinerary"
        )
    if not run.finished:
        done = f"{run.n_pieces_done:,} of {counted(run.n_pieces, 'piece')}"
        lines.append(run.incomplete_text(done))
    orders = ", ".join(map(str, run.orders))
    noun = "order" if len(run.orders) == 1 else "orders"
    if run.method == "exhaustive":
        rest = " in these"
        if run.finished:
            but = " but what the gaps tell of" if branch_set.gaps else ""
            rest = f", nothing is missing{but}"
        lines.append(f"Every itinerary of {noun} {orders} was followed{rest}")
    elif run.method == "search":
        how = "all" if run.searched_completely else "those found by a search of the"
        lines.append(
            f"Followed {how} cycles of {noun} {orders} of {len(branch_set.models):,} models; pairs "
            "that are born and vanish between two models may be missing"
        )
    else:
        lines.append(
            f"Followed the given cycles, up to order {max(run.orders)}, and their partners"
        )
    gaps = branch_set.gaps
    lines.append("No gaps" if not gaps else counted(len(gaps), "gap") + ":")
    for gap in gaps[:_MAX_GAPS]:
        value = branch_set.value_at(float(np.clip(gap.s, 0.0, run.n_pieces)))
        lines.append(f"  {branch_set.axis} = {value:.8g}: {gap.reason}")
    if len(gaps) > _MAX_GAPS:
        lines.append(f"  and {len(gaps) - _MAX_GAPS:,} more")
    return lines
