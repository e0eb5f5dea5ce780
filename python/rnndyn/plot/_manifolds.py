"""Manifolds and boundaries of basins: curves and polygons, in planes, in slices and in space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.optional import import_optional
from rnndyn._common.planes import PlaneOfStates, coordinate_plane, state_label, window_around
from rnndyn.basins_of_attraction.result import Basins
from rnndyn.cycles.cycle import Cycle
from rnndyn.manifolds.pieces import Pieces
from rnndyn.manifolds.result import BasinBoundary, Manifold
from rnndyn.models import PiecewiseLinearModel
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._basins import basins as draw_basins
from rnndyn.plot._in_space import axes_in_space

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KIND_COLORS = {"stable": _style.BLUE, "unstable": _style.VERMILLION}


def manifold(
    result: Manifold,
    ax: Axes | None = None,
    *,
    dims: tuple[int, int] | None = None,
    origin: ArrayLike | None = None,
    color: str | None = None,
) -> Axes:
    """Draw a stable or unstable manifold with its cycle.

    Of a network with three states, curves and surfaces are drawn in space. Else it is a picture of
    a plane: curves are projected onto it, and pieces of M - 1 and M dimensions are cut with it.

    Parameters
    ----------
    result : Manifold
        The manifold.
    ax : matplotlib.axes.Axes, optional
        Where to draw, three-dimensional axes for a picture in space. Default: a new figure.
    dims : (int, int), optional
        The plane of two states. Default: the states 0 and 1.
    origin : array_like of shape (M,), optional
        A state that the plane goes through: it gives the values of the other states. Default: the
        first point of the cycle.
    color : str, optional
        Default: blue where it is stable, red where it is unstable.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> saddle = rd.find_cycles(rd.examples.lozi_map(), max_order=1).saddles[0]
    >>> ax = rd.plot.manifold(rd.manifold(saddle, "unstable", depth=8))
    """
    check_result("result", result, Manifold)
    chosen = color or _KIND_COLORS[result.kind]
    points = result.cycle.points
    if result.model.n_states == 3 and dims is None and origin is None:
        return _in_space(result.pieces, [result.cycle], ax, chosen)
    plane = _plane(result.model, points, dims, origin)
    ax = _style.axes_or_new(ax)
    seen = _draw(ax, result.pieces, plane, chosen)
    _mark(ax, [result.cycle], plane)
    _frame(ax, plane, seen, plane.project(points))
    return ax


def basin_boundary(
    result: BasinBoundary,
    ax: Axes | None = None,
    *,
    basins: Basins | None = None,
    dims: tuple[int, int] | None = None,
    origin: ArrayLike | None = None,
    color: str | None = None,
) -> Axes:
    """Draw the boundary of basins with its gates and attractors.

    Parameters
    ----------
    result : BasinBoundary
        The boundary.
    ax : matplotlib.axes.Axes, optional
        Where to draw, three-dimensional axes for a picture in space. Default: a new figure.
    basins : Basins, optional
        Basins in a plane, drawn beneath; the boundary is cut with their plane.
    dims : (int, int), optional
        Without basins: the plane of two states. Default: the states 0 and 1, or space for a
        network with three states.
    origin : array_like of shape (M,), optional
        A state that this plane goes through. Default: the first gate.
    color : str, optional
        Default: nearly black.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the basins are those of another network, or a plane is given twice.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5, 0.0], [0.3, 0.5]], W1=[[1.0, -1.0], [0.0, 0.0]],
    ...     W2=[[1.0, 0.4], [1.0, 0.4]], h1=[-1.0, 0.0], h2=[1.0, -1.0],
    ... )
    >>> cycles = rd.find_cycles(model, max_order=1)
    >>> beneath = rd.basins(cycles, resolution=40)
    >>> ax = rd.plot.basin_boundary(rd.basin_boundary(cycles), basins=beneath)
    """
    check_result("result", result, BasinBoundary)
    if basins is not None:
        check_result("basins", basins, Basins)
    chosen = color or _style.INK_COLOR
    gates = [gate.cycle for gate in result.gates if gate.separates]
    cycles = [*result.attractors, *gates]
    if basins is None:
        if result.model.n_states == 3 and dims is None and origin is None:
            return _in_space(result.pieces, cycles, ax, chosen)
        points = np.concatenate([np.zeros((1, result.model.n_states))[:0], *_points(cycles)])
        first = gates[0].points if gates else points[:1]
        plane = _plane(result.model, first, dims, origin)
        ax = _style.axes_or_new(ax)
        seen = _draw(ax, result.pieces, plane, chosen)
        _mark(ax, cycles, plane)
        _frame(ax, plane, seen, plane.project(points))
        return ax
    if dims is not None or origin is not None:
        raise ValueError("give either basins, whose plane is drawn, or dims and origin, got both")
    if basins.model != result.model:
        raise ValueError("basins must be those of the network whose boundary this is")
    ax = draw_basins(basins, ax)
    if basins.y_values is None:
        for place in result.pieces.values.ravel():
            ax.axvline(float(place), color=chosen, linewidth=1.2)
        return ax
    limits = ax.get_xlim(), ax.get_ylim()
    labels = basins.axis_labels[0], basins.axis_labels[1]
    plane = PlaneOfStates(basins.origin, basins.directions.T, labels)
    _draw(ax, result.pieces, plane, chosen)
    _mark(ax, gates, plane)
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])
    return ax


def _points(cycles: list[Cycle]) -> list[FloatArray]:
    return [cycle.points for cycle in cycles]


def _plane(
    model: PiecewiseLinearModel, points: FloatArray, dims: Any, origin: Any
) -> PlaneOfStates:
    if model.n_states == 1:
        raise ValueError(
            "a figure needs a network with two states; with one state, the boundary is drawn into "
            "the basins: rnndyn.plot.basin_boundary(boundary, basins=rnndyn.basins(cycles))"
        )
    plane = coordinate_plane(model.n_states, (0, 1) if dims is None else dims)
    if (plane.directions.sum(axis=1) > 1.0).any():
        raise ValueError(f"dims must be two different states, got {dims!r}")
    through = points[0] if len(points) else np.zeros(model.n_states)
    if origin is not None:
        through = finite_numbers("origin", origin, (model.n_states,))
    # Along the plane the coordinates are the states themselves.
    return plane._replace(center=np.where(plane.directions.any(axis=1), 0.0, through))


def _draw(ax: Axes, pieces: Pieces, plane: PlaneOfStates, color: str) -> FloatArray:
    """Draw what a plane shows of some pieces, and return the corners of all of it."""
    collections = import_optional("matplotlib.collections", "rnndyn.plot")
    codimension = pieces.n_states - pieces.dimension
    cut = pieces.n_states > 2 and pieces.dimension > 1
    if cut and codimension > 1:
        raise ValueError(
            f"a plane meets pieces of dimension {pieces.dimension} in R^{pieces.n_states} in "
            "single points only; draw pieces of dimension 1, M - 1 or M"
        )
    if pieces.dimension == 0:
        places = plane.project(pieces.interiors)
        ax.scatter(places[:, 0], places[:, 1], s=6.0, color=color, zorder=3.0)
        return places
    if pieces.dimension == 1:
        outlines = [plane.project(ends) for ends in pieces.segments()]
    else:
        cuts = (
            pieces.outline(number, plane.center, plane.directions.T)
            for number in range(len(pieces))
        )
        outlines = [outline for outline in cuts if outline is not None]
    if codimension:
        ax.add_collection(
            collections.LineCollection(outlines, colors=color, linewidths=1.2, zorder=3.0)
        )
    else:
        ax.add_collection(
            collections.PolyCollection(
                outlines, facecolors=color, edgecolors="white", linewidths=0.4, alpha=0.5
            )
        )
    return np.concatenate([np.empty((0, 2)), *outlines])


def _mark(ax: Axes, cycles: list[Cycle], plane: PlaneOfStates) -> None:
    onto = np.linalg.pinv(plane.directions)
    for cycle in cycles:
        mark = _style.STABILITY_MARKS[cycle.stability]
        places = (cycle.points - plane.center) @ onto.T
        size = min(max(300.0 / cycle.order, 12.0), 42.0)
        # A white ring sets a mark off from what is beneath it, which may have its colour.
        for scale, face, edge in (
            (2.4, "white", "white"),
            (1.0, mark.color if mark.filled else "white", mark.color),
        ):
            ax.scatter(
                places[:, 0],
                places[:, 1],
                s=scale * size,
                marker=mark.marker,
                facecolors=face,
                edgecolors=edge,
                linewidths=1.1,
                zorder=mark.zorder,
            )


def _frame(ax: Axes, plane: PlaneOfStates, seen: FloatArray, marks: FloatArray) -> None:
    """Show what lies around the cycles: pieces reach as far as the box of the orbits."""
    size = float(np.ptp(marks, axis=0).max()) if len(marks) > 1 else 0.0
    size = size or 2.0 * float(np.abs(marks).max(initial=0.5)) or 1.0
    near = seen[(np.abs(seen - marks.mean(axis=0)) <= 1.5 * size).all(axis=1)]
    lower, upper = window_around(np.concatenate([marks, near]))
    ax.set_xlim(lower[0], upper[0])
    ax.set_ylim(lower[1], upper[1])
    ax.set_xlabel(plane.labels[0])
    ax.set_ylabel(plane.labels[1])


def _in_space(pieces: Pieces, cycles: list[Cycle], axes: Axes | None, color: str) -> Axes:
    """Draw curves and surfaces of a network with three states."""
    art = import_optional("mpl_toolkits.mplot3d.art3d", "rnndyn.plot")
    if pieces.dimension > 2:
        raise ValueError(
            "pieces of all three dimensions hide each other; give dims= for a cut with a plane"
        )
    ax = axes_in_space(axes)
    marks = np.concatenate([np.empty((0, 3)), *_points(cycles)])
    size = float(np.ptp(marks, axis=0).max()) if len(marks) > 1 else 0.0
    half = 1.2 * (size or 2.0 * float(np.abs(marks).max(initial=0.5)) or 1.0)
    center = marks.mean(axis=0) if len(marks) else np.zeros(3)
    window = center - half, center + half
    shown = [
        outline
        for number in range(len(pieces))
        if pieces.dimension and (outline := pieces.outline(number, window=window)) is not None
    ]
    if pieces.dimension == 2:
        ax.add_collection3d(
            art.Poly3DCollection(
                shown, facecolors=color, edgecolors="white", linewidths=0.3, alpha=0.55
            )
        )
    elif pieces.dimension == 1:
        ax.add_collection3d(art.Line3DCollection(shown, colors=color, linewidths=1.2))
    else:
        ax.scatter(*pieces.interiors.T, s=6.0, color=color)
    for cycle in cycles:
        mark = _style.STABILITY_MARKS[cycle.stability]
        ax.scatter(
            *cycle.points.T,
            s=30.0,
            marker=mark.marker,
            facecolors=mark.color if mark.filled else "white",
            edgecolors=mark.color,
        )
    for axis, name in enumerate("xyz"):
        getattr(ax, f"set_{name}lim")(center[axis] - half, center[axis] + half)
        getattr(ax, f"set_{name}label")(state_label(axis))
    drawn: Axes = ax
    return drawn
