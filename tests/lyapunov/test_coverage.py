"""The reported 95 % intervals hold the known values in at least 95 of 100 seeds."""

import numpy as np
import pytest

import rnndyn as rd
from lyapunov import known_systems

N_SEEDS = 100


def of_known(known):
    return rd.DifferentiableMap(known.step, known.jacobian, known.n_states), known


def systems():
    lozi = rd.examples.lozi_map(a=1.7, b=0.5)
    # The sum is exact; the first exponent as in `test_known_values`.
    lozi_known = known_systems.KnownMap(
        lozi.step,
        lozi.jacobian,
        lambda rng, n: rng.uniform(-0.1, 0.1, size=(n, 2)),
        np.array([0.4702, np.log(0.5) - 0.4702]),
    )
    n_steps = 1000
    return {
        "henon": (*of_known(known_systems.henon()), 2000, 300),
        "lozi": (lozi, lozi_known, 4000, 500),
        "logistic": (*of_known(known_systems.logistic()), 2000, 300),
        "lorenz": (*of_known(known_systems.lorenz()), 6000, 1000),
        "gaussian": (
            *of_known(known_systems.gaussian_products(3, n_steps + 100, N_SEEDS, seed=0)),
            n_steps,
            100,
        ),
    }


@pytest.mark.parametrize("name", ["henon", "lozi", "logistic", "lorenz", "gaussian"])
def test_intervals_hold_the_known_exponents(name):
    model, known, n_steps, transient = systems()[name]
    spectrum = rd.lyapunov_spectrum(
        model,
        z0=known.states(np.random.default_rng(5), N_SEEDS),
        n_steps=n_steps,
        transient=transient,
        n_threads=1,
    )
    lower, upper = spectrum.interval(0.95)
    holds = (lower <= known.exponents) & (known.exponents <= upper)
    assert (holds.sum(axis=0) >= 95).all(), holds.sum(axis=0)
    # Not by being useless.
    width = np.median(upper - lower, axis=0)
    assert (width <= 0.5 * np.abs(known.exponents).max()).all(), width
