"""Points of a grid that lie on an event: one rule decides which cycles they have.

Where the grid hits a border, a multiplier of 1 or -1, or a cycle at infinity, a row and a column
see one cycle under two names, or the last of a branch that ends there. What counts there is what
exact listing counts at the very map of the point. Cycles of orders that are too many to list are
solved for there one by one, with what vanishes taken as off.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._node import same_points
from rnndyn.bifurcation.plane._grid import AT_EVENT, Nodes
from rnndyn.bifurcation.plane._lines import LineTable
from rnndyn.bifurcation.plane._plane import Plane
from rnndyn.scale_out import raise_if_cancelled

_SPAN = "itinerary", "s_begin", "s_end"
#: Multipliers whose logarithms of moduli are above this are not inside the unit circle.
_INSIDE = -1e-9
_AT_FLIP = 1e-9


class Decided(NamedTuple):
    """What points on events have.

    Attributes
    ----------
    nodes : Nodes
    continua : list of (int, (k, H) array)
        Points with a continuum of cycles, and its itinerary.
    undecided : list of int
        Points at which rounding leaves open whether an itinerary has a cycle.
    """

    nodes: Nodes
    continua: list[tuple[int, BoolArray]]
    undecided: list[int]


def decided(
    plane: Plane,
    map_of: Callable[[int], CanonicalMap],
    listed_orders: Sequence[int],
    tables: Mapping[int, LineTable],
    others: Nodes,
    on_event: BoolArray,
    itineraries: Sequence[BoolArray],
    number_of: Callable[[BoolArray], int],
) -> Decided:
    """Decide which of the cycles that come near points on events are there.

    Parameters
    ----------
    plane : Plane
    map_of : callable
        Returns the map at a point, without the rounding errors of its shares of the ranges.
    listed_orders : sequence of int
        Orders whose itineraries are few enough to be listed at every point.
    tables : dict of int to LineTable
        What the lines through the points have.
    others : Nodes
        Other cycles to try, whether on an event or not.
    on_event : ndarray of bool
        The points, row by row.
    itineraries : sequence of (k, H) arrays
        By their numbers.
    number_of : callable
        Numbers an itinerary.
    """
    chosen: list[tuple[int, int, int]] = []
    continua: list[tuple[int, BoolArray]] = []
    undecided: list[int] = []
    candidates = _candidates(plane, tables, others, on_event)
    for point in np.flatnonzero(on_event).tolist():
        raise_if_cancelled()
        map_ = map_of(point)
        kept, lines, complete = _listed(map_, listed_orders)
        if not complete:
            undecided.append(point)
        solved = [
            _solved(map_, itineraries[number])
            for number in sorted(candidates.get(point, ()))
            if len(itineraries[number]) not in listed_orders
        ]
        lines += [record for record in solved if record["kind"] == "continuum"]
        # Cycles of smaller order first, and with fewer units on: several names of one point count
        # as the first of them.
        records = [
            record
            for record in solved
            if record["kind"] == "cycle" and record["order"] not in listed_orders
        ]
        records.sort(key=lambda record: (record["order"], int(record["itinerary"].sum())))
        for cycle in records:
            if any(
                same_points(cycle["points"], other["points"]) or _ends_flip(cycle, other, map_)
                for other in kept
            ):
                continue
            kept.append(cycle)
        # Around a cycle with a multiplier of -1 there is one of twice the order: that is the flip.
        lines = [line for line in lines if not any(_is_about(line, half) for half in kept)]
        if lines:
            continua.append((point, lines[0]["itinerary"]))
        for cycle in kept:
            n_unstable = int(np.sum(np.asarray(cycle["log_moduli"]) > _INSIDE))
            chosen.append((number_of(cycle["itinerary"]), point, n_unstable))
    columns = np.array(chosen, dtype=np.int64).reshape(-1, 3).T
    return Decided(Nodes(*columns), continua, undecided)


def _listed(
    map_: CanonicalMap, orders: Sequence[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """List the cycles and the continua of a map, and tell whether all itineraries are decided."""
    if not orders:
        return [], [], True
    raw = _core.find_cycles(
        map_, list(orders), "exhaustive", 0, n_threads=1, observer=raise_if_cancelled
    )
    if raw["stopped_by"] == "interrupt":
        raise KeyboardInterrupt
    names = "points", "itinerary", "multipliers", "log_moduli", "on_border"
    cycles = [
        {"order": block["order"], **dict(zip(names, values, strict=True))}
        for block in raw["blocks"]
        for values in zip(*(block[name] for name in names), strict=True)
    ]
    complete = all(entry["complete"] for entry in raw["statistics"])
    return cycles, list(raw["continua"]), complete


def _solved(map_: CanonicalMap, bits: BoolArray) -> dict[str, Any]:
    """Solve for a cycle; where all its points run together, for the cycle of smaller order."""
    record = _core.solve_cycle(map_, bits)
    order = len(bits)
    if record["kind"] == "cycle":
        for period in (d for d in range(1, order // 2 + 1) if order % d == 0):
            if same_points(record["points"], record["points"][:period]):
                return _core.solve_cycle(map_, bits[:period])
    return record


def _ends_flip(cycle: dict[str, Any], half: dict[str, Any], map_: CanonicalMap) -> bool:
    """Tell whether a cycle is the end of a line of cycles of its order, and not isolated.

    Where a cycle has a multiplier of -1, there is a line of cycles of twice the order, symmetric
    about it, up to the first border.
    """
    if not cycle["on_border"] or not _is_about(cycle, half):
        return False
    doubled = _core.solve_cycle(map_, np.tile(half["itinerary"], (2, 1)))
    return bool(doubled["kind"] == "continuum")


def _is_about(cycle: dict[str, Any], half: dict[str, Any]) -> bool:
    """Tell whether a cycle has twice the order of one that flips, and is symmetric about it."""
    order: int = half["order"]
    if cycle["order"] != 2 * order:
        return False
    if not np.any(np.abs(np.asarray(half["multipliers"]) + 1.0) < _AT_FLIP):
        return False
    middle = 0.5 * (cycle["points"][:order] + cycle["points"][order:])
    return same_points(middle, half["points"])


def _candidates(
    plane: Plane, tables: Mapping[int, LineTable], others: Nodes, on_event: BoolArray
) -> dict[int, set[int]]:
    """Return the cycles to try at each point: those of its lines, whichever way they end."""
    n_rows, n_columns = len(plane.v), len(plane.u)
    candidates: dict[int, set[int]] = defaultdict(set)
    here = on_event[others.point]
    for number, point in zip(
        others.itinerary[here].tolist(), others.point[here].tolist(), strict=True
    ):
        candidates[point].add(number)
    for line, table in tables.items():
        is_row = line < n_rows
        s = plane.u if is_row else plane.v
        along = np.arange(len(s))
        points = line * n_columns + along if is_row else along * n_columns + (line - n_rows)
        marked = np.flatnonzero(on_event[points])
        if not len(marked):
            continue
        segments, events = table.segments, table.events
        spans = [
            *zip(
                *(segments[name].tolist() for name in ("itinerary", "s_begin", "s_end")),
                strict=True,
            ),
            *(
                (number, at, at)
                for name in ("itinerary", "partner")
                for number, at in zip(events[name].tolist(), events["s"].tolist(), strict=True)
            ),
        ]
        for number, begin, end in spans:
            if number < 0:
                continue
            near = (s[marked] >= begin - AT_EVENT) & (s[marked] <= end + AT_EVENT)
            for point in points[marked[near]].tolist():
                candidates[point].add(number)
    return candidates
