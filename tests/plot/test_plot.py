"""What the figures show: read back from the axes that the functions return."""

import numpy as np
import pytest

import rnndyn as rd
from records import searched_order, statistics
from rnndyn.cycles.block import COLUMNS, CycleBlock
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.plot import _style
from rnndyn.plot._style import STABILITY_MARKS

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def ten_dimensional():
    return rd.find_cycles(rd.examples.load("plrnn_10d_10"), max_order=10)


def scatters(ax):
    """Points by legend label."""
    return {
        collection.get_label(): np.asarray(collection.get_offsets())
        for collection in ax.collections
        if not collection.get_label().startswith("_")
    }


def test_every_function_draws_on_the_axes_it_is_given(lozi):
    cycles = rd.find_cycles(lozi, max_order=4)
    for function in (rd.plot.state_space, rd.plot.multipliers):
        _, ax = pyplot.subplots()
        assert function(cycles, ax) is ax
        assert function(cycles) is not ax


def test_state_space_shows_every_point_of_every_cycle(lozi):
    cycles = rd.find_cycles(lozi, max_order=6)
    (points,) = scatters(rd.plot.state_space(cycles)).values()
    expected = np.concatenate([cycle.points for cycle in cycles])
    assert len(points) == 2 + 2 + 4 + 4 * 6
    np.testing.assert_array_equal(np.unique(points, axis=0), np.unique(expected, axis=0))


def test_the_legend_names_stability_and_orders(ten_dimensional):
    ax = rd.plot.state_space(ten_dimensional)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["stable: k = 1, 10", "saddle: k = 1 (2x), 10"]


def test_every_cycle_lies_within_the_axes(ten_dimensional):
    for dims in ("pca", (0, 1), (9, 3)):
        ax = rd.plot.state_space(ten_dimensional, dims=dims)
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        for points in scatters(ax).values():
            assert np.all((left < points[:, 0]) & (points[:, 0] < right))
            assert np.all((bottom < points[:, 1]) & (points[:, 1] < top))


def test_chosen_states_are_drawn_as_they_are(ten_dimensional):
    ax = rd.plot.state_space(ten_dimensional, dims=(7, 2), orbits=0)
    stable = scatters(ax)["stable: k = 1, 10"]
    expected = np.concatenate([cycle.points for cycle in ten_dimensional.stable])[:, [7, 2]]
    np.testing.assert_array_equal(stable, expected)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_{7}$", "$z_{2}$")


def test_principal_components_keep_what_varies_most(ten_dimensional):
    ax = rd.plot.state_space(ten_dimensional, orbits=0)
    drawn = np.concatenate(list(scatters(ax).values()))
    points = np.concatenate([block.points.reshape(-1, 10) for block in ten_dimensional.blocks])
    centered = points - points.mean(axis=0)
    sizes = np.linalg.svd(centered, compute_uv=False)
    np.testing.assert_allclose((drawn**2).sum(), (sizes[:2] ** 2).sum(), rtol=1e-12)
    share = sizes[0] ** 2 / (sizes**2).sum()
    assert ax.get_xlabel() == f"component 1 ({share:.0%})"


def test_a_single_point_can_be_projected():
    model = rd.PLRNN(0.5 * np.eye(3), np.zeros((3, 3)), np.ones(3))
    ax = rd.plot.state_space(rd.find_cycles(model, max_order=1))
    (points,) = scatters(ax).values()
    assert points.shape == (1, 2)
    assert np.all(np.isfinite(ax.get_xlim()))


def test_a_set_without_cycles_can_be_drawn():
    drift = rd.PLRNN(np.eye(2), np.zeros((2, 2)), np.ones(2))
    cycles = rd.find_cycles(drift, max_order=1)
    assert len(cycles) == 0
    assert scatters(rd.plot.state_space(cycles)) == {}
    assert scatters(rd.plot.multipliers(cycles)) == {}


def test_one_state_is_a_cobweb(tent):
    cycles = rd.find_cycles(tent, max_order=3)
    ax = rd.plot.state_space(cycles)
    (points,) = scatters(ax).values()
    np.testing.assert_allclose(points[:, 1], 1 - 2 * np.abs(points[:, 0]), atol=1e-14)
    assert ax.get_ylabel() == "$z_{t+1}$"
    # The paths of the cobwebs are closed.
    paths = [line.get_xydata() for line in ax.lines if len(line.get_xydata()) in (5, 7)]
    assert len(paths) == 3
    for path in paths:
        np.testing.assert_array_equal(path[0], path[-1])


def test_a_line_attractor_is_a_line_from_its_end():
    model = rd.PLRNN([[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.0, 0.0]], [0.0, 1.0])
    ax = rd.plot.state_space(rd.find_cycles(model, max_order=1))
    (line,) = [line for line in ax.lines if line.get_label() == "continuum of fixed points"]
    data = line.get_xydata()
    np.testing.assert_allclose(data[:, 1], 2.0)
    assert data[:, 0].min() == pytest.approx(0.0, abs=1e-12)
    assert data[:, 0].max() >= ax.get_xlim()[1]


def test_a_plane_of_fixed_points_is_drawn_by_its_members():
    model = rd.PLRNN(np.eye(2), np.zeros((2, 2)), np.zeros(2))
    ax = rd.plot.state_space(rd.find_cycles(model, max_order=1))
    (dots,) = [line for line in ax.lines if line.get_label() == "continuum of fixed points"]
    assert len(dots.get_xydata()) == 400


def test_borders_are_where_units_switch():
    shallow = rd.examples.load("shallow_2d_h10_cycles")
    cycles = rd.find_cycles(shallow, max_order=4)
    with_borders = rd.plot.state_space(cycles, orbits=0)
    without = rd.plot.state_space(cycles, orbits=0, borders=False)
    assert with_borders.get_xlim() == without.get_xlim()
    assert len(with_borders.lines) == 10
    assert len(without.lines) == 0
    for unit, line in enumerate(with_borders.lines):
        values = [shallow.preactivation(state)[unit] for state in line.get_xydata()]
        scale = np.abs(line.get_xydata()).max()
        assert np.abs(values).max() < 1e-9 * scale


def test_orbits_start_where_they_are_told(lozi):
    cycles = rd.find_cycles(lozi, max_order=2)
    ax = rd.plot.state_space(cycles, orbits=[[0.1, 0.1]], n_steps=16, borders=False)
    (dots,) = ax.lines
    np.testing.assert_array_equal(dots.get_xydata(), lozi.orbit([0.1, 0.1], 16))


def test_orbits_that_run_away_are_cut_off():
    model = rd.PLRNN(3.0 * np.eye(2), np.zeros((2, 2)), np.ones(2))
    cycles = rd.find_cycles(model, max_order=1)
    ax = rd.plot.state_space(cycles, orbits=5, n_steps=100_000, borders=False)
    assert all(np.abs(line.get_xydata()).max(initial=0.0) < 10.0 for line in ax.lines)


def test_an_attractor_that_was_not_searched_is_drawn(ten_dimensional):
    """The cycle of order 10 lies beyond what is around the fixed points."""
    model = ten_dimensional.model
    (cycle,) = [c for c in rd.find_cycles(model, orders=[10]) if c.stability == "stable"]
    fixed_points = rd.find_cycles(model, max_order=1)
    beside = cycle.points[:1] + 1e-6
    ax = rd.plot.state_space(fixed_points, dims=(0, 1), orbits=beside, n_steps=40)
    (dots,) = (line for line in ax.lines if line.get_zorder() == 1)
    assert len(dots.get_xydata()) == 41
    lower, upper = np.transpose([ax.get_xlim(), ax.get_ylim()])
    assert np.all((lower < cycle.points[:, :2]) & (cycle.points[:, :2] < upper))
    (dot,) = rd.plot.state_space(fixed_points, dims=(0, 1), orbits=beside, n_steps=0).lines[:1]
    np.testing.assert_array_equal(dot.get_xydata(), beside[:, :2])


def test_the_same_seed_draws_the_same_orbits(lozi):
    cycles = rd.find_cycles(lozi, max_order=2)
    first, second, other = (
        rd.plot.state_space(cycles, borders=False, seed=seed).lines[0].get_xydata()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dims": "tsne"}, "'pca', got 'tsne'"),
        ({"dims": (0, 2)}, "between 0 and 1"),
        ({"dims": (0,)}, "dims must be two states"),
        ({"orbits": np.zeros((3, 5))}, r"with M = 2, got shape \(3, 5\)"),
    ],
)
def test_wrong_options_are_named(lozi, options, match):
    with pytest.raises(ValueError, match=match):
        rd.plot.state_space(rd.find_cycles(lozi, max_order=1), **options)


# Multipliers ---------------------------------------------------------------------------------


def test_small_multipliers_are_drawn_as_they_are(ten_dimensional):
    stable = ten_dimensional.stable
    (points,) = scatters(rd.plot.multipliers(stable)).values()
    expected = np.concatenate([cycle.multipliers for cycle in stable])
    # By way of logarithms and phases, so not to the last digit.
    np.testing.assert_allclose(points[:, 0] + 1j * points[:, 1], expected, atol=1e-12)


def test_large_multipliers_are_drawn_by_their_logarithm(lozi):
    cycles = rd.find_cycles(lozi, orders=[14])
    (points,) = scatters(rd.plot.multipliers(cycles)).values()
    radius = np.hypot(points[:, 0], points[:, 1])
    moduli = np.abs(np.concatenate([cycle.multipliers for cycle in cycles]))
    expected = np.where(moduli <= 1, moduli, 1 + np.log10(np.maximum(moduli, 1)))
    np.testing.assert_allclose(radius, expected, rtol=1e-9)


def test_multipliers_beyond_the_range_of_floats_can_be_drawn():
    # One orbit of an expanding map at order 1000: its multiplier is about 10^477.
    model = rd.PLRNN([[3.0]], [[-6.0]], [1.0])
    itinerary = np.zeros((1000, 1), dtype=bool)
    itinerary[-1] = True
    cycle = rd.solve_cycle(model, itinerary)
    assert np.isinf(cycle.spectral_radius)
    record = {name: np.asarray([getattr(cycle, name)]) for name in COLUMNS if name != "stability"}
    record["stability"] = [STABILITY_NAMES.index(cycle.stability)]
    block = CycleBlock.from_record({"order": 1000, **record})
    cycles = rd.CycleSet(model, [block], [], statistics(searched_order(1000)))
    (points,) = scatters(rd.plot.multipliers(cycles)).values()
    assert np.hypot(*points[0]) == pytest.approx(1 + 1000 * np.log10(3.0))


def test_the_unit_circle_is_always_there(lozi):
    for scale in ("linear", "log"):
        ax = rd.plot.multipliers(rd.find_cycles(lozi, max_order=6), scale=scale)
        assert any(patch.radius == 1.0 for patch in ax.patches)
    with pytest.raises(ValueError, match="scale must be 'auto', 'linear' or 'log', got 'sqrt'"):
        rd.plot.multipliers(rd.find_cycles(lozi, max_order=1), scale="sqrt")


def test_only_what_attracts_is_filled():
    assert [name for name, mark in STABILITY_MARKS.items() if mark.filled] == ["stable"]
    assert len({mark.marker for mark in STABILITY_MARKS.values()}) == len(STABILITY_MARKS) == 5
    assert len({mark.color for mark in STABILITY_MARKS.values()}) == 5


def test_a_picture_in_space(ten_dimensional):
    ax = rd.plot.state_space(ten_dimensional, dims=(0, 3, 5), orbits=3)
    assert ax.name == "3d"
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == ["$z_{0}$", "$z_{3}$", "$z_{5}$"]
    stable = np.concatenate([cycle.points for cycle in ten_dimensional.stable])[:, [0, 3, 5]]
    drawn = [
        np.column_stack(part._offsets3d)
        for part in ax.collections
        if hasattr(part, "_offsets3d") and part.get_label().startswith("stable")
    ]
    np.testing.assert_allclose(np.concatenate(drawn), stable, atol=1e-12)
    components = rd.plot.state_space(ten_dimensional, dims="pca3", orbits=0)
    assert components.get_zlabel().startswith("component 3 (")
    # Axes in space ask for it as well.
    own = pyplot.figure().add_subplot(projection="3d")
    assert rd.plot.state_space(ten_dimensional, own, orbits=0) is own
    assert own.get_zlabel() == components.get_zlabel()
    own.figure.canvas.draw()


def test_a_picture_in_space_of_several_inputs():
    weights = 1.6 * np.eye(3) + 0.3 * np.triu(np.ones((3, 3)), 1)
    found = rd.find_fixed_points(rd.RNN(np.eye(3), weights), [[0.0, 0.0, 0.0], [0.6, 0.3, 0.0]])
    ax = rd.plot.state_space(found, dims=(0, 1, 2), orbits=2)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "input 0, 0, 0",
        "input 0.6, 0.3, 0",
    ]


def test_what_has_no_picture_in_space(ten_dimensional):
    lozi = rd.find_cycles(rd.examples.lozi_map(), max_order=1)
    with pytest.raises(ValueError, match="a network with 2 states has no space of three"):
        rd.plot.state_space(lozi, dims=(0, 1, 1))
    with pytest.raises(ValueError, match="dims must be three states between 0 and 9"):
        rd.plot.state_space(ten_dimensional, dims=(0, 1, 10))
    with pytest.raises(ValueError, match="ax must be three-dimensional"):
        rd.plot.state_space(ten_dimensional, pyplot.subplots()[1], dims="pca3")
    with pytest.raises(ValueError, match="'pca', got 'pca4'"):
        rd.plot.state_space(ten_dimensional, dims="pca4")


def test_the_ticks_of_moduli_are_those_of_the_circles():
    lozi = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), orders=[6, 12], progress=False)
    ax = rd.plot.multipliers(lozi)
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels[len(labels) // 2 :][:3] == ["$0$", "$1$", "$10^{1}$"]
    ticks = ax.get_xticks()
    np.testing.assert_allclose(ticks, -ticks[::-1])
    # 1 + log10 of the modulus.
    assert ticks[len(ticks) // 2 + 2] == pytest.approx(2.0)


@pytest.mark.parametrize("largest", [3.0, 30.0, 1e5])
def test_a_logarithmic_axis_has_numbers(largest):
    ax = pyplot.subplots()[1]
    ax.plot([1.0, 2.0], [1.3, 1.3 * largest])
    ax.set_yscale("log")
    _style.log_ticks(ax.yaxis, np.array([1.3, 1.3 * largest]))
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    shown = [
        text.get_text()
        for tick, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
        if low <= tick <= high and text.get_text()
    ]
    assert len(shown) >= 3


def test_first_states_of_orbits_may_be_one_or_of_any_shape():
    cycles = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), 2)
    one = rd.plot.state_space(cycles, orbits=[0.1, 0.1], n_steps=16, borders=False)
    several = np.full((3, 2, 2), 0.1)
    many = rd.plot.state_space(cycles, orbits=several, n_steps=16, borders=False)
    assert len(many.lines) - len(one.lines) == 5
    with pytest.raises(ValueError, match=r"orbits must be .* with M = 2, got shape"):
        rd.plot.state_space(cycles, orbits=np.zeros((4, 3)))
    with pytest.raises(TypeError, match=r"orbits must be an integer, got 2\.5"):
        rd.plot.state_space(cycles, orbits=2.5)
