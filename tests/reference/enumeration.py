"""The canonical decomposition of all cycles of one order, by listing every itinerary.

Fix(F^k) is the union of the candidate sets of all itineraries of length k. Its parts are

* isolated cycles of minimal period exactly k, identified by their points up to rotation. The
  itinerary reported has bit 1 exactly where the pre-activation is positive, so that a point on a
  border, which has several itineraries, counts once;
* continua: candidate sets of dimension 1 or more that no other one contains, up to rotation, and
  that have a member of minimal period k. Their itinerary is that of their relative interior, so
  that a pre-activation which vanishes on all of it has bit 0.

A candidate of one point that lies in a continuum of the same order belongs to it and is not
reported by itself. Units that do not act on the state (all-zero column of W1) bound no region.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.candidates import AffineOrbit, CandidateSet, Itinerary, candidate_set
from reference.exact_map import ExactMap
from reference.filtering import possible_itineraries
from reference.polyhedron import Polyhedron
from reference.rational import Vector, apply

Orbit = tuple[Vector, ...]


@dataclass(frozen=True)
class IsolatedCycle:
    points: Orbit
    itinerary: Itinerary
    on_border: bool

    @property
    def order(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Continuum:
    """A set of cycles: ``points`` is one in its relative interior, ``set_at[t]`` all points t."""

    points: Orbit
    itinerary: Itinerary
    on_border: bool
    set_at: tuple[Polyhedron, ...]

    @property
    def order(self) -> int:
        return len(self.points)

    @property
    def dimension(self) -> int:
        return self.set_at[0].dimension


@dataclass(frozen=True)
class Truth:
    order: int
    cycles: tuple[IsolatedCycle, ...]
    continua: tuple[Continuum, ...]


def enumerate_cycles(map_: ExactMap, order: int, itineraries: Iterable[Any]) -> Truth:
    """Classify all cycles of one order.

    Parameters
    ----------
    map_ : ExactMap
    order : int
    itineraries : iterable of (order, n_units) bool
        All itineraries, one of each class under rotation, or at least all whose candidate may be
        real: `reference.all_itineraries` or `reference.possible_itineraries`.
    """
    sets = [s for itinerary in itineraries if (s := candidate_set(map_, itinerary)) is not None]
    continua = _maximal([s for s in sets if s.polyhedron.dimension >= 1])

    cycles: dict[tuple[tuple[Any, ...], ...], IsolatedCycle] = {}
    for point_set in (s for s in sets if s.polyhedron.dimension == 0):
        first = point_set.polyhedron.vertices[0]
        if any(rotated.contains(first) for _, rotations in continua for rotated in rotations):
            continue
        points = point_set.orbit.orbit(first)
        if _has_minimal_period(points):
            cycle = _isolated(map_, points)
            cycles[tuple(map(tuple, cycle.points))] = cycle

    reported = [_continuum(map_, own) for own, _ in continua if not _all_have_lower_period(own)]
    return Truth(order, tuple(cycles.values()), tuple(reported))


def _maximal(sets: list[CandidateSet]) -> list[tuple[CandidateSet, list[AffineOrbit]]]:
    """The sets that no other one contains, one of equal ones, each with its rotations."""
    kept: list[tuple[CandidateSet, list[AffineOrbit]]] = []
    # Large sets first: they absorb most of the others at once.
    for own in sorted(sets, key=lambda s: -s.polyhedron.dimension):
        if any(own.is_subset_of(rotated) for _, rotations in kept for rotated in rotations):
            continue
        rotations = _rotations(own.orbit)
        kept = [
            (other, others_rotations)
            for other, others_rotations in kept
            if not any(other.is_subset_of(rotated) for rotated in rotations)
        ]
        kept.append((own, rotations))
    return kept


def truths_of_orders(canonical: Any, orders: Iterable[int]) -> list[Truth]:
    """The truth at several orders of a map given by its canonical parameters."""
    map_ = ExactMap.of(canonical)
    return [enumerate_cycles(map_, k, possible_itineraries(canonical, k)) for k in orders]


def _rotations(orbit: AffineOrbit) -> list[AffineOrbit]:
    word = orbit.itinerary
    return [AffineOrbit(orbit.map, word[t:] + word[:t]) for t in range(len(word))]


def _has_minimal_period(points: Orbit) -> bool:
    return all(point != points[0] for point in points[1:])


def _isolated(map_: ExactMap, points: Orbit) -> IsolatedCycle:
    start = min(range(len(points)), key=lambda t: points[t])
    points = points[start:] + points[:start]
    return IsolatedCycle(
        points=points,
        itinerary=tuple(map(map_.region, points)),
        on_border=_touches_border(map_, points),
    )


def _touches_border(map_: ExactMap, points: Orbit) -> bool:
    return any(map_.preactivation(z)[unit] == 0 for z in points for unit in map_.relevant_units)


def _all_have_lower_period(own: CandidateSet) -> bool:
    """Whether z_{1+m} = z_1 for all members and some m < k.

    Finitely many affine subspaces cover a convex set only if one of them does, so one m must
    serve all members.
    """
    polyhedron = own.polyhedron
    starts = [own.orbit.orbit(vertex) for vertex in polyhedron.vertices]
    for shift, (matrix, _) in enumerate(own.orbit.pieces[1:-1], start=1):
        points_return = all(points[shift] == points[0] for points in starts)
        directions = [*polyhedron.rays, *polyhedron.lines]
        if points_return and all(apply(matrix, d) == d for d in directions):
            return True
    return False


def _continuum(map_: ExactMap, own: CandidateSet) -> Continuum:
    points = own.orbit.orbit(own.polyhedron.interior_point())
    sets = []
    for matrix, offset in own.orbit.pieces[:-1]:
        columns = [list(column) for column in zip(*matrix, strict=True)]
        sets.append(own.polyhedron.image(offset, columns))
    return Continuum(
        points=points,
        itinerary=tuple(map(map_.region, points)),
        on_border=_touches_border(map_, points),
        set_at=tuple(sets),
    )


def as_floats(vectors: Iterable[Vector]) -> NDArray[np.float64]:
    return np.array([[float(x) for x in vector] for vector in vectors], dtype=np.float64)
