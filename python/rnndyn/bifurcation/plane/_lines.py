"""Cycles along rows and columns of a grid: the chunks that are computed, and their tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._common.stopping import NEVER, Deadline
from rnndyn.bifurcation.path._columns import ATTACHED_TYPES, EVENT_TYPES
from rnndyn.bifurcation.path._starts import search
from rnndyn.bifurcation.plane._plane import Plane
from rnndyn.scale_out import (
    ChunkStoppedError,
    Record,
    pack_itineraries,
    raise_if_cancelled,
    unpack_itineraries,
)

_SEGMENT_TYPES: dict[str, Any] = {
    "itinerary": np.int64,
    "s_begin": np.float64,
    "s_end": np.float64,
    "begin_event": np.int64,
    "end_event": np.int64,
    "n_unstable_begin": np.int64,
    "n_unstable_end": np.int64,
}

_ITINERARY_COLUMNS = ("itinerary", "partner", "doubled")


@dataclass(frozen=True)
class PointTask:
    """Search at points of one row of the grid."""

    plane: Plane
    orders: tuple[int, ...]
    seed: int
    deadline: Deadline = NEVER

    def __call__(self, points: tuple[int, tuple[int, ...]]) -> Record:
        """Return what a search finds at the given columns of a row, packed."""
        row, columns = points
        itineraries: list[BoolArray] = []
        point: list[int] = []
        continuum: list[int] = []
        complete = []
        for column in columns:
            map_ = self.plane.map_at(float(self.plane.u[column]), float(self.plane.v[row]))
            left = self.deadline.seconds_left()
            found = search(map_, self.orders, self.seed, 1, left, raise_if_cancelled)
            if found.stopped_by != "finished":
                raise ChunkStoppedError(found.stopped_by)
            itineraries += found.itineraries
            point += [column] * len(found.itineraries)
            if found.continua:
                continuum.append(column)
            complete.append(found.complete)
        bits, orders = pack_itineraries(itineraries, self.plane.n_units)
        return {
            "bits": bits,
            "orders": orders,
            "point": np.array(point, dtype=np.int64),
            "continuum": np.array(continuum, dtype=np.int64),
            "complete": np.array(complete, dtype=np.bool_),
        }


class LineChunk(NamedTuple):
    """Lines of the grid, and the itineraries that each starts from."""

    lines: tuple[int, ...]
    starts: tuple[tuple[BoolArray, ...], ...]


@dataclass(frozen=True)
class LineTask:
    """Follow cycles along lines of the grid."""

    plane: Plane
    max_order: int
    listing: tuple[BoolArray, ...]
    deadline: Deadline = NEVER

    def __call__(self, chunk: LineChunk) -> Record:
        """Return segments, events and gaps of the lines in common tables."""
        raws = []
        for line, starts in zip(chunk.lines, chunk.starts, strict=True):
            start, end = self.plane.line(line)
            raw = _core.follow_cycles(
                start,
                end,
                [*self.listing, *starts],
                self.max_order,
                n_threads=1,
                observer=raise_if_cancelled,
                time_limit=self.deadline.seconds_left(),
            )
            if raw["stopped_by"] != "finished":
                raise ChunkStoppedError(raw["stopped_by"])
            raws.append(raw)
        return _line_record(chunk.lines, raws, self.plane.n_units)


class LineTable(NamedTuple):
    """Segments, events and gaps of one line, its itineraries by numbers of the whole plane.

    Attributes
    ----------
    segments, events : dict of str to ndarray
        The columns of the compiled core.
    attached : list of list of int
        For every event the cycles of larger order that are born there.
    gap_s : list of float
    gap_reasons : list of str
    gap_itineraries : list of (k, H) arrays
    """

    segments: Record
    events: Record
    attached: list[list[int]]
    gap_s: list[float]
    gap_reasons: list[str]
    gap_itineraries: list[BoolArray]


def line_tables(record: Record, number_of: Any) -> dict[int, LineTable]:
    """Return the tables of the lines of a record; `number_of` numbers an itinerary."""
    own = unpack_itineraries(record["bits"], record["orders"])
    # The last entry stands for "none", which is -1 in the record.
    numbers = np.array([*map(number_of, own), -1], dtype=np.int64)
    gaps = unpack_itineraries(record["gap_bits"], record["gap_orders"])
    tables = {}
    for line in record["lines"].tolist():
        segments = _of_line(record, "segment_", _SEGMENT_TYPES, line)
        events = _of_line(record, "event_", EVENT_TYPES, line)
        segments["itinerary"] = numbers[segments["itinerary"]]
        for name in _ITINERARY_COLUMNS:
            events[name] = numbers[events[name]]
        here = np.flatnonzero(record["gap_line"] == line).tolist()
        own_attached = _of_line(record, "attached_", ATTACHED_TYPES, line)
        own_attached["itinerary"] = numbers[own_attached["itinerary"]]
        tables[line] = LineTable(
            segments,
            events,
            attached_to(own_attached, len(events["s"])),
            record["gap_s"][here].tolist(),
            record["gap_reason"][here].tolist(),
            [gaps[i] for i in here],
        )
    return tables


def attached_to(columns: dict[str, Any], n_events: int) -> list[list[int]]:
    """Return the itineraries attached to each event."""
    attached: list[list[int]] = [[] for _ in range(n_events)]
    for event, number in zip(columns["event"].tolist(), columns["itinerary"].tolist(), strict=True):
        attached[event].append(number)
    return attached


def _line_record(lines: Sequence[int], raws: Sequence[dict[str, Any]], n_units: int) -> Record:
    itineraries: list[BoolArray] = []
    gap_itineraries: list[BoolArray] = []
    columns: dict[str, list[Any]] = {"gap_line": [], "gap_s": [], "gap_reason": []}
    for line, raw in zip(lines, raws, strict=True):
        shift = len(itineraries)
        itineraries += raw["itineraries"]
        for prefix, table, types in (
            ("segment_", raw["segments"], _SEGMENT_TYPES),
            ("event_", raw["events"], EVENT_TYPES),
            ("attached_", raw["attached"], ATTACHED_TYPES),
        ):
            for name, dtype in types.items():
                column = np.asarray(table[name]).astype(dtype)
                if name in _ITINERARY_COLUMNS:
                    column = np.where(column >= 0, column + shift, -1)
                columns.setdefault(prefix + name, []).append(column)
            length = len(next(iter(table.values())))
            columns.setdefault(f"{prefix}line", []).append(np.full(length, line, dtype=np.int64))
        for gap in raw["gaps"]:
            columns["gap_line"].append(line)
            columns["gap_s"].append(float(gap["s"]))
            columns["gap_reason"].append(str(gap["reason"]))
            gap_itineraries.append(gap["itinerary"])
    record: Record = {
        name: np.concatenate(parts) for name, parts in columns.items() if not name.startswith("gap")
    }
    record["bits"], record["orders"] = pack_itineraries(itineraries, n_units)
    record["gap_bits"], record["gap_orders"] = pack_itineraries(gap_itineraries, n_units)
    record["gap_line"] = np.array(columns["gap_line"], dtype=np.int64)
    record["gap_s"] = np.array(columns["gap_s"], dtype=np.float64)
    record["gap_reason"] = np.array(columns["gap_reason"], dtype=np.str_)
    record["lines"] = np.array(lines, dtype=np.int64)
    return record


def _of_line(record: Record, prefix: str, types: dict[str, Any], line: int) -> Record:
    here = record[f"{prefix}line"] == line
    return {name: record[prefix + name][here] for name in types}
