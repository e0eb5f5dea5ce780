"""The solutions of the cyclic system of one itinerary, and where they lie.

An itinerary is a tuple of regions. Its regions are taken closed: F is continuous, so a point on a
border obeys the affine maps on both sides.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rnndyn.verify._exact_map import ExactMap, common_shift, scaled
from rnndyn.verify._linear import Form, feasible, implies, solve
from rnndyn.verify._verdict import RefusedError

Word = tuple[int, ...]
#: Any large prime; 2 is a unit modulo it.
_PRIME = 2**127 - 1
#: Numerators of the lower and upper bound of every state, and their common denominator.
Box = tuple[list[int], list[int], int]


def exact_box(bounds: Any) -> Box | None:
    """Return the box of a certificate in exact arithmetic."""
    if bounds is None:
        return None
    lower, upper = (bound.tolist() for bound in bounds)
    if not all(map(math.isfinite, (*lower, *upper))):
        raise RefusedError("a bound of its box is no finite number")
    shift = common_shift((*lower, *upper))
    low, high = ([scaled(value, shift) for value in bound] for bound in (lower, upper))
    if any(a > b for a, b in zip(low, high, strict=True)):
        raise RefusedError("a lower bound of its box is above the upper bound")
    return low, high, 1 << shift


def rotations(word: Word) -> Iterator[Word]:
    """Yield all rotations."""
    for start in range(len(word)):
        yield word[start:] + word[:start]


def canonical(word: Word) -> Word:
    """Return the smallest rotation."""
    return min(rotations(word))


def primitive_period(word: Word) -> int:
    """Return the length of the shortest word that gives this one when repeated."""
    n = len(word)
    return next(m for m in range(1, n + 1) if n % m == 0 and word[:m] * (n // m) == word)


@dataclass(frozen=True)
class OrbitSet:
    """The solutions of one cyclic system: an affine space of closed orbits of the affine maps.

    At time t the states are ``(columns[0] + y_1 columns[1] + ...) / denominator`` with
    ``columns, denominator = steps[t]``.
    """

    map: ExactMap
    word: Word
    steps: tuple[tuple[list[list[int]], int], ...]

    @property
    def dimension(self) -> int:
        """0 for a single orbit."""
        return len(self.steps[0][0]) - 1

    def region_forms(self, word: Word) -> Iterator[Form]:
        """Yield affine functions of y, nonnegative where the orbit follows another itinerary."""
        weights, biases = self.map.W2, self.map.h2
        for region, (columns, denominator) in zip(word, self.steps, strict=True):
            for unit in self.map.relevant:
                row = weights[unit]
                form = [sum(w * x for w, x in zip(row, c, strict=True) if w) for c in columns]
                form[0] += biases[unit] * denominator
                yield form if region >> unit & 1 else [-value for value in form]

    def box_forms(self, box: Box | None) -> Iterator[Form]:
        """Yield affine functions of y, nonnegative where the orbit lies in the box."""
        if box is None:
            return
        lower, upper, scale = box
        for columns, denominator in self.steps:
            for state, (low, high) in enumerate(zip(lower, upper, strict=True)):
                form = [scale * column[state] for column in columns]
                yield [form[0] - low * denominator, *form[1:]]
                yield [high * denominator - form[0], *(-value for value in form[1:])]

    def period_forms(self, period: int) -> Iterator[Form]:
        """Yield affine functions of y, zero where the orbit has this period."""
        (columns, denominator), (later, later_denominator) = self.steps[0], self.steps[period]
        for state in range(self.map.n_states):
            yield [
                a[state] * later_denominator - b[state] * denominator
                for a, b in zip(columns, later, strict=True)
            ]

    def points(self) -> tuple[tuple[Fraction, ...], ...]:
        """Return the points of a single orbit."""
        return tuple(
            tuple(Fraction(value, denominator) for value in columns[0])
            for columns, denominator in self.steps
        )


@dataclass(frozen=True)
class RealOrbits:
    """The orbits of an `OrbitSet` that follow its itinerary and lie in the box: cycles of F."""

    orbits: OrbitSet
    forms: list[Form]

    def follow(self, word: Word) -> bool:
        """Whether all of them also follow another itinerary, so that they belong to it."""
        return all(self._implies(form) for form in self.orbits.region_forms(word))

    def have_lower_period(self) -> bool:
        """Whether some period m, shorter than the itinerary, is a period of all of them."""
        n = len(self.orbits.word)
        return any(
            all(
                self._implies(form) and self._implies([-value for value in form])
                for form in self.orbits.period_forms(m)
            )
            for m in range(1, n)
            if n % m == 0
        )

    def _implies(self, form: Form) -> bool:
        if self.orbits.dimension == 0:
            return form[0] >= 0
        return implies(self.forms, form, self.orbits.dimension)


def solve_word(map_: ExactMap, word: Word) -> OrbitSet | None:
    """Solve z_{t+1} = J_t z_t + c_t around an itinerary; None if there is no solution."""
    n = map_.n_states
    pieces = [map_.piece(region) for region in word]
    # The return map z -> (product z + constant) / 2**shift.
    product = [[int(i == j) for j in range(n)] for i in range(n)]
    constant, shift = [0] * n, 0
    for piece in pieces:
        columns = list(zip(*product, strict=True))
        constant = [
            sum(j * x for j, x in zip(row, constant, strict=True) if j) + (offset << shift)
            for row, offset in zip(piece.jacobian, piece.offset, strict=True)
        ]
        product = [
            [sum(j * x for j, x in zip(row, column, strict=True) if j) for column in columns]
            for row in piece.jacobian
        ]
        shift += piece.shift
    one = 1 << shift
    matrix = [[one * (i == j) - x for j, x in enumerate(row)] for i, row in enumerate(product)]
    solution = solve(matrix, constant)
    if solution is None:
        return None
    first, denominator = solution
    steps = [(first, denominator)]
    for piece in pieces[:-1]:
        image = [
            [sum(j * x for j, x in zip(row, column, strict=True) if j) for row in piece.jacobian]
            for column in first
        ]
        image[0] = [
            x + offset * denominator for x, offset in zip(image[0], piece.offset, strict=True)
        ]
        first, denominator = image, denominator << piece.shift
        steps.append((first, denominator))
    return OrbitSet(map_, word, tuple(steps))


def has_one_orbit(map_: ExactMap, word: Word, times: int) -> bool:
    """Tell whether it is sure that an itinerary, repeated, has exactly one solution.

    I - J^times is regular if its multiple by a power of two, an integer matrix, is so modulo a
    prime. False where it is not, which says nothing.
    """
    n = map_.n_states
    identity = [[int(i == j) for j in range(n)] for i in range(n)]
    product, one = identity, 1
    for piece in map(map_.piece, word):
        product = _product(piece.jacobian, product)
        one = (one << piece.shift) % _PRIME
    power = identity
    for bit in bin(times)[2:]:
        power = _product(power, power)
        if bit == "1":
            power = _product(power, product)
    one = pow(one, times, _PRIME)
    rows = [[one * (i == j) - x for j, x in enumerate(row)] for i, row in enumerate(power)]
    for column in range(n):
        pivot = next((row for row in rows if row[column] % _PRIME), None)
        if pivot is None:
            return False
        rows.remove(pivot)
        inverse = pow(pivot[column], -1, _PRIME)
        rows = [
            [(x - row[column] * inverse * y) % _PRIME for x, y in zip(row, pivot, strict=True)]
            for row in rows
        ]
    return True


def _product(first: list[list[int]], second: list[list[int]]) -> list[list[int]]:
    columns = list(zip(*second, strict=True))
    return [
        [sum(x * y for x, y in zip(row, column, strict=True)) % _PRIME for column in columns]
        for row in first
    ]


def real_orbits(orbits: OrbitSet, box: Box | None) -> RealOrbits | None:
    """Return the solutions that are cycles of F in the box; None if there are none."""
    forms: list[Form] = []
    for source in (orbits.region_forms(orbits.word), orbits.box_forms(box)):
        for form in source:
            if not any(form[1:]):
                if form[0] < 0:
                    return None
            else:
                forms.append(form)
    if forms and not feasible(forms, orbits.dimension):
        return None
    return RealOrbits(orbits, forms)
