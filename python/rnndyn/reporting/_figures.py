"""The figures of a page as plotly.js draws them: plain dictionaries.

Colours are written ``"@name"``; the page looks them up in its style sheet, light or dark.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, itinerary_text
from rnndyn._common.words import counted
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, Stability
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.plot._multipliers import _LARGEST_LINEAR_MODULUS, _LN10, _positions, _radius
from rnndyn.reporting._content import Content, Numbered
from rnndyn.reporting._state_space import View, all_points, frame_of, view_of

Figure = dict[str, Any]

#: What prints, and what a browser without style sheet variables would show.
LIGHT = {
    "text": "#1b232c", "grid": "#e4e8ec", "guide": "#6b7580", "orbit": "#9aa5b1", "disc": "#f2f5f8",
    "stable": "#0072b2", "saddle": "#b87200", "unstable": "#d55e00", "nonhyperbolic": "#b3568f",
    "undecided": "#6b7580", "continuum": "#00825f", "accent": "#0b5c92", "page": "#ffffff",
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
#: With more cycles than this the lines through their points would hide the points.
_MAX_CYCLES_WITH_LINES = 40
#: More points than this are drawn by WebGL.
_MAX_SVG_POINTS = 6000
#: With more exponents than this not every index has room.
_MOST_TICKS = 24
#: Curves of more exponents than this would hide each other.
_MAX_CURVES = 6


def state_space(content: Content) -> Figure:
    """Return orbits, continua and cycles in state space."""
    n_states = content.model.n_states
    if n_states == 1:
        return _map_of_one_state(content)
    # Where orbits come from says nothing of where they go: the axes are those of what they come to.
    settled = [orbit[len(orbit) // 2 :] for orbit in content.orbits]
    view = view_of(all_points(content.cycles, settled, n_states), n_states)
    flat = n_states == 2
    traces = [_orbits(view, content.orbits)] if content.orbits else []
    if content.cycles is not None and content.cycles.continua:
        traces.append(_continua(view, content.cycles.continua, frame_of(content.cycles)))
    for name in STABILITY_NAMES:
        members = [entry for entry in content.shown if entry[1].stability == name]
        if members:
            with_lines = len(content.shown) <= _MAX_CYCLES_WITH_LINES
            traces += _cycles(view, name, members, with_lines)
    traces.append(_chosen(flat))
    if flat:
        layout = _layout(xaxis=_axis(view.labels[0]), yaxis=_axis(view.labels[1]))
    else:
        axes = {
            f"{letter}axis": {**_axis(label), "showbackground": False}
            for letter, label in zip("xyz", view.labels, strict=True)
        }
        camera = {"eye": {"x": 1.4, "y": 1.4, "z": 0.75}, "center": {"x": 0, "y": 0, "z": -0.2}}
        layout = _layout(
            scene={**axes, "aspectmode": "cube", "camera": camera},
            margin={"l": 0, "r": 0, "t": 20, "b": 0},
        )
    return _figure(traces, layout, (900, 700))


def multipliers(shown: Sequence[Numbered]) -> Figure:
    """Return the multipliers in the complex plane, with the unit circle."""
    largest_log = max((float(cycle.log_moduli.max()) for _, cycle in shown), default=0.0)
    logarithmic = largest_log > math.log(_LARGEST_LINEAR_MODULUS)
    farthest = max(largest_log, _LN10 if logarithmic else 0.0)
    reach = 1.12 * max(float(_radius(np.array([farthest]), logarithmic)[0]), 1.0)
    n_points = sum(cycle.multipliers.size for _, cycle in shown)
    traces = []
    for name in STABILITY_NAMES:
        members = [entry for entry in shown if entry[1].stability == name]
        if not members:
            continue
        positions = np.concatenate(
            [_positions(c.multipliers, c.log_moduli, logarithmic) for _, c in members]
        )
        rows = [
            [number, cycle.order, _value_text(value, log_modulus)]
            for number, cycle in members
            for value, log_modulus in zip(cycle.multipliers, cycle.log_moduli, strict=True)
        ]
        traces.append(
            {
                "type": "scatter" if n_points <= _MAX_SVG_POINTS else "scattergl",
                "mode": "markers",
                "name": f"{name} ({len(members):,})",
                "x": _numbers(positions[:, 0]),
                "y": _numbers(positions[:, 1]),
                "customdata": rows,
                "hovertemplate": "cycle %{customdata[0]}, order %{customdata[1]}<br>"
                "multiplier %{customdata[2]}<extra></extra>",
                "marker": _marker(name, 8, flat=True),
            }
        )
    traces.append(_chosen(flat=True))
    ticks = {"showticklabels": False, "showgrid": False} if logarithmic else {}
    reach_of = {"range": [-reach, reach], "zeroline": True, **ticks}
    note = " (modulus above 1: logarithmic)" if logarithmic else ""
    layout = _layout(
        xaxis={**_axis(f"real part{note}"), **reach_of, "constrain": "domain"},
        yaxis={**_axis("imaginary part"), **reach_of, "scaleanchor": "x", "constrain": "domain"},
        shapes=[_circle(1.0, "@guide", "@disc"), *_decades(reach, logarithmic)],
        annotations=_decade_labels(reach) if logarithmic else [],
    )
    return _figure(traces, layout, (760, 760))


def lyapunov(spectrum: LyapunovSpectrum) -> Figure:
    """Return the exponents by rank, with their 95 % intervals."""
    rank = np.arange(1, spectrum.n_exponents + 1)
    lower, upper = spectrum.pooled_interval()
    values = spectrum.pooled
    finite = np.isfinite(values)
    signs = (
        ("positive", "@unstable", "triangle-up", lower > 0.0),
        ("zero within its interval", "@guide", "circle", (lower <= 0.0) & (upper >= 0.0)),
        ("negative", "@stable", "triangle-down", upper < 0.0),
    )
    traces: list[Figure] = []
    for name, color, symbol, belongs in signs:
        chosen = belongs & finite
        if not chosen.any():
            continue
        here = values[chosen]
        # An unknown error has no bar.
        bars = [np.where(np.isfinite(bar), bar, 0.0) for bar in (upper[chosen] - here,
                                                                 here - lower[chosen])]  # fmt: skip
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": rank[chosen].tolist(),
                "y": _numbers(here),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": _numbers(bars[0]),
                    "arrayminus": _numbers(bars[1]),
                    "thickness": 1.2,
                    "color": color,
                },
                "marker": {"color": color, "symbol": symbol, "size": 8},
                "hovertemplate": "exponent %{x}: %{y}<extra></extra>",
            }
        )
    if not finite.all():
        # At the lower edge: there is no place for them on the scale.
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "−∞",
                "x": rank[~finite].tolist(),
                "y": [0.02] * int((~finite).sum()),
                "yaxis": "y2",
                "marker": {"color": "@stable", "symbol": "triangle-down-open", "size": 8},
                "hovertemplate": "exponent %{x}: −∞<extra></extra>",
            }
        )
    ticks: Figure = {"range": [0.5, spectrum.n_exponents + 0.5], "tickformat": "d"}
    if spectrum.n_exponents <= _MOST_TICKS:
        ticks["dtick"] = 1
    layout = _layout(
        xaxis={**_axis("index of the exponent, from 1"), **ticks},
        yaxis={**_axis(f"exponent ({spectrum.units.text})"), "zeroline": True},
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return _figure(traces, layout, (900, 480), highlight=False)


def convergence(spectrum: LyapunovSpectrum) -> Figure:
    """Return the running estimates of the largest exponents."""
    finite = np.flatnonzero(np.isfinite(spectrum.pooled))[:_MAX_CURVES]
    running = spectrum.running.mean(axis=1)
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
    # Where two of them lie on each other, colours tell them apart where dashes do not.
    colors = ("@accent", "@unstable", "@continuum", "@nonhyperbolic", "@saddle", "@undecided")
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"λ{index + 1}",
            "x": spectrum.running_steps[known].tolist(),
            "y": _numbers(running[known, index]),
            "line": {"color": color, "dash": dash, "width": 1.6},
        }
        for index, dash, color in zip(finite, dashes, colors, strict=False)
        if (known := np.isfinite(running[:, index])).any()
    ]
    layout = _layout(
        xaxis=_axis("recorded steps"),
        yaxis={**_axis(f"running estimate ({spectrum.units.text})"), "zeroline": True},
    )
    return _figure(traces, layout, (900, 480), highlight=False)


def _map_of_one_state(content: Content) -> Figure:
    """Return the next state over the state: map, diagonal, and the points of the cycles."""
    traces: list[Figure] = []
    if content.cycles is not None:
        lower, upper = frame_of(content.cycles)
        grid = np.linspace(lower[0], upper[0], 401)
        image = content.cycles.free_model.step(grid[:, np.newaxis])[:, 0]
        for name, y, color, dash in (("map", image, "@text", "solid"),
                                     ("diagonal", grid, "@guide", "dot")):  # fmt: skip
            line = {"color": color, "dash": dash, "width": 1.4}
            traces.append(
                {"type": "scatter", "mode": "lines", "name": name, "hoverinfo": "skip",
                 "x": _numbers(grid), "y": _numbers(y), "line": line}
            )  # fmt: skip
    elif content.orbits:
        pairs = np.concatenate([np.hstack([orbit[:-1], orbit[1:]]) for orbit in content.orbits])
        view = View(np.zeros(2), np.eye(2), ("", ""))
        traces.append(_orbits(view, [pairs]))
    for name in STABILITY_NAMES:
        members = [entry for entry in content.shown if entry[1].stability == name]
        if members:
            pairs_of = [np.hstack([c.points, np.roll(c.points, -1, axis=0)]) for _, c in members]
            traces.append(_points(name, members, pairs_of))
    traces.append(_chosen(flat=True))
    layout = _layout(xaxis=_axis("state"), yaxis=_axis("next state"))
    return _figure(traces, layout, (800, 700))


def _orbits(view: View, orbits: Sequence[FloatArray]) -> Figure:
    points = view.project(np.concatenate(list(orbits)))
    size = 2.5 if points.shape[1] == 2 else 1.6
    return {
        **_trace(points, dense=True),
        "mode": "markers",
        "name": counted(len(orbits), "orbit"),
        "hoverinfo": "skip",
        "marker": {"color": "@orbit", "size": size, "opacity": 0.65},
    }


def _continua(
    view: View, continua: Sequence[ContinuumOfFixedPoints], frame: tuple[FloatArray, FloatArray]
) -> Figure:
    radius = float(np.linalg.norm(frame[1] - frame[0]))
    points = np.concatenate([continuum.sample(300, radius=radius) for continuum in continua])
    return {
        **_trace(view.project(points)),
        "mode": "markers",
        "name": "continua of fixed points or cycles",
        "hoverinfo": "name",
        "marker": {"color": "@continuum", "size": 3},
    }


def _cycles(view: View, name: Stability, members: Sequence[Numbered], lines: bool) -> list[Figure]:
    projected = [view.project(cycle.points) for _, cycle in members]
    traces = []
    long = [points for points in projected if len(points) > 1]
    if lines and long:
        gap = np.full((1, projected[0].shape[1]), np.nan)
        closed = np.concatenate([np.vstack([points, points[:1], gap]) for points in long])
        traces.append(
            {
                **_trace(closed),
                "mode": "lines",
                "hoverinfo": "skip",
                "showlegend": False,
                "legendgroup": name,
                "line": {"color": f"@{name}", "width": 1.2},
                "opacity": 0.4,
            }
        )
    return [*traces, _points(name, members, projected)]


def _points(
    name: Stability, members: Sequence[Numbered], projected: Sequence[FloatArray]
) -> Figure:
    points = np.concatenate(list(projected))
    flat = points.shape[1] == 2
    with_regions = all(cycle.has_regions for _, cycle in members)
    size = float(np.clip(60.0 / math.sqrt(len(points)), 3.0, 9.0)) * (1.0 if flat else 0.7)
    return {
        **_trace(points),
        "mode": "markers",
        "name": _legend_text(name, [cycle for _, cycle in members]),
        "legendgroup": name,
        "customdata": [
            [number, cycle.order, t, _short(itinerary_text(cycle.itinerary[t : t + 1]))]
            for number, cycle in members
            for t in range(cycle.order)
        ],
        "hovertemplate": "cycle %{customdata[0]}, order %{customdata[1]}, point %{customdata[2]}"
        + ("<br>region %{customdata[3]}" if with_regions else "")
        + "<extra></extra>",
        "marker": _marker(name, size, flat),
    }


def _legend_text(name: str, cycles: Sequence[Cycle]) -> str:
    orders = sorted({cycle.order for cycle in cycles})
    if len(orders) > 3:
        return f"{name} ({len(cycles):,})"
    counts = [sum(cycle.order == order for cycle in cycles) for order in orders]
    parts = [f"{k}" if n == 1 else f"{k} ({n:,}x)" for k, n in zip(orders, counts, strict=True)]
    return f"{name}: order {', '.join(parts)}"


def _chosen(flat: bool) -> Figure:
    """Return the empty trace for the cycle that is chosen in the table."""
    trace = _trace(np.empty((0, 2 if flat else 3)))
    marker: Figure = {"color": "@text", "size": 11 if flat else 7, "symbol": "circle-open"}
    if flat:
        marker |= {"line": {"width": 2.5, "color": "@text"}}
    return {**trace, "mode": "markers", "name": "chosen cycle", "hoverinfo": "skip",
            "showlegend": False, "marker": marker}  # fmt: skip


def _trace(points: FloatArray, *, dense: bool = False) -> Figure:
    if points.shape[1] == 2:
        kind = "scattergl" if dense and len(points) > _MAX_SVG_POINTS else "scatter"
        return {"type": kind, "x": _numbers(points[:, 0]), "y": _numbers(points[:, 1])}
    return {"type": "scatter3d", **{a: _numbers(points[:, i]) for i, a in enumerate("xyz")}}


def _marker(name: Stability, size: float, flat: bool) -> Figure:
    symbol = _SYMBOLS[name][0 if flat else 1]
    width = {"line": {"width": 1.5, "color": f"@{name}"}} if flat else {}
    return {"color": f"@{name}", "size": round(size, 1), "symbol": symbol, **width}


def _circle(radius: float, line: str, fill: str | None = None) -> Figure:
    return {
        "type": "circle", "xref": "x", "yref": "y", "layer": "below",
        "x0": -radius, "x1": radius, "y0": -radius, "y1": radius,
        "line": {"color": line, "width": 1.4 if fill else 1.0, "dash": "solid" if fill else "dot"},
        **({"fillcolor": fill} if fill else {}),
    }  # fmt: skip


def _decade_numbers(reach: float) -> range:
    """Return the powers of ten to mark: at most six, whatever the range."""
    decades = math.floor(reach / 1.12 - 1.0)
    return range(step := max(1, math.ceil(decades / 6)), decades + 1, step)


def _decades(reach: float, logarithmic: bool) -> list[Figure]:
    if not logarithmic:
        return []
    return [_circle(1.0 + decade, "@guide") for decade in _decade_numbers(reach)]


def _decade_labels(reach: float) -> list[Figure]:
    return [
        {"x": 0, "y": 1.0 + decade, "text": f"10<sup>{decade}</sup>", "showarrow": False,
         "yshift": 9, "font": {"size": 11, "color": "@guide"}}
        for decade in _decade_numbers(reach)
    ]  # fmt: skip


def _value_text(value: complex, log_modulus: float) -> str:
    if not np.isfinite(value):
        return f"with modulus 10^{log_modulus / _LN10:.4g}"
    if value.imag == 0.0:
        return f"{value.real:.5g}"
    sign = "−" if value.imag < 0.0 else "+"
    return f"{value.real:.5g} {sign} {abs(value.imag):.5g}i, modulus {abs(value):.5g}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _axis(title: str) -> Figure:
    return {
        "title": {"text": title},
        "color": "@text",
        "gridcolor": "@grid",
        "zerolinecolor": "@guide",
        "linecolor": "@guide",
        "zeroline": False,
    }


def _layout(**parts: Any) -> Figure:
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


def _figure(
    data: list[Figure], layout: Figure, size: tuple[int, int], *, highlight: bool = True
) -> Figure:
    return {"data": data, "layout": layout, "printSize": list(size), "highlight": highlight}


def _numbers(values: FloatArray) -> list[float | None]:
    """Return numbers to six digits, which no screen tells from the full ones; NaN is a gap."""
    return [None if math.isnan(value) else float(f"{value:.6g}") for value in values.tolist()]
