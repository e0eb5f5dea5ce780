"""What simulation meets is in the answer of a search."""

import numpy as np
import pytest

import rnndyn as rd


@pytest.fixture(scope="module")
def slow_network():
    """100 states, with one stable fixed point that orbits reach after wandering about."""
    r = np.random.default_rng(1)
    r.uniform(size=100), r.normal(size=(100, 100)), r.normal(size=100)
    r.uniform(size=20), r.normal(size=(20, 500)), r.normal(size=(500, 20))
    r.normal(size=20), r.normal(size=500)
    r.uniform(size=20), r.normal(size=(20, 20)), r.normal(size=20), r.normal(size=20)
    r.normal(size=(20, 20))
    return rd.PLRNN(
        r.uniform(0.2, 0.8, 100) * 0.3,
        r.normal(size=(100, 100)) / 10 * 0.9 * 2,
        r.normal(size=100) * 0.3 - 0.5,
    )


@pytest.mark.parametrize("seed", [2, 3])
def test_the_end_of_an_orbit_from_zero_is_found(slow_network, seed):
    z = slow_network.orbit(np.zeros(100), 400)[-1]
    assert np.abs(slow_network.step(z) - z).max() == 0.0
    found = rd.find_fixed_points(slow_network, method="search", seed=seed, progress=False)
    distance = [np.abs(cycle.points[0] - z).max() for cycle in found if cycle.stability == "stable"]
    assert min(distance, default=np.inf) < 1e-9


def test_threads_do_not_change_what_long_orbits_add():
    rng = np.random.default_rng(5)
    model = rd.PLRNN(
        rng.uniform(0.1, 0.5, 40), rng.normal(size=(40, 40)) * 0.2, rng.normal(size=40)
    )
    one, two = (
        rd.find_cycles(
            model, orders=[2], method="search", seed=3, n_threads=n, max_restarts=50, progress=False
        )
        for n in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_stable_cycles_that_simulation_meets_are_found(order):
    # Random networks of 25 states, as few restarts as there can be: whatever the orbit from zero
    # settles on is in the answer all the same.
    met = 0
    for seed in range(30):
        rng = np.random.default_rng([order, seed])
        model = rd.PLRNN(
            rng.uniform(0.1, 0.5, 25), rng.normal(size=(25, 25)) * 0.28, rng.normal(size=25)
        )
        orbit = model.orbit(np.zeros(25), 400 + order)
        period = next(
            (k for k in range(1, order + 1) if np.abs(orbit[-1] - orbit[-1 - k]).max() < 1e-9), None
        )
        if period != order:
            continue
        met += 1
        found = rd.find_cycles(
            model, orders=[order], method="search", max_restarts=1, seed=seed, progress=False
        )
        distance = [np.abs(cycle.points - orbit[-1]).max(axis=1).min() for cycle in found]
        assert min(distance, default=np.inf) < 1e-8
    if order == 1:
        assert met > 3
