"""Basins of attraction: areas of first states by the attractor that their orbits go to."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn.basins_of_attraction.result import NOT_REACHED, UNBOUNDED, UNDECIDED, Basins
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours and names of what is no basin.
_OTHERS = {
    UNDECIDED: (_style.UNDECIDED_COLOR, "undecided"),
    UNBOUNDED: (_style.NOTHING_COLOR, "unbounded"),
    NOT_REACHED: ("#FFFFFF", "not reached"),
}


def basins(result: Basins, ax: "Axes | None" = None, *, attractors: bool = True) -> "Axes":
    """Draw the basins of attraction in a plane of state space.

    Every point has the colour of the attractor that its orbit goes to. Up to seven attractors have
    colours of their own, largest basin first; with more, the larger the basin the darker it is.
    The basins of a network with one state are a strip.

    Parameters
    ----------
    result : Basins
        The basins.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    attractors : bool
        Whether to mark the points of the attractors, in the colours of their basins; those that
        are not in the plane by the points of the plane that are nearest.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> network = rd.examples.load("plrnn_2d_16")
    >>> cycles = rd.find_cycles(network, max_order=16)
    >>> ax = rd.plot.basins(rd.basins(cycles, resolution=50))
    """
    check_result("result", result, Basins)
    colors = import_optional("matplotlib.colors", "rnndyn.plot")
    patches = import_optional("matplotlib.patches", "rnndyn.plot")
    ax = _style.axes_or_new(ax)
    shares = result.shares
    # Attractors by their share; those that get nothing here have no colour.
    ranked = [int(n) for n in np.argsort(-shares, kind="stable") if shares[n] > 0.0]
    areas = area_colors(len(ranked))
    present = [code for code in _OTHERS if (result.labels == code).any()]
    numbers = np.empty(result.labels.shape, dtype=np.int64)
    palette = []
    for place, label in enumerate([*ranked, *present]):
        numbers[result.labels == label] = place
        palette.append(areas[place] if label >= 0 else _OTHERS[label][0])
    vertical = np.array([0.0, 1.0]) if result.y_values is None else _edges(result.y_values)
    ax.pcolormesh(
        _edges(result.x_values),
        vertical,
        np.atleast_2d(numbers),
        cmap=colors.ListedColormap(palette),
        norm=colors.BoundaryNorm(np.arange(len(palette) + 1) - 0.5, len(palette)),
        rasterized=True,
        zorder=0,
    )
    ax.set_xlim(*_ends(result.x_values))
    if attractors:
        _mark_attractors(ax, result, {label: areas[place] for place, label in enumerate(ranked)})
    ax.set_xlabel(result.axis_labels[0])
    if result.y_values is None:
        ax.set_ylim(0.0, 1.0)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    else:
        ax.set_ylim(*_ends(result.y_values))
        ax.set_ylabel(result.axis_labels[1])
    handles = [
        patches.Patch(
            facecolor=areas[place],
            label=f"{_style.cycle_text(result.attractors[number])} ({shares[number]:.1%})",
        )
        for place, number in enumerate(ranked[: len(_style.AREA_COLORS)])
    ]
    if len(ranked) > len(_style.AREA_COLORS):
        rest = ranked[len(_style.AREA_COLORS) :]
        share = shares[rest].sum()
        handles.append(
            patches.Patch(facecolor=areas[-1], label=f"{len(rest):,} smaller basins ({share:.1%})")
        )
    handles += [
        patches.Patch(
            facecolor=_OTHERS[code][0],
            edgecolor=_style.BORDER_COLOR,
            label=f"{_OTHERS[code][1]} ({(result.labels == code).mean():.1%})",
        )
        for code in present
    ]
    _style.legend_above(ax, handles)
    return ax


def area_colors(n_areas: int) -> list[Any]:
    """Return the colours of basins, largest first."""
    if n_areas <= len(_style.AREA_COLORS):
        return list(_style.AREA_COLORS[:n_areas])
    pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
    return [
        tuple(color) for color in pyplot.get_cmap(_style.NUMBER_MAP)(np.linspace(0, 1, n_areas))
    ]


def _mark_attractors(ax: "Axes", result: Basins, colors: dict[int, Any]) -> None:
    # Coordinates of the nearest points of the plane, whose directions may be any.
    onto = np.linalg.pinv(result.directions)
    mark = _style.STABILITY_MARKS["stable"]
    for number, cycle in enumerate(result.attractors):
        places = (cycle.points - result.origin) @ onto
        x, y = places[:, 0], places[:, 1] if places.shape[1] > 1 else np.full(len(places), 0.5)
        size = min(max(300.0 / cycle.order, 12.0), 42.0)
        # A white ring sets a dot off from a basin of its own colour.
        ax.scatter(x, y, s=2.4 * size, marker=mark.marker, color="white", zorder=mark.zorder)
        ax.scatter(
            x,
            y,
            s=size,
            marker=mark.marker,
            # One whose basin the plane does not meet has no colour.
            facecolors=[colors.get(number, "white")],
            edgecolors=_style.INK_COLOR,
            linewidths=1.1,
            zorder=mark.zorder,
        )


def _edges(values: FloatArray) -> FloatArray:
    """Return the borders between the cells of points: half way, and as far beyond the ends."""
    if len(values) == 1:
        return np.asarray([values[0] - 0.5, values[0] + 0.5])
    middles = 0.5 * (values[1:] + values[:-1])
    first, last = 2.0 * values[0] - middles[0], 2.0 * values[-1] - middles[-1]
    return np.concatenate([[first], middles, [last]])


def _ends(values: FloatArray) -> tuple[float, float]:
    """Return what to show of an axis: from the first point to the last, or the only cell."""
    shown = values if len(values) > 1 else _edges(values)
    return float(shown[0]), float(shown[-1])
