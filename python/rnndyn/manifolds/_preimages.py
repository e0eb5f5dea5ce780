"""Preimages of states under a piecewise linear map, in rational arithmetic."""

import itertools
from fractions import Fraction

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._core import CanonicalMap

_Point = list[Fraction]
#: How often a place is moved closer to a border before another border is tried.
_N_HALVINGS = 60
_N_WAYS = 400
#: Borders that a way of length 1 meets within this are one.
_ONE_BORDER = 1e-9


class AffineMaps:
    """The affine maps of all regions.

    Parameters
    ----------
    canonical : CanonicalMap
        The map.
    regions : (n, H) array
        Its regions.
    signs : (n,) array
        The signs of the determinants.
    """

    def __init__(self, canonical: CanonicalMap, regions: BoolArray, signs: np.ndarray) -> None:
        self.canonical = canonical
        self.regions, self.signs = regions, signs
        self.n_states = self.canonical.n_states
        self.jacobians = np.stack([self.canonical.jacobian(region) for region in regions])
        self.offsets = np.stack([self.canonical.offset(region) for region in regions])
        self._inverses: dict[int, FloatArray] = {}
        self._exact = {
            name: np.vectorize(Fraction, otypes=[object])(getattr(self.canonical, name))
            for name in ("A", "W1", "W2", "h1", "h2")
        }
        self._rows = np.abs(self.canonical.W2).sum(axis=1) > 0.0

    def number_of(self, state: FloatArray) -> int:
        """Return the region that a state lies in, -1 on a border."""
        values = self.canonical.W2 @ state + self.canonical.h2
        same = (self.regions == (values > 0.0))[:, self._relevant].all(axis=1)
        found = np.flatnonzero(same)
        return int(found[0]) if len(found) else -1

    @property
    def _relevant(self) -> BoolArray:
        return np.asarray(self._rows & np.any(self.canonical.W1 != 0.0, axis=0))

    def piece(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the Jacobian and the offset of a region, exact."""
        on = np.flatnonzero(self.regions[number])
        e = self._exact
        jacobian = e["A"] + e["W1"][:, on].dot(e["W2"][on]) if len(on) else e["A"]
        offset = e["h1"] + e["W1"][:, on].dot(e["h2"][on]) if len(on) else e["h1"]
        return jacobian, offset

    def side(self, number: int, point: _Point) -> int:
        """Return 1 for a point strictly inside a region, 0 on its border, -1 outside."""
        e = self._exact
        least = 1
        for unit in np.flatnonzero(self._relevant).tolist():
            value = sum((a * b for a, b in zip(e["W2"][unit], point, strict=True)), e["h2"][unit])
            inside = value if self.regions[number, unit] else -value
            if inside < 0:
                return -1
            if inside == 0:
                least = 0
        return least

    def image(self, number: int, point: _Point) -> _Point:
        """Return the image of a point of a region."""
        jacobian, offset = self.piece(number)
        return [
            sum((a * b for a, b in zip(row, point, strict=True)), constant)
            for row, constant in zip(jacobian, offset, strict=True)
        ]

    def preimages(self, target: _Point) -> list[tuple[int, _Point]] | None:
        """Return all preimages and their regions; None where one lies on a border.

        Regions with determinant 0 have none of a state that is not in the image of their affine
        map; None where it is.
        """
        found = []
        for number in range(len(self.regions)):
            if self.signs[number] == 0:
                if self._in_a_flat_image(number, target):
                    return None
                continue
            if self._surely_outside(number, target):
                continue
            point = self.solved(number, target)
            where = self.side(number, point)
            if where == 0:
                return None
            if where > 0:
                found.append((number, point))
        return found

    def solved(self, number: int, target: _Point) -> _Point:
        """Return the state that the affine map of a region sends to a target."""
        jacobian, offset = self.piece(number)
        rows = [
            [*row, value - constant]
            for row, value, constant in zip(jacobian, target, offset, strict=True)
        ]
        pivots = _eliminated(rows, self.n_states)
        assert len(pivots) == self.n_states
        return [row[-1] for row in rows]

    def kernel(self, number: int) -> _Point:
        """Return a direction that the affine map of a region loses."""
        rows = [list(row) for row in self.piece(number)[0]]
        pivots = _eliminated(rows, self.n_states)
        free = next(i for i in range(self.n_states) if i not in pivots)
        direction = [Fraction(0)] * self.n_states
        direction[free] = Fraction(1)
        for row, column in zip(rows, pivots, strict=False):
            direction[column] = -row[free]
        return direction

    def _in_a_flat_image(self, number: int, target: _Point) -> bool:
        jacobian, offset = self.piece(number)
        rows = [
            [*row, value - constant]
            for row, value, constant in zip(jacobian, target, offset, strict=True)
        ]
        pivots = _eliminated(rows, self.n_states)
        return all(row[-1] == 0 for row in rows[len(pivots) :])

    def _surely_outside(self, number: int, target: _Point) -> bool:
        """Tell whether rounding errors leave no doubt that a preimage is outside its region.

        With X close to the inverse of J and a = |I - X J| < 1 an approximate solution z is off by
        at most |X (y - c - J z)| / (1 - a), all in the norm of the largest entry.
        """
        canonical = self.canonical
        goal = np.array([float(value) for value in target])
        if number not in self._inverses:
            self._inverses[number] = np.linalg.inv(self.jacobians[number])
        inverse, jacobian = self._inverses[number], self.jacobians[number]
        m, h = self.n_states, canonical.n_units
        size = np.abs(canonical.A) + np.abs(canonical.W1) @ np.abs(canonical.W2)
        unit = 4.0 * (m + h + 8) * np.finfo(np.float64).eps
        z = inverse @ (goal - self.offsets[number])
        terms = np.abs(goal) + np.abs(canonical.h1) + np.abs(canonical.W1) @ np.abs(canonical.h2)
        terms = terms + size @ np.abs(z)
        rest = np.abs(goal - self.offsets[number] - jacobian @ z) + unit * terms
        loss = np.abs(np.eye(m) - inverse @ jacobian) + unit * (np.abs(inverse) @ size)
        share = float(loss.sum(axis=1).max())
        if not share < 0.5:
            return False
        error = 2.0 * float((np.abs(inverse) @ rest).max()) * (1.0 + unit)
        values = canonical.W2 @ z + canonical.h2
        weights = np.abs(canonical.W2)
        doubt = weights.sum(axis=1) * error + unit * (weights @ np.abs(z) + np.abs(canonical.h2))
        inside = np.where(self.regions[number], values, -values)
        return bool((inside[self._relevant] < -doubt[self._relevant]).any())


def pair_in_a_flat_region(maps: AffineMaps, number: int, inner: FloatArray) -> FloatArray | None:
    """Return two states of a region with determinant 0 that have the same image."""
    start = [Fraction(float(value)) for value in inner]
    if maps.side(number, start) <= 0:
        return None
    direction = maps.kernel(number)
    step = Fraction(1)
    for _ in range(_N_HALVINGS):
        other = [a + step * b for a, b in zip(start, direction, strict=True)]
        if maps.side(number, other) > 0:
            return np.array([[float(x) for x in start], [float(x) for x in other]])
        step /= 2
    return None


def pair_across(
    maps: AffineMaps, interiors: FloatArray, random: np.random.Generator
) -> FloatArray | None:
    """Return two states with the same image, beside a border where the determinant changes sign."""
    positive, negative = (np.flatnonzero(maps.signs == sign) for sign in (1, -1))
    for _ in range(_N_WAYS):
        first = interiors[random.choice(positive)]
        last = interiors[random.choice(negative)]
        # Any direction is as good, and most meet no place where three regions meet.
        first = first + 1e-3 * random.standard_normal(first.shape) * (1.0 + np.abs(first))
        values = maps.canonical.W2 @ np.stack([first, last]).T + maps.canonical.h2[:, np.newaxis]
        crossing = (values[:, 0] > 0.0) != (values[:, 1] > 0.0)
        places = np.sort(values[crossing, 0] / (values[crossing, 0] - values[crossing, 1]))
        # Several units may have one border.
        places = places[np.diff(places, prepend=-1.0) > _ONE_BORDER]
        ends = np.concatenate([[0.0], places, [1.0]])
        middles = 0.5 * (ends[:-1] + ends[1:])
        numbers = [maps.number_of(first + place * (last - first)) for place in middles]
        for at, (one, other) in enumerate(itertools.pairwise(numbers)):
            if min(one, other) < 0 or maps.signs[one] * maps.signs[other] >= 0:
                continue
            border = first + places[at] * (last - first)
            pair = _fold(maps, one, other, border, first + middles[at] * (last - first))
            if pair is not None:
                return pair
    return None


def _fold(
    maps: AffineMaps, one: int, other: int, border: FloatArray, inside: FloatArray
) -> FloatArray | None:
    way = inside - border
    for _ in range(_N_HALVINGS):
        point = [Fraction(float(value)) for value in border + way]
        if maps.side(one, point) > 0:
            twin = maps.solved(other, maps.image(one, point))
            if maps.side(other, twin) > 0:
                return np.array([[float(x) for x in point], [float(x) for x in twin]])
        way = 0.5 * way
    return None


def _eliminated(rows: list[list[Fraction]], n_columns: int) -> list[int]:
    """Bring rows to reduced echelon form in place; return the columns of the pivots."""
    pivots: list[int] = []
    for column in range(n_columns):
        at = len(pivots)
        pivot = next((i for i in range(at, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[at], rows[pivot] = rows[pivot], rows[at]
        factor = rows[at][column]
        rows[at] = [value / factor for value in rows[at]]
        for i in range(len(rows)):
            if i != at and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[at], strict=True)]
        pivots.append(column)
    return pivots
