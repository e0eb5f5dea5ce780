"""Trees of boxes: branch and bound over the first state of a cycle, for all orders at once.

A node of the tree is a box of z_0, the root the box of the certificate. A node that branches names
a coordinate; the middle of its range, as a float64, cuts the box in two, the lower part first.
Of the rotations of a cycle take one whose first point has the largest first coordinate.

For a box c + x, |x_j| <= w_j, the states that its orbits can have reached are enclosed by

    z_t = m + L x + e,    |e_j| <= r_j,

step by step. The pre-activation p of a unit then lies in some range [l, h]; the unit is on if
l >= 0, off if h <= 0, and *undecided* else. For an undecided one any s in [0, 1] will do:

    relu(p) = s p + d,    0 <= d <= max(-s l, (1 - s) h).

The cycles of order k that begin in a box are excluded if, for all x and e,

- z_t lies outside the box of the certificate, for some t <= k; or
- z_{t,0} > z_{0,0} for some t < k, so that another rotation is meant; or
- direction . (z_k - z_0) > 0 with the direction that the certificate gives for this order.

Fixed points in all of R^M come as a forest of such trees. In units of the radius R, they are,
together with t = 1, fixed points of

    G(x, t) = (A x + W1 relu(W2 x + h2 t / R) + h1 t / R, t),

and so is every multiple s (x, t), s > 0, in the same regions. One of them has t = 1 and all
|x_j| <= 1, or some x_i = 1 or -1, all |x_j| <= 1 and 0 <= t <= 1: the roots of the trees, in the
order t = 1, x_1 = -1, x_1 = 1, x_2 = -1, ... Above, G takes the place of F, and a root that of the
box of the certificate.

Everything here is computed with integers: states in units of 2^-`fine`, entries of L in units of
2^-`_L_BITS`. What does not fit is rounded outwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from rnndyn.verify._exact_map import Arrays, ExactMap, Rows, common_shift, scaled
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Box
from rnndyn.verify._tree import DECIDED, INFEASIBLE, Tree
from rnndyn.verify._verdict import Counts, RefusedError

#: Bits behind the point: of the entries of L, and of the slopes of undecided units.
_L_BITS = 112
_SLOPE_BITS = 40
#: Bits of states, from the leading one of the largest bound of the box.
_STATE_BITS = 144
#: A leaf with more undecided units than these has too many itineraries.
_MOST_UNDECIDED = 16
#: States that may be larger than the box by this power of two are not known at all.
_HOPELESS_BITS = 64
#: Enclosures of an orbit that are kept to see whether it repeats.
_LONGEST_PERIOD = 1024


def check_box_tree(
    tree: Tree,
    orders: list[int],
    proved: set[int],
    box: Box,
    bounds: tuple[list[float], list[float]],
    map_: ExactMap,
    listing: Listing,
    counts: Counts,
) -> None:
    """Refuse unless the tree proves that every cycle in the box is listed.

    `orders` are those that the tree was made for, ascending, `proved` the ones to check; `bounds`
    are those of the box.
    """
    checker = _Checker(map_, orders, set(orders) & proved, box, listing)
    _check_tree(tree, checker, bounds, counts)
    tree.check_end()


def check_homogeneous_trees(
    tree: Tree, radius: Fraction, map_: ExactMap, listing: Listing, counts: Counts
) -> None:
    """Refuse unless the trees prove that every fixed point is listed."""
    homogeneous = _Homogeneous(map_, radius)
    n = map_.n_states
    cube = ([-1.0] * n + [1.0], [1.0] * (n + 1))
    faces = [cube]
    for axis in range(n):
        for side in (-1.0, 1.0):
            lower, upper = [-1.0] * n + [0.0], [1.0] * (n + 1)
            lower[axis] = upper[axis] = side
            faces.append((lower, upper))
    for lower, upper in faces:
        box = ([int(value) for value in lower], [int(value) for value in upper], 1)
        checker = _Checker(homogeneous, [1], {1}, box, listing)
        _check_tree(tree, checker, (lower, upper), counts)
    tree.check_end()


def _check_tree(
    tree: Tree, checker: "_Checker", bounds: tuple[list[float], list[float]], counts: Counts
) -> None:
    waiting = [bounds]
    while waiting:
        number, entry = tree.next_node()
        lower, upper = waiting.pop()
        counts.n_nodes += 1
        try:
            if entry >= 0:
                waiting.extend(reversed(_halves(lower, upper, entry)))
            elif entry == INFEASIBLE:
                counts.n_contradictions += 1
                checker.check_empty(lower, upper, tree.next_multipliers())
            elif entry == DECIDED:
                checker.check_itineraries(lower, upper)
            else:
                raise RefusedError("it leaves out rotations, which this method must not do")
        except RefusedError as refusal:
            raise RefusedError(f"node {number}: {refusal}") from None


def _halves(
    lower: list[float], upper: list[float], coordinate: int
) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    if coordinate >= len(lower):
        raise RefusedError(f"it cuts coordinate {coordinate}, which does not exist")
    middle = 0.5 * lower[coordinate] + 0.5 * upper[coordinate]
    if not lower[coordinate] <= middle <= upper[coordinate]:
        raise RefusedError("it cuts a box that cannot be cut")
    below, above = list(upper), list(lower)
    below[coordinate] = above[coordinate] = middle
    return (lower, below), (above, upper)


class _Homogeneous:
    """The map G of fixed points in R^M."""

    def __init__(self, map_: ExactMap, radius: Fraction) -> None:
        numerator, denominator = radius.as_integer_ratio()
        if numerator & (numerator - 1) or denominator & (denominator - 1):
            raise RefusedError("its radius is no power of two")
        # h / R in units of 2^-shift.
        more = numerator.bit_length() - 1
        less = denominator.bit_length() - 1
        n = map_.n_states + 1
        self.n_states, self.n_units = n, map_.n_units
        self.shift = map_.shift + more
        self.relevant = map_.relevant
        self.A = [
            [*(value << more for value in row), h << less]
            for row, h in zip(map_.A, map_.h1, strict=True)
        ]
        self.A.append([0] * (n - 1) + [1 << self.shift])
        self.W1 = [[value << more for value in row] for row in map_.W1]
        self.W1.append([0] * map_.n_units)
        self.W2 = [
            [*(value << more for value in row), h << less]
            for row, h in zip(map_.W2, map_.h2, strict=True)
        ]
        self.h1, self.h2 = [0] * n, [0] * map_.n_units


@dataclass
class _Enclosure:
    """The states at a time t; all numbers are integers, see the head of this file."""

    center: list[int]
    width: list[int]
    middle: list[int]
    slopes: Rows
    rest: list[int]
    #: Of all times so far; one list that all enclosures of an orbit share.
    regions: list[int] = field(default_factory=list)
    undecided: list[tuple[int, int]] = field(default_factory=list)  # (time, unit)

    def repeats(self, other: "_Enclosure") -> bool:
        """Whether the states after these are those after the other ones."""
        return (self.middle, self.rest, self.slopes) == (other.middle, other.rest, other.slopes)


class _Checker:
    def __init__(
        self, map_: Arrays, orders: list[int], asked: set[int], box: Box, listing: Listing
    ) -> None:
        self.map, self.orders, self.asked, self.listing = map_, orders, asked, listing
        lower, upper, scale = box
        largest = max(map(abs, (*lower, *upper)))
        exponent = largest.bit_length() - scale.bit_length()
        self.fine = max(_STATE_BITS - exponent, 0)
        self.lower = [_floor(value << self.fine, scale) for value in lower]
        self.upper = [-_floor(-value << self.fine, scale) for value in upper]
        #: By unit: its row of W2, h2, and its column of W1.
        self.units = [
            (unit, map_.W2[unit], map_.h2[unit], [row[unit] for row in map_.W1])
            for unit in map_.relevant
        ]

    def check_empty(
        self, lower: list[float], upper: list[float], multipliers: list[tuple[int, int]]
    ) -> None:
        """Refuse unless no cycle of the orders to check begins in this box."""
        n = self.map.n_states
        directions: dict[int, list[int]] = {}
        for row, value in multipliers:
            place, coordinate = divmod(row, n)
            if not 0 <= place < len(self.orders):
                raise RefusedError(f"a multiplier belongs to row {row}, which does not exist")
            directions.setdefault(self.orders[place], [0] * n)[coordinate] += value
        for order, enclosure in self._open_orders(lower, upper):
            direction = directions.get(order)
            if direction is None or not self._separates(enclosure, direction):
                raise RefusedError(f"a cycle of order {order} may begin in its box")

    def check_itineraries(self, lower: list[float], upper: list[float]) -> None:
        """Refuse unless all cycles that begin in this box are listed."""
        n = self.map.n_states
        axes = [[sign * (i == j) for j in range(n)] for i in range(n) for sign in (1, -1)]
        for order, enclosure in self._open_orders(lower, upper):
            if any(self._separates(enclosure, axis) for axis in axes):
                continue
            free = [(time, unit) for time, unit in enclosure.undecided if time < order]
            if len(free) > _MOST_UNDECIDED:
                raise RefusedError(f"{len(free)} units are undecided in its box")
            for bits in product((False, True), repeat=len(free)):
                word = enclosure.regions[:order]
                for (time, unit), on in zip(free, bits, strict=True):
                    word[time] |= on << unit
                self.listing.settle(tuple(word))

    def _open_orders(
        self, lower: list[float], upper: list[float]
    ) -> Iterator[tuple[int, _Enclosure]]:
        """Yield the orders to check, with z_order, until a reason excludes all later ones.

        States that repeat are not followed further: an order may be large in a file of any size.
        """
        z = self._start(lower, upper)
        first = [int(j == 0) for j in range(self.map.n_states)]
        # Since a while ago, each compared with the first of them.
        begin, since = 0, [z]
        last = max(self.asked)
        for order in range(1, last + 1):
            z = self._step(z)
            if self._is_outside(z):
                return
            if self._is_hopeless(z):
                raise RefusedError(f"what is known of the states is too wide at order {order}")
            if order in self.asked:
                yield order, z
            if self._separates(z, first):
                return
            if z.repeats(since[0]):
                yield from self._later_orders(begin, since, order)
                return
            since.append(z)
            if order & (order - 1) == 0 or len(since) > _LONGEST_PERIOD:
                begin, since = order, [z]

    def _later_orders(
        self, begin: int, since: list[_Enclosure], now: int
    ) -> Iterator[tuple[int, _Enclosure]]:
        """Yield the orders beyond one from which on the enclosures repeat those `since` a time."""
        regions = since[0].regions[begin:now]
        undecided = [(time - begin, unit) for time, unit in since[0].undecided if time >= begin]
        period, done = now - begin, now
        for order in sorted(order for order in self.asked if order > now):
            z = since[(order - begin) % period]
            while done < order:
                z.regions.extend(regions)
                z.undecided.extend((done + time, unit) for time, unit in undecided)
                done += period
            yield order, z

    def _is_hopeless(self, z: _Enclosure) -> bool:
        """Whether every state may be far outside the box on both sides: nothing comes of that.

        A search in double precision knows nothing of such states any more.
        """
        for middle, row, rest, low, high in zip(
            z.middle, z.slopes, z.rest, self.lower, self.upper, strict=True
        ):
            far = max(abs(low), abs(high), 1) << _HOPELESS_BITS
            spread = sum(abs(x) * w for x, w in zip(row, z.width, strict=True))
            reach = _ceil_shift(spread, _L_BITS) + rest
            if reach - abs(middle) < far:
                return False
        return True

    def _start(self, lower: list[float], upper: list[float]) -> _Enclosure:
        shift = common_shift((*lower, *upper))
        center, width = [], []
        for low, high in zip(lower, upper, strict=True):
            a, b = (scaled(value, shift) << self.fine for value in (low, high))
            middle = (a + b) >> (shift + 1)
            center.append(middle)
            exact = middle << shift
            width.append(_ceil_shift(max(b - exact, exact - a), shift))
        n = self.map.n_states
        slopes = [[int(i == j) << _L_BITS for j in range(n)] for i in range(n)]
        return _Enclosure(center, width, list(center), slopes, [0] * n)

    def _step(self, z: _Enclosure) -> _Enclosure:
        map_, n = self.map, self.map.n_states
        q, fine = map_.shift, self.fine
        states = range(n)
        region = 0
        time, undecided = len(z.regions), z.undecided
        # slope: in units of 2^-(2 q + _SLOPE_BITS). The constants are times 2^fine, and twice.
        unit_bits = q + _SLOPE_BITS
        slope = [[value << unit_bits for value in row] for row in map_.A]
        constant = [value << (unit_bits + fine + 1) for value in map_.h1]
        extra = [0] * n
        columns = list(zip(*z.slopes, strict=True))
        one = 1 << _SLOPE_BITS
        for unit, weights, bias, out in self.units:
            # In units of 2^-(q + fine).
            middle = (bias << fine) + sum(w * m for w, m in zip(weights, z.middle, strict=True))
            spread = sum(abs(w) * r for w, r in zip(weights, z.rest, strict=True))
            along = 0
            for column, width in zip(columns, z.width, strict=True):
                along += width * abs(sum(w * x for w, x in zip(weights, column, strict=True)))
            spread += _ceil_shift(along, _L_BITS)
            low, high = middle - spread, middle + spread
            if high <= 0:
                continue
            share, lift = one, 0
            if low >= 0:
                region |= 1 << unit
            else:
                undecided.append((time, unit))
                share = (high << _SLOPE_BITS) // (high - low)
                # Twice what relu(p) - s p is in the middle of its range.
                lift = max(-share * low, (one - share) * high)
            height = ((share * bias) << (fine + 1)) + lift
            for i in states:
                if v := out[i]:
                    constant[i] += v * height
                    extra[i] += abs(v) * lift
                    factor, row = v * share, slope[i]
                    for j in states:
                        row[j] += factor * weights[j]
        down = 2 * q + _SLOPE_BITS
        middles, slopes, rests = [], [], []
        unit_of_l = sum(z.width)
        for i in states:
            row = slope[i]
            total = constant[i] + 2 * sum(f * m for f, m in zip(row, z.middle, strict=True))
            middles.append(total >> (down + 1))
            slopes.append(
                [sum(f * x for f, x in zip(row, c, strict=True)) >> down for c in columns]
            )
            wide = extra[i] + 2 * sum(abs(f) * r for f, r in zip(row, z.rest, strict=True))
            # What was cut off the middle and off the slopes.
            rests.append(_ceil_shift(wide, down + 1) + 1 + _ceil_shift(unit_of_l, _L_BITS))
        z.regions.append(region)
        return _Enclosure(z.center, z.width, middles, slopes, rests, z.regions, undecided)

    def _is_outside(self, z: _Enclosure) -> bool:
        for middle, row, rest, low, high in zip(
            z.middle, z.slopes, z.rest, self.lower, self.upper, strict=True
        ):
            spread = sum(abs(x) * w for x, w in zip(row, z.width, strict=True))
            reach = _ceil_shift(spread, _L_BITS) + rest
            if middle - reach > high or middle + reach < low:
                return True
        return False

    def _separates(self, z: _Enclosure, direction: list[int]) -> bool:
        """Whether direction . (z_t - z_0) is positive for all states."""
        value, spread = 0, 0
        for d, middle, center, rest in zip(direction, z.middle, z.center, z.rest, strict=True):
            value += d * (middle - center)
            spread += abs(d) * rest
        wide = 0
        for j, width in enumerate(z.width):
            along = sum(d * row[j] for d, row in zip(direction, z.slopes, strict=True))
            wide += abs(along - (direction[j] << _L_BITS)) * width
        return value > spread + _ceil_shift(wide, _L_BITS)


def _ceil_shift(value: int, shift: int) -> int:
    return -((-value) >> shift)


def _floor(value: int, scale: int) -> int:
    return value // scale
