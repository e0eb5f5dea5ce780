"""The bundled networks: what their sources list is found, with any seed, and nothing else."""

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn

#: Number of cycles of each order that the sources name, searched together.
EXPECTED = {
    "plrnn_2d_1": {1: 1},
    "plrnn_2d_16": {16: 2},
    "plrnn_2d_27": {27: 2},
    "plrnn_2d_31": {31: 2},
    "plrnn_2d_40": {40: 2},
    "plrnn_2d_83": {83: 2},
    "plrnn_10d_10": {1: 3, 10: 2},
    "shallow_2d_h10_fixed_point": {1: 1},
    "shallow_2d_h10_cycles": {1: 0, 2: 2, 3: 0, 4: 1},
    "alrnn_2d_p1_2": {2: 1},
}


def test_every_bundled_network_is_tested():
    published = {
        name
        for name in rd.examples.names()
        if isinstance(rd.examples.info(name), rd.examples.PublishedSystem)
    }
    assert published == set(EXPECTED)


@pytest.mark.parametrize("seed", range(drawn(5, 20)))
@pytest.mark.parametrize("name", EXPECTED)
def test_expected_counts(name, seed):
    model = rd.examples.load(name)
    expected = EXPECTED[name]
    cycles = rd.find_cycles(model, orders=list(expected), seed=seed, progress=False)
    assert cycles.finished
    assert {order: len(cycles.of_order(order)) for order in expected} == expected
    assert len(cycles) == sum(expected.values())
    assert cycles.continua == ()
    for cycle in cycles:
        assert_is_cycle(model, cycle)


def assert_is_cycle(model: rd.PiecewiseLinearModel, cycle: rd.Cycle) -> None:
    images = np.array([model.step(z) for z in cycle.points])
    scale = 1.0 + np.abs(cycle.points).max()
    np.testing.assert_allclose(images, np.roll(cycle.points, -1, axis=0), atol=1e-9 * scale)
    regions = [model.region(z) for z in cycle.points]
    np.testing.assert_array_equal(cycle.itinerary, regions)
    distances = np.abs(cycle.points[1:] - cycle.points[0]).max(axis=1)
    assert (distances > 1e-9 * scale).all(), "the minimal period is smaller than the order"


def test_fixed_point_of_the_shallow_network_lies_where_its_source_says():
    (point,) = rd.find_fixed_points(rd.examples.load("shallow_2d_h10_fixed_point"), progress=False)
    np.testing.assert_allclose(point.points[0], [-0.03, 0.40], atol=0.01)
