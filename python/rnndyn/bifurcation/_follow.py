"""Follow the cycles over every straight piece of a path, and join the pieces at the models."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from rnndyn import _core
from rnndyn._arrays import BoolArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation._columns import Columns
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._join import differences, join
from rnndyn.bifurcation._piece import Piece, reaching
from rnndyn.bifurcation._run import StopReason
from rnndyn.bifurcation._starts import Found, UnitUse, key_of, listed, search


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
    time_limit : float or None
    report : callable
        Called with the number of pieces done, and the share that is done of the next one.
    """

    maps: list[CanonicalMap]
    orders: list[int]
    method: str
    given: list[BoolArray]
    found: dict[int, Found]
    seed: int
    n_threads: int
    time_limit: float | None
    report: Callable[[int, float], None]


class Followed(NamedTuple):
    """The branches and events of a whole path."""

    itineraries: list[BoolArray]
    branches: Columns
    events: Columns
    gaps: list[Gap]
    n_pieces_done: int
    stopped_by: StopReason
    searched_completely: bool


def follow(task: Task) -> Followed:
    """Follow all pieces, join them, and compare them with what is known at the nodes."""
    runner = _Runner(task)
    pieces = runner.run()
    joined = join(pieces)
    gaps = joined.gaps + differences(pieces, task.maps, task.orders, runner.found)
    gaps.sort(key=lambda gap: gap.s)
    known = [runner.found.get(node) for node in range(len(pieces) + 1)]
    return Followed(
        joined.itineraries,
        joined.branches,
        joined.events,
        gaps,
        len(pieces),
        runner.stopped_by,
        all(entry is not None and entry.complete for entry in known),
    )


class _Runner:
    """Runs the searches at the nodes and the core over the pieces, on several threads."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._deadline = None if task.time_limit is None else time.monotonic() + task.time_limit
        self.found = dict(task.found)
        # Meters are called from the thread that called the computation only.
        self._parallel = task.n_threads > 1 and len(task.maps) > 2
        self._cancelled = threading.Event()
        self._listed: dict[bytes, list[BoolArray]] = {}
        self.stopped_by: StopReason = "finished"

    def run(self) -> list[Piece]:
        """Return the pieces from the first on, all of them unless it was stopped."""
        task = self._task
        n_pieces = len(task.maps) - 1
        if task.method != "given":
            nodes = [node for node in range(n_pieces + 1) if node not in self.found]
            results = self._in_order([partial(self._search, node) for node in nodes])
            self.found |= dict(zip(nodes, results, strict=False))
        uses = [UnitUse.of(map_) for map_ in task.maps]
        masks = [(a | b).relevant for a, b in pairwise(uses)]
        pieces: list[Piece] = []

        def done(piece: Piece) -> None:
            pieces.append(piece)
            task.report(len(pieces), 0.0)

        self._in_order(
            [partial(self._follow, j, masks[j], {}) for j in range(n_pieces)],
            done,
        )
        self._carry_on(pieces)
        return pieces

    def _carry_on(self, pieces: list[Piece]) -> None:
        """Follow a piece again where a neighbour knows cycles of their common node that it lacks.

        A search may miss a cycle at a node which a branch of the piece before or after reaches.
        """
        extra: list[dict[bytes, BoolArray]] = [{} for _ in pieces]
        waiting = set(range(len(pieces)))
        while waiting and self.stopped_by == "finished":
            j = min(waiting)
            waiting.discard(j)
            known = set(pieces[j].keys) | extra[j].keys()
            fresh: dict[bytes, BoolArray] = {}
            for other, end in ((j - 1, "end"), (j + 1, "begin")):
                if not 0 <= other < len(pieces):
                    continue
                for index in reaching(pieces[other], end):
                    itinerary = pieces[other].raw["itineraries"][index] & pieces[j].mask
                    key = key_of(itinerary, pieces[j].mask)
                    if key not in known:
                        fresh[key] = itinerary
            if not fresh:
                continue
            extra[j] |= fresh
            again = self._follow(j, pieces[j].mask, extra[j], self._task.n_threads)
            if again.raw["stopped_by"] != "finished":
                # The piece stays as it was; what it lacks at its ends shows as gaps.
                self.stopped_by = again.raw["stopped_by"]
                break
            pieces[j] = again
            waiting |= {other for other in (j - 1, j + 1) if 0 <= other < len(pieces)}

    def _in_order(
        self,
        calls: Sequence[Callable[[int], Any]],
        done: Callable[[Any], None] | None = None,
    ) -> list[Any]:
        """Make the calls, each with its number of threads; return the results up to a stop."""
        results: list[Any] = []

        def take(result: Any) -> bool:
            # What stops early is left out, so that all results are of finished pieces.
            stopped = result.raw["stopped_by"] if isinstance(result, Piece) else result.stopped_by
            if stopped != "finished":
                self.stopped_by = stopped
                return False
            results.append(result)
            if done is not None:
                done(result)
            return True

        if self.stopped_by != "finished":
            return results
        n_threads = self._task.n_threads
        if len(calls) == 1 or n_threads == 1:
            try:
                for call in calls:
                    if self._out_of_time() or not take(call(n_threads)):
                        break
            except KeyboardInterrupt:
                self.stopped_by = "interrupt"
            return results
        pool = ThreadPoolExecutor(min(n_threads, len(calls)))
        futures: list[Future[Any]] = [pool.submit(call, 1) for call in calls]
        try:
            for future in futures:
                if self._out_of_time() or not take(future.result()):
                    break
        except KeyboardInterrupt:
            self.stopped_by = "interrupt"
        finally:
            self._cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self._cancelled.clear()
        return results

    def _out_of_time(self) -> bool:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.stopped_by = "time_limit"
        return self.stopped_by != "finished"

    def _seconds_left(self) -> float | None:
        if self._deadline is None:
            return None
        return max(self._deadline - time.monotonic(), 1e-3)

    def _search(self, node: int, n_threads: int) -> Found:
        task = self._task
        return search(
            task.maps[node],
            task.orders,
            task.seed,
            n_threads,
            self._seconds_left(),
            self._stop_if_cancelled,
        )

    def _starts(self, j: int, mask: BoolArray) -> list[BoolArray]:
        """Return the itineraries that piece j starts from; some may be there more than once."""
        task = self._task
        if task.method == "exhaustive":
            identity = mask.tobytes()
            if identity not in self._listed:
                self._listed[identity] = listed(mask, task.orders)
            return self._listed[identity]
        members = list(task.given)
        for node in (j, j + 1):
            if node in self.found:
                members += self.found[node].itineraries
        return members

    def _follow(
        self, j: int, mask: BoolArray, extra: dict[bytes, BoolArray], n_threads: int
    ) -> Piece:
        maps = self._task.maps
        raw = _core.follow_cycles(
            maps[j],
            maps[j + 1],
            [*self._starts(j, mask), *extra.values()],
            max(self._task.orders),
            n_threads=n_threads,
            observer=partial(self._observe, j),
            time_limit=self._seconds_left(),
        )
        return Piece(raw, mask, [key_of(bits, mask) for bits in raw["itineraries"]])

    def _observe(self, j: int, n_analysed: int, n_known: int) -> None:
        self._stop_if_cancelled()
        if not self._parallel:
            self._task.report(j, n_analysed / max(n_known, 1))

    def _stop_if_cancelled(self, *_: object) -> None:
        # Ctrl-C reaches the main thread only; the core takes this for its own.
        if self._cancelled.is_set():
            raise KeyboardInterrupt
