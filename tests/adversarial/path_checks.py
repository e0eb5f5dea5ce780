"""What must hold along a path: at any place of it, branches and an exact list agree, or a gap
says that they may not."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from adversarial.pairs import exact_map_between, in_range
from reference.candidates import AffineOrbit
from reference.enumeration import Truth, enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries
from reference.rational import solve_affine

#: Places on the path at which all itineraries are listed.
SHARES = tuple(Fraction(n, 8) for n in (0, 1, 2, 4, 6, 8))
#: A branch that ends this close to a place may or may not have it.
AT_PLACE = 1e-9
#: A gap this close to a place speaks of it, whatever its itinerary.
NEAR_GAP = 1e-6

#: Pre-activations within this of zero, relative to their terms, may be on either side of it.
CLOSE = Fraction(1, 10**9)

#: Points of two itineraries at an event within this, relative to their size, are one; events within
#: 1e-12 of an end of the path count as at the end, where the two may already be apart.
SAME = Fraction(1, 10**7)
#: Points beyond this are as good as at infinity where a cycle goes there.
FAR = 10**9

Words = list[tuple[bool, ...]]


def problems_of_path(result: Any, first: Any, second: Any, orders: Sequence[int]) -> list[str]:
    """Everything in which a `BranchSet` differs from exact lists without a word."""
    problems = list(_not_numbers(result))
    relevant = sorted({i for m in (first, second) for i in ExactMap.of(m.canonical).relevant_units})
    for share in SHARES:
        map_ = exact_map_between(first, second, share)
        for order in orders:
            truth = enumerate_cycles(map_, order, all_itineraries(map_, order))
            problems += _problems_at(result, map_, float(share), truth, relevant)
    return problems


def _not_numbers(result: Any) -> Iterator[str]:
    tables = (("branches", result.branch_columns), ("events", result.event_columns))
    for name, columns in tables:
        for column, values in columns.items():
            if np.isnan(np.asarray(values, dtype=np.float64)).any():
                yield f"column {column} of {name} has NaN"
    for gap in result.gaps:
        if not 0.0 <= gap.s <= 1.0:
            yield f"a gap at {gap.s}"


def _words(itinerary: Any, relevant: list[int]) -> Words:
    return [tuple(bool(row[i]) for i in relevant) for row in itinerary]


def _fits(own: Words, wanted: Words, free: list[set[int]]) -> bool:
    """Whether words are equal up to rotation, where `free` entries of `wanted` may be either."""
    return len(own) == len(wanted) and any(
        all(
            a == b or j in open_
            for row, other, open_ in zip(own[shift:] + own[:shift], wanted, free, strict=True)
            for j, (a, b) in enumerate(zip(row, other, strict=True))
        )
        for shift in range(len(own))
    )


def _vanishing(
    map_: ExactMap, points: Any, relevant: list[int], tolerance: Fraction = Fraction(0)
) -> list[set[int]]:
    """Which pre-activations vanish, point by point; with a tolerance, relative to their terms."""
    result = []
    for z in points:
        size = max((abs(x) for x in z), default=Fraction(0))
        p = map_.preactivation(z)
        terms = {i: abs(map_.h2[i]) + sum(map(abs, map_.W2[i])) * size for i in relevant}
        result.append({j for j, i in enumerate(relevant) if abs(p[i]) <= tolerance * terms[i]})
    return result


def _problems_at(
    result: Any, map_: ExactMap, s: float, truth: Truth, relevant: list[int]
) -> Iterator[str]:
    order = truth.order
    near = [
        branch
        for branch in result.branches
        if order % branch.order == 0 and branch.s_begin - AT_PLACE <= s <= branch.s_end + AT_PLACE
    ]
    words = [_words(branch.itinerary, relevant) for branch in near]
    exact = []
    for cycle in truth.cycles:
        if not in_range(cycle.points):
            continue
        wanted = _words(cycle.itinerary, relevant)
        free = _vanishing(map_, cycle.points, relevant)
        doubtful = _vanishing(map_, cycle.points, relevant, CLOSE)
        exact.append((wanted, doubtful))
        if any(_fits(own, wanted, free) for own in words) or _told(
            result, s, wanted, free, relevant
        ):
            continue
        # On the other side of a border that is within rounding errors: an event or a gap says so.
        if any(
            (_is_at_event(result, branch, s) and _same_points(map_, branch, cycle))
            or (_fits(own, wanted, doubtful) and _told(result, s, own, _no(own), relevant))
            for branch, own in zip(near, words, strict=True)
        ):
            continue
        if _is_far(cycle) and any(
            event.outcome == "infinity" and abs(event.s - s) <= AT_PLACE for event in result.events
        ):
            continue
        points = [[float(x) for x in z] for z in cycle.points]
        border = " (on a border)" if cycle.on_border else ""
        yield f"s = {s}: cycle of order {order} at {points}{border} is on no branch"
    for continuum in truth.continua:
        wanted = _words(continuum.itinerary, relevant)
        free = _vanishing(map_, continuum.points, relevant)
        exact.append((wanted, free))
        if not _told(result, s, wanted, free, relevant) and not any(
            abs(event.s - s) <= AT_PLACE for event in result.events
        ):
            yield f"s = {s}: a continuum of order {order}, of which nothing tells"
    for branch, own in zip(near, words, strict=True):
        if (
            branch.order == order
            and not any(_fits(own, wanted, free) for wanted, free in exact)
            and not _is_at_event(result, branch, s)
            and not _told(result, s, own, _no(own), relevant)
        ):
            yield f"s = {s}: a branch {own} has no cycle here"


def _same_points(map_: ExactMap, branch: Any, cycle: Any) -> bool:
    """Whether the cycle of a branch has these points, to a part of their size."""
    orbit = AffineOrbit(map_, tuple(tuple(bool(bit) for bit in row) for row in branch.itinerary))
    solution = solve_affine(*orbit.closing_equations)
    if solution is None or solution[1]:
        return False
    own = orbit.orbit(solution[0])
    own *= len(cycle.points) // len(own)
    size = 1 + max(abs(x) for z in cycle.points for x in z)
    return any(
        all(
            abs(x - y) <= SAME * size
            for z, other in zip(own[shift:] + own[:shift], cycle.points, strict=True)
            for x, y in zip(z, other, strict=True)
        )
        for shift in range(len(own))
    )


def _is_far(cycle: Any) -> bool:
    """Whether a cycle is about at infinity."""
    return max(abs(x) for z in cycle.points for x in z) > FAR


def _no(words: Words) -> list[set[int]]:
    return [set() for _ in words]


def _is_at_event(result: Any, branch: Any, s: float) -> bool:
    """Whether a branch begins, ends or changes at a place, as near as events are known."""
    return any(
        abs(event.s - s) <= AT_PLACE
        and any(
            bits is not None and np.array_equal(bits, branch.itinerary)
            for bits in (event.itinerary, event.partner, event.doubled, *event.attached)
        )
        for event in result.events
    )


def _told(result: Any, s: float, wanted: Words, free: list[set[int]], relevant: list[int]) -> bool:
    """Whether a gap speaks of a cycle, of those that it doubles, or of this place."""
    return any(
        gap.itinerary is None
        or abs(gap.s - s) <= NEAR_GAP
        or _fits(
            _words(gap.itinerary, relevant) * (len(wanted) // len(gap.itinerary)), wanted, free
        )
        for gap in result.gaps
    )
