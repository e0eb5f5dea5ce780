"""The arithmetic of the checker against the reference enumerator, which shares no code with it."""

from fractions import Fraction

import numpy as np
import pytest

from reference.candidates import candidate_set
from reference.exact_map import ExactMap as ReferenceMap
from reference.networks import FAMILIES, random_network
from reference.polyhedron import intersect_half_spaces
from reference.rational import rank, solve_affine
from rnndyn.verify import _linear, fingerprint
from rnndyn.verify._exact_map import ExactMap, common_shift, scaled
from rnndyn.verify._linear import feasible, implies, is_positive_definite, solve
from rnndyn.verify._orbits import canonical, primitive_period, real_orbits, solve_word

NAMES = ("A", "W1", "W2", "h1", "h2")


def exact_map(model):
    return ExactMap(*(getattr(model.canonical, name).tolist() for name in NAMES))


def test_floats_are_scaled_exactly():
    values = [0.1, -3.0, 5e-324, 1e300, 0.0, -0.0]
    shift = common_shift(values)
    assert shift == 1074
    assert [Fraction(scaled(v, shift), 2**shift) for v in values] == [Fraction(v) for v in values]
    assert common_shift([]) == 0
    assert common_shift([2.0, 0.75]) == 2


def test_fingerprint_depends_on_sizes_and_every_number():
    base = ([[1.0, 2.0], [3.0, 4.0]], [[1.0], [0.0]], [[0.5, 0.5]], [1.0, 2.0], [3.0])
    prints = {fingerprint(*base)}
    for number in range(5):
        changed = [np.array(array) for array in base]
        changed[number].flat[0] = np.nextafter(changed[number].flat[0], 9.0)
        prints.add(fingerprint(*(array.tolist() for array in changed)))
    assert len(prints) == 6
    empty = ([[1.0]], [[]], [], [0.0], [])
    assert fingerprint(*empty) != fingerprint([[1.0]], [[0.0]], [[0.0]], [0.0], [0.0])
    assert fingerprint([[0.0]], [[]], [], [0.0], []) == fingerprint([[-0.0]], [[]], [], [0.0], [])


@pytest.mark.parametrize("seed", range(40))
def test_all_solutions_of_equations(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    matrix = rng.integers(-2, 3, size=(n, n))
    right = rng.integers(-2, 3, size=n)
    if seed % 2:
        matrix[-1] = matrix[0]
        right[-1] = right[0] + (seed % 4 == 1)
    expected = solve_affine(
        [[Fraction(int(x)) for x in row] for row in matrix], [Fraction(int(x)) for x in right]
    )
    found = solve(matrix.tolist(), right.tolist())
    assert (found is None) == (expected is None)
    if found is None:
        return
    columns, denominator = found
    assert denominator > 0
    exact = matrix.astype(object)
    assert (exact @ np.array(columns[0], dtype=object) == right * denominator).all()
    for column in columns[1:]:
        assert not (exact @ np.array(column, dtype=object)).any()
        assert any(column)
    assert len(columns) - 1 == len(expected[1])
    directions = [[Fraction(x) for x in column] for column in columns[1:]]
    assert rank(directions) == len(directions)


@pytest.mark.parametrize("seed", range(150))
def test_feasibility_and_implication_of_inequalities(seed):
    rng = np.random.default_rng(seed)
    dimension = int(rng.integers(1, 4))
    forms = rng.integers(-2, 3, size=(int(rng.integers(0, 7)), dimension + 1)).tolist()
    polyhedron = intersect_half_spaces(
        dimension, [(Fraction(f[0]), [Fraction(x) for x in f[1:]]) for f in forms]
    )
    assert feasible(forms, dimension) == (not polyhedron.is_empty)
    if polyhedron.is_empty:
        return
    form = rng.integers(-2, 3, size=dimension + 1).tolist()

    def slope(x):
        return sum(a * b for a, b in zip(form[1:], x, strict=True))

    expected = (
        all(form[0] + slope(vertex) >= 0 for vertex in polyhedron.vertices)
        and all(slope(ray) >= 0 for ray in polyhedron.rays)
        and all(slope(line) == 0 for line in polyhedron.lines)
    )
    assert implies(forms, form, dimension) == expected


@pytest.mark.parametrize("seed", range(30))
def test_positive_definiteness(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    half = rng.integers(-3, 4, size=(n, n))
    matrix = half @ half.T - seed % 3 * np.eye(n, dtype=int)
    eigenvalues = np.linalg.eigvalsh(matrix)
    if np.abs(eigenvalues).min() > 1e-6:
        assert is_positive_definite(matrix.tolist()) == (eigenvalues.min() > 0)
    else:
        assert not is_positive_definite(matrix.tolist())


@pytest.mark.parametrize("family", FAMILIES)
def test_solutions_of_itineraries(family):
    for seed in range(8):
        model = random_network(family, seed)
        map_, reference = exact_map(model), ReferenceMap.of(model.canonical)
        assert map_.relevant == reference.relevant_units
        rng = np.random.default_rng(seed)
        for order in (1, 2, 3):
            bits = rng.random((order, model.n_units)) < 0.5
            for t in range(order):
                for unit in set(range(model.n_units)) - set(map_.relevant):
                    bits[t, unit] = False
            word = tuple(sum(1 << i for i in np.flatnonzero(region).tolist()) for region in bits)
            expected = candidate_set(reference, bits)
            orbits = solve_word(map_, word)
            real = None if orbits is None else real_orbits(orbits, None)
            assert (real is None) == (expected is None)
            if real is None:
                continue
            assert real.follow(word)
            if real.orbits.dimension == 0:
                assert [list(point) for point in real.orbits.points()] == [
                    list(point) for point in expected.orbit.orbit(expected.polyhedron.vertices[0])
                ]
            columns, denominator = real.orbits.steps[-1]
            assert denominator > 0
            assert len(columns) == real.orbits.dimension + 1


def test_words():
    assert canonical((1, 0, 2, 0, 1)) == (0, 1, 1, 0, 2)
    assert [primitive_period(word) for word in [(1,), (1, 1), (0, 1, 0, 1), (0, 1, 0)]] == [
        1,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("n", [1, 3, 14, 20])
def test_lifted_solutions_are_those_of_elimination(n, monkeypatch):
    rng = np.random.default_rng(n)
    monkeypatch.setattr(_linear, "_FEWEST_LIFTED", 1)
    for _ in range(12):
        size = 1 << int(rng.integers(1, 300))
        matrix = [[int(v) * size + int(v) for v in row] for row in rng.integers(-99, 99, (n, n))]
        right = [int(v) for v in rng.integers(-9, 9, n)]
        lifted = _linear._solve_by_lifting(matrix, right)
        columns, denominator = _linear.solve(matrix, right)
        monkeypatch.setattr(_linear, "_FEWEST_LIFTED", 10**9)
        expected, below = _linear.solve(matrix, right)
        monkeypatch.setattr(_linear, "_FEWEST_LIFTED", 1)
        assert len(columns) == len(expected)
        assert denominator > 0
        if len(expected) == 1:
            assert lifted is not None
            ours = [Fraction(value, denominator) for value in columns[0]]
            assert ours == [Fraction(value, below) for value in expected[0]]


def test_singular_systems_are_not_lifted(monkeypatch):
    monkeypatch.setattr(_linear, "_FEWEST_LIFTED", 1)
    matrix = [[2, 4, 0], [1, 2, 0], [0, 0, 5]]
    assert _linear._solve_by_lifting(matrix, [2, 1, 5]) is None
    columns, _ = _linear.solve(matrix, [2, 1, 5])
    assert len(columns) == 2
    assert _linear.solve(matrix, [2, 2, 5]) is None
    # Singular modulo the prime alone.
    prime = [[(1 << 61) - 1, 0], [0, 1]]
    assert _linear._solve_by_lifting(prime, [1, 1]) is None
    assert _linear.solve(prime, [1, 1]) == ([[1, (1 << 61) - 1]], (1 << 61) - 1)
