"""Which saddles are connected by orbits, as a graph."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def connections(result: HomoclinicPoints, ax: "Axes | None" = None) -> "Axes":
    """Draw the graph of connecting orbits: an arrow for all orbits from one saddle to another.

    The number at an arrow counts the orbits that were found; a saddle with homoclinic orbits has
    their number inside a double ring. Saddles are numbered as in ``result.cycles``.

    Parameters
    ----------
    result : HomoclinicPoints
        The connecting orbits.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> cycles = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=2)
    >>> ax = rd.plot.connections(rd.homoclinic_points(cycles, depth=5))
    """
    check_result("result", result, HomoclinicPoints)
    ax = _style.axes_or_new(ax, square=True)
    counts = result.connections
    n = len(result.cycles)
    angles = np.pi / 2.0 - 2.0 * np.pi * np.arange(n) / max(n, 1)
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for source, target in zip(*np.nonzero(counts), strict=True):
        if source == target:
            continue
        begin, end = places[source], places[target]
        ax.annotate(
            "",
            xy=end,
            xytext=begin,
            arrowprops={
                "arrowstyle": "-|>",
                "color": _style.GUIDE_COLOR,
                "connectionstyle": "arc3,rad=0.15",
                "shrinkA": 16.0,
                "shrinkB": 16.0,
            },
        )
        # Beside the arrow, which is bent to this side.
        side = np.array([end[1] - begin[1], begin[0] - end[0]])
        middle = 0.5 * (begin + end) + 0.12 * side
        ax.text(
            middle[0],
            middle[1],
            f"{counts[source, target]:,}",
            ha="center",
            va="center",
            fontsize=8,
        )
    for number, place in enumerate(places):
        own = counts[number, number]
        if own:
            ax.scatter(
                place[0], place[1], s=900.0, facecolors="white", edgecolors=_style.VERMILLION
            )
            ax.text(
                place[0],
                place[1] - 0.25,
                f"{own:,} homoclinic",
                ha="center",
                va="center",
                fontsize=8,
            )
        mark = _style.STABILITY_MARKS[result.cycles[number].stability]
        ax.scatter(
            place[0], place[1], s=600.0, facecolors="white", edgecolors=mark.color, zorder=3.0
        )
        order = result.cycles[number].order
        ax.text(
            place[0],
            place[1],
            f"{number}\n(order {order})",
            ha="center",
            va="center",
            fontsize=7,
            zorder=4,
        )
    ax.set_xlim(-1.5, 1.5)
    ax.set_ylim(-1.5, 1.5)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax
