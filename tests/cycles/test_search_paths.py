"""Networks of many states, where Newton's method in symbol space goes round in circles."""

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn


def random_plrnn(n_states, gain, seed):
    rng = np.random.default_rng([seed, n_states])
    A = rng.uniform(-0.9, 0.9, n_states)
    W = gain * rng.normal(size=(n_states, n_states)) / np.sqrt(n_states)
    return rd.PLRNN(A, W, rng.normal(size=n_states))


def fixed_points(model, **options):
    return rd.find_fixed_points(model, method="search", progress=False, **options)


#: States, gain, number of the draw, known fixed points, and the solves that Algorithm 1 of the
#: paper takes until it has met all (median of three seeds).
HARD = [(16, 1.5, 10, 2, 4212), (32, 1.0, 3, 3, 11_807), (64, 1.0, 19, 3, 26_715)]


@pytest.mark.parametrize(("n_states", "gain", "number", "n_known", "published"), HARD)
def test_all_fixed_points_are_met_in_fewer_solves_than_published(
    n_states, gain, number, n_known, published
):
    model = random_plrnn(n_states, gain, number)
    solves = []
    for seed in range(drawn(5, 50)):
        found = fixed_points(model, seed=seed)
        assert len(found) >= n_known
        assert all(point.certified for point in found)
        (order,) = found.search.orders
        solves.append(order.n_solves_at_last_new)
    assert np.median(solves) < published / 3


@pytest.mark.threads
def test_paths_depend_on_no_threads():
    model = random_plrnn(32, 1.5, 11)
    one = fixed_points(model, seed=3, n_threads=1)
    three = fixed_points(model, seed=3, n_threads=3)
    assert len(one) > 1
    assert one == three
    assert [c.hits for c in one] == [c.hits for c in three]
    assert one.search.orders[0].n_solves == three.search.orders[0].n_solves


def random_wide(n_states, n_hidden, gain, seed):
    rng = np.random.default_rng([seed, n_states, n_hidden])
    A = rng.uniform(0.2, 0.9, n_states)
    W1 = gain * rng.normal(size=(n_states, n_hidden)) / np.sqrt(n_hidden)
    W2 = rng.normal(size=(n_hidden, n_states)) / np.sqrt(n_states)
    return rd.ShallowPLRNN(A, W1, W2, 0.3 * rng.normal(size=n_states), rng.normal(size=n_hidden))


def test_wide_networks_that_settle_are_not_followed_far():
    solves = []
    for seed in range(drawn(7, 50)):
        found = fixed_points(random_wide(20, 200, 0.3, seed), seed=seed)
        solves.append(found.search.orders[0].n_solves)
    # With eight paths from each fixed point it would be 3500.
    assert np.median(solves) < 2000


#: Numbers of draws of wide networks that have several fixed points, and how many are known.
WIDE = [(28, 2), (47, 2), (85, 2), (101, 13), (106, 9)]


def test_wide_networks_with_several_fixed_points_are_followed():
    for number, n_known in WIDE:
        model = random_wide(20, 200, 1.5, number)
        for seed in range(drawn(1, 10)):
            assert len(fixed_points(model, seed=seed)) >= n_known


@pytest.mark.threads
def test_paths_of_wide_networks_depend_on_no_threads():
    for gain in (0.3, 1.5):
        model = random_wide(20, 200, gain, WIDE[0][0])
        one, three = (fixed_points(model, seed=3, n_threads=n) for n in (1, 3))
        assert one == three
        assert one.search.orders[0].n_solves == three.search.orders[0].n_solves


def test_next_to_nothing_is_missed_that_listing_finds():
    n_listed = n_missed = 0
    for seed in range(drawn(10, 300)):
        # So few units can be listed.
        rng = np.random.default_rng(seed)
        m, h = int(rng.integers(11, 15)), int(rng.integers(4, 7))
        W1 = rng.normal(size=(m, h)) * rng.choice([0.5, 1.5]) / np.sqrt(h)
        W2 = 2 * rng.normal(size=(h, m)) / np.sqrt(m)
        A = np.diag(rng.uniform(-0.9, 0.9, m))
        model = rd.PiecewiseLinearMap(A, W1, W2, rng.normal(size=m), rng.normal(size=h))
        listed, found = (
            {
                cycle.itinerary.tobytes()
                for cycle in rd.find_cycles(model, max_order=2, method=method, progress=False)
            }
            for method in ("exhaustive", "search")
        )
        assert found <= listed
        n_listed += len(listed)
        n_missed += len(listed - found)
    assert n_listed > drawn(10, 300)
    assert n_missed <= 0.01 * n_listed
