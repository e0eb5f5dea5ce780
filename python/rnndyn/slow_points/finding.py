"""The search for slow points: checks the arguments and calls the core."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count, check_positive
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.cycles._conditions import search_rows
from rnndyn.cycles._smooth import smooth_map
from rnndyn.cycles._starts import starting_states, starts_of_map
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.search import OneInput, SeveralInputs
from rnndyn.io._as_model import NetworkLike, as_followed, as_model
from rnndyn.models import RecurrentNetwork
from rnndyn.models._canonical_map_of import (
    canonical_map_of,
    check_constant_input,
    check_inputs,
    smooth_network,
)
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.curve import SlowCurve
from rnndyn.slow_points.point import SlowPoint
from rnndyn.slow_points.result import SlowPointSet
from rnndyn.slow_points.run import SlowPointRun


class _Options(TypedDict, total=False):
    """What they mean says `find_slow_points`."""

    drive: ArrayLike | None
    max_speed: float
    max_restarts: int | None
    n_threads: int | None
    time_limit: float | None
    progress: bool | ProgressMeter | None
    seed: int


@overload
def find_slow_points(
    model: NetworkLike,
    inputs: OneInput | None = None,
    states: ArrayLike | None = None,
    **options: Unpack[_Options],
) -> SlowPointSet: ...
@overload
def find_slow_points(
    model: NetworkLike,
    inputs: SeveralInputs,
    states: ArrayLike | None = None,
    **options: Unpack[_Options],
) -> SlowPointsByInput: ...
@overload
def find_slow_points(
    model: NetworkLike,
    inputs: ArrayLike | None,
    states: ArrayLike | None = None,
    **options: Unpack[_Options],
) -> SlowPointSet | SlowPointsByInput: ...
def find_slow_points(
    model: NetworkLike,
    inputs: ArrayLike | None = None,
    states: ArrayLike | None = None,
    *,
    drive: ArrayLike | None = None,
    max_speed: float = 0.1,
    max_restarts: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> SlowPointSet | SlowPointsByInput:
    """Find where a network is slow without standing still: minima of its speed, and slow curves.

    Parameters
    ----------
    model : model, torch.nn.Module, or mapping of str to array
        A tanh, GRU, LSTM or ReLU network.
    inputs : (K,) or (C, K) array_like, optional
        Constant external input, or several, of which each is searched, beginning also at what is
        found under those before. Default: that of the model, else 0.
    states : (..., N) array_like, optional
        Where descents may begin, besides states that free orbits come by: best those that the
        network visits on its task.
    drive : (B, T, K) or (T, K) array_like, optional
        Input sequences of an `RNN`, `GRU` or `LSTM`: the states that it visits under them are taken
        as `states`.
    max_speed : float
        List no minima of a larger speed, which are slow in no sense.
    max_restarts : int, optional
        Stop after this many descents in a row without a new minimum. Default: 128.
    n_threads : int, optional
        Number of threads. Default: the environment variable ``OMP_NUM_THREADS``, else the number
        of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what was found until then.
    progress : bool or ProgressMeter, optional
        Show a progress bar; see `find_cycles`.
    seed : int
        Seed of the random numbers. The same seed gives the same points for any number of threads.

    Returns
    -------
    SlowPointSet or SlowPointsByInput
        The slow points, the slowest first, and in ``curves`` the approximate line attractors. Fixed
        points are never among the points: see `find_fixed_points`. Under several inputs (C, K) a
        `SlowPointsByInput`, a sequence of such sets.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    A slow point is a strict local minimum of ``q(z) = |F(z) - z|**2 / 2`` with q > 0 [1]_, such as
    what a fold leaves behind where two fixed points have met. In tanh, GRU and LSTM networks the
    method of Levenberg and Marquardt, damped as by Nielsen [2]_, descends to it, and Newton's
    method on the gradient settles it. In piecewise-linear networks q is quadratic in every linear
    region, and its minima lie on their borders; they are found exactly, by a method of active sets.

    From minima, from fixed points and from where q is flat, curves are followed on which q is
    smallest across. Such a curve is listed if on a length of at least 0.25 the speed along it is
    below 0.01, and the multiplier along it within 0.05 of 1 while all others are at least three
    times as far from 1. In piecewise-linear networks these two lengths are in units of the scale on
    which regions change. Below a speed of 1e-9 a minimum counts as a fixed point.

    References
    ----------
    .. [1] D. Sussillo, O. Barak, "Opening the black box: low-dimensional dynamics in
       high-dimensional recurrent neural networks", Neural Computation 25 (2013) 626-649.
    .. [2] H. B. Nielsen, "Damping parameter in Marquardt's method", Technical University of
       Denmark, 1999.

    Examples
    --------
    Two tanh units that hold a sum, pushed along by a bias:

    >>> import rnndyn as rd
    >>> model = rd.RNN(None, [[0.6, 0.4], [0.4, 0.6]], None, [1e-3, 1e-3])
    >>> slow = rd.find_slow_points(model)
    >>> len(slow), len(slow.line_attractors)
    (0, 1)
    >>> slow.line_attractors[0]
    SlowCurve(length=0.6423, max_speed=0.006804, across=0.1999, is_attractor=True)
    """
    options = check_options(n_threads, time_limit, progress, seed)
    most = (
        math.inf
        if max_speed == math.inf
        else check_positive("max_speed", max_speed, "state units per step")
    )
    if max_restarts is not None:
        max_restarts = check_count("max_restarts", max_restarts)
    source = as_model(model)
    starts = starting_states(source, states, drive)
    wanted = _Wanted(most, max_restarts)
    if isinstance(source, RecurrentNetwork):
        constants = check_inputs(source, inputs)
        if constants is not None and constants.ndim > 1:
            sets = _search_each(source, constants, starts, wanted, options)
            return SlowPointsByInput(source, constants, sets)
    return _search_one(source, inputs, starts, wanted, options)


class _Wanted(NamedTuple):
    max_speed: float
    max_restarts: int | None


def _search_each(
    model: RecurrentNetwork,
    inputs: FloatArray,
    starts: FloatArray | None,
    wanted: _Wanted,
    options: Options,
) -> tuple[SlowPointSet, ...]:
    """Search under every input, beginning also at what others have."""

    def under(
        row: int, rows: FloatArray, found: dict[int, SlowPointSet], how: Options
    ) -> SlowPointSet:
        known = [slow.states for slow in found.values()]
        return _search_one(model, rows[row], starts, wanted, how, known)

    def as_interrupted(slow: SlowPointSet) -> SlowPointSet:
        return replace(slow, run=replace(slow.run, stopped_by="interrupt"))

    return search_rows(inputs, under, as_interrupted, options, "find_slow_points")


def _search_one(
    source: Any,
    inputs: ArrayLike | None,
    starts: FloatArray | None,
    wanted: _Wanted,
    options: Options,
    known: Sequence[FloatArray] = (),
) -> SlowPointSet:
    """Search under one input, from starts of the network and states of results that are known."""
    followed = as_followed(source, inputs)
    starts = starts_of_map(source, starts, inputs)
    both = [*known] if starts is None else [starts, *known]
    joined = np.ascontiguousarray(np.concatenate(both)) if both else None
    starts = joined if joined is not None and len(joined) else None
    begin = time.perf_counter()

    def observe(*state: Any) -> None:
        options.meter.step(SearchProgress(*state))

    constant = None
    network: _core.SmoothMap | _core.CanonicalMap
    if (smooth := smooth_network(followed)) is not None:
        constant = check_constant_input(smooth, inputs)
        network = smooth_map(smooth, constant)
    else:
        network = canonical_map_of(followed)
    options.meter.init("find_slow_points")
    try:
        found = _core.find_slow_points(
            network,
            seed=options.seed,
            max_restarts=wanted.max_restarts,
            max_speed=wanted.max_speed,
            states=starts,
            n_threads=options.n_threads,
            time_limit=options.deadline.seconds_left(),
            observer=observe,
        )
    finally:
        options.meter.close()
    most = wanted.max_speed
    return SlowPointSet(
        followed,
        tuple(_point(record, followed.n_states) for record in found["points"]),
        tuple(SlowCurve(**record) for record in found["curves"]),
        SlowPointRun(
            stopped_by=found["stopped_by"],
            seconds=time.perf_counter() - begin,
            n_threads=options.n_threads,
            n_restarts=found["n_restarts"],
            n_fixed_points=found["n_fixed_points"],
            n_flat=found["n_flat"],
            n_failed=found["n_failed"],
            seed=options.seed,
            options={
                "max_speed": most if math.isfinite(most) else None,
                "max_restarts": wanted.max_restarts,
                "time_limit": options.time_limit,
                "n_states_given": 0 if starts is None else len(starts),
            },
        ),
        constant,
    )


def _point(record: dict[str, Any], n_states: int) -> SlowPoint:
    values = {name: value for name, value in record.items() if name != "is_minimum"}
    curvatures = np.full(n_states, np.inf)
    curvatures[: len(record["curvatures"])] = record["curvatures"]
    return SlowPoint(**{**values, "curvatures": curvatures})
