"""The enumerator against plain iteration of the map, which knows nothing of itineraries."""

import itertools
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from reference.candidates import AffineOrbit
from reference.enumeration import truths_of_orders
from reference.exact_map import ExactMap
from reference.rational import add

GRID = [Fraction(i, 2) for i in range(-6, 7)]


def tied_map(rng: np.random.Generator) -> SimpleNamespace:
    m, n = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    shapes = {"A": (m, m), "W1": (m, n), "W2": (n, m), "h1": (m,), "h2": (n,)}
    values = [-1.0, -0.5, 0.0, 0.0, 0.5, 1.0]
    return SimpleNamespace(**{k: rng.choice(values, shape) for k, shape in shapes.items()})


def period(map_: ExactMap, z: list[Fraction], longest: int) -> int | None:
    image = z
    for step in range(1, longest + 1):
        image = map_.step(image)
        if image == z:
            return step
    return None


@pytest.mark.parametrize("seed", range(60))
def test_every_periodic_point_of_a_grid_is_accounted_for_and_nothing_else(seed):
    canonical = tied_map(np.random.default_rng(seed))
    map_ = ExactMap.of(canonical)
    truths = {truth.order: truth for truth in truths_of_orders(canonical, (1, 2, 3))}
    for z in map(list, itertools.product(GRID, repeat=map_.n_states)):
        order = period(map_, z, 3)
        if order is not None:
            truth = truths[order]
            isolated = [point for cycle in truth.cycles for point in cycle.points]
            spread = any(z_is_member(map_, z, continuum) for continuum in truth.continua)
            assert (z in isolated) != spread
    for truth in truths.values():
        for cycle in truth.cycles:
            assert period(map_, cycle.points[0], 3) == truth.order
        for continuum in truth.continua:
            assert period(map_, continuum.points[0], 3) in divisors(truth.order)
            for polyhedron in continuum.set_at:
                far = [add(polyhedron.vertices[0], ray) for ray in polyhedron.rays]
                for z in (*polyhedron.vertices, *far):
                    assert period(map_, z, 3) in divisors(truth.order)


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def z_is_member(map_: ExactMap, z: list[Fraction], continuum) -> bool:
    word = continuum.itinerary
    rotations = (word[t:] + word[:t] for t in range(len(word)))
    return any(AffineOrbit(map_, rotation).contains(z) for rotation in rotations)
