"""The continuation of smooth networks: searches at the models, curves between them, and gaps."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rnndyn._common.arrays import FloatArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import NEVER, Deadline, StopReason
from rnndyn.bifurcation.path._path import Path
from rnndyn.bifurcation.path._smooth import Follower
from rnndyn.bifurcation.path._smooth_chunks import SearchTask, sets_of
from rnndyn.bifurcation.path._smooth_join import Joined, join
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.cycles.result import CycleSet
from rnndyn.io._record import header_of, record_of
from rnndyn.scale_out import (
    ChunkStoppedError,
    Executor,
    Record,
    cut_into_chunks,
    fingerprint_of,
    run_chunks,
)

#: Models are searched in so many chunks at most, which do not depend on the number of threads.
_N_CHUNKS = 64


class SmoothTask(NamedTuple):
    """What to follow.

    Attributes
    ----------
    path : Path
    inputs : ndarray of float64, shape (K,), or None
        Constant input.
    orders : list of int
    method : {"search", "complete", "given"}
    found : dict of int to CycleSet
        What is known of some models. The others are searched, unless cycles are given.
    options : Options
    report : callable
        Called with the number of pieces done.
    executor, store
        Where models are searched, and where what was found is kept. Curves are followed in this
        process in any case: what one piece brings to a model the next one begins at.
    """

    path: Path
    inputs: FloatArray | None
    orders: list[int]
    method: str
    found: dict[int, CycleSet]
    options: Options
    report: Callable[[int, float], None]
    executor: Executor | None = None
    store: str | os.PathLike[str] | None = None


class SmoothFollowed(NamedTuple):
    """The branches and events of a whole path."""

    joined: Joined
    gaps: list[Gap]
    n_pieces_done: int
    stopped_by: StopReason
    searched_completely: bool


def follow_smooth(task: SmoothTask) -> SmoothFollowed:
    """Follow all pieces from the first on, then what later ones bring back to earlier ones."""
    n_pieces = len(task.path.models) - 1
    follower = Follower(
        task.path.models,
        task.inputs,
        max(task.orders),
        task.options.n_threads,
        task.options.deadline,
    )
    found = dict(task.found)
    n_done = 0
    stopped_by: StopReason = "finished"
    apart = task.executor is not None or task.store is not None
    if apart and task.method != "given":
        stopped_by = _search_elsewhere(task, found)
    search = _search_task(task, task.options.n_threads, task.options.deadline).search
    try:
        for node in range(n_pieces + 1):
            if node not in found and task.method != "given":
                if stopped_by != "finished":
                    follower.stopped_by = stopped_by
                    break
                found[node] = search(task.path.models[node])
                if not found[node].search.finished:
                    follower.stopped_by = found[node].search.stopped_by
                    break
            if node in found:
                follower.add_cycles(node, found[node])
            if node > 0:
                follower.run(node - 1)
                if follower.stopped_by != "finished":
                    break
                n_done = node
                task.report(n_done, 0.0)
        else:
            _carry_on(follower, n_pieces)
    except KeyboardInterrupt:
        follower.stopped_by = "interrupt"
    follower.drop(n_done)
    joined = join(follower)
    gaps = follower.gaps + joined.gaps
    gaps += _differences(follower, found, task.orders, n_done)
    gaps.sort(key=lambda gap: gap.s)
    complete = [found[node].search.complete for node in range(n_pieces + 1) if node in found]
    return SmoothFollowed(
        joined,
        gaps,
        n_done,
        follower.stopped_by,
        len(complete) == n_pieces + 1 and all(complete),
    )


def _search_elsewhere(task: SmoothTask, found: dict[int, CycleSet]) -> StopReason:
    """Search at the models of which nothing is known, on the executor, or from the store.

    What is found is added, up to a stop, whose reason is returned.
    """
    nodes = [node for node in range(len(task.path.models)) if node not in found]
    here = task.executor is None
    chunks = cut_into_chunks(nodes, _N_CHUNKS)
    n_threads = task.options.n_threads if here and len(chunks) == 1 else 1
    # The clock of this process means nothing elsewhere.
    function = _search_task(task, n_threads, task.options.deadline if here else NEVER)
    stopped_by: StopReason = "finished"

    def out_of_time() -> bool:
        nonlocal stopped_by
        if task.options.deadline():
            stopped_by = "time_limit"
        return stopped_by != "finished"

    def done(index: int, record: Record) -> None:
        found.update(zip(chunks[index], sets_of(record), strict=True))

    try:
        run_chunks(
            function,
            [[task.path.models[node] for node in numbers] for numbers in chunks],
            stage="searches",
            fingerprint="" if task.store is None else fingerprint_of(*_identity(task)),
            executor=task.executor,
            store=task.store,
            n_threads=task.options.n_threads,
            stop=out_of_time,
            done=done,
        )
    except ChunkStoppedError as stopped:
        stopped_by = stopped.args[0]
    except KeyboardInterrupt:
        stopped_by = "interrupt"
    return stopped_by


def _search_task(task: SmoothTask, n_threads: int, deadline: Deadline) -> SearchTask:
    return SearchTask(task.inputs, task.orders, task.method, task.options.seed, n_threads, deadline)


def _identity(task: SmoothTask) -> list[Any]:
    """Return what decides the results of all chunks."""
    records = [record_of(model, None) for model in task.path.models]
    models = [[header_of(record), dict(record.parameters)] for record in records]
    return ["smooth", models, task.inputs, task.orders, task.method, task.options.seed]


def _carry_on(follower: Follower, n_pieces: int) -> None:
    """Follow what a piece brings to a model that its neighbour has not followed yet."""
    again = True
    while again and follower.stopped_by == "finished":
        again = False
        for piece in range(n_pieces):
            again |= follower.run(piece)


def _differences(
    follower: Follower, found: dict[int, CycleSet], orders: Sequence[int], n_done: int
) -> list[Gap]:
    """Compare the models with what was searched, and with what their indices must sum up to."""
    gaps = [
        Gap(float(node), "a branch reaches this model, whose cycle a search did not find")
        for node, known in follower.unreached()
        if node in found and node <= n_done and len(known.points) in orders
    ]
    for node, cycles in found.items():
        if node > n_done or 1 not in orders or not all(c.certified for c in cycles):
            continue
        indices = [known.index for known in follower.known[node] if len(known.points) == 1]
        if all(indices) and sum(indices) != 1:
            reason = (
                f"the indices of the fixed points of this model sum up to {sum(indices)}, not 1: "
                "at least one is missing"
            )
            gaps.append(Gap(float(node), reason))
    return gaps
