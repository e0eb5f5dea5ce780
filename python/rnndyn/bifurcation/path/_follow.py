"""Follow the cycles over every straight piece of a path, and join the pieces at the models."""

import heapq
import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from rnndyn._common.arrays import BoolArray
from rnndyn._common.stopping import Deadline, StopReason
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._chunks import (
    UNWATCHED,
    Listing,
    ModelTask,
    Pieces,
    PieceTask,
    Watch,
    followed_pieces,
    found_at,
)
from rnndyn.bifurcation.path._columns import Columns
from rnndyn.bifurcation.path._differences import differences
from rnndyn.bifurcation.path._join import join
from rnndyn.bifurcation.path._piece import Piece, reaching
from rnndyn.bifurcation.path._starts import Found, UnitUse, key_of
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.scale_out import (
    ChunkStoppedError,
    Executor,
    Record,
    cut_into_chunks,
    fingerprint_of,
    run_chunks,
)

#: At most so many chunks: each is a file, and a stop loses those that are not finished.
_N_CHUNKS = 64


class Task(NamedTuple):
    """What to follow.

    Attributes
    ----------
    maps : list of CanonicalMap
        The nodes of the path.
    orders : list of int
    method : {"exhaustive", "search", "given"}
    given : list of (k, H) arrays
        The starts of method ``given``.
    found : dict of int to Found
        What is already known of some nodes. The other nodes are searched, unless cycles are given.
    seed : int
    n_threads : int
    deadline : Deadline
    report : callable
        Called with the number of pieces done, and the share that is done of the next one.
    executor : Executor or None
        Where to search and follow; None for threads of this process.
    store : path-like or None
        Where finished chunks are kept.
    """

    maps: list[CanonicalMap]
    orders: list[int]
    method: str
    given: list[BoolArray]
    found: dict[int, Found]
    seed: int
    n_threads: int
    deadline: Deadline
    report: Callable[[int, float], None]
    executor: Executor | None = None
    store: str | os.PathLike[str] | None = None


class Followed(NamedTuple):
    """The branches and events of a whole path."""

    itineraries: list[BoolArray]
    branches: Columns
    events: Columns
    attached: Columns
    gaps: list[Gap]
    n_pieces_done: int
    stopped_by: StopReason
    searched_completely: bool


def follow(task: Task) -> Followed:
    """Follow all pieces, join them, and compare them with what is known at the nodes."""
    runner = _Runner(task)
    pieces = runner.run()
    joined = join(pieces, task.maps)
    gaps = joined.gaps + differences(pieces, task.maps, task.orders, runner.found)
    gaps.sort(key=lambda gap: gap.s)
    known = [runner.found.get(node) for node in range(len(pieces) + 1)]
    return Followed(
        joined.itineraries,
        joined.branches,
        joined.events,
        joined.attached,
        gaps,
        len(pieces),
        runner.stopped_by,
        all(entry is not None and entry.complete for entry in known),
    )


class _Runner:
    """Runs the searches at the nodes and the core over the pieces, in chunks."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.found = dict(task.found)
        # The share that is done of each piece; threads write to it, the caller's thread shows it.
        self._shares: dict[int, float] = {}
        self._n_first = 0  # pieces of the first part, which an interrupt keeps
        self._here = task.executor is None
        self._listing = Listing(task.orders)
        self.stopped_by: StopReason = "finished"

    def run(self) -> list[Piece]:
        """Return the pieces from the first on, all of them unless it was stopped."""
        if self._task.method != "given":
            self._search()
        if self.stopped_by != "finished":
            return []
        pieces = self._follow()
        self._carry_on(pieces)
        return pieces

    def _search(self) -> None:
        """Search at the nodes of which nothing is known."""
        task = self._task
        nodes = [node for node in range(len(task.maps)) if node not in self.found]
        chunks = cut_into_chunks([task.maps[node] for node in nodes], _N_CHUNKS)
        function = ModelTask(
            task.orders, task.seed, self._threads_of_a_chunk(chunks), self._watch(None)
        )
        records = self._in_chunks(function, chunks, "searches", ["searches", *self._identity()])
        results = [found for record in records for found in found_at(record)]
        self.found |= dict(zip(nodes, results, strict=False))

    def _follow(self) -> list[Piece]:
        """Follow the cycles over all pieces."""
        task = self._task
        uses = [UnitUse.of(map_) for map_ in task.maps]
        masks = [(a | b).relevant for a, b in pairwise(uses)]
        chunks = [
            Pieces(
                numbers[0],
                task.maps[numbers[0] : numbers[-1] + 2],
                masks[numbers[0] : numbers[-1] + 1],
                None if task.method == "exhaustive" else [self._starts(j) for j in numbers],
            )
            for numbers in cut_into_chunks(range(len(masks)), _N_CHUNKS)
        ]
        n_threads = self._threads_of_a_chunk(chunks)
        # Meters are called from the thread that called the computation only.
        alone = task.n_threads == 1 or len(chunks) == 1

        def note(j: int, share: float) -> None:
            if alone:
                task.report(j, share)
            else:
                self._shares[j] = share

        function = self._piece_task(n_threads, self._watch(note))
        known = {str(node): found.itineraries for node, found in self.found.items()}
        records = self._in_chunks(
            function,
            chunks,
            "pieces",
            ["pieces", *self._identity(), task.method, task.given, known],
            [len(chunk.masks) for chunk in chunks],
        )
        raws = [raw for record in records for raw in followed_pieces(record)]
        return [_piece(raw, mask) for raw, mask in zip(raws, masks, strict=False)]

    def _carry_on(self, pieces: list[Piece]) -> None:
        """Follow a piece again where a neighbour knows cycles of their common node that it lacks.

        A search may miss a cycle at a node which a branch of the piece before or after reaches.
        """
        task = self._task
        again = self._piece_task(task.n_threads, Watch(task.deadline, task.report))
        extra: list[dict[bytes, BoolArray]] = [{} for _ in pieces]
        # From left to right, a heap: what is followed again goes back to its neighbours.
        waiting = list(range(len(pieces)))
        while waiting and self.stopped_by == "finished":
            j = heapq.heappop(waiting)
            mask = pieces[j].mask
            known = set(pieces[j].keys) | extra[j].keys()
            fresh: dict[bytes, BoolArray] = {}
            for other, end in ((j - 1, "end"), (j + 1, "begin")):
                if not 0 <= other < len(pieces):
                    continue
                for index in reaching(pieces[other], end, with_events=True):
                    itinerary = pieces[other].raw["itineraries"][index] & mask
                    key = key_of(itinerary, mask)
                    if key not in known:
                        fresh[key] = itinerary
            if not fresh:
                continue
            extra[j] |= fresh
            starts = self._listing.of(mask) if task.method == "exhaustive" else self._starts(j)
            try:
                raw = again.piece(task.maps[j], task.maps[j + 1], [*starts, *extra[j].values()], j)
            except ChunkStoppedError as stopped:
                # The piece stays as it was; what it lacks at its ends shows as gaps.
                self.stopped_by = stopped.args[0]
                break
            pieces[j] = _piece(raw, mask)
            for other in (j - 1, j + 1):
                if 0 <= other < len(pieces) and other not in waiting:
                    heapq.heappush(waiting, other)

    def _in_chunks(
        self,
        function: Callable[[Any], Record],
        chunks: Sequence[Any],
        stage: str,
        identity: list[Any],
        sizes: Sequence[int] = (),
    ) -> list[Record]:
        """Return the results of the chunks up to a stop; report the pieces done, if any."""
        task = self._task
        finished: dict[int, Record] = {}
        first_part: list[Record] = []

        def done(index: int, record: Record) -> None:
            finished[index] = record
            if sizes:
                first = sum(sizes[:index])
                self._shares |= dict.fromkeys(range(first, first + sizes[index]), 1.0)
            while len(first_part) in finished:
                first_part.append(finished[len(first_part)])
                if sizes:
                    self._n_first = sum(sizes[: len(first_part)])
                    self._show()

        try:
            run_chunks(
                function,
                chunks,
                executor=task.executor,
                store=task.store,
                stage=stage,
                fingerprint="" if task.store is None else fingerprint_of(*identity),
                n_threads=task.n_threads,
                stop=self._out_of_time,
                done=done,
            )
        except ChunkStoppedError as stopped:
            self.stopped_by = stopped.args[0]
        except KeyboardInterrupt:
            self.stopped_by = "interrupt"
        return first_part

    def _piece_task(self, n_threads: int, watch: Watch) -> PieceTask:
        return PieceTask(self._listing, max(self._task.orders), n_threads, watch)

    def _identity(self) -> list[Any]:
        """Return what decides the results of all chunks."""
        return [self._task.maps, self._task.orders, self._task.seed]

    def _threads_of_a_chunk(self, chunks: Sequence[Any]) -> int:
        return self._task.n_threads if self._here and len(chunks) == 1 else 1

    def _watch(self, report: Callable[[int, float], None] | None) -> Watch:
        # Clocks and meters of this process mean nothing elsewhere.
        return Watch(self._task.deadline, report) if self._here else UNWATCHED

    def _show(self) -> None:
        # A copy, since other threads add to it.
        rest = sum(share for j, share in dict(self._shares).items() if j >= self._n_first)
        self._task.report(self._n_first, rest)

    def _out_of_time(self) -> bool:
        # Asked from the thread that called the computation, again and again.
        if self._shares:
            self._show()
        if self._task.deadline():
            self.stopped_by = "time_limit"
        return self.stopped_by != "finished"

    def _starts(self, j: int) -> list[BoolArray]:
        """Return the itineraries that piece j starts from; some may be there more than once."""
        members = list(self._task.given)
        for node in (j, j + 1):
            if node in self.found:
                members += self.found[node].itineraries
        return members


def _piece(raw: dict[str, Any], mask: BoolArray) -> Piece:
    return Piece(raw, mask, [key_of(bits, mask) for bits in raw["itineraries"]])
