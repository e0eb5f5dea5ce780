"""Manifolds of single cycles: closed forms, a slow reference, exact emptiness, files, messages."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from manifold_cases import cycles_of, gate_of, network, step
from reference import manifolds as reference
from reference.polyhedron import intersect_half_spaces


def saddle_of(model):
    return rd.find_cycles(model, 1, progress=False).saddles[0]


def clipped_line():
    """x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 and y -> y / 2."""
    return rd.PiecewiseLinearMap(
        A=[[0.5, 0.0], [0.0, 0.5]],
        W1=[[1.0, -1.0], [0.0, 0.0]],
        W2=[[1.0, 0.0], [1.0, 0.0]],
        h1=[-1.0, 0.0],
        h2=[1.0, -1.0],
    )


# Closed forms -----------------------------------------------------------------------------------


def test_a_line_between_two_basins():
    line = rd.manifold(saddle_of(clipped_line()), box=3.0)
    assert line.complete
    assert len(line.pieces) == 1
    assert line.dimension == 1
    np.testing.assert_allclose(np.sort(line.pieces.outline(0)[:, 1]), [-3.0, 3.0], atol=1e-12)
    assert line.distance([2.0, 1.0]) == pytest.approx(2.0)
    # Beyond its end the closest point is the end.
    closest = line.closest_point([[0.0, 4.0], [3.0, 7.0]])
    np.testing.assert_allclose(closest.points, [[0.0, 3.0], [0.0, 3.0]], atol=1e-12)
    np.testing.assert_allclose(closest.distances, [1.0, 5.0], atol=1e-12)
    assert line.contains([[0.0, 1.0], [1e-3, 1.0]]).tolist() == [True, False]


def test_the_unstable_manifold_of_that_saddle_ends_at_the_attractors():
    branches = rd.manifold(saddle_of(clipped_line()), "unstable", depth=60)
    ends = np.concatenate([branches.pieces.outline(i) for i in range(len(branches.pieces))])
    np.testing.assert_allclose(ends[:, 1], 0.0, atol=1e-12)
    np.testing.assert_allclose([ends[:, 0].min(), ends[:, 0].max()], [-2.0, 2.0], atol=1e-9)


def test_the_basin_of_a_stable_fixed_point_is_its_stable_manifold():
    model = clipped_line()
    stable = rd.find_cycles(model, 1, progress=False).stable
    basins = [rd.manifold(cycle, depth=60, box=4.0) for cycle in stable]
    rng = np.random.default_rng(0)
    states = rng.uniform(-4.0, 4.0, (400, 2))
    inside = np.stack([basin.contains(states) for basin in basins], axis=1)
    right = np.array([cycle.points[0, 0] > 0.0 for cycle in stable])
    np.testing.assert_array_equal(inside, (states[:, :1] > 0.0) == right)


def test_manifolds_of_the_lozi_map_have_the_slopes_of_the_eigenvectors():
    a, b = 1.7, 0.5
    cycles = rd.find_cycles(rd.examples.lozi_map(a, b), 1, progress=False)
    for cycle in cycles.saddles:
        for kind in ("stable", "unstable"):
            local = rd.manifold(cycle, kind, depth=0)
            jacobian = cycle.jacobian
            values, vectors = np.linalg.eig(jacobian)
            wanted = np.abs(values) < 1.0 if kind == "stable" else np.abs(values) > 1.0
            (direction,) = vectors[:, wanted].T
            ends = local.pieces.outline(0)
            along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
            assert abs(along @ direction) == pytest.approx(1.0, abs=1e-12)
            np.testing.assert_allclose(local.distance(cycle.points[0]), 0.0, atol=1e-12)


# A slow reference -------------------------------------------------------------------------------


def words_of(pieces):
    return {
        (tuple(tuple(map(bool, region)) for region in pieces.word(i)), int(pieces.phases[i])): i
        for i in range(len(pieces))
    }


@pytest.mark.parametrize("seed", range(drawn(2, 60)))
def test_the_pieces_are_those_of_the_reference(seed):
    n_states = 2 + seed % 2
    cycle = gate_of(seed, n_states, 2)
    depth, half = (4, 50.0) if n_states == 2 else (2, 20.0)
    found = rd.manifold(cycle, depth=depth, box=half, n_threads=1)
    expected, doubtful = reference.stable_manifold(cycle._origin.model, cycle, depth, half)
    own = words_of(found.pieces)
    skipped = set(doubtful)
    assert own.keys() - skipped == {(p.word, p.phase) for p in expected} - skipped
    assert len(skipped) <= 2
    for piece in expected:
        number = own[piece.word, piece.phase]
        inner = found.pieces.interiors[number]
        size = 1.0 + np.abs(inner).max()
        lengths = np.linalg.norm(piece.E, axis=1)
        assert (np.abs(piece.E @ inner - piece.e) <= 1e-8 * size * lengths).all()
        assert (piece.G @ inner <= piece.g + 1e-8 * size).all()
        # No inequality was dropped that cuts.
        rows, bounds = found.pieces.rows_of(number)
        for row, bound in zip(rows, bounds, strict=True):
            assert reference.reaches(piece, row) == pytest.approx(bound, abs=1e-6 * size)


@pytest.mark.parametrize("kind", ["stable", "unstable"])
@pytest.mark.parametrize("seed", range(drawn(4, 100)))
def test_orbits_from_pieces_follow_their_words(seed, kind):
    n_states = 2 + seed % 3
    cycle = gate_of(seed, n_states, 4)
    model = cycle._origin.model
    found = rd.manifold(cycle, kind, depth=5, box=100.0, max_pieces=400, n_threads=1)
    pieces = found.pieces
    states, numbers = pieces.sample(200, np.random.default_rng(seed))
    assert found.contains(states, 1e-7 * 100.0).all()
    images = step(model, states)
    for state, image, number in zip(states, images, numbers, strict=True):
        parent = int(pieces.parents[number])
        if kind == "stable":
            # Into the piece that it was made of; from a local set into the next one.
            if parent < 0:
                parent = (int(pieces.phases[number]) + 1) % cycle.order
            assert pieces.excess(image[np.newaxis])[0, parent] < 1e-6
        elif parent >= 0:
            region = model.canonical.region(pieces.interiors[number])
            np.testing.assert_array_equal(region, pieces.regions[number])
            assert pieces.excess(state[np.newaxis])[0, number] < 1e-6
    if kind == "stable":
        for _ in range(6 * cycle.order):
            images = step(model, images)
        # Expanding directions blow rounding up; what is left is near the cycle or its local sets.
        assert np.isfinite(images).all()


# What is said to be empty -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(drawn(2, 40)))
def test_words_without_a_piece_are_empty_in_exact_arithmetic(seed):
    """The local set is widened by far more than its error; the rest is exact."""
    cycle = gate_of(seed + 1, 2, 2)
    model = cycle._origin.model
    found = rd.manifold(cycle, depth=2, box=10.0, n_threads=1)
    pieces = found.pieces
    known = words_of(pieces)
    around = [tuple(map(bool, region)) for region in cycle.itinerary]
    n_checked = n_open = 0
    for word, phase in list(known):
        if len(word) == 2:
            continue
        for region in itertools.product((False, True), repeat=model.n_units):
            longer = (region, *word)
            if (longer, phase) in known or (not word and region == around[phase - 1]):
                continue
            local = known[(), phase]
            n_open += not exact_set(model, pieces, local, longer).is_empty
            n_checked += 1
    # Only the words that are said to be too thin may have something in the widened set.
    assert n_open <= found.run.n_undecided
    # Regions that are themselves empty are not even tried.
    assert n_checked >= found.run.n_empty > 0


def exact_set(model, pieces, local, word):
    """The states that follow a word into the widened local set, in rational numbers."""
    canonical = model.canonical
    W1, W2, A = (to_fractions(array) for array in (canonical.W1, canonical.W2, canonical.A))
    h1, h2 = (to_fractions(array) for array in (canonical.h1, canonical.h2))
    m, half, wide = model.n_states, Fraction(10), Fraction(1, 10**8)
    # The state after some steps as a form [offset | gradient] in the first state.
    state = [[Fraction(0), *(Fraction(int(i == j)) for j in range(m))] for i in range(m)]
    rows = []

    def forms(matrix, offset):
        return [
            [
                sum((a * s[j] for a, s in zip(line, state, strict=True)), Fraction(0))
                + (b if j == 0 else 0)
                for j in range(m + 1)
            ]
            for line, b in zip(matrix, offset, strict=True)
        ]

    def in_the_box():
        for form in state:
            rows.append([half - form[0], *(-x for x in form[1:])])
            rows.append([half + form[0], *form[1:]])

    for region in word:
        in_the_box()
        inside = forms(W2, h2)
        for bit, form in zip(region, inside, strict=True):
            rows.append(form if bit else [-x for x in form])
        moved = forms(A, h1)
        for i in range(m):
            for unit, bit in enumerate(region):
                if bit:
                    moved[i] = [
                        x + W1[i][unit] * y for x, y in zip(moved[i], inside[unit], strict=True)
                    ]
        state = moved
    G, g = pieces.rows_of(local)
    for row in forms(to_fractions(-G), to_fractions(g)):
        rows.append([row[0] + wide, *row[1:]])
    E, e = pieces.equations[local], pieces.values[local]
    for sign in (1.0, -1.0):
        for row in forms(to_fractions(sign * E), to_fractions(-sign * e)):
            rows.append([row[0] + wide, *row[1:]])
    return intersect_half_spaces(m, [(row[0], row[1:]) for row in rows if any(row[1:])])


def to_fractions(array):
    return [
        [Fraction(float(x)) for x in row] if np.ndim(row) else Fraction(float(row))
        for row in np.asarray(array)
    ]


# Threads, limits, files, messages ---------------------------------------------------------------


@pytest.mark.threads
def test_the_pieces_do_not_depend_on_the_number_of_threads():
    cycle = gate_of(3, 3, 4)
    alone = rd.manifold(cycle, depth=5, max_pieces=2_000, n_threads=1)
    assert len(alone.pieces) > 20
    for n_threads in (2, 4, 7):
        assert rd.manifold(cycle, depth=5, max_pieces=2_000, n_threads=n_threads) == alone


def test_a_tree_that_grows_too_large_says_so():
    cycle = gate_of(3, 3, 4)
    part = rd.manifold(cycle, depth=30, max_pieces=15)
    assert len(part.pieces) == 15
    assert not part.complete
    assert "Not complete: the limit max_pieces was reached" in repr(part)
    whole = rd.manifold(cycle, depth=3)
    assert not whole.complete
    assert "Not complete: the depth was reached" in repr(whole)
    np.testing.assert_array_equal(part.pieces.interiors[:10], whole.pieces.interiors[:10])


def test_distances_agree_with_a_dense_sample():
    found = rd.manifold(gate_of(5, 3, 4), depth=3, box=10.0)
    rng = np.random.default_rng(1)
    states = rng.uniform(-10.0, 10.0, (20, 3))
    closest = found.closest_point(states)
    assert found.contains(closest.points, 1e-9).all()
    sample = found.sample(20_000, seed=2)
    for state, distance in zip(states, closest.distances, strict=True):
        assert distance <= np.linalg.norm(sample - state, axis=1).min() + 1e-12


def test_a_manifold_without_pieces_is_infinitely_far():
    cycle = saddle_of(clipped_line())
    away = rd.manifold(cycle, box=([5.0, -1.0], [6.0, 1.0]))
    assert len(away.pieces) == 0
    assert away.distance([0.0, 0.0]) == np.inf
    assert away.distance(np.zeros((2, 2))).tolist() == [np.inf, np.inf]
    assert not away.contains([0.0, 0.0])
    with pytest.raises(ValueError, match="no pieces to draw"):
        away.sample(1)


def test_cycles_without_manifolds_are_refused_with_the_reason():
    shear = rd.PLRNN(A=[[1.0, 0.0], [0.0, 0.5]], W=np.zeros((2, 2)), h=[0.0, 1.0])
    saddle = saddle_of(clipped_line())
    neutral = dataclasses.replace(saddle, stability="nonhyperbolic")
    with pytest.raises(ValueError, match=r"^cycle must be hyperbolic, but a multiplier"):
        rd.manifold(neutral)
    border = dataclasses.replace(saddle, on_border=True)
    with pytest.raises(ValueError, match=r"^cycle must lie off the borders"):
        rd.manifold(border)
    with pytest.raises(ValueError, match=r"^cycle must know its network"):
        rd.manifold(dataclasses.replace(saddle, _origin=None))
    with pytest.raises(TypeError, match=r"^cycle must be a Cycle"):
        rd.manifold(shear)
    stable = rd.find_cycles(clipped_line(), 1, progress=False).stable[0]
    with pytest.raises(ValueError, match=r"^cycle must have an unstable manifold"):
        rd.manifold(stable, "unstable")
    with pytest.raises(ValueError, match=r"^kind must be"):
        rd.manifold(saddle, "centre")
    with pytest.raises(ValueError, match=r"^the radius of box must be a number or have shape"):
        rd.manifold(saddle, box=np.ones(3))
    with pytest.raises(ValueError, match=r"^box must have every lower bound below"):
        rd.manifold(saddle, box=(1.0, -1.0))
    with pytest.raises(ValueError, match=r"^states must have shape \(2,\) or \(n, 2\)"):
        rd.manifold(saddle).distance([1.0, 2.0, 3.0])


def test_a_large_network_is_refused_with_the_reason():
    rng = np.random.default_rng(0)
    n = 20
    model = rd.PLRNN(
        0.5 * np.ones(n), np.diag(np.full(n, -3.0)) + rng.normal(size=(n, n)), rng.normal(size=n)
    )
    cycle = rd.find_cycles(model, 1, method="search", max_restarts=50, progress=False)[0]
    with pytest.raises(ValueError, match="at most 16,384 linear regions"):
        rd.manifold(cycle)


@pytest.mark.parametrize("exponent", [-200, -30, 30, 200])
def test_units_of_the_states_do_not_matter(exponent):
    """With all states below 1e-11 there were no pieces, and the manifold was called complete."""
    size = 2.0**exponent
    c = network(149, 2, 6).canonical
    found = []
    for factor in (1.0, size):
        model = rd.PiecewiseLinearMap(c.A, c.W1, c.W2, factor * c.h1, factor * c.h2)
        saddle = cycles_of(model).saddles[0]
        options = {"box": 20.0 * factor, "progress": False}
        pairs = [
            rd.manifold(saddle, "stable", depth=6, **options),
            rd.manifold(saddle, "unstable", depth=6, **options),
            rd.manifold(saddle, "unstable", depth=20, max_length=2.0 * factor, **options),
        ]
        # The cube that stands for all states has its size, too.
        assert len(rd.manifold(saddle, "unstable", depth=3, progress=False).pieces) == 10
        again = rd.manifold(saddle, "stable", depth=8, resume=pairs[0], **options)
        assert again == rd.manifold(saddle, "stable", depth=8, **options)
        found.append(pairs)
    for one, other in zip(*found, strict=True):
        assert len(one.pieces) == len(other.pieces) > 5
        assert one.run.end == other.run.end
        np.testing.assert_array_equal(one.pieces.parents, other.pieces.parents)
        for name in ("interiors", "values", "bounds"):
            own, scaled = getattr(one.pieces, name), getattr(other.pieces, name) / size
            np.testing.assert_allclose(scaled, own, rtol=1e-7, atol=1e-9)
        ends = one.pieces.outline(3)
        np.testing.assert_allclose(other.pieces.outline(3) / size, ends, rtol=1e-7, atol=1e-9)


def test_a_local_set_that_is_too_thin_to_be_seen_is_not_none():
    """States of 1e-13 beside one of 1: no units suit both, and the local set is as short."""
    model = rd.PiecewiseLinearMap(
        A=[[0.5, 0.0], [0.0, 0.5]],
        W1=[[1.0, -1.0], [0.0, 0.0]],
        W2=[[1.0, 0.0], [1.0, 0.0]],
        h1=[-1e-13, 0.5],
        h2=[1e-13, -1e-13],
    )
    saddle = saddle_of(model)
    for kind in ("stable", "unstable"):
        found = rd.manifold(saddle, kind, progress=False)
        assert len(found.pieces) == 0
        assert found.run.n_undecided == 1
        assert not found.complete
        assert rd.manifold(saddle, kind, resume=found, progress=False).run == found.run
