"""Trees of the dictionary method: branch and bound over the bits of one order.

The unknowns are z_t, u_t = relu(p_t) and v_t = relu(-p_t) for t = 0 ... k-1, with the equations

    z_{t+1} - A z_t - W1 u_t = h1        (z_k is z_0)
    u_t - v_t - W2 z_t = h2

and the inequalities z_{0,0} >= z_{t,0}: of the rotations of a cycle take one whose first point has
the largest first coordinate. At a node where a bit is on, v = 0; where it is off, u = 0. An
infeasible leaf has multipliers with which the equations and inequalities add up to

    c . (z, u, v) >= d    although    c . (z, u, v) < d    for all z, u, v in their bounds.

In a box (also the box |z_j| <= radius) z, and so u and v, are bounded. Beyond a radius the
variables are (z, u, v, 1) / R, the last of which is called tau: h1 and h2 stand with a factor tau.
There are two kinds of size R to cut by.

*Sums*: R is the sum of |p_{t,i}| = u + v over all relevant units. One tree is for R <= radius,
where nothing else bounds z; the other is for R >= radius, where the relevant u and v add up to 1
and 0 <= tau <= 1 / radius.

*Faces*: R is the largest |z_{t,j}|. One tree is for the box R <= radius. The others are for
radius <= R <= outer (or all R >= radius, if outer is 0), where all |z_{t,j}| <= 1 and
1 / outer <= tau <= 1 / radius. There the rotation meant is one whose largest coordinate is in the
first point, instead of the inequalities above: the 2 M trees have z_{0,0} = 1, z_{0,0} = -1,
z_{0,1} = 1, and so on.
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
    """Where a tree looks for cycles: in a box, or up to a radius and beyond it.

    A box bounds z. Without one, the domain is up to the radius or, `at_infinity`, beyond it.
    """

    box: Box | None
    radius: Fraction
    at_infinity: bool
    #: In dictionaries: whether there is one tree per face of the cube beyond the radius.
    by_faces: bool = False
    outer: Fraction = Fraction(0)
    #: In trees of words beyond the radius: time of the largest coordinate.
    pivot: int = 0


#: A state and a sign: the largest coordinate.
Face = tuple[int, int]


def all_faces(n_states: int) -> list[Face]:
    """Return the faces of the cube in the order of their trees."""
    return [(state, sign) for state in range(n_states) for sign in (1, -1)]


@dataclass
class _Combination:
    """Multipliers of the equations, and what they add up to but for a common factor."""

    mu: list[list[int]]  # of z_{t+1} - A z_t - W1 u_t = h1
    y: list[list[int]]  # of u_t - v_t - W2 z_t = h2
    omega: list[int]  # of z_{0,0} - z_{t,0} >= 0


def check_dictionary_trees(
    tree: Tree, order: int, domain: Domain, map_: ExactMap, listing: Listing, counts: Counts
) -> None:
    """Refuse unless the trees prove that every cycle of the order in the domain is listed."""
    if order * (map_.n_states + map_.n_units) > _MAX_UNKNOWNS:
        raise RefusedError(f"order {order} has too many unknowns for a proof of this kind")
    cube = domain.by_faces and domain.at_infinity
    faces: list[Face | None] = [*all_faces(map_.n_states)] if cube else [None]
    for face in faces:
        _check_tree(tree, order, _Checker(map_, order, domain, face), listing, counts)
    tree.check_end()


def _check_tree(
    tree: Tree, order: int, checker: "_Checker", listing: Listing, counts: Counts
) -> None:
    map_ = checker.map
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
                listing.settle(word_of(decisions, order, map_.n_units))
            except RefusedError as refusal:
                raise RefusedError(f"node {number}: {refusal}") from None
        else:
            raise RefusedError(f"node {number} leaves out rotations, which this method must not do")


def word_of(decisions: Decisions, order: int, n_units: int) -> Word:
    """Return the itinerary of decided bits."""
    word = [0] * order
    for bit, on in decisions.items():
        if on:
            time, unit = divmod(bit, n_units)
            word[time] |= 1 << unit
    return tuple(word)


class _Checker:
    def __init__(self, map_: ExactMap, order: int, domain: Domain, face: Face | None) -> None:
        self.map, self.order, self.domain, self.face = map_, order, domain, face
        self.relevant = set(map_.relevant)
        self.columns = list(zip(*map_.W1, strict=True))  # of W1, by unit
        #: Whether z is bounded.
        self.bounded = face is not None or domain.box is not None
        if self.bounded:
            self._bound()
        else:
            # Which multipliers to correct first; the second way is needed where W2 has low rank.
            self.corrections = (
                _Correction(map_, order, equations_first=False),
                _Correction(map_, order, equations_first=True),
            )

    def _bound(self) -> None:
        """Set the bounds of z and tau, times `scale`, and of u and v, times `one` and `scale`."""
        map_, domain = self.map, self.domain
        if self.face is not None:
            smallest = 1 / domain.outer if domain.outer else Fraction(0)
            largest = 1 / domain.radius
            self.scale = lcm(smallest.denominator, largest.denominator)
            self.tau = (int(smallest * self.scale), int(largest * self.scale))
            self.bounds = [(-self.scale, self.scale)] * map_.n_states
        else:
            assert domain.box is not None
            lower, upper, self.scale = domain.box
            self.tau = (self.scale, self.scale)
            self.bounds = list(zip(lower, upper, strict=True))
        self.largest_u, self.largest_v = [], []
        for weights, bias in zip(map_.W2, map_.h2, strict=True):
            ends = [(w * a, w * b) for w, (a, b) in zip(weights, self.bounds, strict=True)]
            ends.append((bias * self.tau[0], bias * self.tau[1]))
            self.largest_u.append(max(0, sum(map(max, ends))))
            self.largest_v.append(max(0, -sum(map(min, ends))))

    def contradicts(self, multipliers: list[tuple[int, int]], decisions: Decisions) -> bool:
        combination = self._combination(multipliers)
        if self.bounded:
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
                if self.bounded or unit in self.relevant:
                    combination.y[time][unit] += value
            elif 0 < row - k * (m + h) < k and self.face is None:
                if value < 0:
                    raise RefusedError("the multiplier of an inequality is negative")
                combination.omega[row - k * (m + h)] += value
            elif self.bounded or not self.domain.at_infinity or row != k * (m + h) + k:
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
            mu = combination.mu[t]
            first = t * map_.n_units
            for unit, column in enumerate(self.columns):
                y = map_.one * combination.y[t][unit]
                on = decisions.get(first + unit)
                of_u = None
                if on is not False and not map_.always_off[unit]:
                    of_u = y - sum(w * m for w, m in zip(column, mu, strict=True) if m)
                yield unit, of_u, None if on else -y

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
        largest = 0
        for t, row in enumerate(self._z_coefficients(combination)):
            for state, (c, (low, high)) in enumerate(zip(row, self.bounds, strict=True)):
                if t == 0 and self.face is not None and state == self.face[0]:
                    low = high = self.face[1] * self.scale
                largest += one * max(c * low, c * high)
        for unit, of_u, of_v in self._unit_coefficients(combination, decisions):
            largest += max(0, of_u or 0) * self.largest_u[unit]
            largest += max(0, of_v or 0) * self.largest_v[unit]
        right = self._right_side(combination)
        return largest + one * max(-right * tau for tau in self.tau) < 0

    def _contradicts_without_box(self, combination: _Combination, decisions: Decisions) -> bool:
        radius = self.domain.radius
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
