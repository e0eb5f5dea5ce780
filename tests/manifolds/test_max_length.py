"""Branches of one dimension that end at an arc length, against curves of many steps."""

import dataclasses
import itertools

import numpy as np
import pytest

import rnndyn as rd
from manifold_cases import gate_of, step

LOZI = rd.examples.lozi_map(1.7, 0.5)


def forwards(states):
    return step(LOZI, states)


def backwards(states):
    """The inverse of (x, y) -> (1 - a |x| + y, b x)."""
    x = states[:, 1] / 0.5
    return np.stack([x, states[:, 0] - 1.0 + 1.7 * np.abs(x)], axis=1)


def branch(cycle, kind, side, length):
    """The corners of a branch up to a length: images of a short segment, over and over."""
    values, vectors = np.linalg.eig(cycle.jacobian)
    wanted = np.abs(values) > 1.0 if kind == "unstable" else np.abs(values) < 1.0
    (direction,) = vectors[:, wanted].T.real
    move, border = (forwards, 0) if kind == "unstable" else (backwards, 1)
    point = cycle.points[0]
    curve = np.stack([point, point + side * 1e-3 * direction])
    # Two steps, so that a negative multiplier leaves it on its side.
    while lengths(curve)[-1] < length:
        for _ in range(2):
            curve = move(with_crossings(curve, border))
    return curve[lengths(curve) < length]


def with_crossings(curve, border):
    corners = [curve[0]]
    for start, end in itertools.pairwise(curve):
        if start[border] * end[border] < 0.0:
            corners.append(start + start[border] / (start[border] - end[border]) * (end - start))
        corners.append(end)
    return np.array(corners)


def lengths(curve):
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])


def total(found):
    ends = [found.pieces.outline(number) for number in range(len(found.pieces))]
    return sum(np.linalg.norm(end - start) for start, end in ends)


@pytest.mark.parametrize("kind", ["stable", "unstable"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("length", [0.01, 1.0, 20.0])
def test_branches_of_the_lozi_map_end_where_they_should(kind, number, length):
    cycle = rd.find_cycles(LOZI, 1, progress=False).saddles[number]
    found = rd.manifold(cycle, kind, depth=200, max_length=length, progress=False)
    assert found.run.end == "max_length"
    assert not found.complete
    assert "Not complete: branches end at max_length" in repr(found)
    for side in (-1.0, 1.0):
        corners = branch(cycle, kind, side, length)
        assert (found.distance(corners) < 1e-7).all()
    values = np.linalg.eigvals(cycle.jacobian)
    (multiplier,) = values[(np.abs(values) > 1.0) == (kind == "unstable")]
    if multiplier > 0.0:
        # Nothing else is there; where branches change places, they may go on a little.
        assert total(found) == pytest.approx(2.0 * length, rel=1e-7)
    else:
        assert 2.0 * length * (1.0 - 1e-7) < total(found) < 6.0 * length
    whole = rd.manifold(cycle, kind, depth=int(found.pieces.depths.max()), progress=False)
    assert whole.contains(found.sample(200), 1e-7).all()


def test_branches_of_a_cycle_of_two_points():
    cycle = next(c for c in rd.find_cycles(LOZI, 2, progress=False) if c.order == 2)
    found = rd.manifold(cycle, "unstable", depth=100, max_length=3.0, progress=False)
    assert found.run.end == "max_length"
    longer = rd.manifold(cycle, "unstable", depth=100, max_length=6.0, progress=False)
    assert 12.0 * (1.0 - 1e-7) < total(found) < total(longer)
    assert longer.contains(found.sample(200), 1e-7).all()


def test_a_branch_that_folds_back_on_one_state_goes_on():
    tent = rd.PLRNN(A=[[1.9]], W=[[-3.8]], h=[1.0])
    cycle = next(c for c in rd.find_cycles(tent, 1, progress=False) if c.points[0, 0] > 0.0)
    found = rd.manifold(cycle, "unstable", depth=60, max_length=7.0, progress=False)
    assert found.run.end == "max_length"
    assert total(found) >= 14.0 * (1.0 - 1e-7)


def test_a_branch_ends_where_it_leaves_the_box():
    cycle = rd.find_cycles(LOZI, 1, progress=False).saddles[0]
    whole = rd.manifold(cycle, "unstable", depth=12, progress=False)
    free = rd.manifold(cycle, "unstable", depth=12, box=1.0, progress=False)
    found = rd.manifold(cycle, "unstable", depth=12, box=1.0, max_length=1e3, progress=False)
    assert 0 < len(found.pieces) <= len(free.pieces) < len(whole.pieces)
    assert free.contains(found.sample(100), 1e-9).all()


@pytest.mark.threads
@pytest.mark.parametrize("kind", ["stable", "unstable"])
@pytest.mark.parametrize("number", [0, 1])
def test_it_goes_on_where_it_was_stopped(kind, number, tmp_path):
    cycle = rd.find_cycles(LOZI, 1, progress=False).saddles[number]
    options = {"max_length": 12.0, "progress": False}
    whole = rd.manifold(cycle, kind, depth=100, n_threads=1, **options)
    n = len(whole.pieces)
    for n_threads in (1, 2, 4):
        for cut in range(1, n + 1, max(1, n // 12)):
            part = rd.manifold(cycle, kind, depth=100, max_pieces=cut, **options)
            part.save(tmp_path / "part.npz")
            part = rd.load_result(tmp_path / "part.npz")
            assert part.max_length == 12.0
            again = rd.manifold(cycle, kind, depth=100, resume=part, n_threads=n_threads, **options)
            assert again == whole
            assert again.trees == whole.trees
    for depth in range(int(whole.pieces.depths.max()) + 1):
        part = rd.manifold(cycle, kind, depth=depth, **options)
        assert rd.manifold(cycle, kind, depth=100, resume=part, **options) == whole


def test_what_has_no_length_is_refused():
    saddle = gate_of(2, 3, 4)
    assert rd.manifold(saddle, "stable", depth=0, progress=False).dimension == 2
    with pytest.raises(ValueError, match=r"^max_length is for manifolds of dimension 1, but this"):
        rd.manifold(saddle, "stable", max_length=1.0, progress=False)
    with pytest.raises(ValueError, match=r"^max_length must be a positive, finite number"):
        rd.manifold(saddle, "unstable", max_length=0.0, progress=False)
    part = rd.manifold(saddle, "unstable", max_length=1.0, progress=False)
    with pytest.raises(ValueError, match=r"^resume must be of the same max_length, 2.0; its was"):
        rd.manifold(saddle, "unstable", max_length=2.0, resume=part, progress=False)
    with pytest.raises(ValueError, match=r"^max_length must be a positive, finite number"):
        dataclasses.replace(part, max_length=-1.0)
