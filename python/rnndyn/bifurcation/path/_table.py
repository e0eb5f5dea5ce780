"""How branches and events look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.arrays import BoolArray, short_itinerary
from rnndyn._common.words import counted, model_text
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES
from rnndyn.bifurcation.path.branch import Branch, Branches
from rnndyn.bifurcation.path.events import BifurcationEvent, BifurcationEvents
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.results.table import Row, Table, head_and_tail, table_of

_MAX_GAPS = 5
_OF_ONE = ("what", "value")
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


@table_of.register
def _table_of_event(event: BifurcationEvent) -> Table:
    rows: list[Row] = [
        (event.axis, f"{event.value:.8g}"),
        *([] if event.axis == "s" else [("s", f"{event.s:.8g}")]),
        ("bracket of s", f"{event.bracket[0]:.8g} to {event.bracket[1]:.8g}"),
        ("outcome", event.outcome.replace("_", " ")),
        ("order", str(event.order)),
        ("status", f"{event.status}, residual {event.residual:.2g}"),
    ]
    if event.unit is not None:
        rows.append(("unit", f"{event.unit} at point {event.time_index}"))
    for name, bits in _itineraries_of(event):
        rows.append((name, short_itinerary(bits)))
    before, after = event.n_unstable_before, event.n_unstable_after
    if before is not None or after is not None:
        rows.append(("unstable directions", f"{_known(before)} before, {_known(after)} after"))
    if event.attached:
        rows.append(("attached", counted(len(event.attached), "cycle")))
    kind = event.kind.replace("_", " ").capitalize()
    return Table(
        f"{kind} at {event.axis} = {event.value:.8g}", _OF_ONE, rows, left_aligned=set(_OF_ONE)
    )


def _itineraries_of(event: BifurcationEvent) -> list[tuple[str, BoolArray]]:
    named = [("itinerary", event.itinerary), ("partner", event.partner), ("doubled", event.doubled)]
    return [(name, bits) for name, bits in named if bits is not None and bits.size]


def _known(number: int | None) -> str:
    return "unknown" if number is None else str(number)


@table_of.register
def _table_of_branch(branch: Branch) -> Table:
    rows: list[Row] = [
        ("order", str(branch.order)),
        ("begins", f"s = {branch.s_begin:.8g}{_at_end(branch.begin_event)}"),
        ("ends", f"s = {branch.s_end:.8g}{_at_end(branch.end_event)}"),
        ("lineage", str(branch.lineage)),
    ]
    if branch.itinerary.size:
        rows.append(("itinerary", short_itinerary(branch.itinerary)))
    return Table(f"Branch {branch.index}", _OF_ONE, rows, left_aligned=set(_OF_ONE))


def _at_end(event: BifurcationEvent | None) -> str:
    return ", an end of the path" if event is None else f", {event.kind.replace('_', ' ')}"


@table_of.register
def _table_of_gap(gap: Gap) -> Table:
    rows: list[Row] = [("s", f"{gap.s:.8g}")]
    if gap.itinerary is not None and gap.itinerary.size:
        rows.append(("itinerary", short_itinerary(gap.itinerary)))
    return Table(f"Gap: {gap.reason}", _OF_ONE, rows, left_aligned=set(_OF_ONE))


@table_of.register
def _table_of_events(events: BifurcationEvents) -> Table:
    def row(i: int) -> Row:
        event = events[i]
        kind, outcome = (text.replace("_", " ") for text in (event.kind, event.outcome))
        return str(i), f"{event.value:.8g}", kind, outcome, str(event.order), event.status

    return Table(
        counted(len(events), "event"),
        ("#", events[0].axis if len(events) else "s", "kind", "outcome", "order", "status"),
        head_and_tail(range(len(events)), row),
        left_aligned={"kind", "outcome", "status"},
    )


@table_of.register
def _table_of_branches(branches: Branches) -> Table:
    def row(i: int) -> Row:
        branch = branches[i]
        ends = f"{branch.s_begin:.8g}", f"{branch.s_end:.8g}"
        return str(i), str(branch.order), *ends, str(branch.lineage)

    return Table(
        counted(len(branches), "branch", "branches"),
        ("#", "order", "from s", "to s", "lineage"),
        head_and_tail(range(len(branches)), row),
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
