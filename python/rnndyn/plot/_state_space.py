"""Cycles, continua and orbits in state space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn._common.planes import (
    PlaneOfStates,
    coordinate_plane,
    principal_plane,
)
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.models import PiecewiseLinearModel
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._by_input import draw_by_input
from rnndyn.plot._cobweb import draw_cobweb
from rnndyn.plot._in_space import Dims, draw_in_space, is_in_space
from rnndyn.plot._orbits import Frame, orbits_in, points_of_interest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: With more cycles than this their itineraries would cover each other.
_MAX_CYCLES_WITH_ITINERARIES = 8
_TEXT_SIZE = 7.0


def state_space(
    cycles: CycleSet | CyclesByInput,
    ax: Axes | None = None,
    *,
    dims: Dims = None,
    orbits: int | ArrayLike = 12,
    n_steps: int = 400,
    borders: bool = True,
    itineraries: bool = True,
    seed: int = 0,
) -> Axes:
    """Draw cycles in state space, coloured by stability, over orbits of the network.

    It is a picture of a plane, or of a space that can be turned where matplotlib is interactive.

    The points of a cycle of order 2 or more are joined in the order of time, unless there are more
    than 40 cycles. A network with one state is drawn as a cobweb: its map, the diagonal, and the
    cycles as paths between them.

    Parameters
    ----------
    cycles : CycleSet or CyclesByInput
        The cycles; their network provides the orbits and the borders. Those under several inputs
        are coloured by input and shaped by stability: only what attracts is filled.
    ax : matplotlib.axes.Axes, optional
        Where to draw, three-dimensional axes for a picture in space. Default: a new figure.
    dims : (int, int), (int, int, int), "pca" or "pca3", optional
        The two or three states to draw, or as many principal components of the cycles and orbits.
        Default: the states 0 and 1 of a network with two states, else ``"pca"``; on
        three-dimensional axes the three states of a network with three, else ``"pca3"``.
    orbits : int or array_like of shape (..., M)
        Number of orbits to draw, from random states around the cycles, or their first states,
        which are of ``cycles.model`` (of a stacked ReLU `RNN` see `RNN.layers_apart`).
    n_steps : int
        Length of the orbits. Orbits that run away are cut off where they leave the surroundings
        of the cycles.
    borders : bool
        Whether to draw the borders of the linear regions (two states only), where there are any.
    itineraries : bool
        Whether to write the itineraries of the cycles beside them: one word per point, one bit per
        unit; tanh, GRU and LSTM networks have none. Only where there are at most 8 cycles, and for
        those whose itinerary is short.
    seed : int
        Seed of the random first states.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If they are no cycles, or `dims` are no dimensions of the network.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
    >>> ax = rd.plot.state_space(rd.find_cycles(lozi, max_order=6))
    """
    check_result("cycles", cycles, CycleSet, CyclesByInput)
    if is_in_space(ax, dims):
        return draw_in_space(cycles, ax, dims, orbits, n_steps, seed)
    ax = _style.axes_or_new(ax)
    if isinstance(cycles, CyclesByInput):
        return _state_space_by_input(cycles, ax, dims, orbits, n_steps, seed)
    model = cycles.free_model
    points = points_of_interest(cycles)
    frame = Frame.around(points)
    if model.n_states == 1:
        draw_cobweb(cycles, ax, frame.lower[0], frame.upper[0])
        if itineraries:
            _write_itineraries(ax, cycles, lambda orbit: np.append(orbit[0], orbit[1 % len(orbit)]))
        return ax
    paths = orbits_in(model, frame, orbits, n_steps, seed)
    view = _view(cycles, paths, dims)
    for path in paths:
        x, y = view.project(path).T
        ax.plot(x, y, ".", color=_style.ORBIT_COLOR, markersize=1.6, alpha=0.5, zorder=1)
    for continuum in cycles.continua:
        _draw_continuum(ax, continuum, view, frame)
    _draw_cycles(ax, cycles, view)
    # Orbits that stay are shown as well, without the way there.
    settled = [path[len(path) // 2 :] for path in paths if len(path) > n_steps]
    shown = Frame.around(view.project(np.concatenate([points, *settled])))
    ax.set_xlim(shown.lower[0], shown.upper[0])
    # Room for the legend at the top.
    ax.set_ylim(shown.lower[1], shown.upper[1] + 0.15 * (shown.upper[1] - shown.lower[1]))
    if model.n_states == 2 and borders and isinstance(model, PiecewiseLinearModel):
        draw_borders(ax, model, view)
    if itineraries:
        _write_itineraries(ax, cycles, lambda orbit: view.project(orbit[0]))
    ax.set_xlabel(view.labels[0])
    ax.set_ylabel(view.labels[1])
    _style.legend(ax, view.project(points))
    return ax


def _state_space_by_input(
    found: CyclesByInput,
    ax: Axes,
    dims: Dims,
    orbits: int | ArrayLike,
    n_steps: int,
    seed: int,
) -> Axes:
    if found.model.n_states == 1:
        raise ValueError(
            "cycles under several inputs are drawn in a plane, and this network has one state: "
            "draw the cobweb of one of them, such as state_space(found[0])"
        )
    points = np.concatenate([points_of_interest(cycles) for cycles in found])
    frame = Frame.around(points)
    # A number of orbits is that of all inputs together.
    each = -(-int(np.asarray(orbits)) // max(1, len(found))) if np.ndim(orbits) == 0 else orbits
    paths = [orbits_in(cycles.free_model, frame, each, n_steps, seed) for cycles in found]
    all_paths = [path for own in paths for path in own]
    view = _plane(found.model.n_states, points, all_paths, dims)
    drawn = draw_by_input(ax, found, view, paths)
    ax.set_xlabel(view.labels[0])
    ax.set_ylabel(view.labels[1])
    _style.legend(ax, drawn)
    return ax


def _view(cycles: CycleSet, paths: list[FloatArray], dims: Dims) -> PlaneOfStates:
    n_states = cycles.model.n_states
    members = [block.points.reshape(-1, n_states) for block in cycles.blocks]
    return _plane(n_states, np.concatenate([np.zeros((0, n_states)), *members]), paths, dims)


def _plane(
    n_states: int,
    points: FloatArray,
    paths: list[FloatArray],
    dims: Dims,
) -> PlaneOfStates:
    if dims is None:
        dims = (0, 1) if n_states == 2 else "pca"
    if isinstance(dims, str) and dims == "pca":
        return principal_plane(np.concatenate([points, *paths]))
    return coordinate_plane(n_states, dims)


def draw_borders(ax: Axes, model: PiecewiseLinearModel, view: PlaneOfStates) -> None:
    """Draw the lines where a pre-activation is zero, without changing what the axes show."""
    canonical = model.canonical
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    farthest = float(np.abs(limits).max())
    for weights, bias, out in zip(canonical.W2, canonical.h2, canonical.W1.T, strict=True):
        if not np.any(weights) or not np.any(out):
            continue
        foot = -bias * weights / (weights @ weights)
        along = np.array([-weights[1], weights[0]]) / np.linalg.norm(weights)
        # Far enough to leave the axes on both sides.
        reach = 4.0 * (farthest + float(np.abs(foot).max()))
        x, y = view.project(np.array([foot - reach * along, foot + reach * along])).T
        ax.plot(x, y, color=_style.BORDER_COLOR, linewidth=0.9, zorder=0)
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])


def _draw_continuum(
    ax: Axes, continuum: ContinuumOfFixedPoints, view: PlaneOfStates, frame: Frame
) -> None:
    radius = float(np.linalg.norm(frame.upper - frame.lower))
    label = "continuum of fixed points" if continuum.order == 1 else "continuum of cycles"
    if label in ax.get_legend_handles_labels()[1]:
        label = "_nolegend_"
    if continuum.dimension == 1:
        coordinates = np.clip(continuum.extent[0], -radius, radius)
        ends = continuum.points[0] + coordinates[:, np.newaxis] * continuum.basis[:, 0]
        x, y = view.project(ends).T
        ax.plot(x, y, color=_style.CONTINUUM_COLOR, linewidth=3.0, zorder=2, label=label)
    else:
        x, y = view.project(continuum.sample(400, radius=radius)).T
        ax.plot(x, y, ".", color=_style.CONTINUUM_COLOR, markersize=2.5, zorder=2, label=label)


def _write_itineraries(
    ax: Axes, cycles: CycleSet, place: Callable[[FloatArray], FloatArray]
) -> None:
    """Write the itinerary of each cycle beside its first point."""
    if len(cycles) > _MAX_CYCLES_WITH_ITINERARIES:
        return
    taken: list[FloatArray] = []
    middle = 0.5 * sum(ax.get_xlim())
    per_point = 72.0 / ax.figure.dpi
    for cycle in cycles:
        x, y = place(cycle.points)
        text = _style.short_itinerary(cycle)
        if not text:
            continue
        # Towards the middle, where there is room; above the point, else below it, else nowhere.
        sign = 1.0 if x < middle else -1.0
        at = per_point * np.asarray(ax.transData.transform((x, y)))
        width = 0.62 * _TEXT_SIZE * len(text)
        for shift in (4.0, -4.0 - _TEXT_SIZE):
            begin = at[0] + (5.0 if sign > 0 else -5.0 - width)
            low = at[1] + shift
            box = np.array([[begin, low], [begin + width, low + _TEXT_SIZE]])
            if all((box[1] < other[0]).any() or (box[0] > other[1]).any() for other in taken):
                break
        else:
            continue
        taken.append(box)
        ax.annotate(
            text,
            (x, y),
            xytext=(5.0 * sign, shift),
            textcoords="offset points",
            ha="left" if sign > 0 else "right",
            fontsize=_TEXT_SIZE,
            color=_style.GUIDE_COLOR,
            zorder=5.0,
        )


def _draw_cycles(ax: Axes, cycles: CycleSet, view: PlaneOfStates) -> None:
    line_collection = import_optional("matplotlib.collections", "rnndyn.plot").LineCollection
    with_lines = len(cycles) <= _style.MAX_CYCLES_WITH_LINES
    for code, name in enumerate(STABILITY_NAMES):
        projected = [view.project(block.points[block.stability == code]) for block in cycles.blocks]
        if not any(len(orbits) for orbits in projected):
            continue
        if with_lines:
            closed = [
                np.vstack([orbit, orbit[:1]])
                for orbits in projected
                for orbit in orbits
                if len(orbit) > 1
            ]
            color = _style.STABILITY_MARKS[name].color
            lines = line_collection(closed, colors=color, linewidths=0.7, alpha=0.35, zorder=3)
            ax.add_collection(lines)
        points = np.concatenate([orbits.reshape(-1, 2) for orbits in projected])
        _style.draw_points(ax, cycles, name, points)
