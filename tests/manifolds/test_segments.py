"""Pieces of dimension 1 that continue each other in a straight line, as one segment."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from manifold_cases import cycles_of, gate_of, network
from rnndyn.manifolds._segments import joined_segments

LOZI = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), 1, progress=False)


def distances(points, segments):
    """From each point to the nearest segment."""
    start, along = segments[:, 0], segments[:, 1] - segments[:, 0]
    away = points[:, np.newaxis] - start
    share = (away * along).sum(axis=2) / (along**2).sum(axis=1)
    nearest = share.clip(0.0, 1.0)[..., np.newaxis] * along
    return np.linalg.norm(away - nearest, axis=2).min(axis=1)


def length_of(segments):
    return np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum()


def assert_same_set(pieces, segments):
    ends = np.array([pieces.outline(number) for number in range(len(pieces))])
    assert length_of(segments) == pytest.approx(length_of(ends), rel=1e-9)
    size = np.abs(ends).max()
    shares = np.linspace(0.0, 1.0, 7)[:, np.newaxis, np.newaxis]
    for one, other in ((ends, segments), (segments, ends)):
        points = (one[:, 0] + shares * (one[:, 1] - one[:, 0])).reshape(-1, pieces.n_states)
        assert (distances(points, other) <= 2e-9 * size).all()


def test_an_image_that_a_border_cuts_is_one_segment():
    """Of the Lozi map everything but the local set is an image; those that cross x = 0 are cut."""
    for cycle in LOZI.saddles:
        found = rd.manifold(cycle, "unstable", depth=10, progress=False)
        segments = found.pieces.segments()
        assert_same_set(found.pieces, segments)
        images = [parent for parent in found.pieces.parents if parent >= 0]
        # The local set and an image of it may be one, too.
        n_images = len(set(images)) + 1
        assert n_images - 3 <= len(segments) <= n_images < len(found.pieces)
        bent = rd.manifold(cycle, "stable", depth=10, progress=False)
        assert len(bent.pieces.segments()) == len(bent.pieces)


@pytest.mark.parametrize("seed", [16, 30, 47])
def test_segments_are_the_same_set(seed):
    boundary = rd.basin_boundary(
        cycles_of(network(seed, 2, 6), 4), box=10.0, depth=20, max_pieces=300, progress=False
    )
    assert_same_set(boundary.pieces, boundary.pieces.segments())
    branches = rd.manifold(boundary.gates[0].cycle, "unstable", box=10.0, progress=False)
    segments = branches.pieces.segments()
    assert_same_set(branches.pieces, segments)
    assert len(segments) < len(branches.pieces)


def test_bends_remain_however_small():
    bend = 1e-8
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, bend], [3.0, 2.0 * bend]])
    ends = np.stack([corners[:-1], corners[1:]], axis=1)
    joined = joined_segments(ends[[2, 0, 1]], np.full(3, 1e-7))
    assert len(joined) == 2
    # The last two are one line as they stand.
    assert len(joined_segments(ends, np.zeros(3))) == 2
    # A slow curve is not straight because each of its corners is nearly so.
    angle = np.linspace(0.0, 1e-4, 2_000)
    curve = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    ends = np.stack([curve[:-1], curve[1:]], axis=1)
    arcs = joined_segments(ends, np.full(len(ends), 1e-13))
    assert 1 < len(arcs) < len(ends)
    assert distances(curve, arcs).max() < 1e-12
    assert length_of(arcs) == pytest.approx(length_of(ends), rel=1e-9)


def test_lines_that_cross_at_an_end_are_not_joined():
    lines = np.array(
        [[[-1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [2.0, 0.0]]]
    )
    assert len(joined_segments(lines, np.full(3, 1e-12))) == 3
    turned = np.array([[[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.25, 0.0]]])
    assert len(joined_segments(turned, np.full(2, 1e-12))) == 2


def test_without_errors_nothing_is_joined():
    found = rd.manifold(LOZI.saddles[0], "unstable", depth=6, progress=False)
    old = dataclasses.replace(found.pieces, value_errors=None, bound_errors=None)
    assert len(old.segments()) == len(old) > len(found.pieces.segments())
    nothing = rd.manifold(LOZI.saddles[0], box=(50.0, 51.0), progress=False)
    assert nothing.pieces.segments().shape == (0, 2, 2)
    with pytest.raises(ValueError, match=r"^only pieces of dimension 1 are segments, these have"):
        rd.manifold(gate_of(2, 3, 4), depth=0, progress=False).pieces.segments()
