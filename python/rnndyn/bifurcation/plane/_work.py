"""The work of a stability diagram: searches of points, lines that are followed, curves in cells."""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import NEVER, StopReason
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._columns import OUTCOME_NAMES
from rnndyn.bifurcation.path._starts import MAX_WORK, is_quickly_proved, listed, listing_work
from rnndyn.bifurcation.plane._cells import (
    AT_CORNER,
    Cell,
    CellTask,
    Crossing,
    CurveKey,
    curve_keys,
)
from rnndyn.bifurcation.plane._grid import (
    ItineraryNumbers,
    Nodes,
    met_next_to,
    missing_on_lines,
    nodes_along,
    not_found,
    points_on_events,
    union,
)
from rnndyn.bifurcation.plane._lines import LineChunk, LineTable, LineTask, PointTask, line_tables
from rnndyn.bifurcation.plane._plane import Plane
from rnndyn.bifurcation.plane._points import decided
from rnndyn.bifurcation.plane.curve import joined
from rnndyn.bifurcation.plane.progress import PlaneProgress
from rnndyn.scale_out import (
    ChunkStoppedError,
    Executor,
    Record,
    fingerprint_of,
    run_chunks,
    unpack_itineraries,
)

#: Where a search of one point takes long, the grid is searched at about this many points a side.
_LATTICE = 16
_LINES_PER_CHUNK = 8
_CELLS_PER_CHUNK = 128
_CONTINUUM = "a continuum of cycles, which is on no line"
_UNDECIDED = "rounding leaves open whether an itinerary has a cycle at this point of the grid"
_NONE = OUTCOME_NAMES.index("none")


class PlaneWork:
    """Searches the points, follows the lines, and draws the curves in the cells."""

    def __init__(
        self,
        plane: Plane,
        map_of: Callable[[int], CanonicalMap],
        orders: list[int],
        method: str,
        options: Options,
        executor: Executor | None,
        store: str | os.PathLike[str] | None,
    ) -> None:
        self._plane = plane
        self._map_of = map_of
        self._orders = orders
        self._options = options
        # The clock of this process means nothing elsewhere.
        self._deadline = options.deadline if executor is None else NEVER
        self._run_chunks = partial(
            run_chunks,
            fingerprint=fingerprint_of("stability_diagram", *plane, orders, method, options.seed),
            executor=executor,
            store=store,
            n_threads=options.n_threads,
        )
        self.stopped_by: StopReason = "finished"
        self.numbers = ItineraryNumbers(plane)
        self._n_relevant = int(self.numbers.mask.sum())
        self.listed_orders = self._orders_to_list(method)
        self._searched_orders = [order for order in orders if order not in self.listed_orders]
        self._search_everywhere = method == "search" or is_quickly_proved(
            plane.n_states, self._n_relevant, self._searched_orders
        )
        n_points = len(plane.u) * len(plane.v)
        self.searched = np.zeros(n_points, dtype=np.bool_)
        self.proved = np.zeros(n_points, dtype=np.bool_)
        self.gaps: list[tuple[float, float, str, BoolArray | None]] = []
        self.curves: list[tuple[dict[str, Any], Any]] = []
        self._found = self.nodes = Nodes(*(np.empty(0, np.int64) for _ in Nodes._fields))
        #: Points of the grid on lines that were followed, and how many lines these are.
        self.reached = np.zeros((len(plane.v), len(plane.u)), dtype=np.bool_)
        self.n_lines_done = 0
        self._tables: dict[int, LineTable] = {}

    def run(self) -> None:
        """Do everything, or what the time allows: cycles on some lines, without curves and gaps."""
        try:
            if self._searched_orders:
                self._search_points()
            if self.stopped_by == "finished":
                self._follow_lines()
            if self.stopped_by == "finished":
                self._draw()
        except KeyboardInterrupt:
            self.stopped_by = "interrupt"
        if self.stopped_by != "finished":
            # What was not compared with everything else says nothing.
            self.gaps, self.curves = [], []
            if not self.reached.all():
                self._note_reached()

    def _orders_to_list(self, method: str) -> list[int]:
        if method == "search":
            return []
        if method == "exhaustive":
            return self._orders
        chosen: list[int] = []
        for order in self._orders:
            work = listing_work(self._plane.n_states, self._n_relevant, [*chosen, order])
            if work * self._plane.n_lines <= MAX_WORK:
                chosen.append(order)
        return chosen

    def _in_chunks(
        self, task: Callable[[Any], Record], chunks: Sequence[Any], stage: str, what: str
    ) -> list[Record | None]:
        """Return the results of the chunks, None for those that were not reached before a stop."""
        finished: list[Record | None] = [None] * len(chunks)

        def done(index: int, record: Record) -> None:
            finished[index] = record
            n_done = sum(entry is not None for entry in finished)
            self._options.meter.step(PlaneProgress(what, n_done, len(chunks)))

        try:
            self._run_chunks(task, chunks, stage=stage, done=done, stop=self._options.deadline)
            if None in finished:
                self.stopped_by = "time_limit"
        except ChunkStoppedError as stopped:
            self.stopped_by = stopped.args[0]
        except KeyboardInterrupt:
            self.stopped_by = "interrupt"
        return finished

    def _search_points(self) -> None:
        n_y, n_x = len(self._plane.v), len(self._plane.u)
        rows, columns = range(n_y), range(n_x)
        if not self._search_everywhere:
            rows, columns = _lattice(n_y), _lattice(n_x)
        chunks = [(row, tuple(columns)) for row in rows]
        orders, seed = tuple(self._searched_orders), self._options.seed
        task = PointTask(self._plane, orders, seed, self._deadline)
        records = self._in_chunks(task, chunks, "points", "points")
        parts = []
        for (row, own_columns), record in zip(chunks, records, strict=True):
            if record is None:
                continue
            numbers = map(
                self.numbers.of_start, unpack_itineraries(record["bits"], record["orders"])
            )
            point = row * n_x + record["point"]
            parts.append((np.array([*numbers], dtype=np.int64), point))
            points = row * n_x + np.array(own_columns, dtype=np.int64)
            self.searched[points] = True
            self.proved[points] = record["complete"]
            for column in record["continuum"].tolist():
                u, v = float(self._plane.u[column]), float(self._plane.v[row])
                self.gaps.append((u, v, _CONTINUUM, None))
        if parts:
            number, point = (np.concatenate(column) for column in zip(*parts, strict=True))
            self._found = Nodes(number, point, np.full(len(number), -1))

    def _follow_lines(self) -> None:
        plane = self._plane
        n_y, n_x = len(plane.v), len(plane.u)
        listing = listed(self.numbers.mask, self.listed_orders) if self.listed_orders else []
        starts: list[set[int]] = [set() for _ in range(plane.n_lines)]
        row, column = np.divmod(self._found.point, n_x)
        for line, number in zip(
            [*row.tolist(), *(n_y + column).tolist()],
            self._found.itinerary.tolist() * 2,
            strict=True,
        ):
            starts[line].add(number)
        tables = self._tables
        waiting = set(range(plane.n_lines))
        # Every turn but the last adds something that a line starts from: there is an end.
        for turn in count():
            tables |= self._follow(
                {line: sorted(starts[line]) for line in sorted(waiting)}, listing, f"lines-{turn}"
            )
            if self.stopped_by != "finished":
                return
            by_rows = nodes_along(plane, tables, rows=True)
            by_columns = nodes_along(plane, tables, rows=False)
            on_event = points_on_events(plane, tables)
            missing = missing_on_lines(plane, by_rows, by_columns, self._found, on_event)
            fresh = set(zip(missing.line.tolist(), missing.itinerary.tolist(), strict=True))
            for line in waiting:
                fresh |= met_next_to(plane, line, tables[line])
            waiting = self._spread(fresh, starts, turn)
            if self.stopped_by != "finished":
                return
            if not waiting:
                break
        both = union(by_rows, by_columns, n_x * n_y)
        others = union(both, self._found, n_x * n_y)
        # What changes stability exactly at the end of both of its lines is no event of either.
        to_decide = on_event.copy()
        to_decide[[0, n_x - 1, -n_x, -1]] = True
        own = decided(
            plane,
            self._map_of,
            self.listed_orders,
            tables,
            others,
            to_decide,
            self.numbers.itineraries,
            self.numbers.of_start,
        )
        self.nodes = union(both.chosen(~to_decide[both.point]), own.nodes, n_x * n_y)
        self.reached[:], self.n_lines_done = True, plane.n_lines
        searched = {(u, v) for u, v, *_ in self.gaps}
        for point, bits in own.continua:
            place = float(plane.u[point % n_x]), float(plane.v[point // n_x])
            if place not in searched:
                self.gaps.append((*place, _CONTINUUM, bits))
        self.gaps += [
            (float(plane.u[point % n_x]), float(plane.v[point // n_x]), _UNDECIDED, None)
            for point in own.undecided
        ]
        self._note_gaps(tables, missing, on_event)

    def _spread(self, fresh: set[tuple[int, int]], starts: list[set[int]], turn: int) -> set[int]:
        """Carry cycles from line to line as far as they go; return the lines that get new starts.

        Only what is new to a line is followed here; the lines as a whole have their turn later.
        """
        changed: set[int] = set()
        listed_orders = set(self.listed_orders)
        for step in count():
            by_line: dict[int, list[int]] = defaultdict(list)
            for line, number in sorted(fresh):
                order = len(self.numbers.itineraries[number])
                if number not in starts[line] and order not in listed_orders:
                    by_line[line].append(number)
                    starts[line].add(number)
            if not by_line:
                return changed
            changed |= by_line.keys()
            found = self._follow(by_line, [], f"spread-{turn}-{step}")
            if self.stopped_by != "finished":
                return changed
            fresh = set()
            for line, table in found.items():
                fresh |= met_next_to(self._plane, line, table)
        return changed

    def _follow(
        self, starts: dict[int, list[int]], listing: list[BoolArray], stage: str
    ) -> dict[int, LineTable]:
        """Follow cycles along lines, each from its own starts and from the listing."""
        itineraries, lines = self.numbers.itineraries, list(starts)
        chunks = []
        for first in range(0, len(lines), _LINES_PER_CHUNK):
            some = tuple(lines[first : first + _LINES_PER_CHUNK])
            own = tuple(tuple(itineraries[number] for number in starts[line]) for line in some)
            chunks.append(LineChunk(some, own))
        task = LineTask(self._plane, max(self._orders), tuple(listing), self._deadline)
        tables: dict[int, LineTable] = {}
        for record in self._in_chunks(task, chunks, stage, "lines"):
            if record is not None:
                tables |= line_tables(record, self.numbers.of_core)
        return tables

    def _note_reached(self) -> None:
        """Take the cycles along the lines that were followed before a stop, but not on events."""
        plane, tables, n_y = self._plane, self._tables, len(self._plane.v)
        for line in tables:
            if line < n_y:
                self.reached[line] = True
            else:
                self.reached[:, line - n_y] = True
        on_event = points_on_events(plane, tables)
        self.reached &= ~on_event.reshape(self.reached.shape)
        by_rows, by_columns = (nodes_along(plane, tables, rows=rows) for rows in (True, False))
        both = union(by_rows, by_columns, self.reached.size)
        self.nodes = both.chosen(~on_event[both.point])
        self.n_lines_done = len(tables)

    def _note_gaps(self, tables: dict[int, LineTable], missing: Any, on_event: BoolArray) -> None:
        plane, itineraries = self._plane, self.numbers.itineraries
        n_y, n_x = len(plane.v), len(plane.u)
        for line, table in sorted(tables.items()):
            gaps = zip(table.gap_s, table.gap_reasons, table.gap_itineraries, strict=True)
            for s, reason, bits in gaps:
                u, v = (s, plane.v[line]) if line < n_y else (plane.u[line - n_y], s)
                self.gaps.append((float(u), float(v), reason, bits))
        for line, number, point in zip(*(column.tolist() for column in missing), strict=True):
            row, column = divmod(point, n_x)
            which = "row" if line < n_y else "column"
            reason = f"a cycle at this point of the grid, which is not on its {which}"
            u, v = float(plane.u[column]), float(plane.v[row])
            self.gaps.append((u, v, reason, itineraries[number]))
        asked = np.array([len(bits) in self._searched_orders for bits in itineraries], np.bool_)
        own = self.nodes.chosen(asked[self.nodes.itinerary] if len(itineraries) else on_event[:0])
        odd = not_found(self._found, own, self.proved, on_event)
        for number, point in zip(odd.itinerary.tolist(), odd.point.tolist(), strict=True):
            row, column = divmod(point, n_x)
            reason = "a cycle at this point of the grid, which a complete search did not find"
            u, v = float(plane.u[column]), float(plane.v[row])
            self.gaps.append((u, v, reason, itineraries[number]))

    def _draw(self) -> None:
        cells = _cells(self._plane, self._tables, self.numbers.itineraries)
        chunks = [
            cells[first : first + _CELLS_PER_CHUNK]
            for first in range(0, len(cells), _CELLS_PER_CHUNK)
        ]
        task = CellTask(self._plane, max(self._orders), self._deadline)
        finished = self._in_chunks(task, chunks, "cells", "curves")
        records = [record for record in finished if record is not None]
        self.curves = joined(records, self._plane.n_units)
        reason = "boundary curves too close to each other to be told apart"
        filled = "events of a cycle fill a cell of the grid, so that no curve can be drawn"
        for record in records:
            self.gaps += [(u, v, reason, None) for u, v in record["unclear"].tolist()]
            self.gaps += [(u, v, filled, None) for u, v in record["filled"].tolist()]


def _lattice(n: int) -> range:
    """Return about `_LATTICE` numbers below n at equal distances, from the first on."""
    return range(0, n, max(n // _LATTICE, 1))


def _cells(plane: Plane, tables: dict[int, LineTable], itineraries: list[BoolArray]) -> list[Cell]:
    """Return the cells of the grid that curves cross, with the crossings of their edges."""
    n_y = len(plane.v)
    crossings: dict[tuple[int, int], dict[CurveKey, list[Crossing]]] = defaultdict(
        lambda: defaultdict(list)
    )
    # At a corner a row and a column are crossed at once.
    at_corners: dict[tuple[CurveKey, float, float], int] = {}
    name = 0
    for line, table in sorted(tables.items()):
        is_row = line < n_y
        s, other = (plane.u, plane.v) if is_row else (plane.v, plane.u)
        across = line if is_row else line - n_y
        at = float(other[across])
        events = table.events
        rows = zip(
            curve_keys(events, table.attached, itineraries),
            *(events[column].tolist() for column in ("outcome", "s", "residual")),
            strict=True,
        )
        for key, outcome, place, residual in rows:
            if outcome == _NONE:
                continue
            nearest = int(np.abs(s - place).argmin())
            edges: tuple[int, ...]
            if abs(s[nearest] - place) <= AT_CORNER:
                place = float(s[nearest])
                u, v = (place, at) if is_row else (at, place)
                if at_corners.setdefault((key, u, v), name) != name:
                    continue
                edges = (nearest - 1, nearest)
            else:
                u, v = (place, at) if is_row else (at, place)
                edges = (int(np.searchsorted(s, place)) - 1,)
            crossing = Crossing(u, v, residual, name)
            name += 1
            for edge in edges:
                for side in (across - 1, across):
                    if 0 <= side < len(other) - 1 and 0 <= edge < len(s) - 1:
                        cell = (edge, side) if is_row else (side, edge)
                        crossings[cell][key].append(crossing)
    u_edges, v_edges = list(pairwise(plane.u.tolist())), list(pairwise(plane.v.tolist()))
    return [
        Cell(
            (*u_edges[i], *v_edges[j]),
            {key: tuple(found) for key, found in sorted(crossings[i, j].items())},
        )
        for i, j in sorted(crossings)
    ]
