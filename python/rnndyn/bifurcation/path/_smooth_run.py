"""The continuation of smooth networks: searches at the models, curves between them, and gaps."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rnndyn._common.arrays import FloatArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import StopReason
from rnndyn.bifurcation.path._path import Path
from rnndyn.bifurcation.path._smooth import Follower
from rnndyn.bifurcation.path._smooth_join import Joined, join
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.cycles.by_input import only_set
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.search import find_cycles


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
    """

    path: Path
    inputs: FloatArray | None
    orders: list[int]
    method: str
    found: dict[int, CycleSet]
    options: Options
    report: Callable[[int, float], None]


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
    try:
        for node in range(n_pieces + 1):
            if node not in found and task.method != "given":
                found[node] = _search(task, node)
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


def _search(task: SmoothTask, node: int) -> CycleSet:
    return only_set(
        find_cycles(
            task.path.models[node],
            orders=task.orders,
            inputs=task.inputs,
            method=task.method,
            seed=task.options.seed,
            n_threads=task.options.n_threads,
            time_limit=task.options.deadline.seconds_left(),
            progress=False,
        )
    )


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
