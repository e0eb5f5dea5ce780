"""Exact polyhedra and linear systems of the reference."""

from fractions import Fraction

import numpy as np
import pytest

from reference.polyhedron import intersect_half_spaces
from reference.rational import solve_affine


def test_unit_square():
    one = Fraction(1)
    constraints = [
        (Fraction(0), [one, Fraction(0)]),
        (one, [-one, Fraction(0)]),
        (Fraction(0), [Fraction(0), one]),
        (one, [Fraction(0), -one]),
        (Fraction(2), [-one, -one]),
    ]
    square = intersect_half_spaces(2, constraints)
    assert sorted(square.vertices) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert square.dimension == 2
    corner = intersect_half_spaces(2, [*constraints, (Fraction(-2), [one, one])])
    assert corner.vertices == ([1, 1],)
    assert corner.dimension == 0
    empty = intersect_half_spaces(2, [*constraints, (Fraction(-3), [one, one])])
    assert empty.is_empty


def test_random_polytopes_contain_what_they_should():
    rng = np.random.default_rng(3)
    for _ in range(40):
        rows = rng.integers(-3, 4, (8, 3))
        offsets = rng.integers(0, 4, 8)
        constraints = [
            (Fraction(int(b)), [Fraction(int(x)) for x in row])
            for b, row in zip(offsets, rows, strict=True)
        ]
        polyhedron = intersect_half_spaces(3, constraints)
        assert not polyhedron.is_empty  # the origin satisfies all
        point = np.array([float(x) for x in polyhedron.interior_point()])
        generators = np.array([[float(x) for x in v] for v in polyhedron.vertices], dtype=float)
        assert ((offsets + generators @ rows.T) >= -1e-9).all()
        assert (offsets + rows @ point >= -1e-9).all()
        # The largest value of any objective over the polyhedron is at a generator.
        scipy_optimize = pytest.importorskip("scipy.optimize")
        objective = rng.integers(-3, 4, 3)
        best = scipy_optimize.linprog(
            -objective, A_ub=-rows, b_ub=offsets, bounds=[(None, None)] * 3
        )
        directions = [*polyhedron.rays, *polyhedron.lines]
        directions += [[-x for x in line] for line in polyhedron.lines]
        growth = [sum(a * int(b) for a, b in zip(d, objective, strict=True)) for d in directions]
        unbounded = max(growth, default=0) > 0
        assert unbounded == (best.status == 3)
        if not unbounded:
            assert (generators @ objective).max() == pytest.approx(-best.fun, abs=1e-7)


def test_solve_affine():
    half = Fraction(1, 2)
    solution = solve_affine([[half, half], [Fraction(1), Fraction(1)]], [Fraction(1), Fraction(2)])
    assert solution == ([2, 0], [[-1, 1]])
    assert solve_affine([[half, half], [half, half]], [Fraction(1), Fraction(2)]) is None
