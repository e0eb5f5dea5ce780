"""Homoclinic and heteroclinic points: where unstable manifolds cross stable ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.progress import ProgressMeter
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.manifolds._arguments import Limits, check_limits, checked_cycles
from rnndyn.manifolds._outcome import Outcome
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.invariant import grown
from rnndyn.manifolds.pieces import Pieces
from rnndyn.manifolds.progress import ManifoldProgress
from rnndyn.models import PiecewiseLinearModel

#: Manifolds whose equations have a smaller determinant are not said to cross.
_TRANSVERSE = 1e-8
#: How far inside its pieces a point must be, in units of its size.
_INSIDE = 1e-9


class _Point(NamedTuple):
    point: FloatArray
    source: int
    target: int
    source_phase: int
    target_phase: int
    word: BoolArray
    transversality: float
    margin: float


def homoclinic_points(
    cycles: CycleSet,
    *,
    box: float | tuple[ArrayLike, ArrayLike] | None = None,
    depth: int = 12,
    max_pieces: int = 10_000,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> HomoclinicPoints:
    """Find the orbits that connect saddles with themselves and with each other.

    Parameters
    ----------
    cycles : CycleSet
        The cycles of a piecewise linear network. Its hyperbolic saddles off the borders are used.
    box : float or (lower, upper), optional
        The box that orbits stay in, as for `rnndyn.manifold`. Default: all of R^M.
    depth : int
        Most steps that an orbit takes from the local unstable set of a saddle to a local stable
        set.
    max_pieces : int
        Stop at this number of pieces of one stable manifold.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what was found.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        It is kept with the result, which does not depend on it.

    Returns
    -------
    HomoclinicPoints
        After Ctrl-C or when the time limit is reached, what was found; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    An orbit that comes from a saddle follows it in its local unstable set up to a last point. There
    it lies on a piece of the stable manifold of the saddle that it goes to, so all connecting
    orbits are crossings of local unstable sets with stable pieces: M linear equations, where both
    saddles have the same number of expanding directions. Others are not looked for.

    ``HomoclinicPoints.chaos`` makes a proof from a homoclinic point: close to it the orbits of two
    or more words stretch a parallelepiped across itself, which gives orbits for all sequences of
    the words by covering relations [1]_. This is the horseshoe of Smale and Birkhoff, with the
    assumptions checked on the affine maps themselves, in exact arithmetic.

    References
    ----------
    .. [1] P. Zgliczynski, M. Gidea, "Covering relations for multidimensional dynamical systems",
       J. Differential Equations 202 (2004).

    Examples
    --------
    >>> import rnndyn as rd
    >>> cycles = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=1)
    >>> found = rd.homoclinic_points(cycles, depth=6)
    >>> bool(found.homoclinic.any())
    True
    >>> proof = found.chaos()
    >>> proof.verify().confirmed
    True
    """
    model, points = checked_cycles(cycles)
    limits = check_limits(
        model, points, box, depth, max_pieces, n_threads, time_limit, progress, seed
    )

    saddles = [cycle for cycle in cycles.saddles if not cycle.on_border]
    work = _Work(model, saddles, limits)
    outcome = work.outcome.of(work.do, limits.options.meter, "homoclinic_points")
    found = work.points
    return HomoclinicPoints(
        model,
        tuple(saddles),
        np.array([one.point for one in found]).reshape(-1, model.n_states),
        np.array([one.source for one in found], dtype=np.int64),
        np.array([one.target for one in found], dtype=np.int64),
        np.array([one.source_phase for one in found], dtype=np.int64),
        np.array([one.target_phase for one in found], dtype=np.int64),
        np.array([len(one.word) for one in found], dtype=np.int64),
        np.array([one.transversality for one in found], dtype=np.float64),
        np.array([one.margin for one in found], dtype=np.float64),
        np.concatenate([np.empty((0, model.n_units), np.bool_), *(one.word for one in found)]),
        limits.run_of(outcome),
    )


class _Work:
    """The stable manifolds one after the other, crossed with all local unstable sets."""

    def __init__(self, model: PiecewiseLinearModel, saddles: list[Cycle], limits: Limits) -> None:
        self._model, self._saddles, self._limits = model, saddles, limits
        self.points: list[_Point] = []
        self.outcome = Outcome()

    def do(self) -> None:
        local = []
        for number, cycle in enumerate(self._saddles):
            pieces, outcome = self._grown(cycle, "unstable", self._limits._replace(depth=0), number)
            if self.outcome.stopped(outcome["stopped_by"]):
                return
            local.append(pieces)
        for target, cycle in enumerate(self._saddles):
            pieces, outcome = self._grown(cycle, "stable", self._limits, target)
            self.outcome.take_in(outcome)
            for source, unstable in enumerate(local):
                if unstable.dimension + pieces.dimension == self._model.n_states:
                    self._cross(source, unstable, target, pieces)
            if self.outcome.stopped(outcome["stopped_by"]):
                return

    def _grown(
        self, cycle: Cycle, kind: Any, limits: Limits, number: int
    ) -> tuple[Pieces, dict[str, Any]]:
        def observe(depth: int, n_pieces: int) -> None:
            done = min(depth, limits.depth)
            limits.options.meter.step(
                ManifoldProgress(n_pieces, done, self._limits.depth, number, len(self._saddles))
            )

        return grown(self._model, cycle, kind, limits, observe)

    def _cross(self, source: int, unstable: Pieces, target: int, stable: Pieces) -> None:
        """Cross the local unstable sets of one saddle with the stable pieces of another."""
        for phase in range(len(unstable)):
            region = unstable.regions[phase]
            (candidates,) = np.nonzero((stable.regions == region).all(axis=1))
            if source == target:
                # Where it meets its own local stable set is the cycle itself.
                candidates = candidates[stable.depths[candidates] > 0]
            if not len(candidates):
                continue
            r = stable.equations.shape[1]
            m = self._model.n_states
            matrices = np.empty((len(candidates), m, m))
            matrices[:, :r] = stable.equations[candidates]
            matrices[:, r:] = unstable.equations[phase]
            determinants = np.abs(np.linalg.det(matrices))
            crossing = determinants > _TRANSVERSE
            values = np.empty((len(candidates), m))
            values[:, :r] = stable.values[candidates]
            values[:, r:] = unstable.values[phase]
            solved = np.linalg.solve(matrices[crossing], values[crossing][..., np.newaxis])
            for piece, determinant, point in zip(
                candidates[crossing].tolist(),
                determinants[crossing].tolist(),
                solved[..., 0],
                strict=True,
            ):
                margin = min(room(unstable, phase, point), room(stable, piece, point))
                if margin > _INSIDE * (1.0 + float(np.abs(point).max())) and self._is_last(
                    unstable, phase, point
                ):
                    self.points.append(
                        _Point(
                            point,
                            source,
                            target,
                            phase,
                            int(stable.phases[piece]),
                            stable.word(piece),
                            determinant,
                            margin,
                        )
                    )

    def _is_last(self, unstable: Pieces, phase: int, point: FloatArray) -> bool:
        """Tell whether the image of a point is no longer in the next local unstable set."""
        image = self._model.canonical.step(point)
        return room(unstable, (phase + 1) % len(unstable), image) < 0.0


def room(pieces: Pieces, piece: int, point: FloatArray) -> float:
    """Return how far a point is from the inequalities of a piece; negative outside."""
    rows, bounds = pieces.rows_of(piece)
    return float((bounds - rows @ point).min(initial=np.inf))
