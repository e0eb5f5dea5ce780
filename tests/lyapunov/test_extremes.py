"""Very large and very small numbers, saturated units, and callbacks that misbehave."""

import numpy as np
import pytest

from lyapunov.core_cases import KINDS, UserMap, linear, random_network, rates, run_core
from reference.lyapunov import exact_log_growth, orbit_jacobians, random_frames


@pytest.mark.parametrize("qr_interval", [0, 1])
@pytest.mark.parametrize("factor", [1e200, 1e100, 1e30, 1e-30, 1e-100, 1e-200])
def test_growth_far_outside_of_the_usual_range(factor, qr_interval):
    """The state is zero throughout; only the tangent vectors grow."""
    matrix = factor * np.array([[2.0, 1.0], [0.0, 1.0]])
    (frame,) = random_frames(np.random.default_rng(0), 2, [2], 2)
    record = run_core(
        linear(matrix), np.zeros((2, 2)), None, [frame], n_steps=40, qr_interval=qr_interval
    )
    np.testing.assert_array_equal(record["diverged_at"], -1)
    for b in range(2):
        exact = exact_log_growth(np.broadcast_to(matrix, (40, 2, 2)), frame[b])
        np.testing.assert_allclose(record["log_growth"][b, 0], exact, rtol=1e-9)


@pytest.mark.parametrize("factor", [1e15, 1e-15])
def test_single_precision_far_outside_of_the_usual_range(factor):
    record = run_core(
        linear(factor * np.eye(3)), np.zeros((1, 3)), n_steps=40, single_precision=True
    )
    np.testing.assert_allclose(rates(record), np.log(factor), rtol=1e-6)


@pytest.mark.parametrize("size", [30.0, 1e3, 1e5, 1e300])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rnn_relu"])
def test_saturating_inputs_give_no_nan(kind, size):
    rng = np.random.default_rng(1)
    system = random_network(rng, kind, [5, 4])
    inputs = size * rng.choice([-1.0, 1.0], size=(3, 10, 2))
    record = run_core(system, np.zeros((3, sum(system.layer_sizes))), inputs, n_steps=50, window=9)
    np.testing.assert_array_equal(record["diverged_at"], -1)
    growth = record["log_growth"]
    assert not np.isnan(growth).any()
    assert (growth < 50.0).all()
    assert np.isfinite(record["states"]).all()


@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm"])
@pytest.mark.parametrize("size", [3.0, 10.0])
def test_half_saturated_networks_are_exact(kind, size):
    rng = np.random.default_rng(2)
    system = random_network(rng, kind, [3], gain=0.5)
    n = system.layer_sizes[0]
    inputs, state = size * rng.normal(size=(12, 2)), np.zeros(n)
    (frame,) = random_frames(rng, 1, [n], 1)
    exact = exact_log_growth(orbit_jacobians(system, state, inputs, 12), frame[0])
    record = run_core(system, state[None], inputs[None], [frame], n_steps=12, qr_interval=1)
    np.testing.assert_allclose(record["log_growth"][0, 0], exact, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("which", ["step", "jacobian"])
def test_a_map_that_stops_being_finite_is_a_divergence(which, bad):
    """From the eleventh call on for the sequences whose state began positive."""

    def spoiled(z, values):
        values = values.copy()
        values[np.abs(z[:, 0]) > 10.5] = bad
        return values

    def step(z):
        new = z + np.sign(z)
        return spoiled(z, new) if which == "step" else new

    def jacobian(z):
        values = np.broadcast_to(0.5 * np.eye(2), (len(z), 2, 2))
        return spoiled(z, values) if which == "jacobian" else values.copy()

    states = np.array([[1.0, 0.0], [0.0, 0.0], [-4.0, 0.0]])
    record = run_core(UserMap(2, step, jacobian), states, n_steps=60, window=3, qr_interval=1)
    # |z| is 11 at step 10 of the first and at step 7 of the last sequence.
    np.testing.assert_array_equal(record["diverged_at"], [11, -1, 8])
    assert not np.isnan(record["log_growth"]).any()
    np.testing.assert_allclose(record["log_growth"][1], 3 * np.log(0.5), rtol=1e-12)
    np.testing.assert_allclose(record["log_growth"][0, :3], 3 * np.log(0.5), rtol=1e-12)
    np.testing.assert_array_equal(record["log_growth"][0, 4:], 0.0)


@pytest.mark.parametrize("which", ["step", "jacobian"])
def test_an_exception_in_a_callback_is_passed_on(which):
    def fail(z):
        raise LookupError(f"no {which} for {len(z)} states")

    step = fail if which == "step" else np.zeros_like
    jacobian = fail if which == "jacobian" else (lambda z: np.zeros((len(z), 2, 2)))
    with pytest.raises(LookupError, match=f"no {which} for 3 states"):
        run_core(UserMap(2, step, jacobian), np.zeros((3, 2)), n_steps=5)


@pytest.mark.parametrize("shape", [(2,), (3, 3), (4, 2), (3, 2, 1)])
def test_a_callback_of_the_wrong_shape_is_an_error(shape):
    system = UserMap(2, lambda z: np.zeros(shape), lambda z: np.zeros((len(z), 2, 2)))
    with pytest.raises(ValueError, match="step must return"):
        run_core(system, np.zeros((3, 2)), n_steps=5)
