"""Regions as symbols: counts by hand, components and entropy against brute force."""

import itertools

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn.regions._paths import components
from rnndyn.regions.result import IMPOSSIBLE, PROVED, SEEN, STATUS_NAMES, RegionGraph
from rnndyn.regions.run import RegionGraphRun

TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])


def by_hand(n, sources, targets):
    """Return a graph whose transitions are given."""
    run = RegionGraphRun(
        max_regions=9, n_expanded=0, n_empty=0, end="exhausted", seconds=0.0, n_threads=1
    )
    none = dict.fromkeys(("lower", "upper", "start_lower", "start_upper"))
    return RegionGraph(
        TENT, np.zeros((n, 1)), np.zeros((n, 1)), np.zeros(2), np.zeros(n), np.ones(n), sources,
        targets, np.ones(len(sources)), np.full(len(sources), SEEN), **none, run=run,
    )  # fmt: skip


def reachable(adjacency):
    closure = np.eye(len(adjacency), dtype=bool) | adjacency
    for _ in range(len(adjacency)):
        closure = closure | (closure.astype(int) @ closure.astype(int) > 0)
    return closure


def test_symbols_and_counts_are_those_of_a_loop():
    network = rd.examples.load("plrnn-10d")
    orbits = network.orbit(np.random.default_rng(0).normal(size=(3, 10)), 200)
    graph = rd.region_graph(network, orbits)
    assert np.array_equal(graph.regions[graph.symbols], network.region(orbits))
    assert len(np.unique(graph.regions, axis=0)) == len(graph)
    counts = {}
    for sequence in graph.symbols.tolist():
        for pair in itertools.pairwise(sequence):
            counts[pair] = counts.get(pair, 0) + 1
    assert counts == {
        (s, t): n
        for s, t, n in zip(
            graph.sources.tolist(), graph.targets.tolist(), graph.counts.tolist(), strict=True
        )
    }
    assert graph.visits.sum() == orbits.size // 10
    # First visits come in the order of the symbols.
    first = [graph.symbols.ravel().tolist().index(symbol) for symbol in range(len(graph))]
    assert first == sorted(first)
    rows = graph.matrix.sum(axis=1)
    assert np.all((np.abs(rows - 1.0) < 1e-12) | (rows == 0.0))


@pytest.mark.parametrize("seed", range(30))
def test_components_are_those_that_reach_each_other(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    adjacency = rng.random((n, n)) < rng.uniform(0.05, 0.4)
    sources, targets = np.nonzero(adjacency)
    labels = components(n, sources, targets)
    closure = reachable(adjacency)
    both = closure & closure.T
    assert np.array_equal(labels[:, None] == labels[None, :], both)
    first = [labels.tolist().index(label) for label in range(labels.max() + 1)]
    assert first == sorted(first)
    graph = by_hand(n, sources, targets)
    assert all(np.array_equal(graph.reachable(node), closure[node]) for node in range(n))
    returns = np.linalg.matrix_power(adjacency.astype(int) + np.eye(n, dtype=int), n) @ adjacency
    assert np.array_equal(graph.recurrent, np.diag(returns) > 0)


@pytest.mark.parametrize("seed", range(20))
def test_the_entropy_is_the_largest_eigenvalue(seed):
    rng = np.random.default_rng([1, seed])
    n = int(rng.integers(1, 9))
    adjacency = rng.random((n, n)) < 0.35
    sources, targets = np.nonzero(adjacency)
    graph = by_hand(n, sources, targets)
    largest = max(np.abs(np.linalg.eigvals(adjacency.astype(float))).max(), 1.0)
    assert graph.entropy == pytest.approx(np.log(largest), abs=1e-9)
    # From above, as a bound has to be; eigvals itself is off by the root of the rounding.
    assert graph.entropy >= np.log(largest) - 1e-6


def test_the_full_tent_map_has_entropy_ln_2():
    # Slopes 2 and -2 on [-1, 1]: every sequence of sides occurs.
    z = np.array([[0.123456789]])
    orbit = [z]
    rng = np.random.default_rng(0)
    for _ in range(2000):
        # A little noise: binary numbers run out under doubling.
        orbit.append(1.0 - 2.0 * np.abs(orbit[-1]) + 1e-9 * rng.normal())
    graph = rd.region_graph(TENT, np.concatenate(orbit))
    assert len(graph) == 2
    assert graph.entropy == pytest.approx(np.log(2.0), abs=1e-12)
    assert "4 transitions" in repr(graph)
    assert not graph.bounds_entropy
    assert "<th>followers</th>" in graph._repr_html_()


def test_a_network_without_units_has_one_region():
    line = rd.PiecewiseLinearMap([[0.5]], np.zeros((1, 0)), np.zeros((0, 1)), [1.0], [])
    graph = rd.region_graph(line, line.orbit([3.0], 5))
    assert len(graph) == 1
    assert graph.entropy == 0.0
    assert graph.to_columns()["count"].tolist() == [5]


@pytest.mark.parametrize(
    ("orbit", "message"),
    [
        ([[1.0]], "T at least 2"),
        ([1.0, 2.0], r"\(..., T, M\)"),
        (np.zeros((5, 2)), "M = 1"),
        (np.zeros((0, 5, 1)), "at least one orbit"),
        ([[np.nan], [1.0]], "orbit must be finite"),
    ],
)
def test_other_orbits_are_refused(orbit, message):
    with pytest.raises(ValueError, match=message):
        rd.region_graph(TENT, orbit)
    with pytest.raises(TypeError, match="model must be piecewise linear"):
        rd.region_graph(rd.RNN(None, [[1.0]]), [[1.0], [2.0]])


def random_network(seed, n_states, n_units):
    rng = np.random.default_rng([seed, n_states, n_units])
    return rd.PiecewiseLinearMap(
        A=0.5 * rng.normal(size=(n_states, n_states)),
        W1=rng.normal(size=(n_states, n_units)),
        W2=rng.normal(size=(n_units, n_states)),
        h1=rng.normal(size=n_states),
        h2=rng.normal(size=n_units),
    )


def pairs_of(graph, chosen=None):
    """Return the transitions as pairs of regions, as tuples of bits."""
    names = [tuple(bits) for bits in graph.regions.tolist()]
    keep = np.ones(len(graph.sources), bool) if chosen is None else chosen
    edges = zip(graph.sources[keep].tolist(), graph.targets[keep].tolist(), strict=True)
    return {(names[source], names[target]) for source, target in edges}


def depth_of(model, word, radius):
    """Return how deep the set of states is that follow a word of regions within a box.

    Another way: a mixed form for HiGHS with the states of all steps as unknowns.
    """
    optimize = pytest.importorskip("scipy.optimize")
    c, m = model.canonical, model.n_states
    n = len(word) * m
    rows, bounds, equations, values = [], [], [], []
    for t, bits in enumerate(word):
        here = np.s_[t * m : (t + 1) * m]
        for unit, bit in enumerate(bits):
            row = np.zeros(n + 1)
            sign = 1.0 if bit else -1.0
            row[here] = -sign * c.W2[unit]
            row[-1] = np.linalg.norm(c.W2[unit])
            rows.append(row)
            bounds.append(sign * c.h2[unit])
        for state in range(m):
            for sign in (1.0, -1.0):
                row = np.zeros(n + 1)
                row[t * m + state], row[-1] = sign, 1.0
                rows.append(row)
                bounds.append(radius)
        if t:
            before = np.array(word[t - 1], dtype=bool)
            row = np.zeros((m, n + 1))
            row[:, (t - 1) * m : t * m] = c.jacobian(before)
            row[:, here] = -np.eye(m)
            equations.append(row)
            values.append(-c.offset(before))
    found = optimize.linprog(
        -np.eye(n + 1)[-1],
        np.array(rows),
        bounds,
        np.concatenate(equations) if equations else None,
        np.concatenate(values) if values else None,
        bounds=(None, None),
    )
    return float(found.x[-1]) if found.status == 0 else -np.inf


@pytest.mark.parametrize(("n_states", "n_units"), [(1, 3), (2, 3), (3, 3)])
@pytest.mark.parametrize("seed", range(drawn(3, 40)))
def test_the_graph_of_a_box_is_that_of_all_pairs_one_by_one(seed, n_states, n_units):
    model, radius = random_network(seed, n_states, n_units), 2.0
    graph = rd.region_graph(model, box=radius, n_threads=1)
    every = list(itertools.product([False, True], repeat=n_units))
    inside = {bits: depth_of(model, [bits], radius) for bits in every}
    names = {tuple(bits) for bits in graph.regions.tolist()}
    assert {bits for bits, depth in inside.items() if depth > 1e-9} <= names
    assert not any(inside[bits] < -1e-9 for bits in names)
    found, proved = pairs_of(graph), pairs_of(graph, graph.status == PROVED)
    for pair in itertools.product(every, repeat=2):
        depth = depth_of(model, pair, radius)
        if depth > 1e-9:
            assert pair in proved
        if depth < -1e-9:
            assert pair not in found
    assert graph.complete
    assert graph.initial.all()
    assert graph.run.n_expanded == len(graph)


@pytest.mark.parametrize("seed", range(10))
def test_orbits_in_the_box_are_paths(seed):
    model, radius = random_network(seed, 4, 6), 4.0
    graph = rd.region_graph(model, box=radius, n_threads=1)
    rng = np.random.default_rng(seed)
    found = pairs_of(graph)
    states = rng.uniform(-radius, radius, (3_000, 4))
    images = model.step(states)
    stay = (np.abs(images) <= radius).all(axis=1)
    assert stay.any()
    before, after = model.region(states[stay]).tolist(), model.region(images[stay]).tolist()
    assert {(tuple(s), tuple(t)) for s, t in zip(before, after, strict=True)} <= found


@pytest.mark.parametrize("slope", [1.2, 1.7, 2.0])
def test_the_entropy_of_a_tent_map_is_below_that_of_its_paths(slope):
    """The topological entropy of a tent map with slopes s and -s above 1 is ln s."""
    tent = rd.PLRNN(A=[[slope]], W=[[-2.0 * slope]], h=[1.0])
    graph = rd.region_graph(tent, box=1.0)
    assert graph.bounds_entropy
    assert graph.entropy >= np.log(slope) - 1e-12


def test_a_graph_without_returning_paths_forbids_chaos():
    # Left of 0 orbits go right, and there they go to 2.
    drift = rd.PiecewiseLinearMap([[1.0]], [[-0.5]], [[1.0]], [1.0], [0.0])
    graph = rd.region_graph(drift, box=5.0)
    assert graph.entropy == 0.0
    assert graph.recurrent.tolist() == [True, True]
    # An orbit that comes to the right side stays there.
    right = graph.regions[:, 0].tolist().index(True)
    assert graph.reachable(right).tolist() == [index == right for index in range(2)]


def test_only_what_is_reached_from_the_start():
    drift = rd.PiecewiseLinearMap([[1.0]], [[-0.5]], [[1.0]], [1.0], [0.0])
    graph = rd.region_graph(drift, box=5.0, start=([1.0], [2.0]))
    assert graph.regions.tolist() == [[True]]
    assert graph.initial.all()
    assert not graph.bounds_entropy
    both = rd.region_graph(drift, box=5.0, start=([-4.0], [-3.0]))
    assert both.regions.tolist() == [[False], [True]]
    assert both.initial.tolist() == [True, False]


def test_the_orbits_from_states():
    points = np.array([[[-0.2], [0.1]], [[0.3], [0.25]]])
    graph = rd.region_graph(TENT, start=points, n_steps=7)
    assert graph == rd.region_graph(TENT, TENT.orbit(points, 7))
    assert graph.symbols.shape == (2, 2, 8)
    one = rd.region_graph(TENT, start=np.array([-0.2]), box=1.0)
    assert one.symbols.shape == (1001,)
    assert one == rd.region_graph(TENT, TENT.orbit([-0.2], 1000), box=1.0)
    assert one.start_lower is None


@pytest.mark.parametrize("kind", ["tensor", "frame"])
def test_states_of_other_packages_are_states(kind):
    points = np.array([[-0.2], [0.1]])
    if kind == "tensor":
        given = pytest.importorskip("torch").tensor(points, requires_grad=True)
    else:
        given = pytest.importorskip("pandas").DataFrame(points)
    graph = rd.region_graph(TENT, start=given, n_steps=7)
    assert graph == rd.region_graph(TENT, start=points, n_steps=7)


def test_the_orbits_from_states_of_a_stacked_network():
    torch = pytest.importorskip("torch")
    module = torch.nn.RNN(1, 2, num_layers=2, nonlinearity="relu").double()
    network = rd.from_torch(module)
    points = np.random.default_rng(0).random((3, 4))
    graph = rd.region_graph(module, start=points, n_steps=20)
    linear = network.as_piecewise_linear()
    assert graph == rd.region_graph(linear, linear.orbit(network.layers_apart(points), 20))


def test_steps_of_data_that_the_network_cannot_take():
    drift = rd.PiecewiseLinearMap([[1.0]], [[-0.5]], [[1.0]], [1.0], [0.0])
    data = np.array([[-1.0], [0.5], [1.0], [-2.0]])
    graph = rd.region_graph(drift, data, box=5.0)
    names = [STATUS_NAMES[code] for code in graph.status]
    assert names.count("impossible") == 1
    back = graph.status == IMPOSSIBLE
    assert graph.regions[graph.sources[back]].all()
    assert not graph.regions[graph.targets[back]].any()
    assert graph.counts.sum() == 3
    # It is no part of any path.
    assert graph.entropy == 0.0
    assert "taken by no state of the network: 1 transition" in repr(graph)


def test_closed_regions_that_touch_are_undecided():
    # The image of the left side is 0 and below, and meets the right side in the border only.
    fold = rd.PiecewiseLinearMap([[0.5]], [[0.25]], [[1.0]], [0.0], [0.0])
    graph = rd.region_graph(fold, box=1.0)
    status = {
        (bool(graph.regions[s, 0]), bool(graph.regions[t, 0])): STATUS_NAMES[code]
        for s, t, code in zip(graph.sources, graph.targets, graph.status, strict=True)
    }
    assert status == {
        (False, False): "proved",
        (False, True): "undecided",
        (True, False): "undecided",
        (True, True): "proved",
    }
    assert "Too thin to be told from none: 2 transitions" in repr(graph)


def test_units_that_nothing_reads_make_no_regions():
    unread = rd.PiecewiseLinearMap([[0.5]], [[1.0, 0.0]], [[1.0], [1.0]], [0.0], [0.0, 0.5])
    orbit = unread.orbit([-0.2], 5)
    seen, box = rd.region_graph(unread, orbit), rd.region_graph(unread, orbit, box=1.0)
    assert len(seen) == 1
    assert len(box) == 2
    assert box.visits.sum() == 6
    # A unit that is on everywhere is on in every region.
    always = rd.PiecewiseLinearMap([[0.5]], [[1.0]], [[0.0]], [0.0], [0.5])
    assert rd.region_graph(always, always.orbit([0.1], 5), box=5.0).regions.tolist() == [[True]]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_units_with_the_same_border_make_no_thin_regions(sign):
    twins = rd.PiecewiseLinearMap([[0.5]], [[1.0, 0.3]], [[1.0], [sign]], [0.0], [0.3, 0.3 * sign])
    graph = rd.region_graph(twins, box=1.0)
    assert sorted(graph.regions.tolist()) == [[False, sign < 0.0], [True, sign > 0.0]]
    orbit = twins.orbit([-0.9], 4)
    assert rd.region_graph(twins, orbit / 4.0, box=1.0).regions.shape == (2, 2)


def test_too_many_regions_are_said_to_be():
    network = rd.examples.load("plrnn-10d")
    graph = rd.region_graph(network, box=5.0, max_regions=20, n_threads=1)
    assert len(graph) == 20
    assert not graph.complete
    assert not graph.bounds_entropy
    assert "Not complete: the limit max_regions was reached" in repr(graph)


def test_a_network_without_units_in_a_box():
    line = rd.PiecewiseLinearMap([[0.5]], np.zeros((1, 0)), np.zeros((0, 1)), [1.0], [])
    graph = rd.region_graph(line, line.orbit([3.0], 5), box=4.0)
    assert graph.regions.shape == (1, 0)
    assert graph.status.tolist() == [PROVED]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "orbit, box or start must be given"),
        ({"start": 1.0}, "orbit, box or start must be given"),
        (
            {"start": np.zeros(3)},
            r"start must have shape .* with M = 1, got \(3,\)",
        ),
        ({"start": np.zeros((0, 1))}, r"at least one state, got shape \(0, 1\)"),
        ({"start": np.zeros(1), "orbit": [[0.1], [0.2]]}, "start must not come with an orbit"),
        ({"start": np.zeros(1), "n_steps": 0}, "n_steps must be"),
        ({"start": 0.5, "box": 1.0, "n_steps": 5}, "n_steps is for start as an array of states"),
        ({"start": [[0.1]]}, r"for states write start=numpy.array\(states\)"),
        ({"start": np.array([0.4]), "box": 0.3}, "orbit must stay in box"),
        ({"orbit": [[0.1], [0.2]], "start": 1.0}, "start must come with a box"),
        ({"box": 1.0, "start": 2.0}, "start must lie in box"),
        ({"box": 1.0, "start": 0.5, "orbit": [[0.1], [0.2]]}, "start must not come with an orbit"),
        ({"box": 1.0, "orbit": [[0.1], [7.0]]}, r"1 of 2 states are outside.*box=7"),
        ({"box": -1.0}, "box, a radius, must be positive, got -1"),
        ({"box": 1.0, "start": -1.0}, "start, a radius, must be positive, got -1"),
        ({"box": (1.0,)}, "box must be a number R, or"),
        ({"box": 1.0, "max_regions": 0}, "max_regions must be"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        rd.region_graph(TENT, **arguments)
