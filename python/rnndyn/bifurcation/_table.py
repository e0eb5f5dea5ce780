"""How branches and events look in a terminal."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn._cycle_table import align_columns
from rnndyn.bifurcation._columns import KIND_NAMES, OUTCOME_NAMES

if TYPE_CHECKING:
    from rnndyn.bifurcation.branch_set import BranchSet

#: Lists of more events than this are shortened to their head and tail.
_MAX_ROWS = 24
_HEAD_ROWS = 12
_TAIL_ROWS = 6
_MAX_GAPS = 5
_LEFT_ALIGNED = {"kind", "outcome", "status"}


def count_text(n: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def plain_text(branch_set: "BranchSet") -> str:
    """Return the table that ``print`` shows."""
    lines = [_title(branch_set)]
    rows = _rows(branch_set)
    if len(rows) > 1:
        lines += align_columns(rows, _LEFT_ALIGNED)
    return "\n".join([*lines, *notes(branch_set)])


def _title(branch_set: "BranchSet") -> str:
    model = branch_set.models[0]
    first, last = branch_set.axis_values[[0, -1]]
    return (
        f"{count_text(len(branch_set.branches), 'branch', 'branches')} and "
        f"{count_text(len(branch_set.events), 'event')} of {model.family} "
        f"({count_text(model.n_states, 'state')}, {count_text(model.n_units, 'unit')}), "
        f"{branch_set.axis} = {first:g} to {last:g}"
    )


def _rows(branch_set: "BranchSet") -> list[tuple[str, ...]]:
    columns = branch_set.event_columns
    listed = np.flatnonzero(branch_set.events.changes_dynamics).tolist()
    n = len(listed)
    rows: list[tuple[str, ...]] = [
        ("#", branch_set.axis, "kind", "outcome", "order", "unit", "point", "status")
    ]
    shown = listed if n <= _MAX_ROWS else listed[:_HEAD_ROWS] + listed[-_TAIL_ROWS:]
    values = branch_set.value_at(columns["s"])
    for i in shown:
        unit, point = int(columns["unit"][i]), int(columns["time_index"][i])
        rows.append(
            (
                str(i),
                f"{values[i]:.8g}",
                KIND_NAMES[columns["kind"][i]].replace("_", " "),
                OUTCOME_NAMES[columns["outcome"][i]].replace("_", " "),
                str(len(branch_set.itineraries[columns["itinerary"][i]])),
                "" if unit < 0 else str(unit),
                "" if point < 0 else str(point),
                "converged" if columns["converged"][i] else "guess",
            )
        )
    if len(shown) < n:
        rows.insert(_HEAD_ROWS + 1, ("...", f"{n - len(shown):,} more", *("" for _ in rows[0][2:])))
    return rows


def notes(branch_set: "BranchSet") -> list[str]:
    """Count what the table leaves out, say how sure the result is, and list the first gaps."""
    run = branch_set.run
    lines = []
    n_left = int((~branch_set.events.changes_dynamics).sum())
    if n_left:
        lines.append(
            f"Not listed: {count_text(n_left, 'border collision')} that leave"
            f"{'s' if n_left == 1 else ''} every cycle as it was, only with another itinerary"
        )
    if not run.complete:
        cause = "the time limit" if run.stopped_by == "time_limit" else "an interrupt"
        lines.append(
            f"INCOMPLETE: stopped by {cause} after {run.n_pieces_done:,} of "
            f"{count_text(run.n_pieces, 'piece')}"
        )
    orders = ", ".join(map(str, run.orders))
    noun = "order" if len(run.orders) == 1 else "orders"
    if run.method == "exhaustive":
        rest = " in these"
        if run.complete:
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
    lines.append("No gaps" if not gaps else count_text(len(gaps), "gap") + ":")
    for gap in gaps[:_MAX_GAPS]:
        value = branch_set.value_at(float(np.clip(gap.s, 0.0, run.n_pieces)))
        lines.append(f"  {branch_set.axis} = {value:.8g}: {gap.reason}")
    if len(gaps) > _MAX_GAPS:
        lines.append(f"  and {len(gaps) - _MAX_GAPS:,} more")
    return lines
