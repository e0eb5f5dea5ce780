"""Single itineraries: long cycles of expanding networks, small multipliers, singular systems."""

import mpmath
import numpy as np
import pytest

import rnndyn as rd


def expanding_network(n_states, seed):
    rng = np.random.default_rng(seed)
    return rd.PLRNN(
        1.5 * np.eye(n_states), rng.normal(size=(n_states, n_states)), rng.normal(size=n_states)
    )


def equation_residual(model, cycle):
    """Largest |J z + c - z'| around the cycle, on the cycle's own regions."""
    core = model.canonical
    following = np.roll(cycle.points, -1, axis=0)
    return max(
        np.abs(core.jacobian(region) @ z + core.offset(region) - z_next).max()
        for region, z, z_next in zip(cycle.itinerary, cycle.points, following, strict=True)
    )


@pytest.mark.parametrize("order", [200, 1000])
def test_every_itinerary_of_the_full_tent_map_is_a_cycle(order):
    # Its multiplier is 2^order: 1e60 and 1e301. Simulating forward would lose all digits after
    # 53 steps.
    model = rd.examples.tent_map()
    rng = np.random.default_rng(order)
    for _ in range(5):
        itinerary = rng.random((order, 1)) < 0.5
        cycle = rd.solve_cycle(model, itinerary)
        assert cycle.order == order
        assert not cycle.virtual
        assert cycle.certified
        assert cycle.residual < 1e-15
        assert cycle.error_bound < 2e-13
        assert cycle.log_moduli[0] == pytest.approx(order * np.log(2.0), rel=1e-14)


@pytest.mark.parametrize("n_states", [2, 5, 10])
@pytest.mark.parametrize("order", [200, 1000])
def test_expanding_networks_are_solved_to_full_accuracy(n_states, order):
    model = expanding_network(n_states, seed=order + n_states)
    itinerary = np.random.default_rng(7).random((order, n_states)) < 0.5
    cycle = rd.solve_cycle(model, itinerary)
    assert cycle.log_moduli[0] > np.log(1e30)
    assert np.isfinite(cycle.points).all()
    assert equation_residual(model, cycle) < 1e-9 * np.abs(cycle.points).max()
    assert not np.isnan(cycle.multipliers).any()


def test_multipliers_that_leave_the_range_of_doubles_are_infinite_not_nan():
    model = rd.PLRNN(np.diag([40.0, 0.01]), np.zeros((2, 2)), [1.0, 1.0])
    # Both units are irrelevant (W = 0), so this is one fixed point, whatever the itinerary.
    assert rd.solve_cycle(model, np.ones((200, 2), dtype=bool)).order == 1
    model = rd.PLRNN(np.diag([40.0, 0.01]), [[1.0, 1.0], [0.0, 0.001]], [1.0, 1.0])
    itinerary = np.zeros((300, 2), dtype=bool)
    itinerary[0] = True
    cycle = rd.solve_cycle(model, itinerary)
    assert cycle.spectral_radius == np.inf
    assert cycle.multipliers[0] == np.inf
    assert cycle.log_moduli[0] == pytest.approx(299 * np.log(40.0) + np.log(41.0))
    assert cycle.log_moduli[1] == pytest.approx(299 * np.log(0.01) + np.log(0.011))


@pytest.mark.parametrize(("n_states", "order"), [(2, 14), (4, 60), (10, 80), (10, 200)])
def test_all_multipliers_against_3000_bits(n_states, order):
    rng = np.random.default_rng(n_states * order)
    model = rd.PLRNN(
        rng.normal(size=n_states), rng.normal(size=(n_states, n_states)), rng.normal(size=n_states)
    )
    cycle = rd.solve_cycle(model, rng.random((order, n_states)) < 0.5)
    with mpmath.workprec(3000):
        product = mpmath.eye(n_states)
        for region in cycle.itinerary:
            product = mpmath.matrix(model.canonical.jacobian(region).tolist()) * product
        values = mpmath.eig(product, left=False, right=False)
        expected = sorted((float(mpmath.log(abs(value))) for value in values), reverse=True)
    np.testing.assert_allclose(cycle.log_moduli, expected, rtol=0, atol=1e-10)


def test_a_line_attractor_is_a_continuum_clipped_to_its_region():
    # z_0 keeps any value; z_1 relaxes to relu(z_0).
    model = rd.PLRNN([1.0, 0.5], [[0.0, 0.0], [0.5, 0.0]], [0.0, 0.0])
    line = rd.solve_cycle(model, [[True, True]])
    assert isinstance(line, rd.ContinuumOfFixedPoints)
    assert line.dimension == 1
    ends = np.sort(line.points[0] + line.extent.T * line.basis[:, 0], axis=0)
    np.testing.assert_allclose(ends[0], [0.0, 0.0], atol=1e-12)
    assert np.isinf(ends[1]).all()
    found = rd.find_fixed_points(model, progress=False)
    assert len(found) == 0
    assert len(found.continua) == 2
    for continuum in found.continua:
        for z in continuum.sample(20, seed=0):
            np.testing.assert_allclose(model.step(z), z, atol=1e-12)


def test_a_singular_system_without_solution_has_no_cycle():
    assert rd.solve_cycle(rd.PLRNN([1.0], [[0.0]], [1.0]), [[True]]) is None


@pytest.mark.parametrize("n_states", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1e90, 1e100, 1e150])
def test_fixed_points_of_maps_with_huge_entries(n_states, size):
    """Where squares of entries come near the end of the range, the moduli are still right."""
    rng = np.random.default_rng(n_states)
    basis = np.linalg.qr(rng.normal(size=(n_states, n_states)))[0]
    moduli = size * 2.0 ** -np.arange(n_states)
    A = (basis * moduli) @ basis.T
    model = rd.PLRNN(A, np.zeros((n_states, n_states)), np.ones(n_states))
    cycle = rd.solve_cycle(model, [[True] * n_states])
    np.testing.assert_allclose(
        np.sort(cycle.log_moduli)[::-1], np.log(size) - np.log(2.0) * np.arange(n_states)
    )
    assert cycle.stability == "unstable"
    assert len(rd.find_fixed_points(model)) == 1
