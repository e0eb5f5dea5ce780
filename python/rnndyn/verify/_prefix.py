"""Trees of words: branch and bound over the itinerary, step by step, for all orders at once.

The bits of step 0 come first, then those of step 1, and so on. Where all bits of the steps
0 ... n-1 are decided, the states z_1 ... z_n are affine functions of z_0: z_{t+1} = J_t z_t + c_t.
An infeasible leaf has multipliers >= 0 of inequalities that hold on its branch. Let s be the first
time that one of them is about. Then

    sum of multiplier * (left side of the inequality) < 0    for all z_s in the domain,

although every left side is >= 0. The inequalities at time t, by number:

    i              the sign that the branch gives to the pre-activation of unit i
    H + j          upper_j - z_{t,j} >= 0
    H + M + j      z_{t,j} - lower_j >= 0

A cycle is followed from its smallest rotation, round after round without end. So a branch ends
(entry "rotation") where the word has a suffix smaller than its beginning.

Without a box let R be the largest |z_{t,j}|. One tree is for R <= radius: a box. The others are for
R >= radius in the variables (z, 1) / R = (y, tau): c_t and h2 stand with a factor tau,
0 <= tau <= 1 / radius, and all |y_{t,j}| <= 1. There the rotation is the one in which the largest
coordinate comes at time q, the pivot, so that branches do not end early. The trees are for
y_{q,0} = 1, y_{q,0} = -1, y_{q,1} = 1, ..., which gives one more inequality, number H + 2 M, at
time q only: y_{q,0} - 1 >= 0 and so on. A cycle of an order n <= q is examined where the first
q + 1 regions are decided.
"""

from fractions import Fraction

from rnndyn.verify._dictionary import Domain, Face, all_faces
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Word, canonical
from rnndyn.verify._tree import DECIDED, INFEASIBLE, ROTATION, Decisions, Tree
from rnndyn.verify._verdict import Counts, RefusedError


def check_word_trees(
    tree: Tree,
    orders: set[int],
    proved: set[int],
    domain: Domain,
    map_: ExactMap,
    listing: Listing,
    counts: Counts,
) -> None:
    """Refuse unless the trees prove that every cycle in the domain is listed.

    `orders` are those that the trees were made for, `proved` the ones to check.
    """
    checker = _Checker(map_, max(orders), orders & proved, domain, listing)
    faces: list[Face | None] = [*all_faces(map_.n_states)] if domain.at_infinity else [None]
    for face in faces:
        for number, entry, decisions in tree.walk():
            counts.n_nodes += 1
            try:
                if entry == INFEASIBLE:
                    counts.n_contradictions += 1
                    checker.check_contradiction(tree.next_multipliers(), decisions, face)
                else:
                    checker.check(entry, decisions)
            except RefusedError as refusal:
                raise RefusedError(f"node {number}: {refusal}") from None
    tree.check_end()


class _Checker:
    def __init__(
        self, map_: ExactMap, longest: int, orders: set[int], domain: Domain, listing: Listing
    ) -> None:
        self.map, self.orders, self.listing = map_, orders, listing
        self.at_infinity, self.pivot = domain.at_infinity, domain.pivot
        self.longest = max(longest, domain.pivot + 1) if domain.at_infinity else longest
        self.relevant = set(map_.relevant)
        if domain.box is not None:
            lower, upper, self.scale = domain.box
            self.bounds = list(zip(lower, upper, strict=True))
            self.radius = Fraction(1)
        else:
            self.radius = domain.radius
            # Of every state, times self.scale.
            largest = 1 if domain.at_infinity else self.radius.numerator
            self.scale = 1 if domain.at_infinity else self.radius.denominator
            self.bounds = [(-largest, largest)] * map_.n_states

    def check(self, entry: int, decisions: Decisions) -> None:
        """Check a node that is not infeasible."""
        n_steps, partial = divmod(len(decisions), len(self.relevant))
        if entry >= 0:
            time, unit = divmod(entry, self.map.n_units)
            if time != n_steps or unit not in self.relevant or entry in decisions:
                raise RefusedError(f"it branches on bit {entry}, whose turn it is not")
        elif partial:
            raise RefusedError("it is taken for a leaf in the middle of a step")
        if partial or not n_steps:
            if entry == DECIDED:
                raise RefusedError("it is taken for a leaf before the first step")
            if entry == ROTATION:
                raise RefusedError("no rotation of an empty word comes earlier")
            return
        word = self._word(decisions, n_steps)
        if entry == ROTATION:
            if self.at_infinity:
                raise RefusedError("it leaves out rotations, which must not be done at infinity")
            if not any(word[start:] < word[: n_steps - start] for start in range(1, n_steps)):
                raise RefusedError("it is left out, but no rotation of its word comes earlier")
            return
        if entry == DECIDED and n_steps != self.longest:
            raise RefusedError(f"it is taken for a leaf after {n_steps} of {self.longest} steps")
        for order in self._orders_to_settle(word):
            self.listing.settle(word[:order])

    def _orders_to_settle(self, word: Word) -> list[int]:
        """Orders at which cycles that follow the word come up when it is complete."""
        n = len(word)
        if not self.at_infinity:
            # The whole of its smallest rotation.
            return [n] if n in self.orders and word == canonical(word) else []
        if n > self.pivot + 1:
            return [n] if n in self.orders else []
        if n < self.pivot + 1:
            return []
        return [order for order in self.orders if order <= n and word[order:] == word[:-order]]

    def _word(self, decisions: Decisions, n_steps: int) -> Word:
        word = [0] * n_steps
        for bit, on in decisions.items():
            time, unit = divmod(bit, self.map.n_units)
            if on and time < n_steps:
                word[time] |= 1 << unit
        return tuple(word)

    def check_contradiction(
        self, multipliers: list[tuple[int, int]], decisions: Decisions, face: Face | None
    ) -> None:
        """Verify that the inequalities of a branch contradict each other."""
        map_ = self.map
        h, m = map_.n_units, map_.n_states
        by_time: dict[int, list[tuple[int, int]]] = {}
        for row, value in multipliers:
            if value < 0:
                raise RefusedError("the multiplier of an inequality is negative")
            if row < 0:
                raise RefusedError(f"a multiplier belongs to row {row}, which does not exist")
            time, kind = divmod(row, h + 2 * m + (face is not None))
            by_time.setdefault(time, []).append((kind, value))
        first, last = min(by_time, default=0), max(by_time, default=0)
        n_steps = len(decisions) // len(self.relevant)
        if last > n_steps:
            raise RefusedError(
                f"a multiplier belongs to time {last}, which the branch does not fix"
            )
        word = self._word(decisions, last)
        # What the weighted left sides add up to, as gradient . z_t + of_tau * tau + constant, with
        # z_t for t = last, last - 1, ..., first; times `scale`, the constant also times self.scale.
        gradient, of_tau, constant, scale = [0] * m, 0, 0, map_.one
        for t in range(last, first - 1, -1):
            if t < last:
                piece = map_.piece(word[t])
                of_tau = (of_tau << piece.shift) + sum(
                    c * g for c, g in zip(piece.offset, gradient, strict=True)
                )
                gradient = [
                    sum(row[j] * g for row, g in zip(piece.jacobian, gradient, strict=True) if g)
                    for j in range(m)
                ]
                constant, scale = constant << piece.shift, scale << piece.shift
            factor = scale // map_.one
            for kind, value in by_time.get(t, ()):
                if kind < h:
                    on = decisions.get(t * h + kind)
                    if on is None:
                        raise RefusedError(f"the sign of unit {kind} at time {t} is not decided")
                    signed = factor * (value if on else -value)
                    of_tau += signed * map_.h2[kind]
                    gradient = [
                        g + signed * w for g, w in zip(gradient, map_.W2[kind], strict=True)
                    ]
                elif kind == h + 2 * m:
                    if face is None or t != self.pivot:
                        raise RefusedError("the inequality of the pivot is used at another time")
                    state, sign = face
                    gradient[state] += sign * scale * value
                    constant -= self.scale * scale * value
                else:
                    above, state = divmod(kind - h, m)
                    sign = 1 if above else -1
                    gradient[state] += sign * scale * value
                    constant -= sign * scale * value * self.bounds[state][0 if above else 1]
        largest = constant + sum(
            max(g * low, g * high) for g, (low, high) in zip(gradient, self.bounds, strict=True)
        )
        if self.at_infinity:
            # tau is at most 1 / radius.
            numerator, denominator = self.radius.as_integer_ratio()
            largest = largest * numerator + max(0, of_tau) * self.scale * denominator
        else:
            largest += of_tau * self.scale
        if not largest < 0:
            raise RefusedError("its multipliers give no contradiction")
