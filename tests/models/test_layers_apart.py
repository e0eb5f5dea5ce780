"""States that are given along with a stacked ReLU network, whose map has its layers one step apart.

The reference is the network itself: its orbits, with every layer taken as many steps late by hand.
"""

import numpy as np
import pytest

import rnndyn as rd


def stacked(seed, n_layers=2, n=2, n_inputs=0, gain=1.2):
    rng = np.random.default_rng(seed)

    def weights(rows, columns):
        return gain * rng.standard_normal((rows, columns)) / np.sqrt(columns)

    into = [weights(n, n_inputs) if n_inputs else None]
    into += [weights(n, n) for _ in range(n_layers - 1)]
    hidden = [weights(n, n) for _ in range(n_layers)]
    bias = [rng.standard_normal(n) for _ in range(n_layers)]
    return rd.RNN(into, hidden, bias, nonlinearity="relu")


def late(network, orbit):
    """Return states (T, N) with layer l taken l steps late, where all of them are known."""
    lag = network.n_layers - 1
    layers = orbit.reshape(len(orbit), network.n_layers, network.hidden_size)
    parts = [layers[lag - own : len(orbit) - own, own] for own in range(network.n_layers)]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_the_map_goes_on_from_states_with_layers_apart(n_layers):
    network = stacked(n_layers, n_layers, n_inputs=2, gain=0.8)
    states = np.random.default_rng(0).standard_normal((5, network.n_states))
    constant = [0.5, -1.0]
    apart = network.layers_apart(states, constant)
    orbits = network.as_piecewise_linear(constant).orbit(apart, 10)
    for state, orbit in zip(states, orbits, strict=True):
        own = late(network, network.orbit(state, 10 + n_layers - 1, constant))
        np.testing.assert_allclose(orbit, own, rtol=0, atol=1e-12)


def test_only_relu_networks_have_layers_apart():
    with pytest.raises(ValueError, match="only a network with nonlinearity='relu'"):
        rd.RNN(None, [[0.5]]).layers_apart([1.0])


def test_orbits_of_region_graphs_are_those_of_the_network():
    network = stacked(3)
    orbit = network.orbit(np.ones(4), 60)
    graph = rd.region_graph(network, orbit)
    expected = rd.region_graph(network.as_piecewise_linear(), late(network, orbit))
    assert graph.symbols.shape == (60,)
    np.testing.assert_array_equal(graph.regions, expected.regions)
    np.testing.assert_array_equal(graph.symbols, expected.symbols)
    # Each region says which units are on in the next state: the orbit of the map knows.
    bits = graph.regions[graph.symbols]
    np.testing.assert_array_equal(bits[:-1], late(network, orbit)[1:] > 0.0)
    size = 1.1 * np.abs(orbit).max()
    both = rd.region_graph(network, orbit, box=size)
    # A box holds the orbits of both, so that nothing is seen that is proved to be impossible.
    assert not (both.status == rd.regions.result.IMPOSSIBLE).any()
    with pytest.raises(ValueError, match="must have more than 2 states"):
        rd.region_graph(stacked(0, 3), np.zeros((2, 6)))


def test_what_would_be_another_thing_is_refused():
    network = stacked(3)
    cycle = rd.find_fixed_points(network)[0]
    refused = [
        ("start", lambda: rd.region_graph(network, box=9.0, start=1.0)),
        ("cycles", lambda: rd.basins(network, [0.0, 1.0], [0.0, 1.0], dims=(0, 1))),
        ("alpha", lambda: rd.forced(network, 0.5)),
        ("horizon", lambda: rd.gradient_growth(network, cycle, 3)),
    ]
    for name, call in refused:
        with pytest.raises(ValueError, match=rf"^{name} .*as_piecewise_linear\(\)"):
            call()
    linear = network.as_piecewise_linear()
    assert rd.gradient_growth(linear, cycle, 3).shape == (3,)
    assert rd.region_graph(linear, box=9.0, start=1.0, max_regions=5)


def test_basin_fractions_draw_states_of_the_network():
    # The first layer forgets in one step what the second would be pushed by, which goes to one of
    # two fixed points; a map whose layers are taken to be at the same step is pushed to the first.
    network = rd.RNN(
        [None, [[4.0, 0.0], [0.0, 0.0]]],
        [np.zeros((2, 2)), [[0.5, -1.0], [-1.0, 0.5]]],
        [[0.0, 0.0], [0.5, 0.5]],
        nonlinearity="relu",
    )
    lower, upper = [0.5, 0.0, 0.0, 0.0], [1.0, 0.1, 1.0, 1.0]
    n = 2000
    shares = rd.basin_fractions(network, (lower, upper), n=n, max_steps=500)
    random = np.random.default_rng(0).random((n, 4))
    states = np.array(lower) + (np.array(upper) - lower) * random
    for _ in range(200):
        states = network.step(states)
    counts = []
    for attractor in shares.attractors:
        points = network.layers_in_step(attractor.points)
        near = np.abs(states[:, None] - points).max(axis=2).min(axis=1) < 1e-9
        counts.append(near.sum())
    assert len(counts) == 2
    assert min(counts) > 0.4 * n
    assert shares.counts.tolist() == counts


def test_data_in_a_report(tmp_path, monkeypatch):
    pytest.importorskip("plotly")
    shown = []

    def page(content):
        shown.append(content)
        return ""

    monkeypatch.setattr("rnndyn.reporting._report.page", page)
    network = stacked(3)
    orbit = network.orbit(np.ones(4), 40)
    options = {"max_order": 1, "n_steps": 100, "n_orbits": 2}
    rd.report(network, tmp_path / "a.html", data=[orbit, orbit], **options)
    for sequence in shown[0].data:
        np.testing.assert_array_equal(sequence, late(network, orbit))
    # Outputs of one layer are the same numbers at other times.
    outputs = np.arange(10.0)[:, np.newaxis]
    rd.report(network, tmp_path / "b.html", data=outputs, readout=np.ones((1, 2)), **options)
    np.testing.assert_array_equal(shown[1].data[0], outputs)
    with pytest.raises(ValueError, match=r"^readout .*as_piecewise_linear"):
        rd.report(network, tmp_path / "c.html", readout=np.ones((1, 4)), **options)


@pytest.mark.parametrize("period", [1, 2, 3])
def test_states_at_the_beginning_of_a_period(period):
    from rnndyn.cycles._starts import starts_of_period

    network = stacked(5, 3, n_inputs=1, gain=0.7)
    inputs = np.random.default_rng(1).standard_normal((period, 1))
    starts = np.random.default_rng(2).standard_normal((4, 6))
    found = starts_of_period(network, starts, inputs)
    drive = np.tile(inputs, (8, 1))
    n_before = -(-2 // period) * period
    for start, own in zip(starts, found, strict=True):
        orbit = late(network, network.orbit(start, inputs=drive[: n_before + 2]))
        # Entry t of it is of the step t + 2.
        np.testing.assert_allclose(own, orbit[n_before - 2], rtol=0, atol=1e-12)


def test_slow_points_under_several_inputs_take_states_once(monkeypatch):
    from rnndyn.slow_points import finding

    network = stacked(3, n_inputs=1)
    given = []
    search = finding._core.find_slow_points

    def recorded(compiled, *, states, **options):
        given.append(states)
        return search(compiled, states=states, **options)

    monkeypatch.setattr(finding._core, "find_slow_points", recorded)
    state, inputs = np.ones(4), [[0.0], [0.5]]
    found = rd.find_slow_points(network, inputs, states=state, max_restarts=16)
    for row, own in zip(inputs, given, strict=True):
        np.testing.assert_array_equal(own[0], network.layers_apart(state, row))
    # What was found under the first input is of the map already.
    np.testing.assert_array_equal(given[1][1:], found[0].states)
