"""One look for all figures: colours that colour-blind people can tell apart, and shapes as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, itinerary_text
from rnndyn._common.optional import import_optional
from rnndyn.bifurcation.path._columns import EventKind
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, Stability
from rnndyn.cycles.result import CycleSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: The palette of M. Okabe and K. Ito, "Color universal design" (2008), by their names.
BLUE, SKY_BLUE, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILLION, YELLOW, PURPLE = "#E69F00", "#D55E00", "#F0E442", "#CC79A7"

INK_COLOR = "#222222"
ORBIT_COLOR = "#9AA5B1"
BORDER_COLOR = "#D5DAE0"
GUIDE_COLOR = "#6B7580"
#: Where there is a value to show but none is known, and where there is nothing to show.
UNKNOWN_COLOR, NOTHING_COLOR = "#C9CED4", "#F4F5F7"
#: Where the answer is that there is none: darker than what only has no value.
UNDECIDED_COLOR = "#5A626B"
CONTINUUM_COLOR = GREEN
#: Upwards or growing, and downwards or shrinking.
POSITIVE_COLOR, NEGATIVE_COLOR = VERMILLION, BLUE

#: Colour maps whose lightness says it all: of numbers, of counts, and of numbers with a sign.
NUMBER_MAP, COUNT_MAP, SIGNED_MAP = "cividis", "YlGnBu", "PuOr_r"
#: Areas of a few kinds, in the order in which they are given out.
AREA_COLORS = (SKY_BLUE, ORANGE, GREEN, YELLOW, BLUE, VERMILLION, PURPLE)


class Mark(NamedTuple):
    """How a kind of cycle is drawn, as points and as lines; only what attracts is filled."""

    color: str
    marker: str
    filled: bool
    zorder: float
    width: float
    dashes: Any


class EventMark(NamedTuple):
    """How a kind of bifurcation is drawn, as a point and as a curve."""

    color: str
    marker: str


STABILITY_MARKS: dict[Stability, Mark] = {
    "stable": Mark(BLUE, "o", filled=True, zorder=4.4, width=1.8, dashes="solid"),
    "saddle": Mark(ORANGE, "D", filled=False, zorder=4.3, width=1.0, dashes=(0, (5, 1.5))),
    "unstable": Mark(VERMILLION, "^", filled=False, zorder=4.2, width=1.0, dashes=(0, (1.2, 1.2))),
    "nonhyperbolic": Mark(PURPLE, "s", filled=False, zorder=4.1, width=1.0, dashes="solid"),
    "undecided": Mark(INK_COLOR, "p", filled=False, zorder=4.0, width=1.0, dashes=(0, (1, 3))),
}
EVENT_MARKS: dict[EventKind, EventMark] = {
    "border_collision": EventMark(INK_COLOR, "o"),
    "degenerate_transcritical": EventMark(VERMILLION, "X"),
    "degenerate_flip": EventMark(GREEN, "D"),
    "center": EventMark(PURPLE, "*"),
    "fold": EventMark(BLUE, "v"),
    "flip": EventMark(ORANGE, "s"),
    "neimark_sacker": EventMark(SKY_BLUE, "P"),
}

#: With more cycles than this the closed lines through their points would hide the points.
MAX_CYCLES_WITH_LINES = 40
_MAX_ORDERS_IN_LEGEND = 3
_LONGEST_ITINERARY = 24
_LEGEND: dict[str, Any] = {
    "fontsize": 8,
    "handletextpad": 0.4,
    "labelspacing": 0.3,
    "facecolor": "white",
    "edgecolor": "none",
    "framealpha": 0.8,
}
_Place = Literal[
    "upper left",
    "upper right",
    "lower left",
    "lower right",
    "upper center",
    "lower center",
    "center left",
    "center right",
]


def axes_or_new(ax: Axes | None, *, square: bool = False) -> Axes:
    """Return the axes given, or those of a new figure."""
    if ax is None:
        pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
        _, ax = pyplot.subplots(figsize=(5.0, 5.0) if square else (5.6, 4.6), layout="constrained")
    dress(ax)
    return ax


def dress(ax: Axes) -> None:
    """Give the axes the common look."""
    if not hasattr(ax, "spines"):
        raise TypeError(
            "ax must be axes of matplotlib, such as pyplot.subplots()[1] or figure.add_subplot(), "
            f"got {type(ax).__name__}"
        )
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GUIDE_COLOR)
    ax.tick_params(colors=GUIDE_COLOR, labelsize=8, length=3)
    ax.set_axisbelow(True)


def draw_points(ax: Axes, cycles: CycleSet, stability: Stability, points: FloatArray) -> None:
    """Draw points of the cycles of one kind, smaller where there are many in all."""
    mark = STABILITY_MARKS[stability]
    n_points = sum(len(block) * block.order for block in cycles.blocks)
    size = min(max(1500.0 / n_points, 5.0), 36.0)
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        marker=mark.marker,
        facecolors=mark.color if mark.filled else "white",
        edgecolors=mark.color,
        linewidths=1.0 if size > 10.0 else 0.7,
        zorder=mark.zorder,
        label=legend_text(cycles, stability),
    )


def legend_text(cycles: CycleSet, stability: Stability) -> str:
    """Describe the cycles of one kind: their orders if they are few, else their number."""
    code = STABILITY_NAMES.index(stability)
    counts = {block.order: int((block.stability == code).sum()) for block in cycles.blocks}
    parts = [
        f"{order}" if count == 1 else f"{order} ({count:,}x)"
        for order, count in counts.items()
        if count
    ]
    if len(parts) > _MAX_ORDERS_IN_LEGEND:
        return f"{stability} ({sum(counts.values()):,})"
    return f"{stability}: k = {', '.join(parts)}"


def legend(ax: Axes, points: FloatArray) -> None:
    """Add the legend, if there is anything to explain, where it hides fewest points."""
    handles, _ = ax.get_legend_handles_labels()
    if not handles:
        return
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    x, y = (points[:, 0] - x0) / (x1 - x0), (points[:, 1] - y0) / (y1 - y0)
    left, middle, right = x < 0.5, (x > 0.3) & (x < 0.7), x > 0.5
    low, half_way, high = y < 0.3, (y > 0.3) & (y < 0.7), y > 0.7
    # Corners first: of places that hide as few, the first is taken.
    places: dict[_Place, BoolArray] = {
        "upper left": left & high,
        "upper right": right & high,
        "lower left": left & low,
        "lower right": right & low,
        "upper center": middle & high,
        "lower center": middle & low,
        "center left": left & half_way,
        "center right": right & half_way,
    }
    best = min(places, key=lambda name: int(places[name].sum()))
    ax.legend(loc=best, borderaxespad=0.2, **_LEGEND)


def legend_above(ax: Axes, handles: Sequence[Any] | None = None) -> None:
    """Add the legend above axes that are filled, so that it hides nothing."""
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
    if handles:
        ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=2,
            handlelength=1.8,
            borderaxespad=0.3,
            **_LEGEND,
        )


def log_ticks(axis: Any, values: FloatArray) -> None:
    """Give a logarithmic axis numbers at its ticks, also where it has few decades."""
    ticker = import_optional("matplotlib.ticker", "rnndyn.plot")
    decades = float(np.log10(values.max() / values.min()))
    if decades < 3.0:
        steps = (1.0, 2.0, 5.0) if decades > 1.0 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
        axis.set_major_locator(ticker.LogLocator(subs=steps))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())


def color_bar(ax: Axes, mesh: Any, label: str, **options: Any) -> Any:
    """Add the colours of a mesh beside the axes."""
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, shrink=0.9, **options)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, colors=GUIDE_COLOR)
    bar.set_label(label, fontsize=9)
    return bar


def short_itinerary(cycle: Cycle) -> str:
    """Return the regions of a cycle as bits, or nothing where that is too long to write."""
    text = itinerary_text(cycle.itinerary).strip()
    return text if 0 < len(text) <= _LONGEST_ITINERARY else ""


def cycle_text(cycle: Cycle) -> str:
    """Name a cycle by its order and, if that is short, its itinerary."""
    kind = "fixed point" if cycle.order == 1 else f"cycle of order {cycle.order}"
    text = short_itinerary(cycle)
    return f"{kind}, {text}" if text else kind
