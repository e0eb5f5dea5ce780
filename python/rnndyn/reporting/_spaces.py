"""Figures of spaces: states, and what a readout makes of them, with orbits, cycles and data."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, itinerary_text
from rnndyn._common.words import counted
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, Stability
from rnndyn.reporting import _drawing as draw
from rnndyn.reporting._content import Content, Numbered
from rnndyn.reporting._drawing import Figure
from rnndyn.reporting._state_space import (
    View,
    as_they_are,
    frame_of,
    principal_view,
    settled_parts,
)

#: With more cycles than this the lines through their points would hide the points.
_MAX_CYCLES_WITH_LINES = 40
#: Of more points of data every second, third, ... is drawn.
MAX_DATA_POINTS = 6000
_POINTS_OF_CONTINUUM = 300

#: Turns states, or points of data, into coordinates.
_Map = Callable[[FloatArray], FloatArray]


class _Scene(NamedTuple):
    """What is drawn, in two or three coordinates."""

    labels: tuple[str, ...]
    orbits: list[FloatArray]
    cycles: list[FloatArray]
    continua: list[FloatArray]
    data: list[FloatArray]


def state_space(content: Content) -> Figure:
    """Return orbits, continua, cycles and data in state space."""
    data = content.data if content.readout is None else ()
    n_states = content.model.n_states
    if n_states == 1:
        return _map_of_one_state(content, data)
    view = _view_of_states(content, data)
    scene = _scene(content, view.labels, view.project, data, view.project)
    return _figure_of(content, scene)


def outputs(content: Content) -> Figure:
    """Return what the readout makes of orbits and cycles, and the data."""
    readout = content.readout
    assert readout is not None
    if readout.n_outputs == 1:
        scene = _scene(content, ("output", "next output"), readout.of, content.data, np.asarray)
        return _figure_of(content, _pairs(scene))
    if readout.n_outputs <= 3:
        view = as_they_are(readout.n_outputs, "output")
    else:
        settled = [readout.of(part) for part in settled_parts(content.orbits, content.driven)]
        cycles = [readout.of(cycle.points) for _, cycle in content.shown]
        first = list(content.data) or settled
        view = principal_view(
            [("data" if content.data else "attractors", first), ("cycles", settled + cycles)],
            readout.n_outputs,
        )
    scene = _scene(
        content, view.labels, lambda states: view.project(readout.of(states)), content.data,
        view.project,
    )  # fmt: skip
    return _figure_of(content, scene)


def data_stride(content: Content) -> int:
    """Return 1 where all points of the data are drawn, 2 for every second, ..."""
    return -(-sum(map(len, content.data)) // MAX_DATA_POINTS)


def _view_of_states(content: Content, data: Sequence[FloatArray]) -> View:
    """Return the states themselves, if there are up to three, else principal components.

    Those of the attractors and the data come first: where orbits come from, and how far off a
    saddle is, says nothing of what the network does.
    """
    n_states = content.model.n_states
    if n_states <= 3:
        return as_they_are(n_states, "state")
    stable, others, continua = [], [], []
    if content.cycles is not None:
        for block in content.cycles.blocks:
            attracts = block.stability == 0
            stable.append(block.points[attracts].reshape(-1, n_states))
            others.append(block.points[~attracts].reshape(-1, n_states))
        continua = [continuum.sample(50) for continuum in content.cycles.continua]
    settled = settled_parts(content.orbits, content.driven)
    return principal_view(
        [
            ("attractors", [*data, *settled, *stable, *continua]),
            ("cycles", others),
            ("orbits", list(content.orbits)),
        ],
        n_states,
    )


def _scene(
    content: Content,
    labels: tuple[str, ...],
    of_states: _Map,
    data: Sequence[FloatArray],
    of_data: _Map,
) -> _Scene:
    continua = []
    if content.cycles is not None and content.cycles.continua:
        lower, upper = frame_of(content.cycles)
        radius = float(np.linalg.norm(upper - lower))
        continua = [
            of_states(continuum.sample(_POINTS_OF_CONTINUUM, radius=radius))
            for continuum in content.cycles.continua
        ]
    return _Scene(
        labels,
        [of_states(orbit) for orbit in content.orbits],
        [of_states(cycle.points) for _, cycle in content.shown],
        continua,
        [of_data(sequence) for sequence in data],
    )


def _pairs(scene: _Scene) -> _Scene:
    """Return each value with the next one: what one coordinate looks like in a plane."""

    def open_(points: FloatArray) -> FloatArray:
        return np.hstack([points[:-1], points[1:]])

    return scene._replace(
        orbits=[open_(orbit) for orbit in scene.orbits],
        cycles=[np.hstack([points, np.roll(points, -1, axis=0)]) for points in scene.cycles],
        continua=[np.hstack([points, points]) for points in scene.continua],
        data=[open_(sequence) for sequence in scene.data],
    )


def _map_of_one_state(content: Content, data: Sequence[FloatArray]) -> Figure:
    """Return the next state over the state: map, diagonal, data and the points of the cycles."""
    scene = _scene(content, ("state", "next state"), np.asarray, data, np.asarray)
    curves: list[Figure] = []
    if content.cycles is not None:
        # The map says where they go.
        scene = scene._replace(orbits=[], continua=[])
        lower, upper = frame_of(content.cycles)
        grid = np.linspace(lower[0], upper[0], 401)
        image = content.cycles.free_model.step(grid[:, np.newaxis])[:, 0]
        for name, y, color, dash in (("map", image, "@text", "solid"),
                                     ("diagonal", grid, "@guide", "dot")):  # fmt: skip
            line = {"color": color, "dash": dash, "width": 1.4}
            curves.append(
                {"type": "scatter", "mode": "lines", "name": name, "hoverinfo": "skip",
                 "x": draw.numbers(grid), "y": draw.numbers(y), "line": line}
            )  # fmt: skip
    return _figure_of(content, _pairs(scene), curves)


def _figure_of(content: Content, scene: _Scene, curves: Sequence[Figure] = ()) -> Figure:
    traces = list(curves)
    if scene.orbits:
        traces.append(_dots(scene.orbits, counted(len(scene.orbits), "orbit"), "@orbit"))
    if scene.data:
        stride = data_stride(content)
        thinned = np.concatenate(scene.data)[::stride]
        traces.append(_dots([thinned], "data", "@data"))
    if scene.continua:
        traces.append(
            {
                **draw.trace(np.concatenate(scene.continua)),
                "mode": "markers",
                "name": "continua of fixed points or cycles",
                "hoverinfo": "name",
                "marker": {"color": "@continuum", "size": 3},
            }
        )
    with_lines = not curves and len(content.shown) <= _MAX_CYCLES_WITH_LINES
    for name in STABILITY_NAMES:
        members = [
            (entry, points)
            for entry, points in zip(content.shown, scene.cycles, strict=True)
            if entry[1].stability == name
        ]
        if members:
            entries, projected = zip(*members, strict=True)
            traces += _cycles(name, entries, projected, with_lines)
    flat = len(scene.labels) == 2
    traces.append(draw.chosen(flat))
    if flat:
        arrangement = draw.layout(
            xaxis=draw.axis(scene.labels[0]), yaxis=draw.axis(scene.labels[1])
        )
        return draw.figure(traces, arrangement, (900, 700))
    axes = {
        f"{letter}axis": {**draw.axis(label), "showbackground": False}
        for letter, label in zip("xyz", scene.labels, strict=True)
    }
    camera = {"eye": {"x": 1.4, "y": 1.4, "z": 0.75}, "center": {"x": 0, "y": 0, "z": -0.2}}
    arrangement = draw.layout(
        scene={**axes, "aspectmode": "cube", "camera": camera},
        margin={"l": 0, "r": 0, "t": 20, "b": 0},
    )
    return draw.figure(traces, arrangement, (900, 700))


def _dots(paths: Sequence[FloatArray], name: str, color: str) -> Figure:
    points = np.concatenate(list(paths))
    size = 2.5 if points.shape[1] == 2 else 1.6
    return {
        **draw.trace(points, dense=True),
        "mode": "markers",
        "name": name,
        "hoverinfo": "skip",
        "marker": {"color": color, "size": size, "opacity": 0.65},
    }


def _cycles(
    name: Stability, members: Sequence[Numbered], projected: Sequence[FloatArray], lines: bool
) -> list[Figure]:
    traces = []
    long = [points for points in projected if len(points) > 1]
    if lines and long:
        gap = np.full((1, projected[0].shape[1]), np.nan)
        closed = np.concatenate([np.vstack([points, points[:1], gap]) for points in long])
        traces.append(
            {
                **draw.trace(closed),
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
        **draw.trace(points),
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
        "marker": draw.marker(name, size, flat),
    }


def _legend_text(name: str, cycles: Sequence[Cycle]) -> str:
    orders = sorted({cycle.order for cycle in cycles})
    if len(orders) > 3:
        return f"{name} ({len(cycles):,})"
    counts = [sum(cycle.order == order for cycle in cycles) for order in orders]
    parts = [f"{k}" if n == 1 else f"{k} ({n:,}x)" for k, n in zip(orders, counts, strict=True)]
    return f"{name}: order {', '.join(parts)}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
