"""Boundaries between basins of attraction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.progress import ProgressMeter
from rnndyn._common.stopping import StopReason
from rnndyn._core import CanonicalMap
from rnndyn.basins_of_attraction._fates import Fates
from rnndyn.basins_of_attraction._neighbourhoods import bordering_units
from rnndyn.basins_of_attraction._settled import settled_cycle
from rnndyn.basins_of_attraction.following import escape_radius_of
from rnndyn.basins_of_attraction.result import NOT_REACHED, UNDECIDED
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.manifolds._arguments import Limits, check_limits, checked_cycles
from rnndyn.manifolds._outcome import Outcome
from rnndyn.manifolds._resume import check_resume
from rnndyn.manifolds.branches import fates_of_segment
from rnndyn.manifolds.gate import Gate
from rnndyn.manifolds.invariant import grown
from rnndyn.manifolds.pieces import Pieces, joined, parts_of
from rnndyn.manifolds.progress import ManifoldProgress
from rnndyn.manifolds.result import BasinBoundary
from rnndyn.manifolds.tree import TreeState
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._units import in_units, size_of

#: How far from a gate orbits begin, in units of how far its branches go straight on.
_NEAR = 1e-2
#: And in units of the error of the cycle, at least: closer, rounding chooses the side.
_TOLD_APART = 16.0
_ROUNDS = 2_000
#: By what the direction of a branch still changes when it is known.
_SETTLED = 1e-9
#: Where on a side that is undecided orbits begin that may show an attractor nobody named, and how
#: many steps they have to settle.
_PLACES = (0.05, 0.35, 0.65, 0.95)
_SETTLING = 4_000
_N_ORBITS = 32


def basin_boundary(
    cycles: CycleSet,
    *,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    depth: int = 20,
    max_pieces: int = 10_000,
    resume: BasinBoundary | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> BasinBoundary:
    """Compute the boundaries between the basins of attraction of the stable cycles.

    Parameters
    ----------
    cycles : CycleSet
        The cycles of a piecewise linear network, such as those that `rnndyn.find_cycles` returns:
        its stable ones are the attractors, and those with one expanding direction the gates
        between them. Stable cycles that orbits from a gate go to are added.
    box : float or (lower, upper), optional
        The box that orbits stay in on their way to a gate: a number R for ``|z_i| <= R``, or two
        bounds, each a number or an array of shape (M,). Default: all of R^M, as for
        `rnndyn.manifold`.
    depth : int
        Steps away from the gates.
    max_pieces : int
        Stop at this number of pieces of one gate.
    resume : BasinBoundary, optional
        Go on with one that was stopped, or that reached its depth or number of pieces: what that
        call returned, for the same cycles and box, and with a `depth` and `max_pieces` no smaller
        than then. The pieces are those of a run that was not stopped, bit for bit.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what was found.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the states that ``BasinBoundary.sample`` draws. The pieces do not depend on it.

    Returns
    -------
    BasinBoundary
        After Ctrl-C or when the time limit is reached, what was found; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.manifold : The stable manifold of one cycle.
    rnndyn.plot.basin_boundary : Draw it.

    Notes
    -----
    The stable manifold of a saddle with one expanding direction has two sides. The two branches of
    its unstable manifold are followed to their attractors, all of them, as chains of segments;
    where these differ, all of the stable manifold is part of the boundary between their basins,
    because its pieces are preimages of the part at the saddle.

    A gate that is not among the cycles, such as one of a higher order than was searched, a cycle on
    a border or a chaotic set, leaves a part of the boundary out: `complete` speaks of the gates
    that are known.

    Examples
    --------
    Two fixed points, 2 and -2, with the border of their basins at 0:

    >>> import rnndyn as rd
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    ... )
    >>> boundary = rd.basin_boundary(rd.find_cycles(model, max_order=1))
    >>> boundary.gates[0].sides
    ((0,), (1,))
    >>> boundary.distance([1.5]), boundary.complete
    (1.5, True)
    """
    model, points = checked_cycles(cycles)
    limits = check_limits(
        model, points, box, depth, max_pieces, n_threads, time_limit, progress, seed
    )

    work = _Work(model, cycles, escape_radius_of(model, points), limits)
    if resume is not None:
        work.go_on_with(
            *check_resume(resume, BasinBoundary, "rnndyn.basin_boundary(...)", model, limits)
        )
    outcome = work.outcome.of(work.do, limits.options.meter, "basin_boundary")
    found = work.found
    parts = [part for part, _ in work.grown]
    owners = work.separating()[: len(parts)]
    return BasinBoundary(
        model,
        found.attractors,
        found.gates,
        joined(parts, model.n_states, model.n_units, 1),
        np.repeat(np.array(owners, dtype=np.int64), [len(part) for part in parts]),
        limits.run_of(outcome),
        tuple(tree for _, tree in work.grown),
    )


class _Found(NamedTuple):
    """The gates so far, and the attractors that their sides name."""

    gates: tuple[Gate, ...] = ()
    attractors: tuple[Cycle, ...] = ()


class _Work:
    """The gates one after the other."""

    def __init__(
        self, model: PiecewiseLinearModel, cycles: CycleSet, radius: float, limits: Limits
    ) -> None:
        self._model, self._radius, self._limits = model, radius, limits
        self._stable = cycles.stable
        self._fates = Fates(model, [], _SETTLING, radius)
        self._candidates = [cycle for cycle in cycles if is_gate(cycle)]
        # Ctrl-C may come at any time: what belongs together is replaced at once.
        self.found = _Found()
        self.grown: list[tuple[Pieces, TreeState]] = []
        self.outcome = Outcome()

    def go_on_with(self, earlier: BasinBoundary, trees: tuple[TreeState, ...]) -> None:
        self.found = _Found(earlier.gates, earlier.attractors)
        gates = self.separating()[: len(trees)]
        sizes = [int((earlier.gate_numbers == gate).sum()) for gate in gates]
        self.grown = list(zip(parts_of(earlier.pieces, sizes), trees, strict=True))

    def separating(self) -> list[int]:
        """Return the numbers of the gates that have a tree, in the order of these."""
        return [number for number, gate in enumerate(self.found.gates) if gate.separates]

    def do(self) -> None:
        try:
            self._do()
        finally:
            for _, tree in self.grown:
                self.outcome.take_in(tree._asdict())

    def _do(self) -> None:
        for cycle in self._stable:
            if self._limits.options.deadline():
                self.outcome.stopped("time_limit")
                return
            self._fates.add(cycle)
        self._check_begun()
        for number, cycle in enumerate(self._candidates):
            if number == len(self.found.gates):
                gate = Gate(cycle, self._sides(cycle))
                # What was stopped may know half of its sides, or of the attractors they lead to.
                late: StopReason = "time_limit" if self._limits.options.deadline() else "finished"
                if self.outcome.stopped(self._fates.stopped_by) or self.outcome.stopped(late):
                    return
                attractors = tuple(self._fates.attractors)
                self.found = _Found((*self.found.gates, gate), attractors)
            if self.found.gates[number].separates and not self._grow(number, cycle):
                return

    def _check_begun(self) -> None:
        """Compare what is gone on with to the cycles that were given."""
        gates, attractors = self.found
        for cycle in attractors:
            self._fates.add(cycle)
        known = tuple(self._fates.attractors)
        own = [gate.cycle for gate in gates]
        if own != self._candidates[: len(own)] or attractors != known[: len(attractors)]:
            raise ValueError(
                "resume must be a boundary of the same cycles; give the CycleSet that it was made "
                "of"
            )
        self.found = _Found(gates, known)

    def _grow(self, number: int, cycle: Cycle) -> bool:
        """Grow the tree of a gate; False where that was stopped."""
        place = self.separating().index(number)
        n_before = sum(len(pieces) for pieces, _ in self.grown[:place])

        def observe(depth: int, n: int) -> None:
            done = min(depth, self._limits.depth)
            self._limits.options.meter.step(
                ManifoldProgress(
                    n_before + n, done, self._limits.depth, number, len(self._candidates)
                )
            )

        begun = self.grown[place] if place < len(self.grown) else None
        pieces, outcome = grown(self._model, cycle, "stable", self._limits, observe, begun)
        self.grown[place : place + 1] = [(pieces, TreeState.from_dict(outcome))]
        return not self.outcome.stopped(outcome["stopped_by"])

    def _sides(self, cycle: Cycle) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Follow all orbits that leave a gate, on both sides."""
        segments = segments_beside(cycle, self._model.canonical)
        if segments is None:
            return (UNDECIDED,), (UNDECIDED,)
        first, second = (self._side(near, far) for near, far in segments)
        return first, second

    def _side(self, near: FloatArray, far: FloatArray) -> tuple[int, ...]:
        while True:
            side = fates_of_segment(
                self._model.canonical,
                near,
                far,
                self._fates,
                self._radius,
                self._limits.options.deadline,
            )
            if UNDECIDED not in side:
                return side
            if not self._adds_attractor(near, far):
                break
        # Of what is left, such as a chaotic transient, single orbits say at least something.
        shares = np.linspace(0.0, 1.0, _N_ORBITS)[:, np.newaxis]
        labels = self._fates.of(near + shares * (far - near), self._limits.options)
        return tuple(sorted({*side, *labels[labels != NOT_REACHED].tolist()}))

    def _adds_attractor(self, near: FloatArray, far: FloatArray) -> bool:
        """Tell whether orbits of a side go to a stable cycle that was not known yet."""
        for share in _PLACES:
            if self._limits.options.deadline():
                return False
            cycle = settled_cycle(self._model, near + share * (far - near), _SETTLING)
            if cycle is not None and self._fates.add(cycle):
                return True
        return False


def is_gate(cycle: Cycle) -> bool:
    """Whether a cycle is hyperbolic, off the borders, and has one expanding direction."""
    known = cycle.stability in ("saddle", "unstable") and not cycle.on_border
    return known and int((cycle.log_moduli > 0.0).sum()) == 1


def segments_beside(cycle: Cycle, canonical: CanonicalMap) -> FloatArray | None:
    """Return a segment of each branch of the unstable manifold of a gate, shape (2, 2, M).

    All orbits on the branch come through it: it goes from a point to its image after one turn, or
    two where the branches change places. None where that point cannot be told from the cycle, or
    the direction of the branches not from others, in floating-point numbers.
    """
    directions = _expanding_directions(cycle, canonical)
    if directions is None:
        return None
    own = in_units(canonical, 1.0)
    units = bordering_units(own)
    weights = own.W2[units]
    # How far one can go from each point until the first border, and by what a step there is longer
    # than the one from the first point that it comes from. In the last turn it grew to its length.
    values = np.abs(cycle.points @ weights.T + own.h2[units])
    slopes = np.abs(directions @ weights.T)
    with np.errstate(divide="ignore", over="ignore"):
        room = np.where(slopes > 0.0, values / slopes, np.inf).min(axis=1, initial=np.inf)
    logs = _logs_of_growth(directions, cycle, own)
    multiplier = float(cycle.log_moduli.max())
    size = size_of(canonical, cycle.points)
    with np.errstate(over="ignore"):
        far = _NEAR * min(float((room * np.exp(multiplier - logs)).min()), size)
    near = far * np.exp(-2.0 * multiplier)
    largest = float(np.abs(cycle.points[0]).max())
    if not near > _TOLD_APART * (cycle.error_bound + np.finfo(np.float64).eps * largest):
        return None
    steps = np.array([[near], [far]]) * directions[0]
    return np.asarray(cycle.points[0] + np.stack([-steps, steps]))


def _expanding_directions(cycle: Cycle, canonical: CanonicalMap) -> FloatArray | None:
    """Return the direction of the branches at each point; None where the iteration does not settle.

    It begins orthogonal to no invariant subspace that anybody writes down: the symmetric start
    (1, 1, ...) never leaves the symmetric states of a symmetric network.
    """
    m = cycle.points.shape[1]
    direction = 1.0 + 0.3 * np.sin(1.7 * np.arange(1, m + 1) + 0.3)
    direction /= np.linalg.norm(direction)
    jacobians = [canonical.jacobian(region) for region in cycle.itinerary]
    directions = np.empty_like(cycle.points)
    for _ in range(_ROUNDS):
        before = direction
        for t, jacobian in enumerate(jacobians):
            directions[t] = direction
            direction = jacobian @ direction
            length = np.linalg.norm(direction)
            if not length > 0.0:
                return None
            direction = direction / length
        change = min(np.abs(direction - before).max(), np.abs(direction + before).max())
        if change < 1e-15:
            break
    return directions if change < _SETTLED else None


def _logs_of_growth(directions: FloatArray, cycle: Cycle, canonical: CanonicalMap) -> FloatArray:
    """Return the logarithms of the lengths of the images of the first direction, by points."""
    steps = [
        np.linalg.norm(canonical.jacobian(region) @ direction)
        for region, direction in zip(cycle.itinerary, directions, strict=True)
    ]
    return np.concatenate([[0.0], np.cumsum(np.log(steps[:-1]))])
