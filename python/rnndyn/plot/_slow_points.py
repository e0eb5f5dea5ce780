"""Slow points and slow curves in state space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._orbits import Frame, orbits_in
from rnndyn.plot._state_space import _plane
from rnndyn.slow_points.result import SlowPointSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Arrows of the drift are this share of the width of the axes.
_ARROW = 0.07


def slow_points(
    slow: SlowPointSet,
    ax: Axes | None = None,
    *,
    cycles: CycleSet | None = None,
    dims: tuple[int, int] | Literal["pca"] | None = None,
    orbits: int | ArrayLike = 12,
    n_steps: int = 400,
    seed: int = 0,
) -> Axes:
    """Draw slow points with the direction of their drift, and slow curves, over orbits.

    Parameters
    ----------
    slow : SlowPointSet
        The slow points; their network, which needs two states or more, provides the orbits.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    cycles : CycleSet, optional
        Fixed points and cycles to draw with them, such as ``find_fixed_points(model, inputs)``.
    dims : (int, int) or "pca", optional
        The two states to draw, or the two principal components of everything drawn. Default: the
        states 0 and 1 of a network with two states, else ``"pca"``.
    orbits : int or array_like of shape (..., N)
        Number of orbits to draw, from random states around the points, or their first states.
    n_steps : int
        Length of the orbits.
    seed : int
        Seed of the random first states.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> model = rd.RNN(None, [[0.5, 0.5], [0.5, 0.5]], None, [1e-3, 1e-3])
    >>> ax = rd.plot.slow_points(rd.find_slow_points(model))
    """
    check_result("slow", slow, SlowPointSet)
    if cycles is not None:
        check_result("cycles", cycles, CycleSet)
    model = slow.free_model
    n = model.n_states
    if n < 2:
        raise ValueError("slow points are drawn in a plane, and this network has one state")
    ax = _style.axes_or_new(ax)
    blocks = () if cycles is None else cycles.blocks
    members = [block.points.reshape(-1, n) for block in blocks]
    curves = [curve.points for curve in slow.curves]
    points = np.concatenate([np.empty((0, n)), slow.states, *curves, *members])
    paths = orbits_in(model, Frame.around(points), orbits, n_steps, seed)
    view = _plane(n, points, paths, dims)
    for path in paths:
        x, y = view.project(path).T
        ax.plot(x, y, ".", color=_style.ORBIT_COLOR, markersize=1.6, alpha=0.5, zorder=1)
    for curve in slow.curves:
        x, y = view.project(curve.points).T
        label = "approximate line attractor" if curve.is_attractor else "slow curve"
        if label in ax.get_legend_handles_labels()[1]:
            label = "_nolegend_"
        color = _style.CONTINUUM_COLOR if curve.is_attractor else _style.PURPLE
        ax.plot(x, y, color=color, linewidth=3.0, zorder=2, label=label)
    if cycles is not None:
        for code, name in enumerate(STABILITY_NAMES):
            parts = [block.points[block.stability == code].reshape(-1, n) for block in blocks]
            drawn = view.project(np.concatenate([np.empty((0, n)), *parts]))
            if len(drawn):
                _style.draw_points(ax, cycles, name, drawn)
    if len(slow):
        at = view.project(slow.states)
        ahead = view.project(slow.states + np.array([point.direction for point in slow]))
        ax.scatter(
            at[:, 0],
            at[:, 1],
            s=30.0,
            marker="X",
            color=_style.INK_COLOR,
            linewidths=0.0,
            zorder=5,
            label=f"slow point ({len(slow):,})",
        )
        width = float(np.diff(ax.get_xlim())[0])
        for begin, direction in zip(at, ahead - at, strict=True):
            size = float(np.linalg.norm(direction))
            if size > 0.0:
                end = begin + _ARROW * width * direction / size
                arrow = {"arrowstyle": "->", "color": _style.INK_COLOR, "linewidth": 1.0}
                ax.annotate("", tuple(end), tuple(begin), arrowprops=arrow, zorder=5)
    ax.set_xlabel(view.labels[0])
    ax.set_ylabel(view.labels[1])
    _style.legend(ax, view.project(points))
    return ax
