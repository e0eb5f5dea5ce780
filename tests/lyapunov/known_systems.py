"""Maps with published or closed exponents, as batched functions of states (B, N)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class KnownMap:
    """A map, states on or near its attractor, and its exponents per step."""

    step: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
    states: Callable[[np.random.Generator, int], Array]
    exponents: Array

    @property
    def n_states(self) -> int:
        return len(self.exponents)


def henon(a: float = 1.4, b: float = 0.3) -> KnownMap:
    """x' = 1 - a x^2 + y, y' = b x; the sum of the exponents is ln b."""

    def step(z: Array) -> Array:
        return np.column_stack([1.0 - a * z[:, 0] ** 2 + z[:, 1], b * z[:, 0]])

    def jacobian(z: Array) -> Array:
        result = np.zeros((len(z), 2, 2))
        result[:, 0, 0] = -2.0 * a * z[:, 0]
        result[:, 0, 1] = 1.0
        result[:, 1, 0] = b
        return result

    # Sprott, Chaos and Time-Series Analysis (2003), appendix A.
    return KnownMap(
        step,
        jacobian,
        lambda rng, n: rng.uniform(-0.1, 0.1, size=(n, 2)),
        np.array([0.41922, -1.62319]),
    )


def logistic() -> KnownMap:
    """x' = 4 x (1 - x), conjugate to the tent map of slope 2."""
    return KnownMap(
        lambda z: 4.0 * z * (1.0 - z),
        lambda z: (4.0 - 8.0 * z)[:, :, None],
        lambda rng, n: rng.uniform(0.1, 0.9, size=(n, 1)),
        np.array([np.log(2.0)]),
    )


def lorenz(dt: float = 0.01) -> KnownMap:
    """One Runge-Kutta step of the Lorenz system with its standard parameters."""
    sigma, rho, beta = 10.0, 28.0, 8.0 / 3.0

    def field(z: Array) -> Array:
        x, y, w = z.T
        return np.column_stack([sigma * (y - x), x * (rho - w) - y, x * y - beta * w])

    def derivative(z: Array) -> Array:
        result = np.empty((len(z), 3, 3))
        result[:] = [[-sigma, sigma, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -beta]]
        result[:, 1, 0] = rho - z[:, 2]
        result[:, 1, 2] = -z[:, 0]
        result[:, 2, 0] = z[:, 1]
        result[:, 2, 1] = z[:, 0]
        return result

    def step(z: Array) -> Array:
        k1 = field(z)
        k2 = field(z + 0.5 * dt * k1)
        k3 = field(z + 0.5 * dt * k2)
        k4 = field(z + dt * k3)
        return z + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)

    def jacobian(z: Array) -> Array:
        identity = np.eye(3)
        k1 = field(z)
        k2 = field(z + 0.5 * dt * k1)
        k3 = field(z + 0.5 * dt * k2)
        d1 = derivative(z)
        d2 = derivative(z + 0.5 * dt * k1) @ (identity + 0.5 * dt * d1)
        d3 = derivative(z + 0.5 * dt * k2) @ (identity + 0.5 * dt * d2)
        d4 = derivative(z + dt * k3) @ (identity + dt * d3)
        return identity + dt / 6.0 * (d1 + 2.0 * d2 + 2.0 * d3 + d4)

    # Sprott (2003), per unit of time; they sum to the divergence -(10 + 1 + 8/3).
    return KnownMap(
        step,
        jacobian,
        lambda rng, n: np.array([1.0, 1.0, 25.0]) + rng.normal(size=(n, 3)),
        dt * np.array([0.9056, 0.0, -14.5723]),
    )


def gaussian_products(n: int, n_steps: int, n_batch: int, seed: int) -> KnownMap:
    """Products of independent matrices of standard normal entries.

    The first coordinate of the state counts the step, and the Jacobian is looked up by it, so that
    it is a function of the state, as every Jacobian here. Sequence b starts its count at
    b n_steps. The exponents are (ln 2 + psi((N - i + 1) / 2)) / 2 (Newman, Commun. Math. Phys.
    103, 121, 1986).
    """
    from scipy.special import digamma

    # One more, of the state after the last step.
    matrices = np.random.default_rng(seed).normal(size=(n_steps * n_batch + 1, n, n))

    def start(rng: np.random.Generator, count: int) -> Array:
        del rng
        states = np.zeros((count, n))
        states[:, 0] = n_steps * np.arange(count)
        return states

    return KnownMap(
        lambda z: z + np.eye(n)[0],
        lambda z: matrices[z[:, 0].astype(int)],
        start,
        0.5 * (np.log(2.0) + digamma((n - np.arange(n)) / 2.0)),
    )


def tanh_network_exponent(gain: float) -> float:
    """Largest exponent of h' = tanh(W h), W_ij of variance gain^2 / N, for N to infinity.

    Mean-field theory (Molgedey, Schuchhardt and Schuster, Phys. Rev. Lett. 69, 3717, 1992): the
    variance q of W h solves q = gain^2 <tanh^2(sqrt(q) x)>, and the exponent is
    ln(gain^2 <tanh'^2(sqrt(q) x)>) / 2, with x standard normal.
    """
    from scipy.optimize import brentq

    x, weights = np.polynomial.hermite_e.hermegauss(201)
    weights = weights / weights.sum()

    def excess(q: float) -> float:
        return q - gain**2 * float(weights @ np.tanh(np.sqrt(q) * x) ** 2)

    q = brentq(excess, 1e-3, gain**2)
    return 0.5 * float(np.log(gain**2 * (weights @ np.cosh(np.sqrt(q) * x) ** -4.0)))
