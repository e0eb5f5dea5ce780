"""Proof that the map contracts: one fixed point, and no other cycle.

Let P be positive definite and L = diag(Lambda) with Lambda >= 0. For two states with difference d,
whose images under relu have the difference s, every entry of s lies between 0 and that of W2 d, so
that s . L (W2 d - s) >= 0. If the symmetric matrix

    [ A^T P A - P          A^T P W1 + W2^T L ]
    [ W1^T P A + L W2      W1^T P W1 - 2 L   ]

is negative definite, then its value at (d, s), which is |F(z) - F(z')|_P^2 - |d|_P^2 plus
2 s . L (W2 d - s), is at most -epsilon |d|^2. So F contracts in the norm of P, on all of R^M.
"""

import math
from typing import Any

from rnndyn.verify._exact_map import ExactMap, common_shift, scaled
from rnndyn.verify._linear import is_positive_definite
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Word, real_orbits
from rnndyn.verify._verdict import RefusedError

#: Affine pieces to try on the way to the fixed point; they end after a few.
_MAX_PIECES = 1000


def check_contraction(data: Any, map_: ExactMap, listing: Listing) -> None:
    """Refuse unless the map contracts and its fixed point is listed (or lies outside the box)."""
    m, h = map_.n_states, map_.n_units
    arrays = {name: array.tolist() for name, array in data.items()}
    if set(arrays) != {"P", "Lambda"}:
        raise RefusedError("a proof by contraction consists of two arrays, P and Lambda")
    if data["P"].shape != (m, m) or data["Lambda"].shape != (h,):
        raise RefusedError(f"P must have shape ({m}, {m}) and Lambda ({h},)")
    numbers = [*arrays["Lambda"], *(value for row in arrays["P"] for value in row)]
    if not all(map(math.isfinite, numbers)):
        raise RefusedError("P and Lambda must be finite numbers")
    shift = common_shift(numbers)
    P = [[scaled(value, shift) for value in row] for row in arrays["P"]]
    weights = [scaled(value, shift) for value in arrays["Lambda"]]
    if any(P[i][j] != P[j][i] for i in range(m) for j in range(i)):
        raise RefusedError("P is not symmetric")
    if min(weights, default=0) < 0:
        raise RefusedError("Lambda has a negative entry")
    if not is_positive_definite(P):
        raise RefusedError("P is not positive definite")
    if not is_positive_definite(_negative_of_inequality(map_, P, weights)):
        raise RefusedError("the matrix inequality of the contraction does not hold")
    word = _fixed_point(map_, listing)
    if word is None:
        raise RefusedError("the map contracts, but its fixed point could not be found")
    listing.settle(word)


def _negative_of_inequality(
    map_: ExactMap, P: list[list[int]], weights: list[int]
) -> list[list[int]]:
    """Return minus the matrix, times one * one * 2**shift."""
    m, one = map_.n_states, map_.one
    both = [[*a, *w] for a, w in zip(map_.A, map_.W1, strict=True)]
    columns = list(zip(*both, strict=True))
    images = [
        [sum(p * x for p, x in zip(row, column, strict=True)) for row in P] for column in columns
    ]
    matrix = [
        [-sum(x * y for x, y in zip(column, image, strict=True)) for image in images]
        for column in columns
    ]
    for i in range(m):
        for j in range(m):
            matrix[i][j] += one * one * P[i][j]
    for unit, weight in enumerate(weights):
        matrix[m + unit][m + unit] += 2 * one * one * weight
        for state in range(m):
            value = one * weight * map_.W2[unit][state]
            matrix[m + unit][state] -= value
            matrix[state][m + unit] -= value
    return matrix


def _fixed_point(map_: ExactMap, listing: Listing) -> Word | None:
    """Find the region of the fixed point: among what is listed, else by Newton's method."""
    listed: list[Word] = [*listing.certified, *listing.closed.get(1, set())]
    for word in listed:
        if len(word) == 1 and _is_fixed_point(map_, listing, word[0]):
            return word
    region, seen = 0, set[int]()
    while region not in seen and len(seen) < _MAX_PIECES:
        seen.add(region)
        if _is_fixed_point(map_, listing, region):
            return (region,)
        orbits = listing.solve((region,))
        if orbits is None or orbits.dimension:
            return None
        columns, denominator = orbits.steps[0]
        region = 0
        for unit in map_.relevant:
            weighted = sum(w * x for w, x in zip(map_.W2[unit], columns[0], strict=True))
            if weighted + map_.h2[unit] * denominator > 0:
                region |= 1 << unit
    return None


def _is_fixed_point(map_: ExactMap, listing: Listing, region: int) -> bool:
    orbits = listing.solve((region,))
    return orbits is not None and orbits.dimension == 0 and real_orbits(orbits, None) is not None
