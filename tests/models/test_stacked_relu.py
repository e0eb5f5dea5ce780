"""A stacked ReLU network and the piecewise-linear map that it is: against torch, and listing."""

import itertools

import numpy as np
import pytest

import rnndyn as rd


def stacked(rng, n_layers, n, n_inputs=0, gain=1.2):
    def weights(rows, columns):
        return gain * rng.standard_normal((rows, columns)) / np.sqrt(columns)

    into = [weights(n, n_inputs) if n_inputs else None]
    into += [weights(n, n) for _ in range(n_layers - 1)]
    return rd.RNN(
        into,
        [weights(n, n) for _ in range(n_layers)],
        [rng.standard_normal(n) for _ in range(n_layers)],
        nonlinearity="relu",
    )


def late(network, orbit):
    """Return states (T, N) with layer l taken l steps late, where all of them are known."""
    lag = network.n_layers - 1
    layers = orbit.reshape(len(orbit), network.n_layers, network.hidden_size)
    parts = [layers[lag - own : len(orbit) - own, own] for own in range(network.n_layers)]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize(("n_layers", "n"), [(1, 3), (2, 4), (3, 2), (4, 5)])
def test_orbits_are_those_of_torch_at_other_times(n_layers, n):
    torch = pytest.importorskip("torch")
    torch.manual_seed(n_layers)
    module = torch.nn.RNN(2, n, num_layers=n_layers, nonlinearity="relu").double()
    network = rd.from_torch(module)
    drive = np.array([0.3, -0.7])
    with torch.no_grad():
        h = torch.rand(n_layers, 1, n, dtype=torch.float64)
        states = [h]
        for _ in range(30):
            _, h = module(torch.tensor(drive).reshape(1, 1, 2), h)
            states.append(h)
    orbit = torch.stack(states)[:, :, 0].reshape(31, -1).numpy()
    lagged = late(network, orbit)
    model = network.as_piecewise_linear(drive)
    np.testing.assert_allclose(model.step(lagged[:-1]), lagged[1:], rtol=0, atol=1e-12)


def distance(first, second):
    """Return how far two cycles of the same order are, at the best shift."""
    shifts = range(len(first))
    return min(np.abs(np.roll(first, shift, axis=0) - second).max() for shift in shifts)


def listed(network, order):
    """Return the cycles of one order by solving in every combination of regions of the layers.

    Written on the network itself: the layers act one after another within a step.
    """
    n, n_layers = network.hidden_size, network.n_layers
    size = n * n_layers
    values = network.parameters
    identity = np.eye(size)
    found = []
    steps = []
    for bits in itertools.product([0.0, 1.0], repeat=size):
        # One step as an affine map: rows of a layer in terms of the state before.
        matrix, offset = np.zeros((size, size)), np.zeros(size)
        for layer in range(n_layers):
            own = slice(layer * n, (layer + 1) * n)
            on = np.diag(bits[own])
            linear = values[f"weight_hh_l{layer}"] @ identity[own]
            constant = values[f"bias_ih_l{layer}"].copy()
            if layer:
                below = slice((layer - 1) * n, layer * n)
                linear = linear + values[f"weight_ih_l{layer}"] @ matrix[below]
                constant += values[f"weight_ih_l{layer}"] @ offset[below]
            matrix[own], offset[own] = on @ linear, on @ constant
        steps.append((matrix, offset))
    for word in itertools.product(range(len(steps)), repeat=order):
        if min(word[i:] + word[:i] for i in range(order)) != word:
            continue
        if any(order % p == 0 and word == word[:p] * (order // p) for p in range(1, order)):
            continue
        matrix, offset = identity, np.zeros(size)
        for letter in word:
            matrix, offset = steps[letter][0] @ matrix, steps[letter][0] @ offset + steps[letter][1]
        point = np.linalg.solve(identity - matrix, offset)
        cycle = network.orbit(point, order)
        # A unit that is off adds nothing whatever the word says of its place in the product.
        known = [distance(cycle[:-1], other) for other, _ in found]
        if np.abs(cycle[-1] - point).max() < 1e-9 and min(known, default=1.0) > 1e-9:
            found.append((cycle[:-1], np.linalg.eigvals(matrix)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_cycles_are_those_of_listing_all_regions_of_all_layers(seed):
    rng = np.random.default_rng(seed)
    n_layers, n = ((2, 2), (3, 1), (2, 1))[seed % 3]
    network = stacked(rng, n_layers, n, gain=2.0)
    max_order = 3 if n_layers * n < 4 else 2
    cycles = rd.find_cycles(network, max_order, method="exhaustive")
    for order in range(1, max_order + 1):
        expected = listed(network, order)
        ours = [
            (network.layers_in_step(cycle.points), cycle.multipliers)
            for cycle in cycles.of_order(order)
        ]
        assert len(ours) == len(expected)
        for points, multipliers in expected:
            distances = [distance(own, points) for own, _ in ours]
            nearest = int(np.argmin(distances))
            assert distances[nearest] < 1e-9
            # Zero multipliers are roots of a defective matrix in the product formed here.
            largest = np.sort(np.abs(multipliers))[::-1]
            np.testing.assert_allclose(
                np.sort(np.abs(ours[nearest][1]))[::-1], largest, rtol=1e-7, atol=1e-5
            )


def test_the_random_networks_have_cycles_that_tell():
    counts = [
        len(rd.find_cycles(stacked(np.random.default_rng(s), 2, 2, gain=2.0), 2)) for s in range(6)
    ]
    assert sum(counts) > 6


def test_points_of_another_shape_are_refused():
    network = stacked(np.random.default_rng(0), 2, 2)
    with pytest.raises(ValueError, match=r"points must have shape \(k, N\)"):
        network.layers_in_step(np.zeros(4))
    with pytest.raises(ValueError, match=r"points must have shape"):
        network.layers_in_step(np.zeros((3, 5)))
