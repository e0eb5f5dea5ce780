"""Trees of the dictionary method: branch and bound over the bits of one order.

The unknowns are z_t, u_t = relu(p_t) and v_t = relu(-p_t) for t = 0 ... k-1, with the equations

    z_{t+1} - A z_t - W1 u_t = h1        (z_k is z_0)
    u_t - v_t - W2 z_t = h2

and the inequalities z_{0,0} >= z_{t,0}: of the rotations of a cycle take one whose first point has
the largest first coordinate. At a node where a bit is on, v = 0; where it is off, u = 0. An
infeasible leaf has multipliers with which the equations and inequalities add up to

    c . (z, u, v) >= d    although    c . (z, u, v) < d    for all z, u, v in their bounds.

Without a box let R be the sum of |p_{t,i}| = u + v over all relevant units. One tree is for
R <= radius; the other is for R >= radius in the variables (z, u, v, 1) / R, of which the last is
called tau. There h1 and h2 stand with a factor tau, 0 <= tau <= 1 / radius, and the u and v of
relevant units add up to 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Box, Word
from rnndyn.verify._tree import DECIDED, INFEASIBLE, Decisions, Tree
from rnndyn.verify._verdict import Counts, RefusedError

#: More unknowns than any search could branch on.
_MAX_UNKNOWNS = 10_000_000

Vector = dict[int, Fraction]


@dataclass(frozen=True)
class Domain:
    """Where a tree looks for cycles: in a box, or up to a radius and beyond it."""

    box: Box | None
    radius: Fraction | None
    at_infinity: bool
    #: Time of the largest coordinate, in trees of words beyond the radius.
    pivot: int = 0


@dataclass
class _Combination:
    """Multipliers of the equations, and what they add up to but for a common factor."""

    mu: list[list[int]]  # of z_{t+1} - A z_t - W1 u_t = h1
    y: list[list[int]]  # of u_t - v_t - W2 z_t = h2
    omega: list[int]  # of z_{0,0} - z_{t,0} >= 0


def check_dictionary_tree(
    tree: Tree, order: int, domain: Domain, map_: ExactMap, listing: Listing, counts: Counts
) -> None:
    """Refuse unless the tree proves that every cycle of the order in the domain is listed."""
    if order * (map_.n_states + map_.n_units) > _MAX_UNKNOWNS:
        raise RefusedError(f"order {order} has too many unknowns for a proof of this kind")
    checker = _Checker(map_, order, domain)
    relevant = set(map_.relevant)
    for number, entry, decisions in tree.walk():
        counts.n_nodes += 1
        if entry >= 0:
            time, unit = divmod(entry, map_.n_units)
            if time >= order or unit not in relevant or entry in decisions:
                raise RefusedError(
                    f"node {number} branches on bit {entry}, which is not open there"
                )
        elif entry == INFEASIBLE:
            counts.n_contradictions += 1
            if not checker.contradicts(tree.next_multipliers(), decisions):
                raise RefusedError(f"node {number}: its multipliers give no contradiction")
        elif entry == DECIDED:
            if len(decisions) != order * len(relevant):
                raise RefusedError(f"node {number} has undecided bits but is taken for a leaf")
            try:
                listing.settle(_word(decisions, order, map_.n_units))
            except RefusedError as refusal:
                raise RefusedError(f"node {number}: {refusal}") from None
        else:
            raise RefusedError(f"node {number} leaves out rotations, which this method must not do")
    tree.check_end()


def _word(decisions: Decisions, order: int, n_units: int) -> Word:
    word = [0] * order
    for bit, on in decisions.items():
        if on:
            time, unit = divmod(bit, n_units)
            word[time] |= 1 << unit
    return tuple(word)


class _Checker:
    def __init__(self, map_: ExactMap, order: int, domain: Domain) -> None:
        self.map, self.order, self.domain = map_, order, domain
        self.relevant = set(map_.relevant)
        if domain.box is not None:
            lower, upper, scale = domain.box
            self.scale = scale
            self.bounds = list(zip(lower, upper, strict=True))
            # Largest relu(p) and relu(-p) of every unit over the box, times one * scale.
            self.largest_u, self.largest_v = [], []
            for weights, bias in zip(map_.W2, map_.h2, strict=True):
                ends = [(w * a, w * b) for w, (a, b) in zip(weights, self.bounds, strict=True)]
                self.largest_u.append(max(0, bias * scale + sum(map(max, ends))))
                self.largest_v.append(max(0, -(bias * scale + sum(map(min, ends)))))
        else:
            # Which multipliers to correct first; the second way is needed where W2 has low rank.
            self.corrections = (
                _Correction(map_, order, equations_first=False),
                _Correction(map_, order, equations_first=True),
            )

    def contradicts(self, multipliers: list[tuple[int, int]], decisions: Decisions) -> bool:
        combination = self._combination(multipliers)
        if self.domain.box is not None:
            return self._contradicts_in_box(combination, decisions)
        # Nothing bounds z, so its coefficients must vanish. Multipliers that were rounded give
        # coefficients that are only nearly zero; those of equations may be corrected at will.
        for correction in self.corrections:
            corrected = correction.apply(combination, self._z_coefficients(combination))
            if corrected is not None and self._contradicts_without_box(corrected, decisions):
                return True
        return False

    def _combination(self, multipliers: list[tuple[int, int]]) -> _Combination:
        k, m, h = self.order, self.map.n_states, self.map.n_units
        combination = _Combination(
            [[0] * m for _ in range(k)], [[0] * h for _ in range(k)], [0] * k
        )
        for row, value in multipliers:
            if 0 <= row < k * m:
                combination.mu[row // m][row % m] += value
            elif k * m <= row < k * (m + h):
                time, unit = divmod(row - k * m, h)
                # Without a box nothing bounds the u and v of a unit that is not relevant: do
                # without its equation.
                if self.domain.box is not None or unit in self.relevant:
                    combination.y[time][unit] += value
            elif 0 < row - k * (m + h) < k:
                if value < 0:
                    raise RefusedError("the multiplier of an inequality is negative")
                combination.omega[row - k * (m + h)] += value
            elif not (self.domain.at_infinity and row == k * (m + h) + k):
                # That last row says that u and v add up to 1. It is used without a multiplier.
                raise RefusedError(f"a multiplier belongs to row {row}, which does not exist")
        return combination

    def _z_coefficients(self, combination: _Combination) -> list[list[int]]:
        """Coefficients of z_t, times `one`."""
        map_ = self.map
        rows = []
        for t in range(self.order):
            row = [map_.one * value for value in combination.mu[t - 1]]
            for mu, weights in zip(combination.mu[t], map_.A, strict=True):
                if mu:
                    row = [x - mu * w for x, w in zip(row, weights, strict=True)]
            for y, weights in zip(combination.y[t], map_.W2, strict=True):
                if y:
                    row = [x - y * w for x, w in zip(row, weights, strict=True)]
            row[0] += map_.one * (sum(combination.omega) if t == 0 else -combination.omega[t])
            rows.append(row)
        return rows

    def _unit_coefficients(
        self, combination: _Combination, decisions: Decisions
    ) -> Iterator[tuple[int, int | None, int | None]]:
        """Yield unit and coefficients of u and v, times `one`; None where they are zero anyway."""
        map_ = self.map
        for t in range(self.order):
            for unit in range(map_.n_units):
                y = map_.one * combination.y[t][unit]
                of_u = y - sum(
                    row[unit] * mu for row, mu in zip(map_.W1, combination.mu[t], strict=True) if mu
                )
                on = decisions.get(t * map_.n_units + unit)
                off = on is False or map_.always_off[unit]
                yield unit, None if off else of_u, None if on else -y

    def _right_side(self, combination: _Combination) -> int:
        """d, times `one`."""
        pairs = ((combination.mu, self.map.h1), (combination.y, self.map.h2))
        return sum(
            sum(m * h for m, h in zip(row, biases, strict=True))
            for rows, biases in pairs
            for row in rows
        )

    def _contradicts_in_box(self, combination: _Combination, decisions: Decisions) -> bool:
        # All sums are times one * one * scale.
        one = self.map.one
        largest = sum(
            one * max(c * low, c * high)
            for row in self._z_coefficients(combination)
            for c, (low, high) in zip(row, self.bounds, strict=True)
        )
        for unit, of_u, of_v in self._unit_coefficients(combination, decisions):
            largest += max(0, of_u or 0) * self.largest_u[unit]
            largest += max(0, of_v or 0) * self.largest_v[unit]
        return largest < self._right_side(combination) * one * self.scale

    def _contradicts_without_box(self, combination: _Combination, decisions: Decisions) -> bool:
        radius = self.domain.radius
        assert radius is not None
        of_relevant: list[int] = []
        for unit, of_u, of_v in self._unit_coefficients(combination, decisions):
            # The others have neither a part in the equations used nor in the map.
            if unit in self.relevant:
                of_relevant.extend(c for c in (of_u, of_v) if c is not None)
        right = self._right_side(combination)
        if self.domain.at_infinity:
            # Nonnegative numbers that add up to 1: the largest coefficient is the largest value.
            if not of_relevant:
                return True
            return bool(max(of_relevant) * radius + max(0, -right) < 0)
        return bool(max([0, *of_relevant]) * radius < right)


class _Correction:
    """Changes multipliers of equations so that the coefficients of z vanish exactly.

    The columns of coefficients of z, one for each multiplier, are brought into echelon form; the
    multipliers that come first carry the correction.
    """

    def __init__(self, map_: ExactMap, order: int, equations_first: bool) -> None:
        self.map, self.order = map_, order
        self.equations_first = equations_first
        # By pivot: a vector with that pivot, and the multipliers that produce it.
        self._echelon: dict[int, tuple[Vector, Vector]] | None = None

    def apply(
        self, combination: _Combination, coefficients: list[list[int]]
    ) -> _Combination | None:
        """Return the corrected multipliers, or None where no correction is possible."""
        m = self.map.n_states
        rest = {
            t * m + state: Fraction(value)
            for t, row in enumerate(coefficients)
            for state, value in enumerate(row)
            if value
        }
        if not rest:
            return combination
        if self._echelon is None:
            self._echelon = self._build()
        change: Vector = {}
        if not self._reduce(rest, change, self._echelon):
            return None
        factor = lcm(*(value.denominator for value in change.values()))
        corrected = _Combination(
            [[factor * value for value in row] for row in combination.mu],
            [[factor * value for value in row] for row in combination.y],
            [factor * value for value in combination.omega],
        )
        for column, value in change.items():
            n = self.order * m
            rows, width = (corrected.mu, m) if column < n else (corrected.y, self.map.n_units)
            t, index = divmod(column if column < n else column - n, width)
            rows[t][index] += int(factor * value)
        return corrected

    def _build(self) -> dict[int, tuple[Vector, Vector]]:
        map_, k = self.map, self.order
        m, h = map_.n_states, map_.n_units
        of_mu, of_y = [], []
        for t in range(k):
            for state in range(m):
                vector = {t * m + j: Fraction(-a) for j, a in enumerate(map_.A[state]) if a}
                place = (t + 1) % k * m + state
                vector[place] = vector.get(place, Fraction(0)) + map_.one
                of_mu.append((t * m + state, vector))
            for unit in map_.relevant:
                vector = {t * m + j: Fraction(-w) for j, w in enumerate(map_.W2[unit]) if w}
                of_y.append((k * m + t * h + unit, vector))
        echelon: dict[int, tuple[Vector, Vector]] = {}
        for column, vector in (*of_mu, *of_y) if self.equations_first else (*of_y, *of_mu):
            if len(echelon) == k * m:
                break
            vector = {place: value for place, value in vector.items() if value}
            combination = {column: Fraction(1)}
            self._reduce(vector, combination, echelon)
            if vector:
                echelon[min(vector)] = (vector, combination)
        return echelon

    @staticmethod
    def _reduce(vector: Vector, change: Vector, echelon: dict[int, tuple[Vector, Vector]]) -> bool:
        """Add multiples of the echelon's vectors until `vector` has none of their pivots.

        The vectors have no entry left of their pivots, so one pass in order does it. Returns
        whether nothing is left.
        """
        pivots = sorted(echelon)
        for pivot in pivots:
            value = vector.get(pivot)
            if not value:
                continue
            other, combination = echelon[pivot]
            factor = -value / other[pivot]
            for target, source in ((vector, other), (change, combination)):
                for place, entry in source.items():
                    total = target.get(place, 0) + factor * entry
                    if total:
                        target[place] = total
                    else:
                        target.pop(place, None)
        return not vector
