"""Which itineraries can have a real candidate, decided in floating point on the safe side.

Listing is exponential, so nearly all the work of the exact enumerator goes into candidates that are
virtual by a wide margin. This filter throws away exactly those: it keeps an itinerary whenever
I - P is close to singular or the largest violation of a sign is within a generous error bound.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Far above the rounding errors of k <= 3 products of matrices with M <= 10 (about 1e-14), far
# below the violation of all but very few virtual candidates.
SAFETY = 1e-9


def necklaces(n_letters: int, length: int) -> NDArray[np.int64]:
    """All words over the alphabet 0 ... n_letters - 1 that are their own smallest rotation."""
    codes = np.arange(n_letters**length)
    words = np.stack([codes // n_letters**t % n_letters for t in reversed(range(length))], axis=1)
    powers = n_letters ** np.arange(length)[::-1]
    rotated = np.stack([np.roll(words, -t, axis=1) @ powers for t in range(length)], axis=1)
    return words[codes == rotated.min(axis=1)]


def relevant_units(map_: Any) -> list[int]:
    """Units that act on the state at all.

    The others have an all-zero column in W1, or no input and a bias that keeps them off.
    """
    return [
        i
        for i in range(len(map_.h2))
        if any(row[i] for row in map_.W1) and (any(map_.W2[i]) or map_.h2[i] > 0)
    ]


def all_regions(map_: Any) -> NDArray[np.bool_]:
    """One region for every setting of the relevant units; irrelevant units have bit 0."""
    relevant = np.array(relevant_units(map_), dtype=int)
    codes = np.arange(2**relevant.size)
    regions = np.zeros((codes.size, len(map_.h2)), dtype=bool)
    regions[:, relevant] = codes[:, None] >> np.arange(relevant.size) & 1
    return regions


def all_itineraries(map_: Any, order: int) -> NDArray[np.bool_]:
    """One itinerary of every class under rotation, shape (n, order, n_units)."""
    regions = all_regions(map_)
    return regions[necklaces(len(regions), order)]


def possible_itineraries(map_: Any, order: int) -> NDArray[np.bool_]:
    """The itineraries of `all_itineraries` whose candidate may be real or is not unique."""
    regions = all_regions(map_)
    kept = [chunk[_may_be_real(map_, regions, chunk)] for chunk in _chunks(len(regions), order)]
    return regions[np.concatenate(kept)]


def _chunks(n_regions: int, order: int, size: int = 4096) -> Iterator[NDArray[np.int64]]:
    words = necklaces(n_regions, order)
    for start in range(0, len(words), size):
        yield words[start : start + size]


def _may_be_real(
    map_: Any, regions: NDArray[np.bool_], words: NDArray[np.int64]
) -> NDArray[np.bool_]:
    A, W1, W2, h1, h2 = (np.asarray(getattr(map_, name)) for name in ("A", "W1", "W2", "h1", "h2"))
    n, order = words.shape
    jacobians = A + np.einsum("ij,rj,jk->rik", W1, regions, W2)
    offsets = h1 + (regions * h2) @ W1.T

    product, constant = np.broadcast_to(np.eye(len(A)), (n, *A.shape)), np.zeros((n, len(A)))
    size = np.ones(n)
    for t in range(order):
        step = jacobians[words[:, t]]
        product = step @ product
        constant = np.einsum("nij,nj->ni", step, constant) + offsets[words[:, t]]
        size *= 1.0 + np.abs(step).sum(axis=2).max(axis=1)
    inverse, regular = _inverses(np.eye(len(A)) - product)
    amplification = size * np.abs(inverse).sum(axis=2).max(axis=1)

    # Signs count only for units that act on the state.
    relevant = relevant_units(map_)
    z = np.einsum("nij,nj->ni", inverse, constant)
    gain = 1.0 + np.abs(W2).sum(axis=1).max(initial=0.0)
    scale = 1.0 + np.abs(h1).max(initial=0.0) + np.abs(h2).max(initial=0.0)
    may_be_real = np.ones(n, dtype=bool)
    for t in range(order):
        bits = regions[words[:, t]]
        p = z @ W2.T + h2
        scale = np.maximum(scale, np.abs(z).max(axis=1) * gain)
        signed = np.where(bits, p, -p)[:, relevant]
        may_be_real &= (signed > -(SAFETY * amplification * scale)[:, None]).all(axis=1)
        z = np.einsum("nij,nj->ni", jacobians[words[:, t]], z) + offsets[words[:, t]]
    return may_be_real | ~regular | (amplification > 1e-3 / SAFETY)


def _inverses(matrices: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Gauss-Jordan inverses of many small matrices at once, and which of them are regular.

    `numpy.linalg.inv` gives up on the whole batch where one matrix is singular, and singular ones
    are what this is about.
    """
    n, m, _ = matrices.shape
    work = np.concatenate([matrices, np.broadcast_to(np.eye(m), matrices.shape)], axis=2)
    regular = np.ones(n, dtype=bool)
    batch = np.arange(n)
    largest = np.abs(matrices).max(axis=(1, 2))
    for column in range(m):
        pivot_row = column + np.abs(work[:, column:, column]).argmax(axis=1)
        pivot_rows = work[batch, pivot_row]
        work[batch, pivot_row] = work[:, column]
        pivot = pivot_rows[:, column]
        usable = np.abs(pivot) > 1e-12 * largest
        regular &= usable
        pivot_rows = pivot_rows / np.where(usable, pivot, 1.0)[:, None]
        factors = work[:, :, column].copy()
        factors[~usable] = 0.0
        work -= factors[:, :, None] * pivot_rows[:, None, :]
        work[:, column] = pivot_rows
    return work[:, :, m:], regular
