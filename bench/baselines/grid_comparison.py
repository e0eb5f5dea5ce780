"""Bifurcations by comparing cycles at neighbouring grid points, in plain NumPy.

The published way to bifurcation diagrams with SCYFI (Eisenmann, Monfared, Goering, Durstewitz,
NeurIPS 2023): search for all cycles at every point of a grid in parameter space, and draw an event
wherever their number or stability changes from one point to the next. Here the grid lies on the
straight path between two maps z' = A z + W1 relu(W2 z + h2) + h1.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.baselines.scyfi_numpy import Scyfi

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: A, W1, W2, h1, h2.
Arrays = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]

#: Candidates that are solved in one call, few enough for the cache.
BATCH = 4096


@dataclass(frozen=True)
class Comparison:
    """What the grid saw.

    Attributes
    ----------
    counts : (n, n_orders, M + 1) array
        Cycles at every grid point, by order and by number of multipliers outside the unit circle.
        This is finer than stable against unstable.
    seconds : float
    """

    counts: IntArray
    seconds: float

    @property
    def changed(self) -> BoolArray:
        """Cells between neighbouring grid points in which an event is drawn, shape (n - 1,)."""
        return (self.counts[1:] != self.counts[:-1]).any(axis=(1, 2))


def compare_by_listing(
    start: Arrays, end: Arrays, grid: FloatArray, orders: Sequence[int]
) -> Comparison:
    """Solve every itinerary of the orders at every grid point; all units must matter."""
    clock = time.perf_counter()
    n_states, n_units = start[1].shape
    regions = (np.arange(2**n_units)[:, None] >> np.arange(n_units) & 1).astype(np.float64)
    counts = np.zeros((len(grid), len(orders), n_states + 1), dtype=np.int64)
    for column, order in enumerate(orders):
        words = _necklaces(len(regions), order)
        step = max(1, BATCH // len(words))
        for first in range(0, len(grid), step):
            s = grid[first : first + step]
            point, n_outside = _real_cycles(start, end, s, regions, words)
            np.add.at(counts, (first + point, column, n_outside), 1)
    return Comparison(counts, time.perf_counter() - clock)


def compare_by_search(
    start: Arrays, end: Arrays, grid: FloatArray, orders: Sequence[int]
) -> Comparison:
    """Run Algorithm 1 of the paper at every grid point, with the published numbers of restarts."""
    clock = time.perf_counter()
    n_states, n_units = start[1].shape
    counts = np.zeros((len(grid), len(orders), n_states + 1), dtype=np.int64)
    for point, s in enumerate(grid):
        arrays = [(1.0 - s) * a + s * b for a, b in zip(start, end, strict=True)]
        searcher = Scyfi(*arrays, seed=point, draw_from_states=True)
        A, W1, W2 = arrays[:3]
        for column, order in enumerate(orders):
            for key in searcher.search(order).cycles:
                product = np.eye(n_states)
                for bits in np.frombuffer(key, dtype=np.bool_).reshape(order, n_units):
                    product = (A + (W1 * bits) @ W2) @ product
                n_outside = int((np.abs(np.linalg.eigvals(product)) > 1.0).sum())
                counts[point, column, n_outside] += 1
    return Comparison(counts, time.perf_counter() - clock)


def _real_cycles(
    start: Arrays, end: Arrays, s: FloatArray, regions: FloatArray, words: IntArray
) -> tuple[IntArray, IntArray]:
    """Grid point and number of multipliers outside for every real cycle at some grid points."""
    A, W1, W2, h1, h2 = (
        np.multiply.outer(1.0 - s, a) + np.multiply.outer(s, b)
        for a, b in zip(start, end, strict=True)
    )
    n_points, n_states, n_units = W1.shape
    # Jacobians of all regions in one product: a unit that is on adds its column times its row.
    units = W1.transpose(0, 2, 1)[:, :, :, None] * W2[:, :, None, :]
    units = units.reshape(n_points, n_units, -1)
    jacobians = (regions @ units).reshape(n_points, -1, n_states, n_states) + A[:, None]
    offsets = regions @ (W1 * h2[:, None]).transpose(0, 2, 1) + h1[:, None]

    product, constant = jacobians[:, words[:, 0]], offsets[:, words[:, 0]]
    for letters in words.T[1:]:
        step = jacobians[:, letters]
        product = step @ product
        constant = (step @ constant[..., None])[..., 0] + offsets[:, letters]
    states = np.linalg.solve(np.eye(n_states) - product, constant[..., None])[..., 0]

    # Nearly all candidates are virtual already at their first point, so only the others go on.
    is_on = regions > 0.0
    matches = (states @ W2.transpose(0, 2, 1) + h2[:, None] > 0.0) == is_on[words[:, 0]]
    point, word = np.nonzero(matches.all(axis=2))
    z = states[point, word]
    for now, following in zip(words.T[:-1], words.T[1:], strict=True):
        z = np.einsum("nij,nj->ni", jacobians[point, now[word]], z) + offsets[point, now[word]]
        p = np.einsum("nij,nj->ni", W2[point], z) + h2[point]
        stays = ((p > 0.0) == is_on[following[word]]).all(axis=1)
        point, word, z = point[stays], word[stays], z[stays]
    multipliers = np.linalg.eigvals(product[point, word])
    return point, (np.abs(multipliers) > 1.0).sum(axis=1)


def _necklaces(n_letters: int, order: int) -> IntArray:
    """Words that come before all their other rotations: one for every primitive cycle."""
    codes = np.arange(n_letters**order)
    words = np.stack([codes // n_letters**t % n_letters for t in reversed(range(order))], axis=1)
    powers = n_letters ** np.arange(order)[::-1]
    first = np.ones(len(codes), dtype=np.bool_)
    for t in range(1, order):
        first &= codes < np.roll(words, -t, axis=1) @ powers
    return words[first]
