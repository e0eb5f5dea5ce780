"""Shares of basins in a box, as bars with their intervals."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn.basins_of_attraction.result import BasinFractions
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result
from rnndyn.plot._basins import area_colors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: With more attractors than this only those with the largest basins are shown.
_MAX_BARS = 24


def basin_fractions(
    result: BasinFractions, ax: "Axes | None" = None, *, confidence: float = 0.95
) -> "Axes":
    """Draw what share of a box goes to each attractor, with confidence intervals.

    The colours are those of `rnndyn.plot.basins`: largest basin first. Gray bars are orbits that
    are unbounded or undecided.

    Parameters
    ----------
    result : BasinFractions
        The shares.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    confidence : float
        Confidence of the intervals, between 0 and 1.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If it is no such result, or no such confidence.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> line = rd.PLRNN(A=[[2.0]], W=[[-1.5]], h=[1.0])
    >>> ax = rd.plot.basin_fractions(rd.basin_fractions(line, 3.0, n=200))
    """
    check_result("result", result, BasinFractions)
    lower, upper = result.interval(confidence)
    shares = result.fractions
    ax = _style.axes_or_new(ax)
    ranked = [int(number) for number in np.argsort(-shares, kind="stable")]
    shown = ranked[:_MAX_BARS]
    names = [f"{number}: {_style.cycle_text(result.attractors[number])}" for number in shown]
    heights = [float(shares[number]) for number in shown]
    colors = area_colors(len(ranked))[: len(shown)]
    if len(ranked) > len(shown):
        names.append(f"{len(ranked) - len(shown):,} smaller basins")
        heights.append(float(shares[ranked[len(shown) :]].sum()))
        colors.append(_style.UNKNOWN_COLOR)
    others = (("unbounded", result.n_unbounded), ("undecided", result.n_undecided))
    for name, count in others:
        if count:
            names.append(name)
            heights.append(count / max(result.n, 1))
            colors.append(_style.UNDECIDED_COLOR)
    places = np.arange(len(names))
    ax.barh(places, heights, height=0.7, color=colors, zorder=2)
    ends = np.array([[shares[k] - lower[k], upper[k] - shares[k]] for k in shown]).reshape(-1, 2)
    ax.errorbar(
        heights[: len(shown)],
        places[: len(shown)],
        xerr=np.maximum(ends.T, 0.0),
        fmt="none",
        ecolor=_style.INK_COLOR,
        elinewidth=1.2,
        capsize=3.0,
        zorder=3,
    )
    ax.set_yticks(places, names)
    # The largest on top.
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(0.0, None)
    ax.set_xlabel(f"share of the box ({result.n:,} states, {confidence:.0%} intervals)")
    return ax
