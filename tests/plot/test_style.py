"""One style for all figures: axes, colours for colour-blind people, tables of marks."""

import inspect

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.plot import _style

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
colors = pytest.importorskip("matplotlib.colors")
pyplot = pytest.importorskip("matplotlib.pyplot")


FUNCTIONS = [getattr(rd.plot, name) for name in rd.plot.__all__]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_function_takes_a_result_then_axes(function):
    parameters = list(inspect.signature(function).parameters.values())
    assert parameters[0].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters[1].name == "ax"
    assert parameters[1].default is None
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters[2:])
    assert "Axes" in str(inspect.signature(function).return_annotation)


@pytest.fixture(scope="module")
def results():
    lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    line = rd.PLRNN([[0.5]], [[-1.0]], [1.0])
    cycles = rd.find_cycles(lozi, max_order=2)
    spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1], n_steps=1000)
    ends = ("W[0,0]", (-1.0, -2.0))
    values, offsets = [-2.0, -1.5, -1.0], [0.5, 1.0]
    return {
        "basin_boundary": rd.basin_boundary(cycles),
        "basin_fractions": rd.basin_fractions(line, 3.0, n=20),
        "region_graph": rd.region_graph(lozi, box=2.0),
        "basins": rd.basins(line, [-1.0, 0.0, 1.0]),
        "bifurcation_diagram": rd.bifurcation_diagram(line, *ends, max_order=1),
        "connections": rd.homoclinic_points(cycles, depth=4),
        "horseshoe": rd.homoclinic_points(cycles, depth=6).chaos(),
        "finite_time_exponents": spectrum,
        "lyapunov": spectrum,
        "lyapunov_convergence": spectrum,
        "manifold": rd.manifold(cycles.saddles[0], "unstable", depth=5),
        "multipliers": cycles,
        "scan": rd.scan(line, (ends[0], values), ("h[0]", offsets), n_steps=50),
        "stability_diagram": rd.stability_diagram(
            line, (ends[0], values), ("h[0]", offsets), max_order=1
        ),
        "slow_points": rd.find_slow_points(lozi, max_speed=np.inf),
        "state_space": cycles,
        "training_timeline": rd.training_timeline([line, line.with_parameters({"h[0]": 2.0})]),
    }


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_function_draws_on_its_axes_and_nowhere_else(function, results):
    figure, (left, right) = pyplot.subplots(1, 2)
    returned = function(results[function.__name__], ax=right)
    assert returned is right or returned == (right,)
    assert not left.has_data()
    assert right.has_data()
    assert pyplot.get_fignums() == [figure.number]
    figure.canvas.draw()


# Colours --------------------------------------------------------------------------------------

#: What people without cones for green or for red see, of linear RGB: G. M. Machado, M. M. Oliveira,
#: L. A. F. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
#: IEEE Trans. Vis. Comput. Graph. 15 (2009) 1291, severity 1.
SIGHT = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}


def as_seen(rgb, sight):
    """Return CIE L*a*b* coordinates of sRGB colours as somebody sees them."""
    rgb = np.asarray(rgb, dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ SIGHT[sight].T, 0.0, 1.0)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    ratio = linear @ to_xyz.T / to_xyz.sum(axis=1)
    cut = (6.0 / 29.0) ** 3
    f = np.where(ratio > cut, np.cbrt(ratio), ratio / (3.0 * (6.0 / 29.0) ** 2) + 4.0 / 29.0)
    lightness = 116.0 * f[..., 1] - 16.0
    return np.stack(
        [lightness, 500.0 * (f[..., 0] - f[..., 1]), 200.0 * (f[..., 1] - f[..., 2])], axis=-1
    )


def smallest_distance(names, sight):
    """Return the smallest distance between two of the colours, in L*a*b*."""
    seen = as_seen([colors.to_rgb(name) for name in names], sight)
    distances = np.linalg.norm(seen[:, np.newaxis] - seen, axis=-1)
    return distances[np.triu_indices(len(names), 1)].min()


def test_the_simulation_knows_known_colours():
    np.testing.assert_allclose(as_seen([1.0, 1.0, 1.0], "usual"), [100.0, 0.0, 0.0], atol=1e-3)
    # Red and green of one lightness are far apart for most people, and near without one cone.
    pair = ["#D00000", "#6A6A00"]
    assert smallest_distance(pair, "usual") > 60.0
    assert smallest_distance(pair, "deuteranopia") < 25.0


PALETTES = {
    "stability": [mark.color for mark in _style.STABILITY_MARKS.values()],
    "events": [mark.color for mark in _style.EVENT_MARKS.values()],
    "areas": [*_style.AREA_COLORS, _style.NOTHING_COLOR, "#FFFFFF"][:8],
    "areas and undecided": [*_style.AREA_COLORS, _style.UNDECIDED_COLOR],
    "signs": [_style.POSITIVE_COLOR, _style.NEGATIVE_COLOR, _style.GUIDE_COLOR],
}


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("palette", PALETTES)
def test_colours_can_be_told_apart(palette, sight):
    # 2.3 is just noticeable side by side; across a figure it takes several times that.
    assert smallest_distance(PALETTES[palette], sight) > 10.0


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", [_style.NUMBER_MAP, _style.COUNT_MAP])
def test_the_lightness_of_a_colour_map_only_rises_or_falls(name, sight):
    seen = as_seen(pyplot.get_cmap(name)(np.linspace(0.0, 1.0, 64))[:, :3], sight)
    steps = np.diff(seen[:, 0])
    assert (steps > -0.2).all() or (steps < 0.2).all()
    assert np.ptp(seen[:, 0]) > 50.0


@pytest.mark.parametrize("sight", SIGHT)
def test_signs_can_be_told_apart_on_a_map(sight):
    values = np.linspace(0.0, 1.0, 65)
    seen = as_seen(pyplot.get_cmap(_style.SIGNED_MAP)(values)[:, :3], sight)
    assert (np.diff(seen[:33, 0]) > -0.2).all()
    assert (np.diff(seen[32:, 0]) < 0.2).all()
    # The same distance from 0 on both sides, from a fifth of the way on.
    both = np.linalg.norm(seen[:26] - seen[::-1][:26], axis=1)
    assert both.min() > 10.0


def test_what_is_told_by_colour_is_told_by_shape_as_well():
    for marks in (_style.STABILITY_MARKS, _style.EVENT_MARKS):
        assert len({mark.marker for mark in marks.values()}) == len(marks)


# Itineraries ----------------------------------------------------------------------------------


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_cycles_show_their_itineraries(lozi):
    cycles = rd.find_cycles(lozi, max_order=2)
    shown = texts(rd.plot.state_space(cycles))
    # The second unit cannot change the map and its bit is that of the state.
    assert sorted(shown) == ["00", "01 10", "11"]
    assert texts(rd.plot.state_space(cycles, itineraries=False)) == []


def test_itineraries_of_many_or_long_cycles_are_not_written(lozi):
    assert texts(rd.plot.state_space(rd.find_cycles(lozi, max_order=7))) == []
    long = rd.find_cycles(rd.examples.load("plrnn_2d_16"), max_order=16)
    assert texts(rd.plot.state_space(long)) == ["11"]


def test_itineraries_do_not_cover_each_other():
    # Both fixed points are drawn at the same place when seen along the state in which they differ.
    model = rd.PiecewiseLinearMap(
        A=np.diag([0.5, 0.5, 0.5]),
        W1=[[0.0, 0.0], [0.0, 0.0], [1.0, -1.0]],
        W2=[[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
        h1=[0.0, 0.0, -1.0],
        h2=[1.0, -1.0],
    )
    cycles = rd.find_cycles(model, max_order=1)
    assert len(cycles) == 3
    assert len(texts(rd.plot.state_space(cycles, dims=(0, 1)))) == 2
