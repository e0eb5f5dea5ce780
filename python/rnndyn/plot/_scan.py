"""Scans: a curve over one parameter, a map over two."""

from typing import TYPE_CHECKING, Any

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.optional import import_optional
from rnndyn.parameter_scan.result import Scan
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: 95 % of a normal distribution lie within this many standard errors.
_NORMAL_95 = 1.96


def scan(result: Scan, ax: "Axes | None" = None, *, variable: str | None = None) -> "Axes":
    """Draw a variable of a scan over its parameters.

    Over one parameter it is a curve, with the 95 % band where a variable ``NAME_error`` holds
    standard errors. Over two it is a map; where the values have both signs, 0 is white. Points
    without a value are marked at the bottom of a curve, and grey on a map, and hatched where the
    orbit runs away or left the range of numbers (``diverged``); values ``-inf`` have the colour
    of the smallest.

    Parameters
    ----------
    result : Scan
        The scan.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    variable : str, optional
        What to draw. Default: the first of ``result.variables``.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    KeyError
        If there is no such variable.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> ax = rd.plot.scan(rd.scan(lozi, ("A[1,0]", [0.1, 0.3, 0.5]), n_steps=500))
    """
    check_result("result", result, Scan)
    name = result.variables[0] if variable is None else variable
    values = result[name]
    ax = _style.axes_or_new(ax)
    if result.y_values is None:
        error = f"{name}_error"
        half = _NORMAL_95 * result[error] if error in result.variables else None
        _curve(ax, result.x_values, values, half, result.diverged(name))
        ax.set_ylabel(name)
    else:
        _map(ax, result.x_values, result.y_values, values, name, result.diverged(name))
        ax.set_ylabel(str(result.y_name))
    ax.set_xlabel(result.x_name)
    return ax


def _curve(ax: "Axes", x: FloatArray, values: Any, half: Any, diverged: BoolArray) -> None:
    finite = np.ma.masked_invalid(values)
    shown = finite.filled(np.nan)
    if finite.count() and finite.min() < 0.0 < finite.max():
        ax.axhline(0.0, color=_style.GUIDE_COLOR, linewidth=0.8, zorder=1)
    if half is not None:
        band = half.filled(0.0)
        ax.fill_between(x, shown - band, shown + band, color=_style.BLUE, alpha=0.25, linewidth=0)
    few = len(x) <= 50
    ax.plot(x, shown, color=_style.BLUE, linewidth=1.2, marker="o" if few else None, markersize=3)
    for label, missing, marker in (
        ("diverged", diverged, "^"),
        ("no value", np.ma.getmaskarray(values) & ~diverged, "x"),
        ("-inf", np.asarray(values.filled(0.0) == -np.inf), "v"),
    ):
        if missing.any():
            ax.plot(
                x[missing],
                np.full(int(missing.sum()), 0.02),
                linestyle="none",
                marker=marker,
                markersize=4,
                color=_style.GUIDE_COLOR,
                transform=ax.get_xaxis_transform(),
                label=label,
            )
    # What has no value is drawn at the bottom.
    drawn = np.column_stack([x, np.where(np.isfinite(shown), shown, ax.get_ylim()[0])])
    _style.legend(ax, drawn)


def _map(
    ax: "Axes", x: FloatArray, y: FloatArray, values: Any, name: str, diverged: BoolArray
) -> None:
    finite = np.ma.masked_invalid(values)
    low, high = (float(finite.min()), float(finite.max())) if finite.count() else (0.0, 1.0)
    diverging = low < 0.0 < high
    if diverging:
        high = max(-low, high)
        low = -high
    elif low == high:
        low, high = low - 0.5, high + 0.5
    below = np.asarray(values.filled(0.0) == -np.inf)
    above = np.asarray(values.filled(0.0) == np.inf)
    span = high - low
    # Colour maps take numbers only; these are beyond the ends of theirs.
    shown = values.copy()
    shown[below], shown[above] = low - span, high + span
    ax.set_facecolor(_style.UNKNOWN_COLOR)
    mesh = ax.pcolormesh(
        x,
        y,
        shown,
        shading="nearest",
        cmap=_style.SIGNED_MAP if diverging else _style.NUMBER_MAP,
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    extend: Any = ends.get((bool(below.any()), bool(above.any())), "both")
    _style.color_bar(ax, mesh, name, extend=extend)
    _missing(ax, x, y, diverged, np.ma.getmaskarray(values) & ~diverged)


def _missing(
    ax: "Axes", x: FloatArray, y: FloatArray, diverged: BoolArray, unknown: BoolArray
) -> None:
    """Show where there is no value: the background, hatched where the orbit runs away."""
    patches = import_optional("matplotlib.patches", "rnndyn.plot")
    handles = []
    if diverged.any():
        colors = import_optional("matplotlib.colors", "rnndyn.plot")
        look: dict[str, Any] = {
            "hatch": "////",
            "edgecolor": _style.UNDECIDED_COLOR,
            "linewidth": 0.0,
        }
        ax.pcolor(
            x,
            y,
            np.ma.MaskedArray(np.zeros(diverged.shape), ~diverged),
            shading="nearest",
            cmap=colors.ListedColormap([_style.UNKNOWN_COLOR]),
            rasterized=True,
            **look,
        )
        handles.append(patches.Patch(facecolor=_style.UNKNOWN_COLOR, label="diverged", **look))
    if unknown.any():
        handles.append(patches.Patch(color=_style.UNKNOWN_COLOR, label="no value"))
    if handles:
        _style.legend_above(ax, handles)
