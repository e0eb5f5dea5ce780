"""Points of a grid that lie on an event: one rule decides which cycles they have.

Where the grid hits a border, a multiplier of 1 or -1, or a cycle at infinity, a row and a column
see one cycle under two names, or the last of a branch that ends there. What counts there is what
exact listing counts: solving for each cycle at the very map of the point, with what vanishes taken
as off.
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
    """

    nodes: Nodes
    continua: list[tuple[int, BoolArray]]


def decided(
    plane: Plane,
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
    n_columns = len(plane.u)
    chosen: list[tuple[int, int, int]] = []
    continua: list[tuple[int, BoolArray]] = []
    for point, numbers in sorted(_candidates(plane, tables, others, on_event).items()):
        raise_if_cancelled()
        row, column = divmod(point, n_columns)
        map_ = plane.map_at(float(plane.u[column]), float(plane.v[row]))
        solved = [_solved(map_, itineraries[number]) for number in sorted(numbers)]
        lines = [record for record in solved if record["kind"] == "continuum"]
        if lines:
            continua.append((point, lines[0]["itinerary"]))
        # Cycles of smaller order first, and with fewer units on: several names of one point count
        # as the first of them.
        cycles = [record for record in solved if record["kind"] == "cycle"]
        cycles.sort(key=lambda record: (record["order"], int(record["itinerary"].sum())))
        kept: list[dict[str, Any]] = []
        for cycle in cycles:
            if any(
                same_points(cycle["points"], other["points"]) or _ends_flip(cycle, other, map_)
                for other in kept
            ):
                continue
            kept.append(cycle)
            n_unstable = int(np.sum(np.asarray(cycle["log_moduli"]) > _INSIDE))
            chosen.append((number_of(cycle["itinerary"]), point, n_unstable))
    columns = np.array(chosen, dtype=np.int64).reshape(-1, 3).T
    return Decided(Nodes(*columns), continua)


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
    order: int = half["order"]
    if cycle["order"] != 2 * order or not cycle["on_border"]:
        return False
    if not np.any(np.abs(np.asarray(half["multipliers"]) + 1.0) < _AT_FLIP):
        return False
    middle = 0.5 * (cycle["points"][:order] + cycle["points"][order:])
    if not same_points(middle, half["points"]):
        return False
    doubled = _core.solve_cycle(map_, np.tile(half["itinerary"], (2, 1)))
    return bool(doubled["kind"] == "continuum")


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
