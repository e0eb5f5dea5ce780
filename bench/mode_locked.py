"""Random 2-D networks with an attracting cycle of a given order, found by running many at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnndyn as rd

Array = NDArray[np.float64]


def mode_locked_plrnns(
    orders: list[int], per_order: int, n_drawn: int = 200_000, seed: int = 0
) -> dict[int, list[Any]]:
    """Up to ``per_order`` networks for every order, out of ``n_drawn`` random PLRNNs."""
    rng = np.random.default_rng(seed)
    A = rng.uniform(-1.0, 1.0, (n_drawn, 2))
    W = rng.normal(size=(n_drawn, 2, 2))
    h = rng.normal(size=(n_drawn, 2))
    z = np.zeros((n_drawn, 2))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(30):
            for _ in range(50):
                z = _step(A, W, h, z)
            later = _step(A, W, h, _step(A, W, h, z))
            # Most draws diverge or settle on a cycle of order 1 or 2; they need not go on.
            keep = (np.abs(z).max(axis=1) < 1e3) & ~(np.abs(later - z).max(axis=1) < 1e-10)
            A, W, h, z = A[keep], W[keep], h[keep], z[keep]
    periods = np.zeros(len(z), dtype=int)
    start = z
    for period in range(1, max(orders) + 1):
        z = _step(A, W, h, z)
        periods[(periods == 0) & (np.abs(z - start).max(axis=1) < 1e-8)] = period
    return {
        order: [rd.PLRNN(A[i], W[i], h[i]) for i in np.flatnonzero(periods == order)[:per_order]]
        for order in orders
    }


def _step(A: Array, W: Array, h: Array, z: Array) -> Array:
    return A * z + np.einsum("nij,nj->ni", W, np.maximum(z, 0.0)) + h
