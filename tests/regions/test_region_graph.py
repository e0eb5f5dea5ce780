"""Regions as symbols: counts by hand, components and entropy against brute force."""

import itertools

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.regions.graph import RegionGraph, _components

TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])


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
    labels = _components(n, sources, targets)
    both = reachable(adjacency)
    both = both & both.T
    assert np.array_equal(labels[:, None] == labels[None, :], both)
    first = [labels.tolist().index(label) for label in range(labels.max() + 1)]
    assert first == sorted(first)


@pytest.mark.parametrize("seed", range(20))
def test_the_entropy_is_the_largest_eigenvalue(seed):
    rng = np.random.default_rng([1, seed])
    n = int(rng.integers(1, 9))
    adjacency = rng.random((n, n)) < 0.35
    sources, targets = np.nonzero(adjacency)
    graph = RegionGraph(
        TENT, np.zeros((n, 1)), np.zeros(2), np.zeros(n), sources, targets,
        np.ones(len(sources)), _components(n, sources, targets),
    )  # fmt: skip
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
