"""Consecutive models and pieces of a path as chunks of work, and their results as arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, IntArray
from rnndyn._common.stopping import NEVER, Deadline
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._starts import Found, listed, search
from rnndyn.scale_out import (
    ChunkStoppedError,
    Record,
    pack_itineraries,
    raise_if_cancelled,
    unpack_itineraries,
)


class Watch:
    """Time limit and progress of chunks that run in this process; others run unwatched.

    Parameters
    ----------
    deadline : Deadline
        When the time is up.
    report : callable or None
        Called with the number of pieces done, and the share that is done of the next one. None
        where several threads run chunks: meters are called from one thread only.
    """

    def __init__(
        self,
        deadline: Deadline = NEVER,
        report: Callable[[int, float], None] | None = None,
    ) -> None:
        self._deadline = deadline
        self._report = report

    def seconds_left(self) -> float | None:
        """Return what the compiled core takes as its time limit."""
        return self._deadline.seconds_left()

    def observe(self, j: int, n_analysed: int, n_known: int) -> None:
        """Be told by the compiled core how far piece j is."""
        raise_if_cancelled()
        if self._report is not None:
            self._report(j, n_analysed / max(n_known, 1))


UNWATCHED = Watch()


class Pieces(NamedTuple):
    """Some consecutive straight pieces.

    Attributes
    ----------
    first : int
        Number of the first piece.
    maps : list of CanonicalMap
        The models at their ends, one more than pieces.
    masks : list of (H,) bool arrays
        The units that act on the state somewhere on a piece.
    starts : list of list of (k, H) bool arrays, or None
        The itineraries that each piece starts from; None for all there are.
    """

    first: int
    maps: Sequence[CanonicalMap]
    masks: Sequence[BoolArray]
    starts: Sequence[Sequence[BoolArray]] | None


@dataclass(frozen=True)
class ModelTask:
    """Searches for the cycles of some models; returns what `found_at` unpacks.

    Raises `ChunkStoppedError` if a search was stopped; the argument says by what.
    """

    orders: Sequence[int]
    seed: int
    n_threads: int = 1
    watch: Watch = UNWATCHED

    def __call__(self, maps: Sequence[CanonicalMap]) -> Record:
        """Search some models."""
        found = []
        for map_ in maps:
            left = self.watch.seconds_left()
            result = search(map_, self.orders, self.seed, self.n_threads, left, raise_if_cancelled)
            if result.stopped_by != "finished":
                raise ChunkStoppedError(result.stopped_by)
            found.append(result)
        n_units = maps[0].n_units
        on_border = [flag for result in found for flag in result.on_border]
        record: Record = {
            "complete": np.array([result.complete for result in found]),
            "on_border": np.array(on_border, np.bool_),
        }
        _pack(record, "itineraries", [result.itineraries for result in found], n_units)
        _pack(record, "continua", [result.continua for result in found], n_units)
        return record


def found_at(record: Record) -> list[Found]:
    """Unpack what `ModelTask` returned."""
    rows = zip(
        _unpack(record, "itineraries"),
        _parts(record["n_itineraries"]),
        _unpack(record, "continua"),
        record["complete"].tolist(),
        strict=True,
    )
    return [
        Found(own, record["on_border"][part].tolist(), continua, complete, "finished")
        for own, part, continua, complete in rows
    ]


class Listing:
    """Every itinerary of some orders, made once for each mask of units.

    Pickled, it is empty again: a list may be larger than everything else that a chunk is sent.
    """

    def __init__(self, orders: Sequence[int]) -> None:
        self._orders = orders
        self._lists: dict[bytes, list[BoolArray]] = {}

    def of(self, mask: BoolArray) -> list[BoolArray]:
        """Return the itineraries of units of the mask (see `listed`)."""
        identity = mask.tobytes()
        if identity not in self._lists:
            self._lists[identity] = listed(mask, self._orders)
        return self._lists[identity]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._orders,)


@dataclass(frozen=True)
class PieceTask:
    """Follows the cycles over some pieces; returns what `followed_pieces` unpacks.

    Raises `ChunkStoppedError` if it was stopped; the argument says by what.
    """

    listing: Listing
    max_order: int
    n_threads: int = 1
    watch: Watch = UNWATCHED

    def __call__(self, pieces: Pieces) -> Record:
        """Follow some pieces."""
        raws = []
        for number, mask in enumerate(pieces.masks):
            starts = self.listing.of(mask) if pieces.starts is None else pieces.starts[number]
            map0, map1 = pieces.maps[number : number + 2]
            raws.append(self.piece(map0, map1, starts, pieces.first + number))
        record: Record = {}
        for name, value in raws[0].items():
            if isinstance(value, dict):
                lengths = [len(next(iter(raw[name].values()))) for raw in raws]
                record[f"n_{name}"] = np.array(lengths)
                for column in value:
                    record[f"{name}.{column}"] = np.concatenate([raw[name][column] for raw in raws])
        n_units = pieces.maps[0].n_units
        gaps = [raw["gaps"] for raw in raws]
        _pack(record, "itineraries", [raw["itineraries"] for raw in raws], n_units)
        _pack(record, "gaps", [[gap["itinerary"] for gap in own] for own in gaps], n_units)
        record["gaps.s"] = np.array([gap["s"] for own in gaps for gap in own], np.float64)
        record["gaps.reason"] = np.array([gap["reason"] for own in gaps for gap in own], np.str_)
        return record

    def piece(
        self, map0: CanonicalMap, map1: CanonicalMap, starts: Sequence[BoolArray], number: int
    ) -> dict[str, Any]:
        """Follow the cycles over one piece and return the record of the compiled core."""
        raw = _core.follow_cycles(
            map0,
            map1,
            list(starts),
            self.max_order,
            n_threads=self.n_threads,
            observer=partial(self.watch.observe, number),
            time_limit=self.watch.seconds_left(),
        )
        if raw["stopped_by"] != "finished":
            raise ChunkStoppedError(raw["stopped_by"])
        return raw


def followed_pieces(record: Record) -> list[dict[str, Any]]:
    """Unpack what `PieceTask` returned, as the compiled core gave it for each piece."""
    raws: list[dict[str, Any]] = [{"itineraries": own} for own in _unpack(record, "itineraries")]
    columns: dict[str, list[str]] = {}
    for name in record:
        group, dot, _ = name.partition(".")
        if dot and group not in ("itineraries", "gaps"):
            columns.setdefault(group, []).append(name)
    for group, names in columns.items():
        for raw, part in zip(raws, _parts(record[f"n_{group}"]), strict=True):
            raw[group] = {name.partition(".")[2]: record[name][part] for name in names}
    bits = _unpack(record, "gaps")
    for raw, own, part in zip(raws, bits, _parts(record["n_gaps"]), strict=True):
        places, reasons = record["gaps.s"][part].tolist(), record["gaps.reason"][part].tolist()
        raw["gaps"] = [
            {"s": s, "reason": reason, "itinerary": itinerary}
            for s, reason, itinerary in zip(places, reasons, own, strict=True)
        ]
    return raws


def _pack(record: Record, name: str, lists: Sequence[Sequence[BoolArray]], n_units: int) -> None:
    """Add several lists of itineraries to a record."""
    bits, orders = pack_itineraries([bits for own in lists for bits in own], n_units)
    record[f"n_{name}"] = np.array([len(own) for own in lists])
    record[f"{name}.orders"] = orders
    record[f"{name}.bits"] = bits


def _unpack(record: Record, name: str) -> list[list[BoolArray]]:
    flat = unpack_itineraries(record[f"{name}.bits"], record[f"{name}.orders"])
    return [flat[part] for part in _parts(record[f"n_{name}"])]


def _parts(counts: IntArray) -> list[slice]:
    """Return where parts of these lengths are in what they make up together."""
    return [slice(*ends) for ends in pairwise(accumulate(counts.tolist(), initial=0))]
