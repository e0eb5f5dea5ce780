"""A path of two random networks, and everything that can be wrong with its branches and events."""

from typing import Any

import numpy as np

import rnndyn as rd
from reference.bifurcation import (
    StraightPath,
    all_segments,
    itinerary_events,
    key_of,
    margin,
    n_unstable,
    real_itineraries,
    solution,
)
from reference.networks import FAMILIES, SeededEntries, Size

#: Margins smaller than this leave open on which side of an event a value of s is.
UNDECIDED = 1e-9
N_VALUES = 200


def random_pair(family: str, seed: int, largest: Size) -> tuple[Any, Any]:
    """Two random networks of one family and size, with normally distributed entries."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    size = Size(
        n_states=int(rng.integers(1, largest.n_states + 1)),
        n_units=int(rng.integers(1, largest.n_units + 1)),
    )
    return pair_from(SeededEntries(rng, tied=False), family, size)


def pair_from(entries: SeededEntries, family: str, size: Size) -> tuple[Any, Any]:
    """Two networks of one family, and of the same size though a family may draw its own."""
    first = FAMILIES[family](entries, size)
    while True:
        second = FAMILIES[family](entries, size)
        same_size = (second.n_states, second.n_units) == (first.n_states, first.n_units)
        if same_size and second.options == first.options:
            return first, second


def problems_of(first: Any, second: Any, max_order: int, **options: Any) -> list[str]:
    """Compare the branches between two models with listings at many values, and the events."""
    result = rd.continue_cycles(first, second, max_order=max_order, progress=False, **options)
    path = StraightPath(first.canonical, second.canonical)
    return [
        *[f"gap at {gap.s:.12g}: {gap.reason}" for gap in result.gaps],
        *existence_problems(result, path, max_order),
        *end_problems(result),
        *needless_events(result, path),
    ]


def existence_problems(result: rd.BranchSet, path: StraightPath, max_order: int) -> list[str]:
    """Where branches and the listing of all itineraries disagree."""
    values = np.linspace(0.0, 1.0, N_VALUES)
    intervals: dict[Any, list[tuple[float, float]]] = {}
    for branch in result.branches:
        key = key_of(branch.itinerary, path.relevant)
        intervals.setdefault(key, []).append((branch.s_begin, branch.s_end))
    problems = []
    for order in range(1, max_order + 1):
        itineraries = path.itineraries(order)
        margins = real_itineraries(path, itineraries, values)
        for column, itinerary in zip(margins.T, itineraries, strict=True):
            key = key_of(itinerary, path.relevant)
            own = intervals.pop(key, [])
            inside = np.zeros(len(values), dtype=bool)
            for begin, end in own:
                inside |= (begin <= values) & (values <= end)
            wrong = (inside != (column > 0.0)) & (np.abs(column) > UNDECIDED)
            if wrong.any():
                s = values[np.argmax(wrong)]
                problems.append(f"{key} is {'not ' * bool(inside[np.argmax(wrong)])}real at {s}")
    # What is left has an order that was not listed.
    problems += [f"unexpected order: {key}" for key in intervals if len(key) <= max_order]
    return problems


def border_problems(result: rd.BranchSet, path: StraightPath, max_order: int) -> list[str]:
    """Cycles on or off borders at simple fractions s that are a point of no branch, and of no gap.

    Between exact binary numbers many borders vanish together at such places.
    """
    tolerance = 1e-9
    places = sorted({p / q for q in range(1, 9) for p in range(q + 1)})
    doubtful = {
        key_of(gap.itinerary, path.relevant) for gap in result.gaps if gap.itinerary is not None
    }
    problems = []
    for order in range(1, max_order + 1):
        itineraries = path.itineraries(order)
        margins = real_itineraries(path, itineraries, np.array(places))
        for row, s in zip(margins, places, strict=True):
            if any(abs(gap.s - s) < 1e-6 for gap in result.gaps):
                continue
            known = [branch for branch in result.branches if covers(branch, s, tolerance)]
            for itinerary in itineraries[row >= -tolerance]:
                key = key_of(itinerary, path.relevant)
                if key in doubtful:
                    continue
                orbit = solution(path, itinerary, s)
                if np.abs(orbit).max() > 1e6:
                    continue  # close to where a multiplier is 1
                if not any(same_points(orbit, branch, s) for branch in known):
                    problems.append(f"{key} is on no branch at {s}")
    return problems


def covers(branch: rd.bifurcation.Branch, s: float, tolerance: float) -> bool:
    """Whether a branch reaches s."""
    return branch.s_begin - tolerance <= s <= branch.s_end + tolerance


def same_points(orbit: Any, branch: rd.bifurcation.Branch, s: float) -> bool:
    """Whether all points of a cycle are points of the branch, as near as rounding lets them."""
    points = branch.points(min(max(s, branch.s_begin), branch.s_end))
    distance = np.abs(orbit[:, np.newaxis] - points).max(axis=2).min(axis=1)
    return bool((distance < 1e-6 * (1.0 + np.abs(orbit).max())).all())


def end_problems(result: rd.BranchSet) -> list[str]:
    """Branches that begin or end without an event that names them, or at another place."""
    problems = []
    for branch in result.branches:
        for s, event in (
            (branch.s_begin, branch.begin_event),
            (branch.s_end, branch.end_event),
        ):
            if event is None:
                if s not in (0.0, float(result.run.n_pieces)):
                    problems.append(f"{branch} has no event at {s}")
                continue
            named = [event.itinerary, event.partner, event.doubled, *event.attached]
            if not any(
                np.array_equal(branch.itinerary, bits) for bits in named if bits is not None
            ):
                problems.append(f"{branch}: {event} at its end does not name it")
            if abs(event.s - s) > 1e-12:
                problems.append(f"{branch}: {event} is not at its end")
    return problems


def needless_events(result: rd.BranchSet, path: StraightPath) -> list[str]:
    """Events without a change of existence or stability just around them, and guesses."""
    problems = []
    places = result.events.s
    for event in result.events:
        if event.status != "converged":
            problems.append(f"{event} is only a guess")
        if not event.bracket[0] <= event.s <= event.bracket[1]:
            problems.append(f"{event} is not in its bracket {event.bracket}")
        others = np.abs(places - event.s)
        others = others[others > 1e-10]
        step = min([1e-5, 0.3 * float(others.min(initial=1.0))])
        before, after = event.s - step, event.s + step
        if before < 0.0 or after > 1.0:
            continue
        involved = [
            bits for bits in (event.itinerary, event.partner, event.doubled) if bits is not None
        ]
        if _state(path, involved, before) == _state(path, involved, after):
            problems.append(f"{event} changes nothing")
    return problems


def _state(path: StraightPath, itineraries: list[Any], s: float) -> list[int]:
    """For every itinerary the number of unstable directions, -1 where it is virtual."""
    return [
        n_unstable(path, bits, s) if margin(path, bits, s) > 0.0 else -1 for bits in itineraries
    ]


def pencil_problems(result: rd.BranchSet, path: StraightPath, max_order: int) -> list[str]:
    """Ends of branches and flips that are not where the generalised eigenvalues are."""
    tolerance = 1e-8
    problems = []
    truth = all_segments(path, list(range(1, max_order + 1)))
    found: dict[Any, list[tuple[float, float]]] = {}
    for branch in result.branches:
        if branch.order <= max_order:
            key = key_of(branch.itinerary, path.relevant)
            found.setdefault(key, []).append((branch.s_begin, branch.s_end))
    for key in truth.keys() | found.keys():
        expected = [x for x in truth.get(key, []) if x[1] - x[0] > tolerance]
        own = sorted(x for x in found.get(key, []) if x[1] - x[0] > tolerance)
        if len(expected) != len(own) or not np.allclose(expected, own, rtol=0, atol=tolerance):
            problems.append(f"{key} is real on {own}, by the pencils on {expected}")
    flips = [event for event in result.events if event.kind == "degenerate_flip"]
    for branch in result.branches:
        for event in itinerary_events(path, branch.itinerary):
            inside = branch.s_begin + tolerance < event.s < branch.s_end - tolerance
            if event.kind != "minus_one" or not inside:
                continue
            if not any(
                np.array_equal(flip.itinerary, branch.itinerary)
                and abs(flip.s - event.s) < tolerance
                for flip in flips
            ):
                problems.append(f"no flip of {branch} at {event.s}")
    return problems
