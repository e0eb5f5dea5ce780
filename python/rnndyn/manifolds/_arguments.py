"""Checks of arguments that the functions of this room share."""

import time
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_integer
from rnndyn._common.options import Options, check_options
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import piecewise_linear
from rnndyn.models._units import size_of

#: Half the side of the cube that stands for R^M, in units of the largest number of the map's
#: offsets and of the points of the cycle: beyond it rounding leaves nothing of what borders do.
_FAR = 1e6

#: Squares of larger distances overflow.
_LARGEST_STATE = 1e150


class Box(NamedTuple):
    """A box of states, and whether it was asked for."""

    lower: FloatArray
    upper: FloatArray
    bounded: bool


def check_box(box: Any, model: PiecewiseLinearModel, points: FloatArray) -> Box:
    """Return the box that orbits stay in; None is a cube that stands for all of R^M."""
    m = model.n_states
    if box is None:
        half = _FAR * size_of(model.canonical, points)
        return Box(np.full(m, -half), np.full(m, half), False)
    return Box(*box_ends(box, m), bounded=True)


class Limits(NamedTuple):
    """How far the trees of words may grow, and when the work began."""

    depth: int
    max_pieces: int
    box: Box
    options: Options
    start: float

    def run_of(self, outcome: dict[str, Any]) -> ManifoldRun:
        """Return how a result was made, now that it is."""
        return ManifoldRun(
            depth=self.depth,
            max_pieces=self.max_pieces,
            lower=tuple(self.box.lower.tolist()),
            upper=tuple(self.box.upper.tolist()),
            bounded=self.box.bounded,
            **outcome,
            seed=self.options.seed,
            n_threads=self.options.n_threads,
            seconds=time.perf_counter() - self.start,
        )


def check_limits(
    model: PiecewiseLinearModel,
    points: FloatArray,
    box: Any,
    depth: Any,
    max_pieces: Any,
    n_threads: Any,
    time_limit: Any,
    progress: Any,
    seed: Any,
) -> Limits:
    """Return the checked options that all functions of this room have."""
    depth = check_integer("depth", depth, 0, 10**6)
    max_pieces = check_count("max_pieces", max_pieces)
    limits = check_box(box, model, points)
    options = check_options(n_threads, time_limit, progress, seed)
    return Limits(depth, max_pieces, limits, options, time.perf_counter())


def checked_cycles(cycles: Any) -> tuple[PiecewiseLinearModel, FloatArray]:
    """Return the network of a set of cycles, and the points of all of them."""
    if not isinstance(cycles, CycleSet):
        raise TypeError(
            "cycles must be a CycleSet, such as rnndyn.find_cycles(model, max_order=5), "
            f"got {type(cycles).__name__}"
        )
    model = piecewise_linear(cycles.model)
    points = [cycle.points for cycle in cycles]
    return model, np.concatenate([np.empty((0, model.n_states)), *points])


def model_of(cycle: Any) -> PiecewiseLinearModel:
    """Return the piecewise linear network of a cycle."""
    if not isinstance(cycle, Cycle):
        raise TypeError(
            "cycle must be a Cycle, such as rnndyn.find_cycles(model, max_order=1)[0], "
            f"got {type(cycle).__name__}"
        )
    if cycle._origin is None:
        raise ValueError(
            "cycle must know its network: take it from the CycleSet that a search returned"
        )
    return piecewise_linear(cycle._origin.model)


def is_hyperbolic(cycle: Cycle) -> bool:
    """Tell whether a cycle has stable and unstable manifolds, of which one may be a point."""
    undecided = cycle.stability in ("nonhyperbolic", "undecided")
    return not (cycle.virtual or cycle.on_border or undecided)


def n_expanding(cycle: Cycle) -> int:
    """Return how many multipliers lie outside the unit circle, or say why nobody can tell."""
    if cycle.virtual:
        raise ValueError("cycle must be a cycle of the map, but it is virtual: it has no manifolds")
    if cycle.on_border:
        raise ValueError(
            "cycle must lie off the borders of the linear regions, but a pre-activation of it is "
            "zero within its error: two linear maps meet there, and neither one's multipliers say "
            "what its manifolds are"
        )
    if cycle.stability in ("nonhyperbolic", "undecided"):
        nearest = float(np.abs(cycle.log_moduli).min())
        raise ValueError(
            "cycle must be hyperbolic, but a multiplier has modulus 1 within its error (the "
            f"logarithm of one is {nearest:.1e}): its stability is {cycle.stability!r}"
        )
    return int((cycle.log_moduli > 0.0).sum())


def check_states(
    name: str, states: Any, n_states: int, unit: float = 1.0
) -> tuple[FloatArray, bool]:
    """Return states as rows, and whether it was a single one."""
    array = finite_numbers(name, states)
    single = array.ndim == 1
    if single:
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[1] != n_states:
        raise ValueError(
            f"{name} must have shape ({n_states},) or (n, {n_states}), got {np.shape(states)}"
        )
    largest = float(np.abs(array).max(initial=0.0))
    if largest / unit > _LARGEST_STATE:
        raise ValueError(
            f"{name} must be numbers up to {_LARGEST_STATE * unit:g}, as distances are sums of "
            f"squares, got {largest:.1e}: rescale the states of the network"
        )
    return array, single
