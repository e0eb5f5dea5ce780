"""Stability diagrams: regions and boundary curves in a plane of two parameters."""

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn._common.checks import check_integer
from rnndyn._common.optional import import_optional
from rnndyn.bifurcation.path._columns import KIND_NAMES
from rnndyn.bifurcation.plane.result import StabilityDiagram
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._between_curves import NO_VALUE, Areas, areas_between

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Shading = Literal["stable_order", "n_stable", "n_cycles"]

_TITLES: dict[Shading, str] = {
    "stable_order": "lowest order of a stable cycle",
    "n_stable": "stable cycles",
    "n_cycles": "cycles",
}
_MAX_SHADES = 20


def stability_diagram(
    diagram: StabilityDiagram,
    ax: "Axes | None" = None,
    *,
    shading: Shading | None = "stable_order",
    order: int | None = None,
    curves: bool = True,
) -> "Axes":
    """Draw a plane of two parameters: regions shaded by their cycles, and the exact boundaries.

    Border collisions through which a cycle persists are dotted: nothing is born or vanishes there.
    Shading ends at the curves: each place has the colour of the nearest point of the grid that no
    curve parts from it. Places that no such point is known for, such as slivers between two curves
    and what a run that was stopped did not come to, are gray.

    Parameters
    ----------
    diagram : StabilityDiagram
        The diagram.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    shading : {"stable_order", "n_stable", "n_cycles"} or None
        Shade the plane by the lowest order of which there is a stable cycle, or by
        the number of stable cycles or of cycles; None for no shading.
    order : int, optional
        Look at cycles and curves of this order only.
    curves : bool
        Whether to draw the boundary curves.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the shading is not known, or the diagram has no cycles of this order.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> diagram = rd.stability_diagram(
    ...     tent, ("W[0,0]", [-2.0, -1.2, -0.4]), ("h[0]", [-1.0, 0.0, 1.0]), max_order=2
    ... )
    >>> ax = rd.plot.stability_diagram(diagram)
    """
    check_result("diagram", diagram, StabilityDiagram)
    if shading is not None and shading not in get_args(Shading):
        raise ValueError(f"shading must be one of {', '.join(get_args(Shading))}, got {shading!r}")
    if order is not None:
        order = check_integer("order", order, 1, 1_000_000)
        if order not in diagram.orders:
            raise ValueError(f"order must be one of {diagram.orders}, got {order}")
    ax = _style.axes_or_new(ax)
    if shading is not None:
        _shade(ax, diagram, shading, order)
    if curves:
        _draw_curves(ax, diagram, order)
    ax.set_xlim(diagram.x_values[0], diagram.x_values[-1])
    ax.set_ylim(diagram.y_values[0], diagram.y_values[-1])
    ax.set_xlabel(diagram.x_name)
    ax.set_ylabel(diagram.y_name)
    return ax


def _shade(ax: "Axes", diagram: StabilityDiagram, shading: Shading, order: int | None) -> None:
    colors = import_optional("matplotlib.colors", "rnndyn.plot")
    pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
    # What persists through a border is the same on both sides of it.
    curves = [c.points for c in diagram.curves_of(order) if c.outcome != "persistence"]
    known = np.where(diagram.reached, _values(diagram, shading, order), NO_VALUE)
    areas = areas_between(diagram.x_values, diagram.y_values, known, curves)
    unknown = areas.values == NO_VALUE
    if unknown.any():
        _draw_areas(
            ax,
            areas,
            np.ma.masked_where(~unknown, np.ones(unknown.shape)),
            cmap=colors.ListedColormap([_style.UNKNOWN_COLOR]),
        )
    shown = np.unique(areas.values[areas.values > 0])
    if not len(shown):
        return
    few = len(shown) <= _MAX_SHADES
    if few:
        # One shade for each value that occurs, light enough for the curves to stand out.
        ramp = pyplot.get_cmap(_style.COUNT_MAP)(np.linspace(0.18, 0.85, len(shown)))
        scale: Any = colors.BoundaryNorm([*(shown - 0.5), shown[-1] + 0.5], len(shown))
        shades: Any = colors.ListedColormap(ramp)
    else:
        scale, shades = colors.Normalize(shown[0], shown[-1]), pyplot.get_cmap(_style.COUNT_MAP)
    ax.set_facecolor(_style.NOTHING_COLOR)
    mesh = _draw_areas(ax, areas, np.ma.masked_less_equal(areas.values, 0), cmap=shades, norm=scale)
    label = _TITLES[shading] + ("" if order is None else f" of order {order}")
    _style.color_bar(ax, mesh, label, ticks=shown if few else None, spacing="uniform")


def _draw_areas(ax: "Axes", areas: Areas, values: Any, **look: Any) -> Any:
    return ax.pcolormesh(
        _edges(areas.x), _edges(areas.y), values, rasterized=True, zorder=0, **look
    )


def _values(diagram: StabilityDiagram, shading: Shading, order: int | None) -> IntArray:
    chosen = [index for index, own in enumerate(diagram.orders) if order in (None, own)]
    if shading == "n_cycles":
        return np.asarray(diagram.n_cycles[chosen].sum(axis=0))
    stable = diagram.n_stable[chosen]
    if shading == "n_stable":
        return np.asarray(stable.sum(axis=0))
    first = np.array(diagram.orders)[chosen][(stable > 0).argmax(axis=0)]
    return np.where((stable > 0).any(axis=0), first, 0)


def _edges(values: FloatArray) -> FloatArray:
    """Return the borders between the points, the outer ones on the first and the last point."""
    middles = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([values[:1], middles, values[-1:]])


def _draw_curves(ax: "Axes", diagram: StabilityDiagram, order: int | None) -> None:
    collections = import_optional("matplotlib.collections", "rnndyn.plot")
    for kind in KIND_NAMES:
        for persists in (False, True):
            lines = [
                curve.points
                for curve in diagram.curves_of(order, kind)
                if (curve.outcome == "persistence") == persists
            ]
            if not lines:
                continue
            label = kind.replace("_", " ") + (", cycle persists" if persists else "")
            ax.add_collection(
                collections.LineCollection(
                    lines,
                    colors=_style.EVENT_MARKS[kind].color,
                    linewidths=0.8 if persists else 1.1,
                    linestyles=[(0, (1.0, 1.4)) if persists else "solid"],
                    zorder=2,
                    label=label,
                )
            )
    _style.legend_above(ax)
