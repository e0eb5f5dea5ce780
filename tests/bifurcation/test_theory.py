"""Growth of gradients along cycles, and the map under generalised teacher forcing."""

import math

import numpy as np
import pytest

import rnndyn as rd
from proofs import find_completely

ORDERS = (1, 2, 3, 4, 5)


def network(seed=0, n_states=3, n_units=4):
    rng = np.random.default_rng(seed)
    return rd.ShallowPLRNN(
        rng.uniform(-0.9, 0.9, n_states),
        rng.normal(size=(n_states, n_units)),
        rng.normal(size=(n_units, n_states)),
        rng.normal(size=n_states),
        rng.normal(size=n_units),
    )


def candidate(model, order, seed=0):
    """Return the cycle, real or virtual, of a random itinerary."""
    bits = np.random.default_rng([order, seed]).integers(0, 2, (order, model.n_units))
    # Rows that differ make the itinerary primitive.
    bits[0], bits[1:, 0] = 1, 0
    cycle = rd.solve_cycle(model, bits)
    assert isinstance(cycle, rd.Cycle)
    assert cycle.order == order
    return cycle


def jacobians(model, cycle):
    """Return A + W1 D W2 in the regions of the cycle, one after the other."""
    form = model.canonical
    return [form.A + form.W1 @ np.diag(bits.astype(float)) @ form.W2 for bits in cycle.itinerary]


def affine(matrix):
    """Return a map with one Jacobian everywhere."""
    size = len(matrix)
    return rd.PiecewiseLinearMap(
        matrix, np.zeros((size, 0)), np.zeros((0, size)), np.ones(size), []
    )


def fixed_point(model):
    """Return the fixed point of a map without units."""
    cycle = rd.solve_cycle(model, np.zeros((1, 0), dtype=bool))
    assert isinstance(cycle, rd.Cycle)
    return cycle


# The forced map.


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.93])
def test_multipliers_are_scaled(order, alpha):
    model = network(order)
    cycle = candidate(model, order)
    target = np.random.default_rng(7).normal(size=model.n_states)
    damped = rd.solve_cycle(rd.forced(model, alpha, target), cycle.itinerary)
    np.testing.assert_array_equal(damped.itinerary, cycle.itinerary)
    np.testing.assert_allclose(
        damped.log_moduli, cycle.log_moduli + order * math.log(1.0 - alpha), rtol=1e-8
    )
    # As characteristic polynomials: the multipliers themselves have no order within a modulus.
    np.testing.assert_allclose(
        np.poly(damped.multipliers),
        np.poly((1.0 - alpha) ** order * cycle.multipliers),
        rtol=1e-8,
        atol=1e-12,
    )


def test_an_orbit_of_it_is_teacher_forcing():
    model, alpha = network(), 0.3
    rng = np.random.default_rng(1)
    state, data = rng.normal(size=(2, 3))
    forced_map = rd.forced(model, alpha, data)
    seen = (1.0 - alpha) * state + alpha * data
    for _ in range(20):
        state = model.step((1.0 - alpha) * state + alpha * data)
        seen = forced_map.step(seen)
        np.testing.assert_allclose(seen, (1.0 - alpha) * state + alpha * data, rtol=1e-12)


def test_no_forcing_is_the_network_itself():
    model = network()
    free, own = rd.forced(model, 0.0, [1.0, 2.0, 3.0]).canonical, model.canonical
    for name in ("A", "W1", "W2", "h1", "h2"):
        np.testing.assert_array_equal(getattr(free, name), getattr(own, name))


def test_full_forcing_is_constant():
    model, target = network(), np.array([1.0, -2.0, 3.0])
    states = np.random.default_rng(2).normal(size=(5, 3))
    np.testing.assert_array_equal(
        rd.forced(model, 1.0, target).step(states), np.tile(target, (5, 1))
    )
    np.testing.assert_array_equal(rd.forced(model, 1).step(states), np.zeros((5, 3)))
    (point,) = rd.find_cycles(rd.forced(model, 1.0, target), max_order=3, progress=False)
    np.testing.assert_array_equal(point.points, [target])


def test_it_contracts_where_the_forcing_is_strong(lozi):
    # The largest norm over the two regions of the Lozi map.
    form = lozi.canonical
    largest = max(np.linalg.norm(form.jacobian(np.array([bit, False])), 2) for bit in (False, True))
    assert len(rd.find_cycles(lozi, max_order=4, progress=False)) > 3
    alpha = 1.0 - 0.99 / largest
    for target in ([0.0, 0.0], [5.0, -3.0], [-40.0, 2.0]):
        cycles = find_completely(rd.forced(lozi, alpha, target), max_order=4)
        assert [cycle.stability for cycle in cycles] == ["stable"]


def test_forcing_to_a_cycle_of_the_network_itself(lozi):
    cycle = rd.find_cycles(lozi, orders=[4], progress=False)[0]
    alpha, horizon = 0.4, 10
    state = cycle.points[0]
    gradient = np.eye(2)
    expected = []
    for n in range(horizon):
        # The data of every step are the points of the cycle, so nothing is moved...
        fed = (1.0 - alpha) * state + alpha * cycle.points[n % 4]
        np.testing.assert_allclose(fed, cycle.points[n % 4], atol=1e-12)
        state = lozi.step(fed)
        # ... but the derivative of what is fed is 1 - alpha.
        gradient = (1.0 - alpha) * lozi.canonical.jacobian(lozi.canonical.region(fed)) @ gradient
        expected.append(math.log(np.linalg.norm(gradient, 2)))
    np.testing.assert_allclose(
        rd.gradient_growth(rd.forced(lozi, alpha), cycle, horizon), expected, atol=1e-12
    )


@pytest.mark.parametrize(
    ("alpha", "error", "message"),
    [
        (-0.1, ValueError, "alpha must be between 0"),
        (1.1, ValueError, "alpha must be between 0"),
        (math.nan, ValueError, "alpha must be between 0"),
        ("0.5", TypeError, "alpha must be a number"),
        (True, TypeError, "alpha must be a number"),
        ([0.5], TypeError, "alpha must be a number"),
    ],
)
def test_bad_alpha(alpha, error, message):
    with pytest.raises(error, match=message):
        rd.forced(network(), alpha)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"target must have shape \(3,\), got \(2,\)"),
        (1.0, ValueError, r"target must have shape \(3,\)"),
        ([1.0, math.inf, 2.0], ValueError, r"target must be finite, got inf at target\[1\]"),
        ([1.0, [2.0], 3.0], ValueError, "target must be an array of real numbers"),
        (["a", "b", "c"], TypeError, "target must hold real numbers"),
        ([1j, 0, 0], TypeError, "target must hold real numbers"),
    ],
)
def test_bad_target(target, error, message):
    with pytest.raises(error, match=message):
        rd.forced(network(), 0.5, target)


def test_no_model():
    with pytest.raises(TypeError, match=r"model must be a (network|model) of rnndyn"):
        rd.forced(3, 0.5)
    with pytest.raises(TypeError, match="model must be piecewise linear"):
        rd.forced(rd.RNN(None, [[0.5]]), 0.5)
    cycle = candidate(network(), 2)
    with pytest.raises(TypeError, match=r"model must be a (network|model) of rnndyn"):
        rd.gradient_growth("model", cycle, 3)


# The growth of gradients.


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(4))
def test_against_products_of_50_digits(order, seed):
    mpmath = pytest.importorskip("mpmath")
    model = network(10 * order + seed)
    cycle = candidate(model, order, seed)
    horizon = 3 * order + 2
    with mpmath.workdps(50):
        form = {name: mpmath.matrix(getattr(model.canonical, name).tolist()) for name in _MATRICES}
        product = mpmath.eye(model.n_states)
        expected = []
        for n in range(horizon):
            bits = mpmath.diag(cycle.itinerary[n % order].astype(int).tolist())
            product = (form["A"] + form["W1"] * bits * form["W2"]) * product
            expected.append(float(mpmath.log(max(mpmath.svd_r(product, compute_uv=False)))))
    np.testing.assert_allclose(
        rd.gradient_growth(model, cycle, horizon), expected, rtol=1e-11, atol=1e-11
    )


_MATRICES = ("A", "W1", "W2")


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_it_is_the_derivative_of_the_orbit(lozi, order):
    # Within its regions an orbit is linear in its start: differences are derivatives.
    cycle = rd.find_cycles(lozi, orders=[order], progress=False)[0]
    step, horizon = 1e-7 * cycle.margin, 6
    growth = rd.gradient_growth(lozi, cycle, horizon)
    start = cycle.points[0] + step * np.vstack([np.zeros(2), np.eye(2)])
    for n in range(horizon):
        start = lozi.step(start)
        derivative = (start[1:] - start[0]).T / step
        assert growth[n] == pytest.approx(math.log(np.linalg.norm(derivative, 2)), abs=1e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scale", [1e-120, 1.0, 1e120])
def test_the_slope_is_the_spectral_radius_without_overflow(order, scale):
    model = network(order)
    form = model.canonical
    scaled = rd.PiecewiseLinearMap(scale * form.A, scale * form.W1, form.W2, form.h1, form.h2)
    cycle = candidate(model, order)
    horizon = 400 * order
    growth = rd.gradient_growth(scaled, cycle, horizon)
    assert np.isfinite(growth).all()
    rate = cycle.log_spectral_radius / order + math.log(scale)
    # The difference of norm and spectral radius does not grow: no multipliers here coincide.
    assert growth[-1] / horizon == pytest.approx(rate, abs=10.0 / horizon + 1e-9 * abs(rate))
    slope = (growth[-1] - growth[horizon // 2 - 1]) / (horizon - horizon // 2)
    assert slope == pytest.approx(rate, abs=10.0 / horizon + 1e-9 * abs(rate))


@pytest.mark.parametrize("slope", [1e140, -1e-140, 3.0])
def test_one_state_grows_by_its_slope(slope):
    cycle = fixed_point(affine([[3.0]]))
    steps = np.arange(1, 2001)
    np.testing.assert_allclose(
        rd.gradient_growth(affine([[slope]]), cycle, 2000),
        steps * math.log(abs(slope)),
        rtol=1e-13,
    )


def test_a_stable_point_whose_gradients_grow_first():
    # The norm of [[q, q], [0, q]]**n is q**n (n + sqrt(n**2 + 4)) / 2, for any q > 0. Long enough
    # that the norms are taken in several parts.
    q, horizon = 0.9, 70_000
    model = affine([[q, q], [0.0, q]])
    cycle = fixed_point(model)
    n = np.arange(1, horizon + 1)
    expected = n * math.log(q) + np.log((n + np.sqrt(n**2 + 4.0)) / 2.0)
    growth = rd.gradient_growth(model, cycle, horizon)
    np.testing.assert_allclose(growth, expected, rtol=1e-10, atol=1e-10)
    assert cycle.stability == "stable"
    assert growth[0] > 0.0
    assert growth[-1] < -7000.0


def test_what_does_not_depend_on_the_start_has_no_gradient():
    # All slopes are those of the unit, which is off at one of the two points.
    model = rd.PiecewiseLinearMap(
        np.zeros((2, 2)), [[1.0], [2.0]], [[-3.0, 1.0]], [1.0, 1.0], [0.5]
    )
    cycle = rd.solve_cycle(model, [[False], [True]])
    assert rd.gradient_growth(model, cycle, 5).tolist() == [-math.inf] * 5
    model = affine([[0.0, 4.0], [0.0, 0.0]])
    growth = rd.gradient_growth(model, fixed_point(model), 3)
    assert growth.tolist() == [pytest.approx(math.log(4.0)), -math.inf, -math.inf]


def test_at_a_flip_gradients_turn_from_vanishing_to_exploding():
    first, last = rd.PLRNN([[0.5]], [[-1.0]], [1.0]), rd.PLRNN([[0.5]], [[-3.0]], [1.0])
    result = rd.continue_cycles(first, last, max_order=1, progress=False)
    (flip,) = result.events.of_kind("degenerate_flip")
    (branch,) = result.branches
    rates = {}
    for side, s in (("before", flip.s - 1e-3), ("at", flip.s), ("after", flip.s + 1e-3)):
        cycle, model = branch.cycle(s), result.model_at(s)
        rates[side] = rd.gradient_growth(model, cycle, 1000)[-1] / 1000
        assert rd.gradient_growth(rd.forced(model, 0.1), cycle, 1000)[-1] < -100.0
    assert rates["before"] == pytest.approx(math.log(1.0 - 2e-3), rel=1e-9)
    assert rates["at"] == pytest.approx(0.0, abs=1e-9)
    assert rates["after"] == pytest.approx(math.log(1.0 + 2e-3), rel=1e-9)


def test_bad_growth_arguments():
    model = network()
    cycle = candidate(model, 2)
    for horizon, error in (
        (0, ValueError),
        (2.0, TypeError),
        (True, TypeError),
        (10**9, ValueError),
    ):
        with pytest.raises(error, match="horizon must be"):
            rd.gradient_growth(model, cycle, horizon)
    with pytest.raises(TypeError, match=r"cycle must be a Cycle, .* got ndarray"):
        rd.gradient_growth(model, cycle.itinerary, 3)
    with pytest.raises(ValueError, match="with 2 states and 4 units, as model has, got one with 3"):
        rd.gradient_growth(network(n_states=2), cycle, 3)
    with pytest.raises(ValueError, match="with 3 states and 5 units"):
        rd.gradient_growth(network(n_units=5), cycle, 3)
    form = model.canonical
    huge = rd.PiecewiseLinearMap(form.A, 1e200 * form.W1, 1e200 * form.W2, form.h1, form.h2)
    with pytest.raises(ValueError, match="what is beyond 1e\\+150 cannot be squared"):
        rd.gradient_growth(huge, cycle, 3)
