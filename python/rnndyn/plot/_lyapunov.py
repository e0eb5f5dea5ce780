"""Lyapunov spectra: exponents with errors, their convergence, and finite-time exponents."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from rnndyn._common.checks import check_integer
from rnndyn._common.optional import import_optional
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours of the signs, as of the cycles that attract and repel.
_POSITIVE, _ZERO, _NEGATIVE = _style.POSITIVE_COLOR, _style.GUIDE_COLOR, _style.NEGATIVE_COLOR
#: Histograms and curves of more exponents than this would hide each other.
_FEW = 4


def lyapunov(spectrum: LyapunovSpectrum, ax: "Axes | None" = None) -> "Axes":
    """Draw the exponents by rank, with their 95 % intervals.

    Exponents that are positive or negative beyond their interval are coloured; the others are grey.
    Of several sequences the mean is drawn, with the range over the sequences behind it. Exponents
    ``-inf`` are marked at the bottom.

    Parameters
    ----------
    spectrum : LyapunovSpectrum
        The spectrum.
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
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> ax = rd.plot.lyapunov(rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1000))
    """
    check_result("spectrum", spectrum, LyapunovSpectrum)
    ax = _style.axes_or_new(ax)
    rank = np.arange(1, spectrum.n_exponents + 1)
    lower, upper = spectrum.pooled_interval()
    values = spectrum.pooled
    finite = np.isfinite(values)
    ax.axhline(0.0, color=_style.GUIDE_COLOR, linewidth=0.8, zorder=1)
    if spectrum.n_sequences > 1:
        smallest = spectrum.exponents.min(axis=0)
        drawn = np.isfinite(smallest)
        ax.vlines(
            rank[drawn],
            smallest[drawn],
            spectrum.exponents.max(axis=0)[drawn],
            color=_style.ORBIT_COLOR,
            linewidth=5.0,
            alpha=0.45,
            zorder=2,
            label=f"range of {spectrum.n_sequences} sequences",
        )
    size = float(np.clip(160.0 / spectrum.n_exponents, 2.0, 6.0))
    signs = (
        ("positive", _POSITIVE, "^", lower > 0.0),
        ("zero within its interval", _ZERO, "o", (lower <= 0.0) & (upper >= 0.0)),
        ("negative", _NEGATIVE, "v", upper < 0.0),
    )
    for label, color, marker, belongs in signs:
        chosen = belongs & finite
        if not chosen.any():
            continue
        # An unknown error has no bar.
        here = values[chosen]
        bars = np.stack([here - lower[chosen], upper[chosen] - here])
        ax.errorbar(
            rank[chosen],
            here,
            yerr=np.where(np.isfinite(bars), bars, 0.0),
            fmt=marker,
            color=color,
            markersize=size,
            linewidth=1.0,
            capsize=2.0 if spectrum.n_exponents <= 32 else 0.0,
            zorder=3,
            label=label,
        )
    if not finite.all():
        # In axes coordinates: there is no place for them on the scale.
        ax.plot(
            rank[~finite],
            np.full(int((~finite).sum()), 0.02),
            marker="v",
            linestyle="none",
            color=_NEGATIVE,
            fillstyle="none",
            markersize=size,
            transform=ax.get_xaxis_transform(),
            label="−∞",
        )
    ax.set_xlabel("index $i$ of exponent $\\lambda_i$")
    ax.set_ylabel(f"Lyapunov exponent ({spectrum.units.text})")
    ax.xaxis.set_major_locator(
        import_optional("matplotlib.ticker", "rnndyn.plot").MaxNLocator(integer=True, min_n_ticks=1)
    )
    _style.legend(ax, np.column_stack([rank[finite], values[finite]]))
    return ax


def lyapunov_convergence(
    spectrum: LyapunovSpectrum, ax: "Axes | None" = None, *, exponents: Iterable[int] | None = None
) -> "Axes":
    """Draw the running estimates over the recorded steps, with the final 95 % intervals.

    Parameters
    ----------
    spectrum : LyapunovSpectrum
        The spectrum. Of several sequences the mean is drawn, and each sequence thinly.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    exponents : iterable of int, optional
        Which exponents to draw, from 0. Default: all that are finite.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If an index is out of range.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1000)
    >>> ax = rd.plot.lyapunov_convergence(spectrum, exponents=[0])
    """
    check_result("spectrum", spectrum, LyapunovSpectrum)
    shown = _chosen(spectrum, exponents, default=spectrum.n_exponents)
    ax = _style.axes_or_new(ax)
    colors = _colors(len(shown))
    steps, running = spectrum.running_steps, spectrum.running
    lower, upper = spectrum.pooled_interval()
    ax.axhline(0.0, color=_style.GUIDE_COLOR, linewidth=0.8, zorder=1)
    for index, color in zip(shown, colors, strict=True):
        if spectrum.n_sequences > 1:
            ax.plot(steps, running[:, :, index], color=color, linewidth=0.5, alpha=0.35, zorder=2)
        ax.plot(
            steps,
            running[:, :, index].mean(axis=1),
            color=color,
            linewidth=1.4,
            zorder=3,
            label=_name(index) if len(shown) <= _FEW else None,
        )
        if np.isfinite(upper[index]) and np.isfinite(lower[index]):
            ax.errorbar(
                [float(steps[-1]) * 1.02],
                [spectrum.pooled[index]],
                yerr=[
                    [spectrum.pooled[index] - lower[index]],
                    [upper[index] - spectrum.pooled[index]],
                ],
                color=color,
                linewidth=1.4,
                capsize=3.0,
                zorder=4,
            )
    ax.set_xlabel("recorded steps")
    ax.set_ylabel(f"running estimate ({spectrum.units.text})")
    curves = running[:, :, shown].mean(axis=1)
    points = np.column_stack([np.repeat(steps, len(shown)), curves.ravel()])
    _style.legend(ax, points[np.isfinite(points).all(axis=1)])
    return ax


def finite_time_exponents(
    spectrum: LyapunovSpectrum,
    ax: "Axes | None" = None,
    *,
    steps: int | None = None,
    exponents: Iterable[int] | None = None,
) -> "Axes":
    """Draw histograms of the finite-time exponents, over time and sequences.

    Parameters
    ----------
    spectrum : LyapunovSpectrum
        The spectrum.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    steps : int, optional
        Length of a piece of the orbit; see `LyapunovSpectrum.finite_time_exponents`.
    exponents : iterable of int, optional
        Which exponents to draw, from 0. Default: the four largest that are finite.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If an index is out of range, or `steps` is no multiple of the recorded windows.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1])
    >>> ax = rd.plot.finite_time_exponents(spectrum, exponents=[0])
    """
    check_result("spectrum", spectrum, LyapunovSpectrum)
    shown = _chosen(spectrum, exponents, default=_FEW)
    pieces = spectrum.finite_time_exponents(steps)
    window = int(spectrum.window_steps[0]) if steps is None else steps
    ax = _style.axes_or_new(ax)
    highest = 0.0
    for index, color in zip(shown, _colors(len(shown)), strict=True):
        values = pieces[:, :, index].ravel()
        values = values[np.isfinite(values)]
        # Pieces that agree to rounding would make bins of rounding errors.
        spread = float(np.ptp(values)) if len(values) else 0.0
        floor = 1e-9 * max(1.0, float(np.abs(values).max(initial=0.0)))
        bins = np.histogram_bin_edges(values, bins="fd" if spread > floor else 1)
        # The rule of Freedman and Diaconis knows no limit where outliers are far.
        bins = np.histogram_bin_edges(values, bins=min(len(bins) - 1, 200))
        counts, _, _ = ax.hist(
            values, bins=bins.tolist(), color=color, alpha=0.55, label=_name(index), zorder=2
        )
        highest = max(highest, float(np.max(counts)))
        ax.axvline(float(spectrum.pooled[index]), color=color, linewidth=1.2, zorder=3)
    ax.axvline(0.0, color=_style.GUIDE_COLOR, linewidth=0.8, linestyle=":", zorder=1)
    ax.set_xlabel(f"exponent of {window} steps ({spectrum.units.text})")
    ax.set_ylabel("number")
    # All the way up the histograms, so that the legend goes where there are none.
    centers, heights = spectrum.pooled[shown], np.linspace(0.0, highest, 20)
    _style.legend(ax, np.column_stack([np.repeat(centers, 20), np.tile(heights, len(shown))]))
    return ax


def _chosen(
    spectrum: LyapunovSpectrum, exponents: Iterable[int] | None, *, default: int
) -> list[int]:
    if exponents is None:
        finite = np.flatnonzero(np.isfinite(spectrum.pooled))
        return [int(index) for index in finite[:default]]
    return [check_integer("exponents", index, 0, spectrum.n_exponents - 1) for index in exponents]


def _name(index: int) -> str:
    """Name an exponent as texts do, where the largest is the first."""
    return f"$\\lambda_{{{index + 1}}}$"


def _colors(n: int) -> list[str]:
    """Return n colours from orange for the largest to blue for the smallest exponent."""
    colors = import_optional("matplotlib.colors", "rnndyn.plot")
    ends = [_POSITIVE, _style.PURPLE, _NEGATIVE]
    scale = colors.LinearSegmentedColormap.from_list("lyapunov", ends)
    return [colors.to_hex(scale(x)) for x in np.linspace(0.0, 1.0, max(n, 1))[:n]]
