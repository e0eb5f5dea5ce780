"""Invertibility against closed forms and against all pairs of regions, in rational numbers."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from reference.polyhedron import intersect_half_spaces


def line(slopes, places):
    """A map of one state with these slopes, which change at these places."""
    changes = np.diff(slopes)
    return rd.PiecewiseLinearMap(
        A=[[float(slopes[0])]],
        W1=[changes.tolist()],
        W2=np.ones((len(changes), 1)),
        h1=[0.0],
        h2=-np.asarray(places, dtype=float),
    )


def doubled_angle():
    """(|x| - |y|, |x + y| - |x - y|) turns the plane twice around 0: open, onto, two to one."""
    forms = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    W2 = np.concatenate([forms, -forms])
    weights = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    return rd.PiecewiseLinearMap(
        A=np.zeros((2, 2)), W1=np.tile(weights, 2), W2=W2, h1=np.zeros(2), h2=np.zeros(8)
    )


@pytest.mark.parametrize(
    ("slopes", "places", "injective", "surjective", "degree"),
    [
        ([2.0, 0.5], [1.0], True, True, 1),
        ([-2.0, -0.5], [1.0], True, True, -1),
        ([1.0, -1.0], [0.0], False, False, 0),
        ([1.0, -1.0, 1.0], [0.0, 1.0], False, True, 1),
        ([1.0, 0.0], [0.0], False, False, None),
        ([0.0, 0.0], [0.0], False, False, None),
    ],
)
def test_maps_of_the_line(slopes, places, injective, surjective, degree):
    found = rd.invertibility(line(slopes, places))
    assert (found.injective, found.surjective, found.degree) == (injective, surjective, degree)
    assert type(found.injective) is type(found.surjective) is bool
    assert found.invertible == (injective and surjective)
    assert set(found.signs.tolist()) == set(np.sign(slopes).tolist())
    check_witnesses(found)


def check_witnesses(found):
    assert (found.same_image is None) == found.injective
    step = found.model.step
    if found.same_image is not None:
        first, second = found.same_image
        size = 1.0 + np.abs(found.same_image).max()
        assert np.abs(first - second).max() > 1e-9 * size
        np.testing.assert_allclose(step(first), step(second), atol=1e-10 * size)


def test_a_map_with_one_sign_is_not_always_one_to_one():
    found = rd.invertibility(doubled_angle())
    assert set(found.signs.tolist()) == {1}
    assert (found.injective, found.surjective, found.degree) == (False, True, 2)
    check_witnesses(found)


def test_the_henon_like_lozi_map_is_invertible():
    found = rd.invertibility(rd.examples.lozi_map(1.7, 0.5))
    assert found.invertible
    assert found.signs.tolist() == [-1, -1]
    assert found.missed is None
    assert "invertible" in repr(found)


def drawn_map(seed):
    """Small numbers with few bits, so that determinants are zero now and then."""
    rng = np.random.default_rng(seed)
    m, h = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    numbers = [rng.integers(-3, 4, shape) / 2.0 for shape in ((m, m), (m, h), (h, m), (m,), (h,))]
    return rd.PiecewiseLinearMap(*numbers)


def overlapping(model):
    """Tell whether the images of two regions overlap, or one is flat: all pairs, exactly."""
    e = {
        name: np.vectorize(Fraction, otypes=[object])(getattr(model.canonical, name))
        for name in ("A", "W1", "W2", "h1", "h2")
    }
    m, h = model.n_states, model.n_units
    pieces = []
    for bits in itertools.product((False, True), repeat=h):
        rows = [[v if bit else -v for v in (e["h2"][u], *e["W2"][u])] for u, bit in enumerate(bits)]
        # A unit whose pre-activation is the same everywhere has no border.
        constant = [u for u in range(h) if not any(e["W2"][u])]
        if any(bits[u] != (e["h2"][u] > 0) for u in constant) or not has_interior(m, rows):
            continue
        on = np.flatnonzero(bits)
        J = e["A"] + e["W1"][:, on].dot(e["W2"][on]) if len(on) else e["A"]
        c = e["h1"] + e["W1"][:, on].dot(e["h2"][on]) if len(on) else e["h1"]
        pieces.append((rows, J, c))
    inverses = [inverse(J) for _, J, _ in pieces]
    if any(one is None for one in inverses):
        return True
    for (rows, J, c), number in zip(pieces, range(len(pieces)), strict=True):
        for other in range(number):
            rows2, _, c2 = pieces[other]
            back = inverses[other]
            # w = back (J z + c - c2) as forms in z.
            forms = [[x, *row] for x, row in zip(back.dot(c - c2), back.dot(J), strict=True)]
            pulled = [
                [
                    row[0] + sum(a * form[0] for a, form in zip(row[1:], forms, strict=True)),
                    *(
                        sum(a * form[j + 1] for a, form in zip(row[1:], forms, strict=True))
                        for j in range(m)
                    ),
                ]
                for row in rows2
            ]
            if has_interior(m, [*rows, *pulled]):
                return True
    return False


def has_interior(m, rows):
    """Whether some point makes all forms positive: a little less is still possible."""
    if any(row[0] < 0 and not any(row[1:]) for row in rows):
        return False
    rows = [row for row in rows if any(row[1:])]
    # Cones of rows (t, z) with t > 0: {form(z) >= s, s > 0} scaled to s = 1.
    scaled = [[Fraction(-1), row[0], *row[1:]] for row in rows] + [
        [Fraction(-1), Fraction(1), *[Fraction(0)] * m]
    ]
    return not intersect_half_spaces(m + 1, [(row[0], row[1:]) for row in scaled]).is_empty


def inverse(J):
    n = len(J)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(J)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return np.array([row[n:] for row in rows], dtype=object)


def test_all_pairs_of_regions_say_the_same():
    answers = []
    for seed in range(drawn(40, 1_000)):
        model = drawn_map(seed)
        found = rd.invertibility(model)
        assert found.injective == (not overlapping(model)), seed
        check_witnesses(found)
        answers.append((found.injective, found.surjective))
        if found.missed is not None:
            assert found.surjective is False
    assert len(set(answers)) >= 3


@pytest.mark.threads
def test_the_answer_does_not_depend_on_the_number_of_threads():
    model = doubled_angle()
    alone = rd.invertibility(model, n_threads=1)
    assert all(rd.invertibility(model, n_threads=n) == alone for n in (2, 7))


def test_large_networks_and_other_models_are_refused():
    rng = np.random.default_rng(0)
    large = rd.PLRNN(np.full(20, 0.5), rng.normal(size=(20, 20)), rng.normal(size=20))
    with pytest.raises(ValueError, match="at most 16,384 linear regions"):
        rd.invertibility(large)
    with pytest.raises(TypeError):
        rd.invertibility(3)
