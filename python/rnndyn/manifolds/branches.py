"""Where all orbits on a piece of a branch of an unstable manifold go, and not only some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn.basins_of_attraction._fates import Fates
from rnndyn.basins_of_attraction._neighbourhoods import bordering_units
from rnndyn.basins_of_attraction.result import UNBOUNDED, UNDECIDED

_MAX_STEPS = 1_000
_MAX_SEGMENTS = 4_000
#: A part of a segment that is no longer than this, in units of its length, is as good as a point.
_POINT = 1e-9


def fates_of_segment(
    canonical: Any,
    first: FloatArray,
    last: FloatArray,
    fates: Fates,
    radius: float,
    stop: Callable[[], bool],
) -> tuple[int, ...]:
    """Return the attractors that the orbits from all states of a segment go to, ascending.

    The segment is mapped step by step, and cut where it crosses a border, so that it remains a
    chain of segments. One with both ends in the same neighbourhood, which is convex, is inside and
    has arrived. One between two neighbourhoods is halved, over and over: of a point between them,
    whose orbit goes to some other saddle, nothing but a point is left. -1 if more than that is
    left. With two attractors there is a boundary between them, and no more are looked for.

    Parameters
    ----------
    canonical : CanonicalMap
        The map.
    first, last : (M,) array
        Ends of the segment.
    fates : Fates
        The attractors.
    radius : float
        Beyond this, orbits are called unbounded.
    stop : callable
        Asked at every step; True ends it.
    """
    units = bordering_units(canonical)
    weights, bias = canonical.W2[units], canonical.h2[units]
    places = fates.places()
    chain = _Chain(first[np.newaxis], last[np.newaxis], np.ones(1))
    found: set[int] = set()
    for _ in range(_MAX_STEPS):
        chain = _without_arrived(places, chain, radius, found)
        left = float(chain.shares.sum())
        too_many = len(chain.shares) > _MAX_SEGMENTS
        if left <= _POINT or len(found) > 1 or too_many or stop():
            break
        chain = _cut(chain, weights, bias)
        chain = _Chain(_step(canonical, chain.begins), _step(canonical, chain.ends), chain.shares)
    if float(chain.shares.sum()) > _POINT and len(found) < 2:
        found.add(UNDECIDED)
    return tuple(sorted(found))


class _Chain(NamedTuple):
    """Segments, and what share of the first one each is the image of."""

    begins: FloatArray
    ends: FloatArray
    shares: FloatArray


def _step(canonical: Any, states: FloatArray) -> FloatArray:
    hidden = np.maximum(states @ canonical.W2.T + canonical.h2, 0.0)
    return np.asarray(states @ canonical.A.T + hidden @ canonical.W1.T + canonical.h1)


def _without_arrived(
    places: dict[str, Any], chain: _Chain, radius: float, found: set[int]
) -> _Chain:
    """Take out the segments that have arrived, note where, and halve those between two places."""
    first, last = _place(places, chain.begins, radius), _place(places, chain.ends, radius)
    n_faces = 2 * chain.begins.shape[1]
    numbers = np.concatenate([places["attractors"], np.full(n_faces, UNBOUNDED), [UNDECIDED]])
    arrived = (first == last) & (numbers[first] != UNDECIDED)
    for place in (first, last):
        found.update(numbers[place[numbers[place] != UNDECIDED]].tolist())
    between = ~arrived & (numbers[first] != UNDECIDED) & (numbers[last] != UNDECIDED)
    middles = 0.5 * (chain.begins[between] + chain.ends[between])
    waiting = ~arrived & ~between
    return _Chain(
        np.concatenate([chain.begins[waiting], chain.begins[between], middles]),
        np.concatenate([chain.ends[waiting], middles, chain.ends[between]]),
        np.concatenate([chain.shares[waiting], *([0.5 * chain.shares[between]] * 2)]),
    )


def _place(places: dict[str, Any], states: FloatArray, radius: float) -> IntArray:
    """Return the neighbourhood of each state; -1 in none, as positions.

    Beyond the radius it is -2 - 2 i or -3 - 2 i, where the coordinate i is the largest: a segment
    between two such places of one number is beyond it as a whole, not one between two others.
    """
    found = np.full(len(states), -1, dtype=np.int64)
    furthest = np.abs(states).argmax(axis=1)
    ends = states[np.arange(len(states)), furthest]
    outside = np.abs(ends) > radius
    found[outside] = (-2 - 2 * furthest - (ends > 0.0))[outside]
    for number, (center, factor) in enumerate(
        zip(places["centers"], places["factors"], strict=True)
    ):
        found[(((states - center) @ factor.T) ** 2).sum(axis=1) <= 1.0] = number
    return found


def _cut(chain: _Chain, weights: FloatArray, bias: FloatArray) -> _Chain:
    """Cut segments where they cross borders."""
    before, after = chain.begins @ weights.T + bias, chain.ends @ weights.T + bias
    crossing = (before > 0.0) != (after > 0.0)
    cut = crossing.any(axis=1)
    if not cut.any():
        return chain
    parts = [_Chain(*(values[~cut] for values in chain))]
    for number in np.flatnonzero(cut).tolist():
        units = crossing[number]
        places = before[number, units] / (before[number, units] - after[number, units])
        inner = np.sort(places)
        begin, end = chain.begins[number], chain.ends[number]
        points = begin + inner[:, np.newaxis] * (end - begin)
        lengths = np.diff(np.concatenate([[0.0], inner, [1.0]]))
        parts.append(
            _Chain(
                np.concatenate([begin[np.newaxis], points]),
                np.concatenate([points, end[np.newaxis]]),
                chain.shares[number] * lengths,
            )
        )
    return _Chain(*(np.concatenate(values) for values in zip(*parts, strict=True)))
