"""One look for all figures: colours that colour-blind people can tell apart, and shapes as well."""

from typing import TYPE_CHECKING, Literal, NamedTuple

from rnndyn._arrays import BoolArray, FloatArray
from rnndyn._optional import import_optional
from rnndyn.cycle_set import CycleSet
from rnndyn.cycles import STABILITY_NAMES, Stability

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Mark(NamedTuple):
    """Colour and marker of a kind of cycle; only what attracts is drawn filled."""

    color: str
    marker: str
    filled: bool
    zorder: float


#: Colours after M. Okabe and K. Ito, "Color universal design" (2008).
STABILITY_MARKS: dict[Stability, Mark] = {
    "stable": Mark("#0072B2", "o", filled=True, zorder=4.4),
    "saddle": Mark("#E69F00", "D", filled=False, zorder=4.3),
    "unstable": Mark("#D55E00", "^", filled=False, zorder=4.2),
    "nonhyperbolic": Mark("#CC79A7", "s", filled=False, zorder=4.1),
}
CONTINUUM_COLOR = "#009E73"
ORBIT_COLOR = "#9AA5B1"
BORDER_COLOR = "#D5DAE0"
GUIDE_COLOR = "#6B7580"

_MAX_ORDERS_IN_LEGEND = 3
_Corner = Literal["upper left", "upper right", "lower left", "lower right"]


def axes_or_new(ax: "Axes | None", *, square: bool = False) -> "Axes":
    """Return the axes given, or those of a new figure."""
    if ax is None:
        pyplot = import_optional("matplotlib.pyplot", "rnndyn.plot")
        _, ax = pyplot.subplots(figsize=(5.0, 5.0) if square else (5.6, 4.6), layout="constrained")
    dress(ax)
    return ax


def dress(ax: "Axes") -> None:
    """Give the axes the common look."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(GUIDE_COLOR)
    ax.tick_params(colors=GUIDE_COLOR, labelsize=8, length=3)
    ax.set_axisbelow(True)


def draw_points(ax: "Axes", cycles: CycleSet, stability: Stability, points: FloatArray) -> None:
    """Draw points of the cycles of one kind, smaller where there are many in all."""
    color, marker, filled, zorder = STABILITY_MARKS[stability]
    n_points = sum(len(block) * block.order for block in cycles.blocks)
    size = min(max(1500.0 / n_points, 5.0), 36.0)
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        marker=marker,
        facecolors=color if filled else "white",
        edgecolors=color,
        linewidths=1.0 if size > 10.0 else 0.7,
        zorder=zorder,
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


def legend(ax: "Axes", points: FloatArray) -> None:
    """Add the legend, if there is anything to explain, in the corner that hides fewest points."""
    handles, _ = ax.get_legend_handles_labels()
    if not handles:
        return
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x = (points[:, 0] - left) / (right - left)
    y = (points[:, 1] - bottom) / (top - bottom)
    corners: dict[_Corner, BoolArray] = {
        "upper left": (x < 0.5) & (y > 0.7),
        "upper right": (x > 0.5) & (y > 0.7),
        "lower left": (x < 0.5) & (y < 0.3),
        "lower right": (x > 0.5) & (y < 0.3),
    }
    corner = min(corners, key=lambda name: int(corners[name].sum()))
    ax.legend(
        loc=corner,
        fontsize=8,
        handletextpad=0.4,
        borderaxespad=0.2,
        labelspacing=0.3,
        facecolor="white",
        edgecolor="none",
        framealpha=0.8,
    )
