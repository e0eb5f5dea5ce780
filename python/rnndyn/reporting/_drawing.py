"""What all figures of a page share: colours, axes, layout, and how numbers are written.

Figures are plain dictionaries as plotly.js takes them. Colours are written ``"@name"``; the page
looks them up in its style sheet, light or dark.
"""

import math
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.cycles.cycle import Stability

Figure = dict[str, Any]

#: What prints, and what a browser without style sheet variables would show.
LIGHT = {
    "text": "#1b232c", "grid": "#e4e8ec", "guide": "#6b7580", "orbit": "#9aa5b1", "disc": "#f2f5f8",
    "stable": "#0072b2", "saddle": "#b87200", "unstable": "#d55e00", "nonhyperbolic": "#b3568f",
    "undecided": "#6b7580", "continuum": "#00825f", "data": "#6a3d9a", "accent": "#0b5c92",
    "page": "#ffffff",
}  # fmt: skip

_TRANSPARENT = "rgba(0,0,0,0)"
#: Marker in the plane and in space (where there are no triangles); only what attracts is filled.
_SYMBOLS: dict[Stability, tuple[str, str]] = {
    "stable": ("circle", "circle"),
    "saddle": ("diamond-open", "diamond-open"),
    "unstable": ("triangle-up-open", "x"),
    "nonhyperbolic": ("square-open", "square-open"),
    "undecided": ("pentagon-open", "cross"),
}
#: More points than this are drawn by WebGL.
MAX_SVG_POINTS = 6000


def chosen(flat: bool) -> Figure:
    """Return the empty trace for the cycle that is chosen in the table."""
    style: Figure = {"color": "@text", "size": 11 if flat else 7, "symbol": "circle-open"}
    if flat:
        style |= {"line": {"width": 2.5, "color": "@text"}}
    empty = trace(np.empty((0, 2 if flat else 3)))
    return {**empty, "mode": "markers", "name": "chosen cycle", "hoverinfo": "skip",
            "showlegend": False, "marker": style}  # fmt: skip


def trace(points: FloatArray, *, dense: bool = False) -> Figure:
    """Return points (n, 2) or (n, 3) as the coordinates of a trace."""
    if points.shape[1] == 2:
        kind = "scattergl" if dense and len(points) > MAX_SVG_POINTS else "scatter"
        return {"type": kind, "x": numbers(points[:, 0]), "y": numbers(points[:, 1])}
    return {"type": "scatter3d", **{a: numbers(points[:, i]) for i, a in enumerate("xyz")}}


def marker(name: Stability, size: float, flat: bool) -> Figure:
    """Return how cycles of this stability are marked."""
    symbol = _SYMBOLS[name][0 if flat else 1]
    width = {"line": {"width": 1.5, "color": f"@{name}"}} if flat else {}
    return {"color": f"@{name}", "size": round(size, 1), "symbol": symbol, **width}


def axis(title: str) -> Figure:
    """Return an axis with this title."""
    return {
        "title": {"text": title},
        "color": "@text",
        "gridcolor": "@grid",
        "zerolinecolor": "@guide",
        "linecolor": "@guide",
        "zeroline": False,
    }


def layout(**parts: Any) -> Figure:
    """Return the layout that all figures share, with parts of one's own."""
    return {
        "paper_bgcolor": _TRANSPARENT,
        "plot_bgcolor": _TRANSPARENT,
        "font": {"color": "@text", "family": "system-ui, DejaVu Sans, sans-serif", "size": 13},
        "margin": {"l": 60, "r": 20, "t": 20, "b": 50},
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "itemsizing": "constant",
        },
        "modebar": {"bgcolor": _TRANSPARENT, "color": "@guide", "activecolor": "@accent"},
        "hoverlabel": {"bgcolor": "@page", "bordercolor": "@guide", "font": {"color": "@text"}},
        "showlegend": True,
        **parts,
    }


def figure(
    data: list[Figure], arrangement: Figure, size: tuple[int, int], *, highlight: bool = True
) -> Figure:
    """Return a figure, the size of its picture on paper, and whether it marks chosen cycles."""
    return {"data": data, "layout": arrangement, "printSize": list(size), "highlight": highlight}


def numbers(values: FloatArray) -> list[float | None]:
    """Return numbers to six digits, which no screen tells from the full ones; NaN is a gap."""
    return [None if math.isnan(value) else float(f"{value:.6g}") for value in values.tolist()]
