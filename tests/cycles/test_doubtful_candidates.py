"""Candidates that floating point leaves open: singular or nearly so, badly scaled, on borders."""

from fractions import Fraction

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cycles.run import SearchStatistics

METHODS = ("auto", "exhaustive", "search", "scyfi", "complete")


def turning_borders():
    """Cleared bits change which rotation of an itinerary comes first, again and again."""
    A, W = np.zeros((3, 3)), np.zeros((3, 3))
    A[0, 0], A[2, 0], W[0, 1] = 1.0, 1e3, -1e7
    yield rd.ReLURNN([[1e9, -1e9], [1e9, -1e9]], [1, 1]), 4
    yield rd.PLRNN(A, W, np.zeros(3)), 2
    rng = np.random.default_rng(0)
    for _ in range(60):
        yield rd.ReLURNN(rng.integers(-2, 3, size=(2, 2)) * 1e7, rng.integers(-1, 2, size=2)), 4


@pytest.mark.parametrize("method", METHODS)
def test_turning_borders_end(method):
    for model, order in turning_borders():
        found = rd.find_cycles(model, order, method=method, progress=False, time_limit=5)
        assert all(np.isfinite(cycle.points).all() for cycle in found)


@pytest.mark.parametrize("n", [4, 10, 12, 24])
def test_a_feed_forward_chain_has_its_stable_point(n):
    model = rd.PLRNN(np.full(n, 0.5), 10 * np.eye(n, k=-1), np.r_[0.5, np.full(n - 1, -9.5)])
    found = rd.find_fixed_points(model, progress=False)
    assert len(found.continua) == 0
    (point,) = [cycle for cycle in found if cycle.itinerary.all()]
    assert np.array_equal(point.points, np.ones((1, n)))
    assert point.certified
    assert point.stability == "stable"
    assert point.spectral_radius == 0.5


def test_a_delay_line_of_a_million_to_one():
    n = 6
    model = rd.PLRNN(np.zeros(n), 1e6 * np.eye(n, k=-1), np.r_[1.0, np.zeros(n - 1)])
    (point,) = rd.find_fixed_points(model, method="exhaustive", progress=False)
    assert point.certified
    assert point.points[0, -1] == 1e30
    assert np.array_equal(point.multipliers, np.zeros(n))


def two_close_points():
    return rd.PiecewiseLinearMap(2 * np.eye(2), [[2e7], [2e7]], [[-3, -2]], [-2, 2], [-1])


@pytest.mark.parametrize("method", METHODS)
def test_a_point_beside_a_border_and_one_inside(method):
    found = rd.find_cycles(two_close_points(), orders=[1], method=method, progress=False)
    exact = 3 / Fraction(10**8 - 1)
    on = [float(2 - 2 * 10**7 * exact), float(-2 - 2 * 10**7 * exact)]
    points = sorted(cycle.points[0].tolist() for cycle in found)
    assert np.allclose(points, sorted([[2.0, -2.0], on]), rtol=1e-15, atol=0)
    assert all(cycle.certified for cycle in found)


def test_an_undecided_itinerary_forbids_that_nothing_is_missing():
    found = rd.find_cycles(two_close_points(), orders=[1], method="exhaustive", progress=False)
    values = found.search.to_dict()
    values["orders"][0]["n_undecided"] = 1
    text = "\n".join(SearchStatistics.from_dict(values).summary())
    assert "nothing is missing" not in text
    assert "of 2 itineraries listed 1 is undecided" in text
    assert SearchStatistics.from_dict(values).listed_orders == ()


@pytest.mark.parametrize("method", ["auto", "exhaustive", "complete"])
@pytest.mark.parametrize("size", [1e145, 4.9e149])
def test_offsets_of_any_size(method, size):
    model = rd.PLRNN([[0.965]], [[-1.09]], [-size])
    (point,) = rd.find_cycles(model, 1, method=method, progress=False)
    assert point.points[0, 0] == pytest.approx(-size / (1 - 0.965), rel=1e-15)
    assert point.certified


@pytest.mark.parametrize("method", METHODS)
def test_steps_whose_squares_overflow_are_refused(method):
    model = rd.ShallowPLRNN([0.5], [[1e160]], [[1e160]], [1.0], [0.5])
    with pytest.raises(ValueError, match="cannot be squared: rescale its states and units"):
        rd.find_cycles(model, 1, method=method, progress=False)
    with pytest.raises(ValueError, match="rescale"):
        rd.solve_cycle(model, [[True]])


def test_large_numbers_leave_no_trace_of_nan(tmp_path):
    model = rd.ShallowPLRNN([0.5], [[1e75]], [[1e74]], [1.0], [0.5])
    found = rd.find_cycles(model, 2, progress=False)
    found.save(tmp_path / "cycles.npz")
    assert rd.load_result(tmp_path / "cycles.npz") == found
    assert all(np.isfinite(cycle.points).all() for cycle in found)


def test_a_line_is_claimed_only_where_there_is_one():
    nearly = 1.0 + np.array([1, -1]) * 2.0**-52
    model = rd.PLRNN(nearly, [[0.0, 0.0], [0.0, 0.0]], [1.0, 1.0])
    (point,) = rd.find_fixed_points(model, progress=False)
    assert np.array_equal(point.points[0], [-(2.0**52), 2.0**52])
    line = rd.PLRNN([1.0, 0.5], np.zeros((2, 2)), [0.0, 1.0])
    found = rd.find_fixed_points(line, progress=False)
    assert len(found) == 0
    assert len(found.continua) == 1


def test_multipliers_of_jacobians_that_cancel():
    # Two units that are on together add 1e16 and take it away again, which swallows the rest.
    model = rd.PiecewiseLinearMap([[0.1]], [[1e16, -1e16]], [[1.0], [1.0]], [1.0], [1.0, 1.0])
    cycle = rd.solve_cycle(model, [[True, True]])
    assert cycle.certified
    assert cycle.multipliers[0] == 0.1
    assert cycle.stability == "stable"


def test_listing_a_long_order_needs_no_deep_stack():
    model = rd.PiecewiseLinearMap([[0.5]], [[0.0]], [[1.0]], [1.0], [0.0])
    found = rd.find_cycles(model, orders=[200_000], method="exhaustive", progress=False)
    assert len(found) == 0
    assert found.search.listed_orders == (200_000,)


SMALLEST, ULP = 5e-324, 2.0**-52
#: Networks with an order and the exact points of its cycles that rounding errors of one step hide.
HIDDEN = {
    "a subnormal point": (
        rd.PiecewiseLinearMap([[0.75]], [[-0.5, -1]], [[-1.5], [-0.5]], [0], [-SMALLEST] * 2),
        [[[-SMALLEST]], [[0.0]]],
    ),
    "a point below the subnormal numbers": (
        rd.PiecewiseLinearMap([[-0.75]], [[0.5, -1.5]], [[0.5], [1.5]], [0], [SMALLEST] * 2),
        [[[0.0]]],
    ),
    "steps from the identity to a unit in the last place": (
        rd.PLRNN([1 + ULP, 1 - ULP], [[-ULP / 2, -ULP / 2], [ULP, -ULP / 2]], [0, 1e-16]),
        [[[1e-16 / (ULP / 2)] * 2]],
    ),
    "a small point whose image is large": (
        rd.PiecewiseLinearMap([[-2]], [[-1e140]], [[-1]], [1e70], [1]),
        [[[1.0]], [[1e70 / 3]], [[5e69], [1.0]]],
    ),
}


@pytest.mark.parametrize("method", ["exhaustive", "complete"])
@pytest.mark.parametrize("kind", HIDDEN)
def test_listing_keeps_what_rounding_hides(kind, method):
    model, cycles = HIDDEN[kind]
    orders = sorted({len(points) for points in cycles})
    found = rd.find_cycles(model, orders=orders, method=method, progress=False)
    assert sorted(found.search.listed_orders) == (orders if method == "exhaustive" else [])
    assert len(found.continua) == 0
    own = [cycle.points for cycle in found]
    assert len(own) == len(cycles)
    for points in cycles:
        assert any(
            np.shape(points) == other.shape
            and np.allclose(points, other, rtol=1e-15, atol=SMALLEST)
            for other in own
        )


def test_a_regular_network_of_a_long_order_is_listed_as_before():
    """Errors that grow with the order leave no itinerary to be solved one by one."""
    found = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), orders=[16], progress=False)
    (order,) = found.search.orders
    assert order.n_solves < 1.1 * order.n_itineraries


def test_a_split_of_all_states_has_a_finite_radius(tmp_path):
    """A border further away than half the range of doubles."""
    model = rd.PiecewiseLinearMap([[-2.0]], [[1.0]], [[1e-308]], [1.0], [-1.0])
    found = rd.find_cycles(model, 2, method="complete", progress=False, keep_tree=True)
    assert all(np.isfinite(part.radius) for part in found.certificate.parts)
    assert found.certificate.verify(model).confirmed
    found.save(tmp_path / "cycles.npz")
    assert rd.load_result(tmp_path / "cycles.npz") == found


@pytest.mark.parametrize("method", METHODS)
def test_a_step_beyond_the_range_is_no_cycle(method):
    """On the itinerary off, on, on there is an orbit that doubles hold, but not its next step."""
    model = rd.PiecewiseLinearMap([[0]], [[1]], [[2e140]], [0], [2.6e69])
    found = rd.find_cycles(model, 3, method=method, progress=False)
    assert len(found) == 0


@pytest.mark.parametrize("method", ["search", "scyfi"])
def test_a_set_of_cycles_needs_a_multiplier_of_one(method):
    """Weights so large that exact arithmetic gives up, and rounding clears every bit."""
    rng = np.random.default_rng(0)
    n_states, n_relus = 20, 3
    A = rng.uniform(-0.8, 0.8, n_states)
    W = 0.2 * rng.normal(size=(n_states, n_states))
    h = rng.normal(size=n_states)
    W[:, :-n_relus] = 0.0
    model = rd.ALRNN(A, 1e14 * W, h, n_relus)
    found = rd.find_cycles(
        model, orders=[6], method=method, max_restarts=30, n_threads=1, progress=False
    )
    for continuum in found.continua:
        assert np.abs(np.asarray(continuum.multipliers) - 1.0).min() < 0.1
    assert not found.continua


def test_a_line_attractor_is_found_by_a_search_that_threads_do_not_change():
    """An integrator: the equation of every itinerary is singular."""
    rng = np.random.default_rng(3)
    n = 20
    A = rng.uniform(-0.8, 0.8, n)
    W = 0.8 * rng.normal(size=(n, n)) / np.sqrt(n)
    h = rng.normal(size=n)
    A[0], W[0], h[0] = 1.0, 0.0, 0.0
    model = rd.PLRNN(A, W, h)
    one, two = (
        rd.find_cycles(model, 1, method="search", n_threads=threads, progress=False)
        for threads in (1, 2)
    )
    assert len(one) == 0
    assert len(one.continua) > 1
    assert all(continuum.basis.shape[-1] == 1 for continuum in one.continua)
    assert one == two
