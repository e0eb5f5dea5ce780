"""Cycles and orbits in a space of three dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn._common.planes import PlaneOfStates, coordinate_plane, principal_plane
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.plot import _style
from rnndyn.plot._by_input import colors_of_inputs, input_label
from rnndyn.plot._orbits import Frame, orbits_in, points_of_interest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Which dimensions a picture shows.
Dims = tuple[int, int] | tuple[int, int, int] | Literal["pca", "pca3"] | None


def is_in_space(ax: Axes | None, dims: Dims) -> bool:
    """Tell whether a picture in space is asked for, by the axes or by the dimensions."""
    return (
        getattr(ax, "name", None) == "3d"
        or (isinstance(dims, str) and dims == "pca3")
        or (not isinstance(dims, str) and dims is not None and np.size(dims) == 3)
    )


def axes_in_space(ax: Any) -> Any:
    """Return three-dimensional axes in the common look: the axes given, or new ones."""
    if ax is None:
        pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
        ax = pyplot.figure(figsize=(6.0, 5.2)).add_subplot(projection="3d")
    if getattr(ax, "name", None) != "3d":
        raise ValueError(
            "ax must be three-dimensional for a picture in space, such as "
            "pyplot.figure().add_subplot(projection='3d')"
        )
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_pane_color((1.0, 1.0, 1.0, 0.0))
        axis.line.set_color(_style.GUIDE_COLOR)
        axis._axinfo["grid"].update(color=_style.BORDER_COLOR, linewidth=0.6)
    ax.tick_params(colors=_style.GUIDE_COLOR, labelsize=7, pad=0)
    return ax


def draw_in_space(
    cycles: CycleSet | CyclesByInput,
    axes: Axes | None,
    dims: Dims,
    orbits: int | ArrayLike,
    n_steps: int,
    seed: int,
) -> Axes:
    """Draw cycles, of one input or of several, over orbits in three dimensions."""
    model = cycles.model
    if model.n_states < 3:
        raise ValueError(
            f"dims must be of a plane: a network with {model.n_states} states has no space of three"
        )
    several = isinstance(cycles, CyclesByInput)
    sets = list(cycles) if isinstance(cycles, CyclesByInput) else [cycles]
    points = np.concatenate([points_of_interest(one) for one in sets])
    frame = Frame.around(points)
    each = -(-int(np.asarray(orbits)) // max(1, len(sets))) if np.ndim(orbits) == 0 else orbits
    paths = [orbits_in(one.free_model, frame, each, n_steps, seed) for one in sets]
    view = _space(model.n_states, dims, points, [path for own in paths for path in own])
    ax = axes_in_space(axes)
    colors = colors_of_inputs(len(sets)) if several else [None]
    for number, (one, own, color) in enumerate(zip(sets, paths, colors, strict=True)):
        for path in own:
            ax.plot(
                *view.project(path).T,
                ".",
                color=color or _style.ORBIT_COLOR,
                markersize=1.4,
                alpha=0.35,
            )
        label = input_label(cycles, number) if isinstance(cycles, CyclesByInput) else None
        _draw_cycles(ax, one, view, color, label)
        for continuum in one.continua:
            ax.plot(
                *view.project(continuum.sample(400, radius=_radius(frame))).T,
                ".",
                color=_style.CONTINUUM_COLOR,
                markersize=2.0,
            )
    settled = [path[len(path) // 2 :] for own in paths for path in own if len(path) > n_steps]
    shown = Frame.around(view.project(np.concatenate([points, *settled])))
    for axis, name in enumerate("xyz"):
        getattr(ax, f"set_{name}lim")(shown.lower[axis], shown.upper[axis])
        getattr(ax, f"set_{name}label")(view.labels[axis], fontsize=9, labelpad=2)
    handles, _ = ax.get_legend_handles_labels()
    if handles:
        ax.legend(loc="upper left", fontsize=8, frameon=False)
    drawn: Axes = ax
    return drawn


def _radius(frame: Frame) -> float:
    return float(np.linalg.norm(frame.upper - frame.lower))


def _space(n_states: int, dims: Dims, points: FloatArray, paths: list[FloatArray]) -> PlaneOfStates:
    if dims is None:
        dims = (0, 1, 2) if n_states == 3 else "pca3"
    # On axes in space the principal components are three.
    if isinstance(dims, str) and dims in ("pca", "pca3"):
        return principal_plane(np.concatenate([points, *paths]), 3)
    return coordinate_plane(n_states, dims, 3)


def _draw_cycles(
    ax: Any, cycles: CycleSet, view: PlaneOfStates, color: Any, label: str | None
) -> None:
    art = import_optional("mpl_toolkits.mplot3d.art3d", "rnndyn.plot")
    for code, name in enumerate(STABILITY_NAMES):
        projected = [view.project(block.points[block.stability == code]) for block in cycles.blocks]
        points = np.concatenate([np.empty((0, 3)), *(part.reshape(-1, 3) for part in projected)])
        if not len(points):
            continue
        mark = _style.STABILITY_MARKS[name]
        own = color or mark.color
        closed = [
            np.vstack([orbit, orbit[:1]])
            for part in projected
            for orbit in part
            if len(orbit) > 1 and len(cycles) <= _style.MAX_CYCLES_WITH_LINES
        ]
        if closed:
            lines = art.Line3DCollection(closed, colors=own, linewidths=0.7, alpha=0.4)
            ax.add_collection3d(lines)
        ax.scatter(
            *points.T,
            s=min(max(1500.0 / len(points), 6.0), 32.0),
            marker=mark.marker,
            facecolors=own if mark.filled else "white",
            edgecolors=own,
            linewidths=0.9,
            # Fading with depth would make a stable cycle look like another.
            depthshade=False,
            label=_style.legend_text(cycles, name) if color is None else label,
        )
        label = None
