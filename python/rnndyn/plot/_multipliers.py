"""Multipliers of cycles in the complex plane."""

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.optional import import_optional
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.plot import _style
from rnndyn.plot._accepted import check_result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Beyond this modulus a linear scale would squeeze the unit circle into a dot.
_LARGEST_LINEAR_MODULUS = 5.0
_LN10 = math.log(10.0)


def multipliers(
    cycles: CycleSet,
    ax: "Axes | None" = None,
    *,
    scale: Literal["auto", "linear", "log"] = "auto",
) -> "Axes":
    """Draw the multipliers of all cycles in the complex plane, with the unit circle.

    Parameters
    ----------
    cycles : CycleSet
        The cycles.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    scale : {"auto", "linear", "log"}
        With ``log`` the modulus is drawn as it is up to 1 and as 1 + log10 beyond, so that cycles
        with huge multipliers fit; circles mark the powers of ten. ``auto`` takes it where a
        modulus exceeds 5.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> ax = rd.plot.multipliers(rd.find_cycles(tent, max_order=3))
    """
    if isinstance(cycles, CyclesByInput):
        raise TypeError("multipliers draws those of one input: give one of the sets, cycles[0]")
    check_result("cycles", cycles, CycleSet)
    if scale not in ("auto", "linear", "log"):
        raise ValueError(f"scale must be 'auto', 'linear' or 'log', got {scale!r}")
    ax = _style.axes_or_new(ax, square=True)
    largest_log = max((float(block.log_moduli.max()) for block in cycles.blocks), default=0.0)
    logarithmic = scale == "log" or (
        scale == "auto" and largest_log > math.log(_LARGEST_LINEAR_MODULUS)
    )
    # Room for the circle of modulus 10 at least, where the scale is logarithmic.
    farthest = max(largest_log, _LN10 if logarithmic else 0.0)
    largest = _radius(np.array([farthest]), logarithmic)[0]
    _draw_guides(ax, float(largest), logarithmic)
    positions = [np.empty((0, 2))]
    for code, name in enumerate(STABILITY_NAMES):
        points = [
            _positions(block.multipliers[chosen], block.log_moduli[chosen], logarithmic)
            for block in cycles.blocks
            if np.any(chosen := block.stability == code)
        ]
        if points:
            _style.draw_points(ax, cycles, name, np.concatenate(points))
            positions += points
    ax.set_aspect("equal")
    ax.set_xlabel("real part" if not logarithmic else "real part (modulus above 1: logarithmic)")
    ax.set_ylabel("imaginary part")
    if logarithmic:
        _mark_decades(ax, float(largest))
    _style.legend(ax, np.concatenate(positions))
    return ax


def _radius(log_moduli: FloatArray, logarithmic: bool) -> FloatArray:
    if not logarithmic:
        return np.exp(log_moduli)
    inner = np.exp(np.minimum(log_moduli, 0.0))
    return np.where(log_moduli <= 0.0, inner, 1.0 + log_moduli / _LN10)


def _positions(
    values: np.ndarray[tuple[int, ...], np.dtype[np.complex128]],
    log_moduli: FloatArray,
    logarithmic: bool,
) -> FloatArray:
    """Return where to draw the multipliers: phase from the values, radius from the logarithms."""
    radius = _radius(log_moduli, logarithmic).ravel()
    phase = np.angle(values).ravel()
    return np.column_stack([radius * np.cos(phase), radius * np.sin(phase)])


def _draw_guides(ax: "Axes", largest: float, logarithmic: bool) -> None:
    circle = import_optional("matplotlib.patches", "rnndyn.plot").Circle
    reach = 1.12 * max(largest, 1.0)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-reach, reach)
    ax.axhline(0.0, color=_style.BORDER_COLOR, linewidth=0.8, zorder=0)
    ax.axvline(0.0, color=_style.BORDER_COLOR, linewidth=0.8, zorder=0)
    ax.add_patch(
        circle((0, 0), 1.0, facecolor="#F2F5F8", edgecolor=_style.GUIDE_COLOR, linewidth=1.2)
    )
    if logarithmic:
        for decade in _decades(largest):
            ax.add_patch(
                circle(
                    (0, 0),
                    1.0 + decade,
                    fill=False,
                    edgecolor=_style.BORDER_COLOR,
                    linewidth=0.8,
                    linestyle=":",
                )
            )


def _decades(largest: float) -> list[int]:
    """Return the powers of ten that are marked: at most six, whatever the range."""
    decades = math.floor(largest - 1.0)
    step = max(1, math.ceil(decades / 6))
    return list(range(step, decades + 1, step))


def _mark_decades(ax: "Axes", largest: float) -> None:
    """Write the moduli at the axes, where the circles around 0 meet them."""
    decades = _decades(largest)
    places = [1.0, *(1.0 + decade for decade in decades)]
    names = ["1", *(f"10^{{{decade}}}" for decade in decades)]
    ticks = [-place for place in reversed(places)] + [0.0, *places]
    labels = [f"$-{name}$" for name in reversed(names)] + ["$0$", *(f"${name}$" for name in names)]
    ax.set_xticks(ticks, labels)
    ax.set_yticks(ticks, labels)
