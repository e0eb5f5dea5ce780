"""Trees of the dictionary method in activities alone: branch and bound over the bits of one order.

With g_t = W1 u_t + h1 tau the states of a cycle of order k are z_{t+1} = A z_t + g_t. For any
matrices Y_1 ... Y_k, summation by parts around the cycle gives

    p_t - h2 tau - sum_j Y_j g_{t-j}
        = (W2 - Y_1 + Y_k A) z_t - sum_{j < k} (Y_{j+1} - Y_j A) z_{t-j}.

The checker chooses Y_j near W2 A^{j-1} (1 - A^k)^-1, so that the right side is small. It is
bounded exactly, with a bound of |z| from the same identity for matrices X_j and 1 in place of W2:
|z| <= |g| sum_j |X_j| / (1 - d), where d < 1 is the largest row sum of what is left there.

The size of a cycle is its largest activity u_{t,i} = relu(p_{t,i}). One tree is for sizes up to the
radius: in units of the radius, u <= 1 and tau = 1. The others are for larger sizes, divided by the
size: u <= 1 and 0 <= tau <= 1 (in units of 1 / radius), one tree for each relevant unit i, in which
u_{0,i} = 1. The rotation meant is one whose largest activity comes first.

An infeasible leaf has a multiplier y of the equation u - v - p = 0 of each step and unit. The
combination is a contradiction if the largest value of sum y (u - v - p) over all u, v = relu(-p)
and tau in their bounds is below 0.
"""

from fractions import Fraction
from math import ceil

from rnndyn.verify._dictionary import word_of
from rnndyn.verify._exact_map import Arrays, ExactMap, Rows
from rnndyn.verify._listing import Listing
from rnndyn.verify._tree import DECIDED, INFEASIBLE, Decisions, Tree
from rnndyn.verify._verdict import Counts, RefusedError

#: Bits behind the point of X_j and Y_j; as many as those of the parameters where these have more.
_BITS = 192
_MAX_STEPS_OF_NEWTON = 8
#: More unknowns than any search could branch on.
_MAX_UNKNOWNS = 20_000


def check_unit_trees(
    tree: Tree,
    order: int,
    radius: Fraction,
    at_infinity: bool,
    map_: ExactMap,
    listing: Listing,
    counts: Counts,
) -> None:
    """Refuse unless the trees prove that every cycle of the order is listed."""
    if order * (map_.n_states + map_.n_units) > _MAX_UNKNOWNS:
        raise RefusedError(f"order {order} has too many unknowns for a proof of this kind")
    checker = UnitSystem(map_, order, radius, at_infinity)
    for face in map_.relevant if at_infinity else [None]:
        _check_tree(tree, checker, face, listing, counts)
    tree.check_end()


def _check_tree(
    tree: Tree, checker: "UnitSystem", face: int | None, listing: Listing, counts: Counts
) -> None:
    map_, order = checker.map, checker.order
    given: Decisions = {} if face is None else {face: True}
    relevant = set(map_.relevant)
    for number, entry, decisions in tree.walk():
        counts.n_nodes += 1
        decided = {**given, **decisions}
        if entry >= 0:
            time, unit = divmod(entry, map_.n_units)
            if time >= order or unit not in relevant or entry in decided:
                raise RefusedError(
                    f"node {number} branches on bit {entry}, which is not open there"
                )
        elif entry == INFEASIBLE:
            counts.n_contradictions += 1
            if not checker.contradicts(tree.next_multipliers(), decided, face):
                raise RefusedError(f"node {number}: its multipliers give no contradiction")
        elif entry == DECIDED:
            if len(decided) != order * len(relevant):
                raise RefusedError(f"node {number} has undecided bits but is taken for a leaf")
            try:
                listing.settle(word_of(decided, order, map_.n_units))
            except RefusedError as refusal:
                raise RefusedError(f"node {number}: {refusal}") from None
        else:
            raise RefusedError(f"node {number} leaves out rotations, which this method must not do")


class UnitSystem:
    """The system in activities; its numbers are integers in units of 2^-`shift`."""

    def __init__(
        self, map_: Arrays, order: int, radius: Fraction, at_infinity: bool, bits: int = _BITS
    ) -> None:
        self.map, self.order, self.radius, self.at_infinity = map_, order, radius, at_infinity
        self.place = {unit: place for place, unit in enumerate(map_.relevant)}
        n, q = map_.n_states, map_.shift
        bits = max(bits, q)
        self.shift = bits + q
        inverse = _inverse_of_cycle(map_, order, bits)
        identity = [[int(i == j) << bits for j in range(n)] for i in range(n)]
        w2 = [map_.W2[unit] for unit in map_.relevant]
        w1 = [[row[unit] for unit in map_.relevant] for row in map_.W1]
        x, left_of_x = self._powers(inverse, identity)
        first = [[value >> q for value in row] for row in _product(w2, inverse)]
        y, left_of_y = self._powers(first, [[value << (bits - q) for value in row] for row in w2])
        # Bounds of |g|, |z| and of what is left of each pre-activation, in units of the radius.
        one = 1 << q
        force = max(
            (Fraction(sum(map(abs, row)), one) + Fraction(abs(h), one) / radius)
            for row, h in zip(w1, map_.h1, strict=True)
        )
        reach = max(sum(abs(v) for m in x for v in m[i]) for i in range(n))
        d = Fraction(max(left_of_x), 1 << self.shift)
        if d >= Fraction(1, 2):
            raise RefusedError("nothing bounds its states: A^k has an eigenvalue near 1")
        largest = Fraction(reach, 1 << bits) * force / (1 - d)
        self.errors = [ceil(left * largest) for left in left_of_y]
        #: By distance j = 1 ... k and unit: the coefficients of p_t on u_{t-j}.
        self.coupling: list[Rows] = [[], *(_product(block, w1) for block in y)]
        #: Of tau, times the radius.
        self.constant = [
            (map_.h2[unit] << bits)
            + sum(a * h for block in y for a, h in zip(block[i], map_.h1, strict=True))
            for i, unit in enumerate(map_.relevant)
        ]
        self.largest_v = [
            (1 << self.shift)
            + sum(abs(value) for block in self.coupling[1:] for value in block[i])
            + ceil(abs(self.constant[i]) / radius)
            + self.errors[i]
            for i in range(len(map_.relevant))
        ]

    def _powers(self, first: Rows, target: Rows) -> tuple[list[Rows], list[int]]:
        """Return Y_1 ... Y_k, and by row the sum of the coefficients of states that are left."""
        q, a = self.map.shift, self.map.A
        blocks = [first]
        left = [0] * len(first)
        for _ in range(self.order - 1):
            exact = _product(blocks[-1], a)
            rounded = [[value >> q for value in row] for row in exact]
            for i, (row, whole) in enumerate(zip(rounded, exact, strict=True)):
                left[i] += sum(abs((v << q) - w) for v, w in zip(row, whole, strict=True))
            blocks.append(rounded)
        last = _product(blocks[-1], a)
        for i, (wanted, begun, end) in enumerate(zip(target, first, last, strict=True)):
            left[i] += sum(
                abs(((v - b) << q) + e) for v, b, e in zip(wanted, begun, end, strict=True)
            )
        return blocks, left

    def contradicts(
        self, multipliers: list[tuple[int, int]], decided: Decisions, face: int | None
    ) -> bool:
        map_, k = self.map, self.order
        n_states, n_units, r = map_.n_states, map_.n_units, len(map_.relevant)
        y = [[0] * r for _ in range(k)]
        for row, value in multipliers:
            time, unit = divmod(row - k * n_states, n_units)
            if not 0 <= time < k or unit not in self.place:
                raise RefusedError(f"a multiplier belongs to row {row}, which does not exist")
            y[time][self.place[unit]] += value
        total, of_tau = 0, 0
        for s in range(k):
            of_u = [value << self.shift for value in y[s]]
            for t in range(k):
                block = self.coupling[(t - s) % k or k]
                for value, weights in zip(y[t], block, strict=True):
                    if value:
                        of_u = [c - value * w for c, w in zip(of_u, weights, strict=True)]
            for i, unit in enumerate(map_.relevant):
                on = decided.get(s * n_units + unit)
                if on is not False:
                    total += of_u[i] if s == 0 and unit == face else max(0, of_u[i])
                if on is not True:
                    total += max(0, -y[s][i]) * self.largest_v[i]
                total += abs(y[s][i]) * self.errors[i]
                of_tau -= y[s][i] * self.constant[i]
        if self.at_infinity:
            of_tau = max(0, of_tau)
        return total * self.radius + of_tau < 0


def _product(left: Rows, right: Rows) -> Rows:
    columns = list(zip(*right, strict=True))
    return [[sum(a * b for a, b in zip(row, c, strict=True)) for c in columns] for row in left]


def _inverse_of_cycle(map_: Arrays, order: int, bits: int) -> Rows:
    """Return about (1 - A^k)^-1, in units of 2^-bits: Newton's method from a rounded inverse."""
    n, q = map_.n_states, map_.shift
    power = [[int(i == j) << bits for j in range(n)] for i in range(n)]
    for _ in range(order):
        power = [[value >> q for value in row] for row in _product(map_.A, power)]
    one = 1 << bits
    system = [
        [one * (i == j) - value for j, value in enumerate(row)] for i, row in enumerate(power)
    ]
    try:
        inverse = _rounded_inverse([[value / one for value in row] for row in system])
        x = [[int(Fraction(value) * one) for value in row] for row in inverse]
    except (OverflowError, ZeroDivisionError, ValueError):
        raise RefusedError("nothing bounds its states: 1 - A^k cannot be inverted") from None
    for _ in range(_MAX_STEPS_OF_NEWTON):
        product = _product(system, x)
        defect = [
            [(one * (i == j)) - (value >> bits) for j, value in enumerate(row)]
            for i, row in enumerate(product)
        ]
        if max(abs(value) for row in defect for value in row) < 1 << (bits // 4):
            break
        x = [
            [value + (change >> bits) for value, change in zip(row, changes, strict=True)]
            for row, changes in zip(x, _product(x, defect), strict=True)
        ]
    return x


def _rounded_inverse(matrix: list[list[float]]) -> list[list[float]]:
    n = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for c in range(n):
        pivot = max(range(c, n), key=lambda i: abs(rows[i][c]))
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [value / rows[c][c] for value in rows[c]]
        for i in range(n):
            if i != c and (factor := rows[i][c]):
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[c], strict=True)]
    return [row[n:] for row in rows]
