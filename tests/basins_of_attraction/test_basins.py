"""Basins of attraction: closed forms, a slow reference, threads, interrupts, files and messages."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

import rnndyn as rd
from basin_cases import bistable, escaping, follow, nearest_label, random_network, with_saddle
from ctrl_c import CtrlC
from rnndyn.basins_of_attraction._neighbourhoods import neighbourhoods_of
from rnndyn.basins_of_attraction._settled import _period
from rnndyn.basins_of_attraction.result import NOT_REACHED, UNBOUNDED, UNDECIDED
from rnndyn.io._archive import read_archive, write_archive

# Of an even number of points none is 0, and none is 5/4.
LINE = np.linspace(-3.0, 3.0, 600)


# Closed forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.1234])
def test_the_unstable_fixed_point_is_the_border_of_two_basins(shift):
    result = rd.basins(bistable(shift), LINE)
    places = [cycle.points[0, 0] for cycle in result.attractors]
    np.testing.assert_allclose(sorted(places), [2 * shift - 2, 2 * shift + 2], atol=1e-12)
    on_border = np.isclose(LINE, -2.0 * shift, atol=1e-12)
    right = result.labels == int(np.argmax(places))
    np.testing.assert_array_equal(right[~on_border], (LINE + 2.0 * shift > 0.0)[~on_border])
    assert result.n_unbounded == 0
    assert result.n_undecided <= on_border.sum()


def test_an_orbit_on_an_unstable_fixed_point_is_undecided():
    result = rd.basins(bistable(), [-1.0, 0.0, 1.0])
    assert result.labels[1] == UNDECIDED
    assert result.n_steps[1] == result.run.max_steps == 10_000
    assert "Undecided after 10,000 steps, no known attractor: 33.33%" in repr(result)


def test_what_lies_beyond_the_unstable_fixed_points_escapes():
    result = rd.basins(escaping(), LINE)
    inside = np.abs(LINE) < 1.25
    np.testing.assert_array_equal(result.labels, np.where(inside, 0, UNBOUNDED))
    assert result.run.escape_radius == 3e16
    # The distance from the fixed point grows threefold in each step.
    far = np.abs(LINE[~inside]) - 1.25
    expected = np.ceil(np.log((3e16 - 1.25) / far) / np.log(3.0))
    np.testing.assert_array_equal(result.n_steps[~inside], expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_stable_manifold_of_a_saddle_separates_two_basins(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(2, 2)) + 2.0 * np.eye(2)
    model = with_saddle(matrix)
    result = rd.basins(rd.find_cycles(model, max_order=1), resolution=101)
    u = (result.states @ np.linalg.inv(matrix).T)[..., 0]
    ends = [(np.linalg.inv(matrix) @ cycle.points[0])[0] for cycle in result.attractors]
    np.testing.assert_allclose(sorted(ends), [-2.0, 2.0], atol=1e-9)
    expected = np.where(u > 0.0, int(np.argmax(ends)), int(np.argmin(ends)))
    clear = np.abs(u) > 1e-9
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(result.labels[clear], expected[clear])


def test_a_contraction_without_borders_has_one_basin_and_no_steps():
    model = rd.PLRNN(np.diag([0.5, -0.9]), np.zeros((2, 2)), [1.0, 0.0])
    result = rd.basins(rd.find_cycles(model, max_order=1), resolution=20)
    assert (result.labels == 0).all()
    assert (result.n_steps == 0).all()


def test_a_chaotic_attractor_is_no_stable_cycle(lozi):
    grid = np.linspace(-0.3, 0.3, 30)
    result = rd.basins(rd.find_cycles(lozi, max_order=4), grid, grid, max_steps=500)
    assert result.attractors == ()
    assert (result.labels == UNDECIDED).all()


def test_a_line_attractor_is_undecided():
    model = rd.PLRNN([[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.0, 0.0]], [0.0, 1.0])
    grid = np.array([0.5, 1.0])
    result = rd.basins(model, grid, grid, max_steps=200)
    assert (result.labels == UNDECIDED).all()
    assert result.attractors == ()


# Against slow references ----------------------------------------------------------------------

NETWORKS = [
    (family, n_states, seed)
    for family in ("PLRNN", "ClippedShallowPLRNN", "ReLURNN")
    for n_states in (1, 2, 3, 7)
    for seed in range(2)
]


def grid_of(model, n_points=16):
    side = np.linspace(-4.0, 4.0, n_points)
    if model.n_states == 1:
        return rd.basins(model, np.linspace(-4.0, 4.0, n_points**2), max_steps=5_000)
    return rd.basins(model, side, side, dims=(0, 1), max_steps=5_000)


def test_labels_are_where_orbits_end_up():
    n_compared = n_attractors = n_unlike = 0
    for case in NETWORKS:
        model = random_network(*case)
        result = grid_of(model)
        states = result.states.reshape(-1, model.n_states)
        expected = nearest_label(model, result.attractors, states)
        labels = result.labels.ravel()
        n_unlike += int((labels != expected).sum())
        n_compared += len(labels)
        n_attractors += len(result.attractors)
    assert n_compared > 6_000
    assert n_attractors >= len(NETWORKS) // 2
    # Orbits with chaotic transients may go elsewhere by rounding alone.
    assert n_unlike <= 1e-3 * n_compared


def test_the_steps_are_those_of_the_definition():
    n_steps = 300
    for case in (("PLRNN", 2, 0), ("ClippedShallowPLRNN", 3, 1), ("ReLURNN", 2, 2)):
        model = random_network(*case)
        result = grid_of(model, 12)
        canonical = model.canonical
        places = [neighbourhoods_of(canonical, cycle) for cycle in result.attractors]
        states = result.states.reshape(-1, model.n_states)
        first = np.full(len(states), -1)
        label = np.full(len(states), UNDECIDED)
        for step in range(n_steps):
            for number, place in enumerate(places):
                offset = states[:, np.newaxis, :] - place.centers
                inside = np.linalg.norm(
                    np.einsum("tij,ntj->nti", place.factors, offset), axis=2
                ).min(axis=1)
                new = (inside <= 1.0) & (first < 0)
                first[new], label[new] = step, number
            states = follow(model, states, 1).last
        decided = (first >= 0) & (result.n_steps.ravel() < n_steps)
        assert decided.mean() > 0.2
        assert (result.labels.ravel()[decided] == label[decided]).mean() > 0.999
        assert (result.n_steps.ravel()[decided] == first[decided]).mean() > 0.999


def test_looking_less_often_finds_the_same_steps():
    """Many neighbourhoods are looked at every few steps only; the answer must not show it."""
    model = rd.examples.load("plrnn_2d_16")
    few = rd.basins(rd.find_cycles(model, max_order=16), resolution=40)
    assert few.attractors[0].order == 16
    record = call_core(model, few, copies=1)
    often = call_core(model, few, copies=40)
    np.testing.assert_array_equal(often["labels"], record["labels"])
    np.testing.assert_array_equal(often["n_steps"], record["n_steps"])
    np.testing.assert_array_equal(record["n_steps"].reshape(few.labels.shape), few.n_steps)


def call_core(model, result, copies):
    """Call the core with every neighbourhood so many times, the others out of reach."""
    place = neighbourhoods_of(model.canonical, result.attractors[0])
    order = len(place.centers)
    far = np.repeat(np.arange(copies), order)[:, np.newaxis] * 1e6
    return rd._core.basins(
        model.canonical,
        result.origin,
        result.directions,
        result.x_values,
        result.y_values,
        np.arange(result.labels.size),
        np.tile(place.centers, (copies, 1)) + far,
        np.tile(place.factors, (copies, 1, 1)),
        np.tile(place.half_widths, (copies, 1)),
        np.zeros(order * copies, dtype=np.int32),
        max_steps=result.run.max_steps,
        escape_radius=result.run.escape_radius,
    )


@pytest.mark.parametrize("case", NETWORKS[::5], ids=str)
def test_neighbourhoods_are_mapped_into_each_other_inside_their_regions(case):
    model = random_network(*case)
    rng = np.random.default_rng(0)
    for cycle in grid_of(model, 12).attractors:
        centers, factors, half_widths = neighbourhoods_of(model.canonical, cycle)
        if not factors.any():
            continue
        for t in range(cycle.order):
            directions = rng.normal(size=(200, model.n_states))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            offsets = np.linalg.solve(factors[t], directions.T).T
            assert (np.abs(offsets) <= half_widths[t]).all()
            boundary = centers[t] + offsets
            regions = boundary @ model.canonical.W2.T + model.canonical.h2 > 0.0
            matters = model.canonical.W1.any(axis=0)
            assert (regions == cycle.itinerary[t])[:, matters].all()
            following = (t + 1) % cycle.order
            image = follow(model, boundary, 1).last - centers[following]
            assert np.linalg.norm(image @ factors[following].T, axis=1).max() < 1.0


def test_no_basin_is_claimed_where_it_cannot_be_verified(plane):
    # The error bound of the fixed point reaches the border: it may lie on the other side.
    cycle = dataclasses.replace(plane.attractors[0], error_bound=10.0)
    assert neighbourhoods_of(plane.model.canonical, cycle) is None
    # The multiplier is 1 - 2e-12 in a network whose rounding errors are as large.
    slow = rd.PLRNN([[1.0 - 2e-12, 0.0], [0.0, 0.5]], [[0.0, 0.0], [1.0, 0.0]], [-1.0, 0.0])
    cycles = rd.find_cycles(slow, max_order=1)
    result = rd.basins(cycles, [-2.0, -1.0], [0.0], max_steps=10)
    assert result.unclaimed == (cycles[0],)
    assert "No basin is claimed for 1 stable cycle" in repr(result)
    assert result.attractors == ()
    assert (result.labels == UNDECIDED).all()


# What is found on the way ---------------------------------------------------------------------


def test_attractors_are_found_without_a_search():
    network = rd.examples.load("plrnn-10d")
    known = rd.find_cycles(network, max_order=10)
    side = np.linspace(-1.0, 1.0, 40)
    given = rd.basins(known, side, side, dims=(0, 1), origin=np.zeros(10))
    alone = rd.basins(network, side, side, dims=(0, 1))
    assert given.run.n_given == len(known.stable)
    assert alone.run.n_given == 0
    assert {cycle.order for cycle in alone.attractors} <= {1, 10}
    names = [cycle.itinerary.tobytes() for cycle in given.attractors]
    places = [names.index(cycle.itinerary.tobytes()) for cycle in alone.attractors]
    expected = np.array([*places, UNDECIDED])[alone.labels]
    np.testing.assert_array_equal(given.labels, expected)


def test_what_given_cycles_lack_is_found(lozi):
    model = rd.examples.load("plrnn_2d_16")
    only_fixed_points = rd.find_cycles(model, max_order=1)
    result = rd.basins(only_fixed_points, resolution=20)
    assert [cycle.order for cycle in result.attractors] == [16]
    assert result.run.n_given == 0
    assert result.n_undecided <= 1


@pytest.mark.parametrize("period", [1, 2, 7])
def test_the_period_of_regions_is_the_smallest(period):
    rng = np.random.default_rng(period)
    turn = rng.random((period, 70)) < 0.5
    regions = np.tile(turn, (9, 1))
    assert _period(regions) == period
    regions[0] ^= True
    assert _period(regions[: 2 * period]) is None


# Planes ---------------------------------------------------------------------------------------


def test_planes_in_more_dimensions():
    network = rd.examples.load("plrnn-10d")
    cycles = rd.find_cycles(network, max_order=1)
    by_states = rd.basins(cycles, [0.0, 1.0], [2.0, 3.0, 4.0], dims=(3, 1), origin=np.ones(10))
    assert by_states.labels.shape == (3, 2)
    expected = np.ones((3, 2, 10))
    expected[:, :, 3] = [0.0, 1.0]
    expected[:, :, 1] = np.array([2.0, 3.0, 4.0])[:, np.newaxis]
    np.testing.assert_array_equal(by_states.states, expected)
    assert by_states.axis_labels == ("$z_{3}$", "$z_{1}$")

    directions = np.zeros((2, 10))
    directions[0, :2], directions[1, 5] = [1.0, 1.0], 2.0
    skew = rd.basins(cycles, [0.0, 1.0], [0.0, 1.0], directions=directions, origin=np.ones(10))
    np.testing.assert_array_equal(skew.states[1, 1], 1.0 + directions[0] + directions[1])

    principal = rd.basins(cycles, resolution=5)
    points = np.concatenate([cycle.points for cycle in cycles])
    center = points.mean(axis=0)
    np.testing.assert_allclose(principal.origin, center)
    # Three fixed points lie in the plane that they span, so all of them are in the window.
    within = (points - center) @ principal.directions.T
    np.testing.assert_allclose(within @ principal.directions + center, points, atol=1e-9)
    assert principal.x_values[0] < within[:, 0].min() < within[:, 0].max() < principal.x_values[-1]


# Threads, time limits, interrupts -------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [2, 4, 7])
def test_threads_change_nothing(n_threads):
    network = rd.examples.load("plrnn-10d")
    side = np.linspace(-1.0, 1.0, 40)
    first, second = (
        rd.basins(network, side, side, dims=(0, 1), n_threads=n) for n in (1, n_threads)
    )
    assert first == second
    assert second.run.n_threads == n_threads


def endless(lozi, **options):
    side = np.linspace(-0.1, 0.1, 50)
    return rd.basins(lozi, side, side, max_steps=10**12, **options)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_time_limit_keeps_what_is_done(lozi, n_threads):
    result = endless(lozi, time_limit=0.05, n_threads=n_threads)
    assert result.run.stopped_by == "time_limit"
    assert not result.complete
    assert (result.labels == NOT_REACHED).all()
    assert result.n_not_reached == 2500
    assert "INCOMPLETE: stopped by the time limit after 0 of 2,500 points" in repr(result)


def test_ctrl_c_keeps_what_is_done(lozi):
    meter = CtrlC()
    result = endless(lozi, progress=meter)
    assert meter.titles == ["basins"]
    assert all(0.0 <= state.fraction <= 1.0 for state in meter.states)
    assert all("orbits" in state.text(1.0) for state in meter.states)
    assert result.run.stopped_by == "interrupt"
    assert result.n_not_reached > 0


def test_an_error_of_the_progress_meter_is_raised(lozi):
    class Broken:
        def init(self, title):
            pass

        def step(self, progress):
            raise RuntimeError("broken meter")

        def close(self):
            pass

    with pytest.raises(RuntimeError, match="broken meter"):
        endless(lozi, progress=Broken())


# The result -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plane():
    model = with_saddle(np.array([[1.0, 0.5], [-0.3, 1.0]]))
    return rd.basins(rd.find_cycles(model, max_order=1), resolution=20)


@pytest.fixture(scope="module")
def line():
    return rd.basins(escaping(), LINE)


def test_a_result_says_what_it_holds(plane, line):
    assert repr(plane).splitlines()[0] == (
        "Basins of 2 stable cycles of PiecewiseLinearMap (2 states), 20 x 20 points"
    )
    assert "Unbounded, beyond 3e+16: 58.33%" in repr(line)
    assert "<td>50.00%</td>" in plane._repr_html_()
    np.testing.assert_allclose(plane.shares.sum(), 1.0)
    assert plane.basin(0).sum() + plane.basin(1).sum() == 400
    with pytest.raises(ValueError, match="attractor must be between 0 and 1, got 2"):
        plane.basin(2)
    with pytest.raises(ValueError, match="read-only"):
        plane.labels[0, 0] = 5
    assert plane != line
    assert plane != "basins"


def test_the_same_result_comes_back_from_files(plane, line, tmp_path):
    for number, result in enumerate((plane, line)):
        path = tmp_path / f"{number}.npz"
        result.save(path)
        again = rd.Basins.load(path)
        assert again == result
        assert again.run == result.run
        assert repr(again) == repr(result)
        assert pickle.loads(pickle.dumps(result)) == result


def change_header(arrays, **entries):
    header = json.loads(str(arrays["header"]))
    arrays["header"] = np.array(json.dumps({**header, **entries}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("header"), "it has no header"),
        (lambda a: change_header(a, format="rnndyn scan"), 'it does not say "format"'),
        (lambda a: change_header(a, format_version=3), "install a newer rnndyn"),
        (lambda a: change_header(a, attractors=[1, 1, 1]), "is missing"),
        (lambda a: change_header(a, attractors=[1]), "labels must be numbers of attractors"),
        (lambda a: change_header(a, attractors=[2, 1]), "must have shape"),
        (lambda a: change_header(a, axis_labels=["x"]), "2 axis labels, got 1"),
        (lambda a: change_header(a, run={}), "missing"),
        (lambda a: a.pop("x_values"), "'x_values' is missing"),
        (lambda a: a.pop("y_values"), "must have shape"),
        (lambda a: a.update(labels=a["labels"].astype(float)), "must hold int32"),
        (lambda a: a["labels"].__setitem__((0, 0), -4), "labels must be numbers"),
        (lambda a: a.update(n_steps=a["n_steps"][1:]), "must have shape"),
        (lambda a: a["origin"].__setitem__(0, np.nan), "holds NaN"),
        (lambda a: a.update(origin=np.zeros(3)), "those of 2 states"),
    ],
)
def test_damaged_files_are_refused(plane, tmp_path, damage, message):
    path = tmp_path / "basins.npz"
    plane.save(path)
    arrays = {name: array.copy() for name, array in read_archive(path, 2**30).items()}
    damage(arrays)
    write_archive(path, arrays)
    with pytest.raises(ValueError, match=message) as caught:
        rd.Basins.load(path)
    assert f"{path} cannot be read as basins of attraction of rnndyn" in str(caught.value)


def test_tables(plane, line):
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    frame = plane.to_dataframe()
    assert list(frame.columns) == ["x", "y", "label", "n_steps"]
    assert frame["x"].iloc[1] == plane.x_values[1]
    assert frame["y"].iloc[20] == plane.y_values[1]
    dataset = plane.to_xarray()
    assert dataset["label"].dims == ("y", "x")
    np.testing.assert_array_equal(dataset["n_steps"], plane.n_steps)
    np.testing.assert_array_equal(dataset.attrs["direction_y"], plane.directions[1])
    assert line.to_xarray()["label"].dims == ("x",)


def test_the_papers_are_known(plane):
    keys = [citation.reference.key for citation in rd.cite(plane)]
    assert keys[0] == "rnndyn"
    assert "krawczyk1969newton" in keys


# Wrong input ----------------------------------------------------------------------------------

GRID = [0.0, 1.0]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"cycles": "net"}, TypeError, "cycles must be a CycleSet, or a piecewise-linear model"),
        ({"x_values": None}, ValueError, "x_values and y_values must be given where no cycles are"),
        ({"x_values": [1.0, 0.0]}, ValueError, "x_values must ascend"),
        ({"y_values": [0.0, np.nan]}, ValueError, "y_values must be finite, got nan"),
        ({"y_values": [[0.0]]}, ValueError, r"y_values must be a list of .*, got shape \(1, 1\)"),
        ({"x_values": "all"}, TypeError, "x_values must hold real numbers, got str"),
        ({"dims": "pca"}, ValueError, "needs cycles"),
        ({"dims": "tsne"}, ValueError, "or 'pca', got 'tsne'"),
        ({"dims": (0, 2)}, ValueError, "between 0 and 1"),
        ({"dims": (1, 1)}, ValueError, r"two different states, got \(1, 1\)"),
        ({"dims": 3}, TypeError, "dims must be two states"),
        ({"dims": (0, 1), "directions": np.eye(2)}, ValueError, "either dims or directions"),
        ({"directions": np.ones((2, 2))}, ValueError, "two independent directions"),
        ({"directions": np.eye(3)}, ValueError, r"directions must have shape \(2, 2\)"),
        ({"origin": [0.0]}, ValueError, r"origin must have shape \(2,\)"),
        ({"origin": "here"}, TypeError, "origin must hold real numbers"),
        ({"max_steps": 0}, ValueError, "max_steps must be between 1"),
        ({"max_steps": 1.5}, TypeError, "max_steps must be an integer"),
        ({"escape_radius": -1.0}, ValueError, "escape_radius must be a positive"),
        ({"resolution": 1}, ValueError, "resolution must be between 2"),
        ({"n_threads": 0}, ValueError, "n_threads must be between 1"),
        ({"time_limit": 0.0}, ValueError, "time_limit must be a positive"),
    ],
)
def test_bad_input_is_named(lozi, changes, error, message):
    arguments = {"cycles": lozi, "x_values": GRID, "y_values": GRID, **changes}
    with pytest.raises(error, match=message):
        rd.basins(arguments.pop("cycles"), **arguments)


def test_the_seed_chooses_the_orbits_that_are_followed_first():
    """What they meet gets the first numbers; where everything goes does not depend on it."""
    # x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 in both coordinates: four fixed points.
    model = rd.PiecewiseLinearMap(
        A=0.5 * np.eye(2),
        W1=np.kron(np.eye(2), [1.0, -1.0]),
        W2=np.kron(np.eye(2), [[1.0], [1.0]]),
        h1=[-1.0, -1.0],
        h2=[1.0, -1.0, 1.0, -1.0],
    )
    grid = np.linspace(-3.0, 3.0, 40)
    results = [
        rd.basins(model, grid, grid, seed=seed, progress=False) for seed in (0, 0, 1, 2, 3, 4)
    ]
    assert results[0] == results[1]
    ends = [
        [tuple(result.attractors[label].points[0].round(9)) for label in result.labels.ravel()]
        for result in results
    ]
    assert all(end == ends[0] for end in ends)
    firsts = {tuple(result.attractors[0].points[0].round(9)) for result in results}
    assert len(firsts) > 1


def test_one_state_has_no_plane():
    with pytest.raises(ValueError, match="y_values must not be given for a network with one state"):
        rd.basins(bistable(), GRID, GRID)
    with pytest.raises(ValueError, match="dims must not be given for a network with one state"):
        rd.basins(bistable(), GRID, dims=(0, 0))
