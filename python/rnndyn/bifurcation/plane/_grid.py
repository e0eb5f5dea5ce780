"""What the lines of a grid say about its points, and whether they agree."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray
from rnndyn.bifurcation.path._columns import OUTCOME_NAMES
from rnndyn.bifurcation.path._starts import UnitUse, key_of
from rnndyn.bifurcation.plane._lines import LineTable
from rnndyn.bifurcation.plane._plane import Plane

#: Points of the grid this close to an event of a line, as a share of its length, lie on it: there
#: rounding decides which side they are on.
AT_EVENT = 1e-9
_STABILITY_CHANGE = OUTCOME_NAMES.index("stability_change")


class ItineraryNumbers:
    """Numbers the itineraries of a plane, in the order in which they are met."""

    def __init__(self, plane: Plane) -> None:
        corners = [plane.map_at(u, v) for v in (0.0, 1.0) for u in (0.0, 1.0)]
        use = UnitUse.of(corners[0])
        for corner in corners[1:]:
            use = use | UnitUse.of(corner)
        #: Units that act on the state somewhere.
        self.mask: BoolArray = use.relevant
        self.itineraries: list[BoolArray] = []
        self._number_of: dict[bytes, int] = {}
        self._from_core: list[bool] = []

    def of_start(self, bits: BoolArray) -> int:
        """Return the number of an itinerary in any rotation."""
        number = self._number_of.setdefault(key_of(bits, self.mask), len(self.itineraries))
        if number == len(self.itineraries):
            self.itineraries.append(bits & self.mask)
            self._from_core.append(False)
        return number

    def of_core(self, bits: BoolArray) -> int:
        """Return the number of an itinerary in the rotation that events count time in."""
        number = self.of_start(bits)
        if not self._from_core[number]:
            self._from_core[number] = True
            self.itineraries[number] = bits
        return number


#: Types of the columns of `Nodes`.
NODE_TYPES: dict[str, Any] = {"itinerary": np.int64, "point": np.int64, "n_unstable": np.int64}


class Nodes(NamedTuple):
    """Cycles at points of the grid: one entry for every pair of a cycle and a point.

    Attributes
    ----------
    itinerary : ndarray of int64, shape (n,)
    point : ndarray of int64, shape (n,)
        Row times number of columns, plus column.
    n_unstable : ndarray of int64, shape (n,)
        Multipliers outside the unit circle.
    """

    itinerary: IntArray
    point: IntArray
    n_unstable: IntArray

    def codes(self, n_points: int) -> IntArray:
        """Return one number for every pair."""
        return self.itinerary * n_points + self.point

    def chosen(self, mask: BoolArray) -> "Nodes":
        """Return some of the entries."""
        return Nodes(*(column[mask] for column in self))


def nodes_along(plane: Plane, tables: Mapping[int, LineTable], rows: bool) -> Nodes:
    """Return the cycles at all points of the grid, as its rows or its columns have them."""
    n_rows, n_columns = len(plane.v), len(plane.u)
    s = plane.u if rows else plane.v
    parts: list[tuple[Any, Any, Any]] = [(np.empty(0, np.int64),) * 3]
    for line in range(n_rows) if rows else range(n_rows, n_rows + n_columns):
        own = _nodes_of_line(tables[line], s) if line in tables else []
        for number, low, high, n_unstable in own:
            along = np.arange(low, high)
            point = line * n_columns + along if rows else along * n_columns + (line - n_rows)
            parts.append((np.full(high - low, number), point, n_unstable))
    return Nodes(*(np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)))


def _nodes_of_line(table: LineTable, s: FloatArray) -> list[tuple[int, int, int, Any]]:
    """Return itinerary, first and last point and instability at them, of each segment."""
    events, segments = table.events, table.segments
    changes = np.flatnonzero(events["outcome"] == _STABILITY_CHANGE)
    result = []
    for number, begin, end, n_begin, end_event in zip(
        *(segments[name].tolist() for name in ("itinerary", "s_begin", "s_end")),
        segments["n_unstable_begin"].tolist(),
        segments["end_event"].tolist(),
        strict=True,
    ):
        low = int(np.searchsorted(s, begin, side="left"))
        high = len(s) if end_event < 0 else int(np.searchsorted(s, end, side="left"))
        if high <= low:
            continue
        n_unstable = np.full(high - low, n_begin)
        for i in changes[events["itinerary"][changes] == number].tolist():
            if begin < events["s"][i] < end:
                n_unstable[s[low:high] > events["s"][i]] = events["n_unstable_after"][i]
        result.append((number, low, high, n_unstable))
    return result


def points_on_events(plane: Plane, tables: Mapping[int, LineTable]) -> BoolArray:
    """Tell which points of the grid, row by row, lie on an event of one of their lines."""
    n_rows, n_columns = len(plane.v), len(plane.u)
    on_event = np.zeros((n_rows, n_columns), dtype=np.bool_)
    for line, table in tables.items():
        s = plane.u if line < n_rows else plane.v
        places = table.events["s"]
        if not len(places):
            continue
        near = np.abs(s[:, np.newaxis] - places).min(axis=1) <= AT_EVENT
        if line < n_rows:
            on_event[line] |= near
        else:
            on_event[:, line - n_rows] |= near
    return on_event.ravel()


def met_next_to(plane: Plane, line: int, table: LineTable) -> set[tuple[int, int]]:
    """Return the lines next to the stretches of a line, each with the cycle to look for there.

    Regions of existence go on from line to line, also where no point of the grid lies in them.
    """
    n_y, n_x = len(plane.v), len(plane.u)
    is_row = line < n_y
    s = plane.u if is_row else plane.v
    segments = table.segments
    met = set()
    for number, begin, end in zip(
        *(segments[name].tolist() for name in ("itinerary", "s_begin", "s_end")), strict=True
    ):
        beside = (line - 1, line + 1)
        first, last = (0, n_y) if is_row else (n_y, n_y + n_x)
        met |= {(other, number) for other in beside if first <= other < last}
        low = max(int(np.searchsorted(s, begin, side="right")) - 1, 0)
        high = min(int(np.searchsorted(s, end, side="left")), len(s) - 1)
        across = range(low, high + 1)
        met |= {(other + n_y if is_row else other, number) for other in across}
    return met


class Disagreement(NamedTuple):
    """Cycles at points of the grid that a line should have and has not.

    Attributes
    ----------
    line : ndarray of int64, shape (n,)
    itinerary, point : ndarray of int64, shape (n,)
    """

    line: IntArray
    itinerary: IntArray
    point: IntArray


def missing_on_lines(
    plane: Plane, by_rows: Nodes, by_columns: Nodes, found: Nodes, on_event: BoolArray
) -> Disagreement:
    """Return what rows lack that columns or a search have, and the other way round."""
    n_columns, n_points = len(plane.u), len(plane.u) * len(plane.v)
    row_codes, column_codes = by_rows.codes(n_points), by_columns.codes(n_points)
    found_codes = found.codes(n_points)
    parts = []
    for own, other, is_row in (
        (row_codes, column_codes, True),
        (column_codes, row_codes, False),
    ):
        lacking = np.setdiff1d(np.union1d(other, found_codes), own)
        lacking = lacking[~on_event[lacking % n_points]]
        point = lacking % n_points
        line = point // n_columns if is_row else len(plane.v) + point % n_columns
        parts.append((line, lacking // n_points, point))
    return Disagreement(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def not_found(found: Nodes, followed: Nodes, searched: BoolArray, on_event: BoolArray) -> Nodes:
    """Return the cycles of the lines that a complete search of their point does not have."""
    n_points = len(searched)
    lacking = ~np.isin(followed.codes(n_points), found.codes(n_points))
    lacking &= searched[followed.point] & ~on_event[followed.point]
    return followed.chosen(lacking)


def union(first: Nodes, second: Nodes, n_points: int) -> Nodes:
    """Return the entries of both, sorted, each pair once."""
    both = Nodes(*(np.concatenate(columns) for columns in zip(first, second, strict=True)))
    _, chosen = np.unique(both.codes(n_points), return_index=True)
    return Nodes(*(column[chosen] for column in both))


def counts(
    nodes: Nodes, order_of: Sequence[int], orders: Sequence[int], shape: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Return the numbers of cycles and of stable cycles, shape (n_orders, n_y, n_x)."""
    place = {order: index for index, order in enumerate(orders)}
    index_of = np.array([place.get(order, -1) for order in order_of], dtype=np.int64)
    layer = index_of[nodes.itinerary] if len(nodes.itinerary) else nodes.itinerary
    size = (len(orders), shape[0] * shape[1])
    n_cycles = np.zeros(size, dtype=np.int64)
    n_stable = np.zeros(size, dtype=np.int64)
    asked = layer >= 0
    stable = asked & (nodes.n_unstable == 0)
    np.add.at(n_cycles, (layer[asked], nodes.point[asked]), 1)
    np.add.at(n_stable, (layer[stable], nodes.point[stable]), 1)
    return n_cycles.reshape(len(orders), *shape), n_stable.reshape(len(orders), *shape)
