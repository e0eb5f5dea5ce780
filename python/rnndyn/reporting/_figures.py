"""Figures of multipliers and exponents, as plotly.js draws them."""

import math
from collections.abc import Sequence

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.lyapunov._table import number_text
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.plot._multipliers import _LARGEST_LINEAR_MODULUS, _LN10, _positions, _radius
from rnndyn.reporting import _drawing as draw
from rnndyn.reporting._content import Numbered
from rnndyn.reporting._drawing import Figure

#: With more exponents than this not every index has room.
_MOST_TICKS = 24
#: Curves nearer to each other than this part of the axis are one to the eye.
_ONE_CURVE = 0.01
#: Digits of an exponent where there is room for few.
_DIGITS = 4


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
                "type": "scatter" if n_points <= draw.MAX_SVG_POINTS else "scattergl",
                "mode": "markers",
                "name": f"{name} ({len(members):,})",
                "x": draw.numbers(positions[:, 0]),
                "y": draw.numbers(positions[:, 1]),
                "customdata": rows,
                "hovertemplate": "cycle %{customdata[0]}, order %{customdata[1]}<br>"
                "multiplier %{customdata[2]}<extra></extra>",
                "marker": draw.marker(name, 8, flat=True),
            }
        )
    traces.append(draw.chosen(flat=True))
    ticks = {"showticklabels": False, "showgrid": False} if logarithmic else {}
    reach_of = {"range": [-reach, reach], "zeroline": True, **ticks}
    layout = draw.layout(
        xaxis={**draw.axis("real part"), **reach_of, "constrain": "domain"},
        yaxis={
            **draw.axis("imaginary part"),
            **reach_of,
            "scaleanchor": "x",
            "constrain": "domain",
        },
        shapes=[_circle(1.0, "@guide", "@disc"), *_decades(reach, logarithmic)],
        annotations=_decade_labels(reach) if logarithmic else [],
    )
    return draw.figure(traces, layout, (760, 760))


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
                "y": draw.numbers(here),
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": draw.numbers(bars[0]),
                    "arrayminus": draw.numbers(bars[1]),
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
    layout = draw.layout(
        xaxis={**draw.axis("index of the exponent, from 1"), **ticks},
        yaxis={**draw.axis(f"exponent ({spectrum.units.text})"), "zeroline": True},
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return draw.figure(traces, layout, (900, 480), highlight=False)


def convergence(spectrum: LyapunovSpectrum) -> Figure:
    """Return the running estimates of the largest exponents."""
    finite = np.flatnonzero(np.isfinite(spectrum.pooled)).tolist()
    running = spectrum.running.mean(axis=1)
    dashes = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
    # Where two of them cross, colours tell them apart where dashes do not.
    colors = ("@accent", "@unstable", "@continuum", "@nonhyperbolic", "@saddle", "@undecided")
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{_ranks(group)}: {short_number(spectrum, group[0])}",
            "x": spectrum.running_steps[known].tolist(),
            "y": draw.numbers(running[known, group[0]]),
            "line": {"color": color, "dash": dash, "width": 1.6},
        }
        for group, dash, color in zip(_seen_apart(running, finite), dashes, colors, strict=False)
        if (known := np.isfinite(running[:, group[0]])).any()
    ]
    layout = draw.layout(
        xaxis=draw.axis("recorded steps"),
        yaxis={**draw.axis(f"running estimate ({spectrum.units.text})"), "zeroline": True},
    )
    return draw.figure(traces, layout, (900, 480), highlight=False)


def short_number(spectrum: LyapunovSpectrum, index: int) -> str:
    """Return an exponent to the second digit of its error, but no more than four."""
    return shortened(float(spectrum.pooled[index]), float(spectrum.pooled_standard_error[index]))


def shortened(value: float, error: float) -> str:
    """Return a number to the second digit of its error, but no more than four."""
    coarser = max(error, 10.0 ** (2 - _DIGITS) * abs(value)) if math.isfinite(value) else error
    return number_text(value, coarser).replace("-", "−").replace("inf", "∞")


def _seen_apart(running: FloatArray, indices: Sequence[int]) -> list[list[int]]:
    """Put exponents whose curves lie on each other into one group."""
    drawn = running[:, list(indices)]
    known = drawn[np.isfinite(drawn)]
    span = float(np.ptp(known)) if known.size else 0.0
    groups: list[list[int]] = []
    for index in indices:
        if groups:
            apart = np.abs(running[:, index] - running[:, groups[-1][0]])
            if not (apart > _ONE_CURVE * span).any():
                groups[-1].append(index)
                continue
        groups.append([index])
    return groups


def _ranks(group: Sequence[int]) -> str:
    first, last = group[0] + 1, group[-1] + 1
    if len(group) == 1:
        return f"λ{first}"
    return f"λ{first}, λ{last}" if len(group) == 2 else f"λ{first} to λ{last}"


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
