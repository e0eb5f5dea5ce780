"""Basins of attraction: which attractor the orbits from a plane of first states go to."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, IntArray, ascending_numbers, finite_numbers
from rnndyn._common.checks import check_integer, check_positive
from rnndyn._common.options import Options, check_options
from rnndyn._common.planes import (
    PlaneOfStates,
    coordinate_plane,
    principal_plane,
    state_label,
)
from rnndyn._common.progress import ProgressMeter
from rnndyn.basins_of_attraction._fates import Labels
from rnndyn.basins_of_attraction._work import N_SUSPECTS, Work
from rnndyn.basins_of_attraction.result import NOT_REACHED, UNDECIDED, Basins
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.io._as_model import NetworkLike, as_model, as_piecewise_linear
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import piecewise_linear
from rnndyn.models._layers_apart import refuse_stacked
from rnndyn.models._units import size_of

#: Beyond this multiple of the largest number of the map and of the window, offsets are lost in
#: rounding, so that nothing of what the map does near them is left.
_ESCAPE_FACTOR = 1e16
#: First states that are followed first, to meet the attractors before the whole plane is.
_N_SCOUTS = 256


def basins(
    cycles: CycleSet | NetworkLike,
    x_values: ArrayLike | None = None,
    y_values: ArrayLike | None = None,
    *,
    dims: tuple[int, int] | Literal["pca"] | None = None,
    directions: ArrayLike | None = None,
    origin: ArrayLike | None = None,
    resolution: int = 300,
    max_steps: int = 10_000,
    escape_radius: float | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> Basins:
    """Find out to which stable cycle the orbits from a plane of first states go.

    Parameters
    ----------
    cycles : CycleSet or model
        Known cycles, or just the network, also a ReLU RNN of torch of one layer; of several layers
        its cycles, or its piecewise-linear map. Stable cycles that are not among them are found
        where orbits settle on them.
    x_values, y_values : array_like, optional
        Ascending coordinates of the points of the plane, such as ``numpy.linspace(-1, 1, 200)``. A
        network with one state has no `y_values`. Default: evenly around the cycles.
    dims : (int, int) or "pca", optional
        The plane of two states, or the plane of the principal components of the points of the
        cycles. Default: the states 0 and 1 of a network with two states, else ``"pca"``.
    directions : array_like of shape (2, M), optional
        Instead of `dims`: the directions of x and y. They need not be orthogonal.
    origin : array_like of shape (M,), optional
        A state that the plane goes through. With two states as `dims` it gives the values of the
        others, and x and y are the values of these two; else x = y = 0 there. Default: the mean of
        the points of the cycles, else 0.
    resolution : int
        Number of points along an axis whose coordinates are not given.
    max_steps : int
        An orbit that has not arrived after this many steps is undecided.
    escape_radius : float, optional
        An orbit with a coordinate beyond this is called unbounded. Default: 1e16 times the largest
        of the coordinates of the points, of those of the cycles and of the offsets of the map,
        and 1e16 where that is between 1/64 and 1.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what is known.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the choice of the orbits that are followed first, and of those in which attractors
        that are not known are looked for. It can only matter where there are such attractors.

    Returns
    -------
    Basins
        After Ctrl-C or when the time limit is reached, what is done; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.plot.basins : Draw them.

    Notes
    -----
    That an orbit goes to a stable cycle is not read off from its being near. Around each point of
    the cycle there is an ellipsoid inside its linear region, from the discrete Lyapunov equation
    of the Jacobians around the cycle, that is mapped into the ellipsoid around the next point and
    contracts. An orbit that enters one converges to the cycle. The inequalities behind this are
    verified with their rounding errors; the steps until there are taken in floating-point numbers,
    and near a border of basins, or after a long chaotic transient, the orbit of the exact map may
    go elsewhere.

    Unbounded is a threshold, not a proof: a coordinate exceeded `escape_radius`. Undecided orbits
    stayed bounded for `max_steps` steps and entered no such ellipsoid: they may be chaotic or
    quasi-periodic, approach a continuum or a cycle on a border or with a multiplier of modulus 1,
    or be slow. A stable cycle without verified ellipsoids is listed under ``Basins.unclaimed``.

    Examples
    --------
    Two fixed points, 2 and -2, with the border of their basins at 0:

    >>> import numpy as np
    >>> import rnndyn as rd
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    ... )
    >>> result = rd.basins(model, np.linspace(-3.0, 3.0, 100))
    >>> [float(cycle.points[0, 0]) for cycle in result.attractors]
    [-2.0, 2.0]
    >>> result.shares.tolist()
    [0.5, 0.5]
    """
    if not isinstance(cycles, CycleSet):
        refuse_stacked(as_known(cycles), "cycles", "comes with a plane of first states")
    model, known = model_and_cycles(cycles)
    points = np.concatenate([np.empty((0, model.n_states)), *(cycle.points for cycle in known)])
    plane = _plane(model.n_states, points, dims, directions, origin)
    x, y = _coordinates(plane, points, x_values, y_values, resolution, model.n_states)
    max_steps = check_integer("max_steps", max_steps, 1, 10**15)
    if escape_radius is None:
        corners = _states(plane, x[[0, -1]], y[[0, -1]])
        escape_radius = escape_radius_of(model, corners, points)
    radius = check_positive("escape_radius", escape_radius, "units of the states")
    common = check_options(n_threads, time_limit, progress, seed)

    work = _Work(model, plane, x, y, max_steps, radius, common)
    run = work.do([cycle for cycle in known if cycle.stability == "stable"], "basins")
    one_state = model.n_states == 1
    shape = (len(x),) if one_state else (len(y), len(x))
    return Basins(
        model,
        attractors=tuple(work.fates.attractors),
        unclaimed=tuple(work.fates.unclaimed),
        labels=work.labels.reshape(shape),
        n_steps=work.n_steps.reshape(shape),
        origin=plane.center,
        directions=plane.directions.T[: 1 if one_state else 2],
        axis_labels=plane.labels[: 1 if one_state else 2],
        x_values=x,
        y_values=None if one_state else y,
        run=run,
    )


def escape_radius_of(model: PiecewiseLinearModel, *states: FloatArray) -> float:
    """Return the default of `escape_radius` for orbits from these states."""
    return min(_ESCAPE_FACTOR * size_of(model.canonical, *states), 1e300)


def model_and_cycles(cycles: Any) -> tuple[PiecewiseLinearModel, list[Cycle]]:
    """Return the network, and its cycles if it comes with any."""
    if isinstance(cycles, CycleSet):
        return piecewise_linear(cycles.model), list(cycles)
    try:
        return as_piecewise_linear(cycles), []
    except TypeError as error:
        raise TypeError(
            f"cycles must be a CycleSet, or a piecewise-linear model: {error}"
        ) from None


def as_known(cycles: Any) -> Any:
    """Return the model that was given in the place of cycles; what is none comes back as it is."""
    try:
        return as_model(cycles)
    except (TypeError, ValueError):
        return cycles  # `model_and_cycles` says what is wrong


def _plane(
    n_states: int, points: FloatArray, dims: Any, directions: Any, origin: Any
) -> PlaneOfStates:
    """Return the plane; its directions are columns and need not be orthonormal."""
    if dims is not None and directions is not None:
        raise ValueError("give either dims or directions, got both")
    through = points.mean(axis=0) if len(points) else np.zeros(n_states)
    if origin is not None:
        through = finite_numbers("origin", origin, (n_states,))
    if directions is not None:
        rows = finite_numbers("directions", directions, (2, n_states))
        if np.linalg.matrix_rank(rows) < 2:
            raise ValueError("directions must be two independent directions")
        return PlaneOfStates(through, rows.T, ("x", "y"))
    if n_states == 1:
        if dims is not None:
            raise ValueError("dims must not be given for a network with one state")
        return PlaneOfStates(np.zeros(1), np.array([[1.0, 0.0]]), (state_label(0), ""))
    if dims is None:
        dims = (0, 1) if n_states == 2 else "pca"
    if isinstance(dims, str) and dims == "pca":
        if not len(points):
            raise ValueError(
                "the plane of principal components needs cycles: give the result of "
                "rnndyn.find_cycles, or dims=(i, j), or directions="
            )
        plane = principal_plane(points)
        return plane if origin is None else plane._replace(center=through)
    plane = coordinate_plane(n_states, dims)
    if (plane.directions.sum(axis=0) > 0).all() and plane.directions.sum(axis=1).max() > 1:
        raise ValueError(f"dims must be two different states, got {dims!r}")
    # The values along the plane are those of x and y themselves.
    return plane._replace(center=np.where(plane.directions.any(axis=1), 0.0, through))


def _coordinates(
    plane: PlaneOfStates, points: FloatArray, x: Any, y: Any, resolution: Any, n_states: int
) -> tuple[FloatArray, FloatArray]:
    n_points = check_integer("resolution", resolution, 2, 100_000)
    if n_states == 1 and y is not None:
        raise ValueError("y_values must not be given for a network with one state")
    found = [
        None if value is None else ascending_numbers(name, value, 1)
        for name, value in (("x_values", x), ("y_values", y))
    ]
    if n_states == 1:
        found[1] = np.zeros(1)
    if any(values is None for values in found) and not len(points):
        raise ValueError(
            "x_values and y_values must be given where no cycles are: the coordinates of the "
            "points of the plane, such as numpy.linspace(-1, 1, 200)"
        )
    # Coordinates of the nearest points of the plane, whose directions may be any.
    near = (points - plane.center) @ np.linalg.pinv(plane.directions).T
    first, second = (
        np.linspace(*_window(near, axis), n_points) if values is None else values
        for axis, values in enumerate(found)
    )
    return first, second


def _window(near: FloatArray, axis: int) -> tuple[float, float]:
    """Return the ends of an axis around points of the plane, not much shorter than the other."""
    lower, upper = near.min(axis=0), near.max(axis=0)
    size = float((upper - lower).max()) or float(np.abs(near).max()) or 1.0
    half = 0.8 * max(float(upper[axis] - lower[axis]), 0.6 * size)
    middle = 0.5 * float(lower[axis] + upper[axis])
    return middle - half, middle + half


def _states(plane: PlaneOfStates, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the states at the coordinates, shape (n_y, n_x, M)."""
    first, second = plane.directions.T
    return np.asarray(
        plane.center + x[:, np.newaxis] * first + y[:, np.newaxis, np.newaxis] * second
    )


class _Work(Work):
    """The orbits of a plane."""

    def __init__(
        self,
        model: PiecewiseLinearModel,
        plane: PlaneOfStates,
        x: FloatArray,
        y: FloatArray,
        max_steps: int,
        escape_radius: float,
        options: Options,
    ) -> None:
        super().__init__(model, len(x) * len(y), max_steps, escape_radius, options)
        self._plane, self._x, self._y = plane, x, y
        self._random = np.random.default_rng(options.seed)
        self.labels: Labels = np.full(self.n, NOT_REACHED, dtype=np.int32)
        self.n_steps: IntArray = np.zeros(len(self.labels), dtype=np.int64)

    def n_done(self) -> int:
        return int((self.labels != NOT_REACHED).sum())

    def follow_all(self) -> None:
        everything = np.arange(len(self.labels))
        scouts = self._spread(everything, _N_SCOUTS)
        for chosen in (scouts, everything) if len(scouts) < len(everything) else (everything,):
            first = 0
            while len(chosen) and self.stopped_by == "finished":
                self._follow(chosen, first)
                first = len(self.fates.attractors)
                chosen = chosen[self.labels[chosen] == UNDECIDED]
                if not self.find_more(map(self._state, self._spread(chosen, N_SUSPECTS).tolist())):
                    break

    def _follow(self, chosen: IntArray, first_attractor: int) -> None:
        """Follow the orbits of some points to attractors from the given number on."""
        record = _core.basins(
            self.model.canonical,
            self._plane.center,
            np.ascontiguousarray(self._plane.directions.T),
            self._x,
            self._y,
            chosen,
            **self.fates.places(first_attractor),
            max_steps=self.max_steps,
            escape_radius=self.escape_radius,
            n_threads=self.options.n_threads,
            time_limit=self.options.deadline.seconds_left(at_least=0.0),
            observer=self.observer(len(self.labels) - len(chosen)),
        )
        done = record["labels"] != NOT_REACHED
        self.labels[chosen[done]] = record["labels"][done]
        self.n_steps[chosen[done]] = record["n_steps"][done]
        self.stopped_by = record["stopped_by"]

    def _state(self, point: int) -> FloatArray:
        row, column = divmod(point, len(self._x))
        state: FloatArray = _states(self._plane, self._x[[column]], self._y[[row]])[0, 0]
        return state

    def _spread(self, chosen: IntArray, n_wanted: int) -> IntArray:
        """Return at most this number of them, evenly spread from a random one on."""
        if len(chosen) <= n_wanted:
            return chosen
        # A step without a common divisor with the row length; a golden one always nearly is.
        steps = self._random.random() + np.arange(n_wanted) * (math.sqrt(5.0) - 1.0) / 2.0
        places = np.floor(len(chosen) * np.mod(steps, 1.0)).astype(np.int64)
        return np.asarray(chosen[np.unique(places)])
