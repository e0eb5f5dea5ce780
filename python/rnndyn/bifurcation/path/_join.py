"""Join the straight pieces of a path at its models."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._columns import (
    BRANCH_TYPES,
    PERSISTENCE,
    Columns,
)
from rnndyn.bifurcation.path._node import Node, Strand
from rnndyn.bifurcation.path._piece import Piece
from rnndyn.bifurcation.path._record import Record
from rnndyn.bifurcation.path.gap import Gap


class Joined(NamedTuple):
    """Branches and events of the whole path, and what does not fit at its models."""

    itineraries: list[BoolArray]
    branches: Columns
    events: Columns
    attached: Columns
    gaps: list[Gap]


def join(pieces: Sequence[Piece], maps: Sequence[CanonicalMap]) -> Joined:
    """Join what reaches a common node of two pieces: to one branch, or by one event."""
    record = Record([piece.raw for piece in pieces])
    gaps: list[Gap] = []
    strands: list[Strand] = []
    waiting: list[Strand] = []  # those that reach the end of the last piece
    for j, piece in enumerate(pieces):
        gaps += [
            Gap(j + float(g["s"]), str(g["reason"]), g["itinerary"]) for g in piece.raw["gaps"]
        ]
        fresh = _strands(piece, j, record)
        strands += fresh
        if j > 0:
            here = [strand for strand in fresh if strand.s_begin == j]
            if waiting or here:
                node = Node(j, pieces[j - 1 : j + 1], maps[j - 1 : j + 2], record)
                gaps += node.join(waiting, here)
        # A strand that goes on is the one it was before the node.
        waiting = [strand for strand in _unmerged(fresh) if strand.s_end == j + 1]
    alive = [strand for strand in strands if strand.merged_into is None and not strand.dropped]
    branches: Columns = {
        name: np.array([getattr(strand, name) for strand in alive], dtype)
        for name, dtype in BRANCH_TYPES.items()
        if name != "lineage"
    }
    for name in ("begin_event", "end_event"):
        branches[name] = record.current(branches[name])
    events, attached, place = record.columns()
    for name in ("begin_event", "end_event"):
        branches[name] = place[branches[name]]
    by_begin = np.argsort(branches["s_begin"], kind="stable")
    branches = {name: column[by_begin] for name, column in branches.items()}
    branches["lineage"] = _lineages(branches, events)
    return Joined(record.itineraries, branches, events, attached, gaps)


def _unmerged(strands: Sequence[Strand]) -> list[Strand]:
    """Return what the strands have become, without those that were dropped."""
    return [strand.merged_into or strand for strand in strands if not strand.dropped]


def _strands(piece: Piece, j: int, record: Record) -> list[Strand]:
    """Return the segments of piece j, their events as numbers of the whole record."""
    columns = {name: column.tolist() for name, column in piece.raw["segments"].items()}
    rows = zip(*(columns[name] for name in Strand.columns), strict=True)
    first = record.first_event[j]
    bits = piece.raw["itineraries"]
    numbers = record.numbers[j]
    return [
        Strand(
            bits[local],
            numbers[local],
            j + s_begin,
            j + s_end,
            begin_event + first if begin_event >= 0 else -1,
            end_event + first if end_event >= 0 else -1,
            n_begin,
            n_end,
        )
        for local, s_begin, s_end, begin_event, end_event, n_begin, n_end in rows
    ]


def _lineages(branches: Columns, events: Columns) -> np.ndarray[Any, Any]:
    """Number the cycles that go on from branch to branch through persistence."""
    n = len(branches["itinerary"])
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[int, int] = {}
    persistent = events["outcome"] == PERSISTENCE
    for name in ("begin_event", "end_event"):
        for number, event in enumerate(branches[name].tolist()):
            # Cycles of other orders that meet at the event do not go on as one another.
            if event < 0 or not persistent[event]:
                continue
            if branches["itinerary"][number] not in (
                events["itinerary"][event],
                events["partner"][event],
            ):
                continue
            a, b = root(first.setdefault(event, number)), root(number)
            parent[max(a, b)] = min(a, b)
    names: dict[int, int] = {}
    return np.array([names.setdefault(root(i), len(names)) for i in range(n)], dtype=np.int64)
