"""Index sums of piecewise-linear networks: where they hold, and what they tell."""

from fractions import Fraction

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn import _core
from rnndyn._core import _core as core

#: One unit that inhibits itself, with slopes 0.6 and -2.4: a chaotic map of an interval.
DIP = rd.PLRNN([0.6], [[-3.0]], [0.9])
#: Two fixed points, and no box: it runs off to the left.
TENT = rd.PLRNN([2.0], [[-4.0]], [1.0])


def known(found):
    return [(record.index_sum, record.index_expected) for record in found.search.orders]


def reasons(found):
    return [record.index_unknown for record in found.search.orders]


def sign_of(matrix):
    return int(np.sign(np.linalg.det(matrix)))


def test_sum_is_one_where_a_box_is_mapped_into_itself():
    found = rd.find_cycles(DIP, max_order=6)
    assert found.complete
    assert len(found) > 3
    assert known(found) == [(1, 1)] * 6
    assert found.index_sum == found.index_expected == 1
    assert reasons(found) == [None] * 6
    assert found.index_unknown is None


def test_no_box_no_sum():
    found = rd.find_cycles(TENT, max_order=3)
    assert known(found) == [(None, None)] * 3
    assert found.index_unknown == "no box is known that the network maps into itself"
    assert found.index_sum is None
    # It would be wrong: both fixed points have slopes that add up to 0.
    assert sum(sign_of(np.eye(1) - point.jacobian) for point in found.fixed_points) == 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_random_networks(n):
    rng = np.random.default_rng(n)
    n_known = n_many = 0
    for _ in range(drawn(40, 400)):
        A, W = rng.uniform(-0.6, 0.9, n), 1.8 / n * rng.normal(size=(n, n))
        found = rd.find_cycles(rd.PLRNN(A, W, rng.normal(size=n)), 4, method="exhaustive")
        if found.index_expected is None:
            continue
        assert known(found) == [(1, 1)] * 4
        n_known += 1
        n_many += len(found) > 1
    assert n_known > 5
    assert n_many > 0


def test_sum_is_that_of_the_determinants():
    rng = np.random.default_rng(7)
    n_negative = 0
    for _ in range(drawn(20, 200)):
        M, L = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        model = rd.ClippedShallowPLRNN(
            A=rng.uniform(-0.9, 0.9, M),
            W1=3.0 * rng.normal(size=(M, L)),
            W2=rng.normal(size=(L, M)),
            h1=rng.normal(size=M),
            h2=rng.normal(size=L),
        )
        found = rd.find_cycles(model, max_order=2)
        for record in found.search.orders:
            # The nonlinearity is bounded: clipped networks have a box whenever A contracts.
            assert record.index_unknown is None
            total = 0
            for cycle in found:
                if record.order % cycle.order:
                    continue
                power = np.linalg.matrix_power(cycle.jacobian, record.order // cycle.order)
                index = sign_of(np.eye(M) - power)
                total += cycle.order * index
                n_negative += index < 0
            assert record.index_sum == total
            if record.complete:
                assert total == 1
    assert n_negative > 5


def test_what_is_missing_is_told():
    rng = np.random.default_rng(0)
    n_told = 0
    for _ in range(60):
        W = 1.3 * rng.normal(size=(6, 6))
        model = rd.ClippedShallowPLRNN(
            A=rng.uniform(0.0, 0.6, 6), W1=W, W2=rng.normal(size=(6, 6)), h1=np.zeros(6), h2=W[0]
        )
        few = rd.find_fixed_points(model, method="search", max_restarts=1)
        record = few.search.orders[0]
        if record.index_expected is None:
            assert "on a border" in record.index_unknown
            continue
        if record.n_missing == 0:
            assert "index sum is 1" in repr(few) or few.complete
            continue
        everything = rd.find_fixed_points(model, method="exhaustive")
        assert everything.index_sum == 1
        assert len(everything) >= len(few) + record.n_missing
        assert f"so at least {record.n_missing} fixed point" in repr(few)
        n_told += 1
    assert n_told > 3


def test_a_search_goes_on_while_one_is_missing():
    rng = np.random.default_rng(1)
    n_more = n_finished = 0
    for _ in range(drawn(40, 150)):
        W = 1.3 * rng.normal(size=(6, 6))
        model = rd.ClippedShallowPLRNN(
            A=rng.uniform(0.0, 0.6, 6),
            W1=W,
            W2=rng.normal(size=(6, 6)),
            h1=np.zeros(6),
            h2=rng.normal(size=6),
        )
        found = rd.find_fixed_points(model, method="search")
        everything = rd.find_fixed_points(model, method="exhaustive")
        assert {c.itinerary.tobytes() for c in found} <= {c.itinerary.tobytes() for c in everything}
        assert found.index_sum in (1, None) or len(found) < len(everything)
        n_finished += len(found) == len(everything)
        # Restarts in a row without a new cycle that end an order at least; given, they do.
        usual = rd.find_fixed_points(model, method="search", max_restarts=400)
        n_more += len(found) > len(usual)
        assert found.search.seed == 0
        again = rd.find_fixed_points(model, method="search", n_threads=2)
        assert again == found
    assert n_more > 0
    assert n_finished > drawn(38, 145)


def test_reasons():
    # A fixed point on a border, a continuum, a part of the orders, a box.
    border = rd.PLRNN([0.5], [[-1.0]], [0.0])
    reason = "1 cycle of order 1 on a border has no index"
    assert reasons(rd.find_fixed_points(border)) == [reason]
    assert rd.find_fixed_points(border).index_unknown == reason
    line = rd.ShallowPLRNN(
        A=[1.0],
        W1=[[-0.5, 0.5]],
        W2=[[1.0], [-1.0]],
        h1=[0.0],
        h2=[-1.0, -1.0],
    )
    assert reasons(rd.find_fixed_points(line)) == [
        "a continuum of fixed points or cycles is degenerate"
    ]
    assert reasons(rd.find_cycles(DIP, orders=[4])) == [
        "order 1 was not searched, whose cycles count as well"
    ]
    assert reasons(rd.find_fixed_points(DIP, box=3.0)) == ["the search was restricted to a box"]
    many = rd.find_cycles(DIP, orders=[1, 2, 3, 6, 9, 18])
    assert reasons(many)[-1] in (
        None,
        "the cycles of order 18 are too many or too long for their signs",
    )


def test_reasons_survive_files(tmp_path):
    for model in (DIP, TENT):
        found = rd.find_cycles(model, max_order=2)
        found.save(tmp_path / "cycles.npz")
        again = rd.CycleSet.load(tmp_path / "cycles.npz")
        assert known(again) == known(found)
        assert reasons(again) == reasons(found)
        assert again.search.orders == found.search.orders


def random_canonical(rng, n, h, kind):
    if kind == "identity":
        h = n
    W2 = np.eye(n) if kind == "identity" else rng.normal(size=(h, n))
    h2 = rng.normal(size=h)
    W1 = rng.normal(size=(n, h))
    if kind == "pairs":
        W2, W1, h2 = np.vstack([W2, W2]), np.hstack([W1, -W1]), np.append(h2, 0.0 * h2)
    return _core.CanonicalMap(rng.normal(size=(n, n)), W1, W2, rng.normal(size=n), h2)


@pytest.mark.parametrize("kind", ["identity", "general", "pairs"])
def test_images_of_boxes_hold_all_images(kind):
    rng = np.random.default_rng(11)
    for _ in range(drawn(40, 400)):
        n, h = int(rng.integers(1, 5)), int(rng.integers(1, 6))
        canonical = random_canonical(rng, n, h, kind)
        middle, radius = rng.normal(size=n), rng.exponential(size=n)
        lower, upper = core.image_bounds(canonical, middle - radius, middle + radius)
        corners = np.where(rng.random((200, n)) < 0.5, -1.0, 1.0)
        inside = np.concatenate([corners, rng.uniform(-1.0, 1.0, (300, n))])
        images = np.array([canonical.step(middle + radius * side) for side in inside])
        assert (images >= lower - 1e-13).all()
        assert (images <= upper + 1e-13).all()
        if kind == "identity":
            # Nothing is lost: ends and breakpoints of each state come to all bounds.
            ends = [np.array([m - r, m + r]) for m, r in zip(middle, radius, strict=True)]
            for i in range(n):
                low = high = canonical.h1[i]
                for j in range(n):
                    x = np.append(ends[j], -canonical.h2[j])
                    x = x[(x >= ends[j][0]) & (x <= ends[j][1])]
                    f = canonical.A[i, j] * x
                    f = f + canonical.W1[i, j] * np.maximum(x + canonical.h2[j], 0.0)
                    low, high = low + f.min(), high + f.max()
                assert lower[i] == pytest.approx(low, abs=1e-12)
                assert upper[i] == pytest.approx(high, abs=1e-12)


def extreme(rng, shape, largest):
    """Numbers of all sizes up to 10^largest, a third of them zero."""
    sizes = 10.0 ** rng.uniform(-largest, largest, shape)
    return np.where(rng.random(shape) < 0.33, 0.0, rng.normal(size=shape) * sizes)


def exact_image(canonical, z):
    """F(z) in exact arithmetic."""
    z = [Fraction(x) for x in z]
    images = [
        Fraction(h) + sum(Fraction(a) * x for a, x in zip(row, z, strict=True))
        for h, row in zip(canonical.h1, canonical.A, strict=True)
    ]
    for u, (h, row) in enumerate(zip(canonical.h2, canonical.W2, strict=True)):
        p = Fraction(h) + sum(Fraction(w) * x for w, x in zip(row, z, strict=True))
        if p > 0:
            images = [y + Fraction(w) * p for y, w in zip(images, canonical.W1[:, u], strict=True)]
    return images


@pytest.mark.parametrize("largest", [0, 8, 150])
def test_images_of_boxes_hold_exact_images(largest):
    """No rounding error leaves an image outside, nor an overflow, nor a side at infinity."""
    rng = np.random.default_rng([41, largest])
    n_finite = 0
    for number in range(drawn(250, 3000)):
        n, h = int(rng.integers(1, 4)), int(rng.integers(1, 6))
        W2 = extreme(rng, (h, n), largest)
        if number % 4 == 1:
            W2[rng.integers(h)] = W2[0]
        canonical = _core.CanonicalMap(
            np.diag(extreme(rng, n, largest)) if number % 2 else extreme(rng, (n, n), largest),
            extreme(rng, (n, h), largest),
            W2,
            extreme(rng, n, largest),
            extreme(rng, h, largest),
        )
        ends = np.sort(extreme(rng, (2, n), largest), axis=0)
        points = [rng.choice(ends[:, j], 6) for j in range(n)]
        points = [*np.transpose(points).tolist(), ends.mean(axis=0).tolist()]
        lower, upper = ends.copy()
        if number % 5 == 0:
            lower[rng.integers(n)] = -np.inf
        if number % 5 <= 1:
            upper[rng.integers(n)] = np.inf
        low, high = core.image_bounds(canonical, lower, upper)
        assert not np.isnan([low, high]).any()
        for z in points:
            for i, y in enumerate(exact_image(canonical, z)):
                assert low[i] == -np.inf or Fraction(low[i]) <= y
                assert high[i] == np.inf or Fraction(high[i]) >= y
        n_finite += bool(np.isfinite([low, high]).all())
    assert n_finite > 20


def test_boxes_are_mapped_into_their_interior():
    rng = np.random.default_rng(2)
    n_boxes = 0
    for _ in range(drawn(60, 600)):
        canonical = random_canonical(rng, 2, 3, "pairs")
        canonical = _core.CanonicalMap(
            0.4 * canonical.A, canonical.W1, canonical.W2, canonical.h1, canonical.h2
        )
        states = rng.normal(size=(4, 2))
        box = _core.piecewise_invariant_box(canonical, states)
        if box is None:
            continue
        n_boxes += 1
        lower, upper = box
        assert (states > lower).all()
        assert (states < upper).all()
        image = core.image_bounds(canonical, lower, upper)
        assert (image[0] > lower).all()
        assert (image[1] < upper).all()
    assert n_boxes > 10


def test_signs_in_doubt_are_zero():
    # I - J = 0 but for rounding: no sign.
    canonical = rd.PLRNN([0.1], [[0.9]], [0.0]).canonical
    regions = np.ones((1, 1, 1), dtype=bool)
    assert _core.index_signs(canonical, regions).tolist() == [[0, 1]]
    assert _core.index_signs(canonical, ~regions).tolist() == [[1, 1]]
    flip = rd.PLRNN([-2.0], [[0.0]], [0.0]).canonical
    assert _core.index_signs(flip, regions).tolist() == [[1, -1]]
