"""Proof that a cyclic system has one solution: that of its linear complementarity problem.

Without the states (see `_units`), sequences of period k are solutions of p = K u + c, u = relu(p).
The differences q, s of two of them have q = K s + e with |e_i| <= error_i max |s|, where all errors
of K are in e, and 0 <= s_i (q_i - s_i), as s_i lies between 0 and q_i. With multipliers Lambda > 0
and L = diag(Lambda), one for each unit at all steps,

    0 <= 2 s . L (q - s) <= -s . (2 L - L K - K^T L) s + 2 |L error| |s|^2.

So s = 0 if 2 L - L K - K^T L - 2 |L error| is positive definite. Units with a zero row of W2 have
q_i = 0 and do not enter; Lambda may be 0 there.

The one solution is then the fixed point, run through k times.
"""

from fractions import Fraction
from math import isqrt
from typing import Any

from rnndyn.verify._contraction import find_fixed_point, integers_of
from rnndyn.verify._exact_map import ExactMap, Rows
from rnndyn.verify._linear import is_surely_positive_definite
from rnndyn.verify._listing import Listing
from rnndyn.verify._units import UnitSystem
from rnndyn.verify._verdict import RefusedError

#: Bits behind the point: of the states' elimination, and of K afterwards.
_BITS = 96
_BITS_OF_K = 72
#: Rows of the largest matrix that a search looks at: steps times units.
_MOST_ROWS = 800


class _Differences:
    """The map of differences of states: without offsets."""

    def __init__(self, map_: ExactMap) -> None:
        self.n_states, self.n_units, self.shift = map_.n_states, map_.n_units, map_.shift
        self.A, self.W1, self.W2 = map_.A, map_.W1, map_.W2
        self.h1, self.h2 = [0] * map_.n_states, [0] * map_.n_units
        self.relevant = [unit for unit in map_.relevant if any(map_.W2[unit])]


def check_p_matrix(data: Any, order: int, map_: ExactMap, listing: Listing) -> None:
    """Refuse unless the order has the fixed point and nothing else, and order 1 lists it."""
    if {name: array.shape for name, array in data.items()} != {"Lambda": (map_.n_units,)}:
        raise RefusedError(f"a proof by a P-matrix consists of Lambda ({map_.n_units},)")
    differences = _Differences(map_)
    if order * len(map_.relevant) > _MOST_ROWS:
        raise RefusedError(f"order {order} has too many unknowns for a proof of this kind")
    if differences.relevant:
        multipliers = integers_of(data["Lambda"].tolist())
        system = UnitSystem(differences, order, Fraction(1), False, _BITS)
        own = [multipliers[unit] for unit in differences.relevant]
        if min(own) <= 0:
            raise RefusedError("a multiplier is not positive")
        if not is_surely_positive_definite(_form(system, own)):
            raise RefusedError("the matrix of its multipliers is not positive definite")
    word = find_fixed_point(map_, listing)
    if word is None:
        raise RefusedError("there is one fixed point, but it could not be found")
    if order == 1:
        listing.settle(word)


def _form(system: UnitSystem, multipliers: list[int]) -> Rows:
    """Return the matrix, times a factor."""
    k, r = system.order, len(multipliers)
    n = k * r
    down = system.shift - _BITS_OF_K
    rows = []
    for t in range(k):
        blocks = [system.coupling[(t - s) % k or k] for s in range(k)]
        for i, multiplier in enumerate(multipliers):
            rows.append([multiplier * (value >> down) for block in blocks for value in block[i]])
    # What was cut off K: below one unit of each of the n products.
    errors = [(error >> down) + 1 + n for error in system.errors]
    squares = k * sum((m * e) ** 2 for m, e in zip(multipliers, errors, strict=True))
    error = 2 * (isqrt(squares) + 1)
    form = [
        [-(a + b) for a, b in zip(row, column, strict=True)]
        for row, column in zip(rows, zip(*rows, strict=True), strict=True)
    ]
    for t in range(k):
        for i, multiplier in enumerate(multipliers):
            form[t * r + i][t * r + i] += ((2 * multiplier) << _BITS_OF_K) - error
    return form
