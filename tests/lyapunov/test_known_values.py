"""Published exponents, and closed formulas for random matrices and networks.

The tolerances are four standard errors of the mean over independent sequences, measured from the
sequences themselves, plus the digits that the published value gives. How well the *reported* errors
cover these values is tested in `test_coverage`.
"""

import numpy as np
import pytest

import rnndyn as rd
from lyapunov import known_systems
from lyapunov.core_cases import (
    Layer,
    PiecewiseLinearSystem,
    RecurrentNetwork,
    UserMap,
    rates,
    run_core,
)


def assert_mean_is(exponents, expected, digits, largest_error):
    """``exponents`` (B, m) of independent sequences against ``expected`` (m,)."""
    error = exponents.std(axis=0, ddof=1) / np.sqrt(len(exponents))
    assert (error <= largest_error).all(), error  # or the test would show nothing
    assert (np.abs(exponents.mean(axis=0) - expected) <= 4.0 * error + digits).all()


def run_known(known, n_batch, n_steps, n_warmup=200, n_settle=200, **options):
    system = UserMap(known.n_states, known.step, known.jacobian)
    states = known.states(np.random.default_rng(0), n_batch)
    return rates(
        run_core(system, states, n_settle=n_settle, n_warmup=n_warmup, n_steps=n_steps, **options)
    )


@pytest.mark.parametrize("qr_interval", [0, 1])
def test_henon(qr_interval):
    exponents = run_known(known_systems.henon(), n_batch=100, n_steps=3000, qr_interval=qr_interval)
    assert_mean_is(exponents, [0.41922, -1.62319], digits=1e-5, largest_error=1e-3)
    np.testing.assert_allclose(exponents.sum(axis=1), np.log(0.3), rtol=0, atol=1e-11)


def test_lozi():
    """Two published digits more than three are not to be had; the sum is exact."""
    canonical = rd.examples.lozi_map(a=1.7, b=0.5).canonical
    system = PiecewiseLinearSystem(
        canonical.A, canonical.W1, canonical.W2, canonical.h1, canonical.h2
    )
    states = np.random.default_rng(0).uniform(-0.1, 0.1, size=(50, 2))
    exponents = rates(run_core(system, states, n_settle=500, n_warmup=500, n_steps=20_000))
    assert_mean_is(exponents, [0.470, -1.163], digits=5e-4, largest_error=1e-3)
    np.testing.assert_allclose(exponents.sum(axis=1), np.log(0.5), rtol=0, atol=1e-11)


def test_logistic():
    exponents = run_known(known_systems.logistic(), n_batch=100, n_steps=4000)
    assert_mean_is(exponents, [np.log(2.0)], digits=0.0, largest_error=1e-4)


def test_lorenz():
    dt = 0.01
    known = known_systems.lorenz(dt)
    exponents = run_known(known, n_batch=40, n_steps=10_000, n_settle=1000, n_warmup=500) / dt
    assert_mean_is(exponents, [0.9056, 0.0, -14.5723], digits=5e-4, largest_error=5e-3)
    # The flow's divergence, up to the error of the Runge-Kutta step.
    np.testing.assert_allclose(exponents.sum(axis=1), -41.0 / 3.0, rtol=0, atol=2e-3)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_products_of_gaussian_matrices(n):
    n_steps, n_batch = 1000, 40
    known = known_systems.gaussian_products(n, n_steps, n_batch, seed=n)
    exponents = run_known(known, n_batch=n_batch, n_steps=n_steps, n_settle=0, n_warmup=0)
    assert_mean_is(exponents, known.exponents, digits=5.0 / n_steps, largest_error=0.01)


@pytest.mark.parametrize("gain", [2.0, 3.0])
def test_random_tanh_networks(gain):
    """Finite networks fall short of the mean-field value by about 2 or 3 over N.

    Measured with N = 200, 500, 1000: 0.1460, 0.1504, 0.1529 for gain 2 and 0.2970, 0.3048, 0.3081
    for gain 3. Twice the value at 2 N minus that at N is free of this.
    """
    n, n_networks = 200, 12
    largest = {size: np.empty((n_networks, 1)) for size in (n, 2 * n)}
    for size, exponents in largest.items():
        for seed in range(n_networks):
            rng = np.random.default_rng([seed, int(gain), size])
            weight = gain * rng.normal(size=(size, size)) / np.sqrt(size)
            record = run_core(
                RecurrentNetwork("rnn_tanh", [Layer(np.zeros((size, 1)), weight)]),
                rng.normal(size=(1, size)),
                np.zeros((1, 1, 1)),
                n_settle=500,
                n_warmup=100,
                n_steps=2500,
                n_exponents=1,
            )
            exponents[seed] = rates(record)[0]
    assert_mean_is(
        2.0 * largest[2 * n] - largest[n],
        [known_systems.tanh_network_exponent(gain)],
        digits=0.0,
        largest_error=5e-3,
    )


def test_mean_field_values():
    assert known_systems.tanh_network_exponent(2.0) == pytest.approx(0.15472, abs=1e-5)
    assert known_systems.tanh_network_exponent(3.0) == pytest.approx(0.3102, abs=1e-4)
