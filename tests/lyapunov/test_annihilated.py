"""Directions that a map annihilates have the exponent -inf; nothing is ever NaN, and directions
that are only tiny are not taken for zero."""

import numpy as np
import pytest

from lyapunov.core_cases import (
    Layer,
    RecurrentNetwork,
    UserMap,
    assert_frames_are_orthonormal,
    linear,
    random_network,
    rates,
    run_core,
)
from reference.lyapunov import exact_log_growth, orbit_jacobians, random_frames

INTERVALS = [0, 1, 3]


@pytest.mark.parametrize("qr_interval", INTERVALS)
def test_zero_map(qr_interval):
    record = run_core(
        linear(np.zeros((3, 3))), np.ones((2, 3)), n_steps=20, window=6, qr_interval=qr_interval
    )
    np.testing.assert_array_equal(rates(record), -np.inf)
    assert not np.isnan(record["log_growth"]).any()
    assert_frames_are_orthonormal(record, 1e-15)


@pytest.mark.parametrize("qr_interval", INTERVALS)
@pytest.mark.parametrize("single_precision", [False, True])
@pytest.mark.parametrize(("n_states", "rank"), [(2, 1), (4, 1), (4, 3), (7, 4)])
def test_singular_linear_map(n_states, rank, single_precision, qr_interval):
    """Also where no entry of the matrix is zero, so that rounding leaves something of R_kk."""
    rng = np.random.default_rng([n_states, rank])
    for _ in range(10):
        # Symmetric, so that the other exponents are distinct and converge fast.
        basis = np.linalg.qr(rng.normal(size=(n_states, n_states)))[0][:, :rank]
        eigenvalues = 1.3 ** -np.arange(rank)
        record = run_core(
            linear(basis * eigenvalues @ basis.T),
            rng.normal(size=(2, n_states)),
            n_warmup=200,
            n_steps=40,
            window=7,
            qr_interval=qr_interval,
            single_precision=single_precision,
        )
        for exponents in rates(record):
            np.testing.assert_allclose(
                exponents[:rank],
                np.log(eigenvalues),
                rtol=0,
                atol=1e-5 if single_precision else 1e-9,
            )
            np.testing.assert_array_equal(exponents[rank:], -np.inf)
        assert_frames_are_orthonormal(record, 1e-5 if single_precision else 1e-9)


def test_nilpotent_map_annihilates_everything_after_n_steps():
    shift = np.diag(np.ones(3), k=1)
    states = np.zeros((1, 4))
    frame = [np.eye(4)[None]]
    for n_steps in range(1, 7):
        record = run_core(linear(shift), states, None, frame, n_steps=n_steps, qr_interval=1)
        growth = record["log_growth"].sum(axis=1)[0]
        assert (growth == -np.inf).sum() == min(n_steps, 4)
        np.testing.assert_array_equal(growth[growth > -np.inf], 0.0)


@pytest.mark.parametrize("qr_interval", INTERVALS)
def test_relu_networks_with_dead_units_against_exact_products(qr_interval):
    """Which directions vanish, and what the others grow by, is what hundreds of digits say."""
    n_annihilated = n_alive = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 6))
        system = random_network(rng, "rnn_relu", [n], n_inputs=2, gain=1.0)
        state, inputs = rng.normal(size=n), rng.normal(size=(8, 2))
        (frame,) = random_frames(rng, 1, [n], n)
        n_steps = int(rng.integers(1, 9))
        exact = exact_log_growth(orbit_jacobians(system, state, inputs, n_steps), frame[0])
        record = run_core(
            system, state[None], inputs[None], [frame], n_steps=n_steps, qr_interval=qr_interval
        )
        growth = record["log_growth"].sum(axis=1)[0]
        np.testing.assert_array_equal(growth == -np.inf, exact == -np.inf, err_msg=f"seed {seed}")
        alive = np.isfinite(exact)
        np.testing.assert_allclose(growth[alive], exact[alive], rtol=0, atol=1e-6)
        n_annihilated += (~alive).sum()
        n_alive += alive.sum()
    assert n_annihilated > 50
    assert n_alive > 50


@pytest.mark.parametrize("qr_interval", INTERVALS)
@pytest.mark.parametrize("small", [1e-12, 1e-20, 1e-100, 1e-200])
def test_a_tiny_direction_is_not_zero(small, qr_interval):
    if small == 1e-200 and qr_interval == 3:
        small = 1e-90  # or the fixed interval itself would underflow
    matrix = np.diag([0.9, small])
    record = run_core(
        linear(matrix),
        np.zeros((1, 2)),
        None,
        [np.eye(2)[None]],
        n_steps=10,
        qr_interval=qr_interval,
    )
    np.testing.assert_allclose(rates(record)[0], np.log([0.9, small]), rtol=1e-12)


@pytest.mark.parametrize("n_units", [2, 3, 5])
def test_saturated_tanh_units_have_tiny_derivatives_that_count(n_units):
    """tanh'(23) = 4e-20: 1 - tanh^2 is zero in double precision, the derivative is not."""
    rng = np.random.default_rng(n_units)
    bias = np.zeros(n_units)
    bias[1] = 23.0
    system = RecurrentNetwork(
        "rnn_tanh",
        [Layer(np.zeros((n_units, 1)), 0.3 * rng.normal(size=(n_units, n_units)), bias)],
    )
    n_steps = 6
    state, inputs = np.zeros(n_units), np.zeros((1, 1))
    # From the coordinate axes, so that the growth is not swamped by the first steps.
    frame = np.eye(n_units)
    exact = exact_log_growth(orbit_jacobians(system, state, inputs, n_steps), frame)
    assert exact.min() < -150.0
    record = run_core(
        system, state[None], inputs[None], [frame[None]], n_steps=n_steps, qr_interval=1
    )
    growth = record["log_growth"].sum(axis=1)[0]
    assert np.isfinite(growth).all()
    np.testing.assert_allclose(growth, exact, rtol=1e-9)


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_saturated_gates_are_exact(kind):
    """An update or forget gate of 1 - 1e-9 and one of 1e-13: no digits lost in 1 - s(x)."""
    n = 2
    n_gates = {"gru": 3, "lstm": 4}[kind]
    rng = np.random.default_rng(1)
    bias = rng.normal(size=n_gates * n)
    bias[n : 2 * n] = [20.0, -30.0]
    system = RecurrentNetwork(
        kind, [Layer(np.zeros((n_gates * n, 1)), 0.2 * rng.normal(size=(n_gates * n, n)), bias)]
    )
    size = system.layer_sizes[0]
    state, inputs = 0.1 * rng.normal(size=size), np.zeros((1, 1))
    (frame,) = random_frames(rng, 1, [size], 2)
    exact = exact_log_growth(orbit_jacobians(system, state, inputs, 10), frame[0])
    record = run_core(system, state[None], inputs[None], [frame], n_steps=10, qr_interval=1)
    np.testing.assert_allclose(record["log_growth"].sum(axis=1)[0], exact, rtol=1e-9, atol=1e-9)


def test_user_map_with_a_vanishing_jacobian():
    constant = UserMap(2, np.zeros_like, lambda z: np.zeros((len(z), 2, 2)))
    record = run_core(constant, np.ones((3, 2)), n_steps=10)
    np.testing.assert_array_equal(rates(record), -np.inf)
