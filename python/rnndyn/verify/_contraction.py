"""Proof that the map contracts: one fixed point, and no other cycle.

For two states with difference d, the images under relu have a difference s with entries between 0
and those of W2 d: s = S W2 d with S diagonal and entries from 0 to 1. F contracts on all of R^M if
there is one of the following.

Weights w > 0, for the norm max_j |z_j| / w_j, with

    sum_j B_ij w_j < w_i,    B = |A + W1 W2 / 2| + |W1| |W2| / 2,

where B_ij is the largest |(A + W1 S W2)_ij|.

A symmetric positive definite P, for the norm with square z . P z, and L = diag(Lambda) with
Lambda >= 0, such that

    [ P - A^T P A           -A^T P W1 - W2^T L ]
    [ -W1^T P A - L W2      2 L - W1^T P W1    ]

is positive definite. The value of this matrix at (d, s) is |d|^2 - |F(z) - F(z')|^2 minus
2 s . L (W2 d - s), which is not negative. Units with a zero column of W1 or a zero row of W2 do not
enter, and Lambda may be 0 there: then they are left out.
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
    arrays = {name: array.tolist() for name, array in data.items()}
    shapes = {name: array.shape for name, array in data.items()}
    m, h = map_.n_states, map_.n_units
    if shapes == {"weights": (m,)}:
        _check_weights(arrays["weights"], map_)
    elif shapes == {"P": (m, m), "Lambda": (h,)}:
        _check_quadratic_norm(arrays["P"], arrays["Lambda"], map_)
    else:
        raise RefusedError(
            f"a proof by contraction consists of weights ({m},), or of P ({m}, {m}) and "
            f"Lambda ({h},)"
        )
    word = find_fixed_point(map_, listing)
    if word is None:
        raise RefusedError("the map contracts, but its fixed point could not be found")
    listing.settle(word)


def integers_of(numbers: list[float]) -> list[int]:
    """Return the numbers times a power of two."""
    if not all(map(math.isfinite, numbers)):
        raise RefusedError("a number of the norm is not finite")
    shift = common_shift(numbers)
    return [scaled(number, shift) for number in numbers]


def _check_weights(values: list[float], map_: ExactMap) -> None:
    weights = integers_of(values)
    if min(weights) <= 0:
        raise RefusedError("a weight is not positive")
    for i, (a_row, w_row) in enumerate(zip(map_.A, map_.W1, strict=True)):
        total = 0
        for j, (a, weight) in enumerate(zip(a_row, weights, strict=True)):
            products = [w * map_.W2[unit][j] for unit, w in enumerate(w_row) if w]
            # Twice B_ij, times one * one.
            total += (abs(2 * a * map_.one + sum(products)) + sum(map(abs, products))) * weight
        if total >= 2 * map_.one * map_.one * weights[i]:
            raise RefusedError(f"row {i} of the weighted norm is not below 1")


def _check_quadratic_norm(norm: list[list[float]], values: list[float], map_: ExactMap) -> None:
    m = map_.n_states
    numbers = integers_of([*values, *(value for row in norm for value in row)])
    multipliers, numbers = numbers[: map_.n_units], numbers[map_.n_units :]
    P = [numbers[i * m : (i + 1) * m] for i in range(m)]
    if any(P[i][j] != P[j][i] for i in range(m) for j in range(i)):
        raise RefusedError("P is not symmetric")
    if not is_positive_definite(P):
        raise RefusedError("P is not positive definite")
    units = []
    for unit, multiplier in enumerate(multipliers):
        acts = any(row[unit] for row in map_.W1) and any(map_.W2[unit])
        if multiplier < 0 or (multiplier == 0 and acts):
            raise RefusedError(f"the multiplier of unit {unit} is not positive")
        if multiplier > 0:
            units.append(unit)
    if not is_positive_definite(_matrix_of_inequality(map_, P, multipliers, units)):
        raise RefusedError("the matrix inequality of the contraction does not hold")


def _matrix_of_inequality(
    map_: ExactMap, P: list[list[int]], multipliers: list[int], units: list[int]
) -> list[list[int]]:
    """Return the matrix, times one * one * the factor of P and the multipliers."""
    m, one = map_.n_states, map_.one
    columns = [[row[j] for row in map_.A] for j in range(m)]
    columns += [[row[unit] for row in map_.W1] for unit in units]
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
    for number, unit in enumerate(units, start=m):
        matrix[number][number] += 2 * one * one * multipliers[unit]
        for state in range(m):
            value = one * multipliers[unit] * map_.W2[unit][state]
            matrix[number][state] -= value
            matrix[state][number] -= value
    return matrix


def find_fixed_point(map_: ExactMap, listing: Listing) -> Word | None:
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
