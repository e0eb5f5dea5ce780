"""Paths on which several things happen at one place, or one thing all along."""

import numpy as np
import pytest

from bifurcation.core_paths import (
    FLIP,
    FOLD,
    INFINITY,
    NONE,
    PERSISTENCE,
    all_itineraries,
    canonical,
    follow,
    plrnn,
    scalar,
    spans,
)


def test_a_constant_path_has_no_events():
    model = scalar(0.5, -0.5, 1.0)
    followed = follow(model, model, [[[1]], [[0]], [[0], [1]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    assert len(followed["events"]["s"]) == 0
    # On the border for all s: the side that is off stands for both.
    border = scalar(0.5, -0.5, 0.0)
    followed = follow(border, border, [[[1]], [[0]]])
    assert spans(followed) == [((0,), 0.0, 1.0)]


@pytest.mark.parametrize(("h0", "h1", "at"), [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0), (-1.0, 0.0, 1.0)])
def test_a_cycle_on_the_border_at_an_end_of_the_path(h0, h1, at):
    followed = follow(scalar(0.5, -0.5, h0), scalar(0.5, -0.5, h1), [[[0]]])
    side = 1 if h0 + h1 > 0 else 0
    assert spans(followed) == [((side,), 0.0, 1.0)]
    events = followed["events"]
    assert events["s"].tolist() == [at]
    assert events["outcome"].tolist() == [PERSISTENCE]
    assert followed["gaps"] == []


@pytest.mark.parametrize("at", [0.0, 1.0])
def test_a_nonsmooth_fold_exactly_at_an_end(at):
    inside = scalar(0.5, 1.5, -1.0)
    border = scalar(0.5, 1.5, 0.0)
    ends = (border, inside) if at == 0.0 else (inside, border)
    followed = follow(*ends, [[[0]]])
    assert spans(followed) == [((0,), 0.0, 1.0), ((1,), 0.0, 1.0)]
    assert followed["events"]["outcome"].tolist() == [FOLD]
    # With the pair beyond the end of the path the border point alone is left.
    outside = scalar(0.5, 1.5, 1.0)
    followed = follow(*((border, outside) if at == 0.0 else (outside, border)), [[[0]]])
    assert spans(followed) == [((0,), at, at)]
    assert followed["events"]["outcome"].tolist() == [FOLD]
    assert followed["gaps"] == []


def test_several_preactivations_that_vanish_together():
    def twins(h):
        return (
            np.array([[0.5]]),
            np.array([[-0.6, -0.4]]),
            np.ones((2, 1)),
            np.array([h]),
            np.zeros(2),
        )

    followed = follow(twins(-1.0), twins(1.0), [[[0, 0]]])
    assert spans(followed) == [((0,), 0.0, 0.5), ((3,), 0.5, 1.0)]
    assert followed["events"]["outcome"].tolist() == [PERSISTENCE]
    assert followed["gaps"] == []


def test_a_preactivation_that_vanishes_on_the_whole_path():
    start = plrnn([[0.5, 0.0], [0.0, 0.5]], [[-1.0, 0.0], [0.0, 0.3]], [-1.0, 0.0])
    end = plrnn([[0.5, 0.0], [0.0, 0.5]], [[-1.0, 0.0], [0.0, 0.3]], [1.0, 0.0])
    followed = follow(start, end, [[[0, 0]], [[0, 1]]])
    assert spans(followed) == [((0,), 0.0, 0.5), ((1,), 0.5, 1.0)]
    assert followed["gaps"] == []


def test_a_border_that_is_touched_and_not_crossed():
    # z_1 = 2 s - 1 and p = (2 s - 1) z_1 is a square.
    def square(value):
        return (
            np.zeros((2, 2)),
            np.array([[0.0], [0.5]]),
            np.array([[value, 0.0]]),
            np.array([value, 0.0]),
            np.zeros(1),
        )

    followed = follow(square(-1.0), square(1.0), [[[1]], [[0]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    events = followed["events"]
    assert events["outcome"].tolist() == [NONE]
    assert events["converged"].tolist() == [False]
    np.testing.assert_allclose(events["s"], 0.5, atol=1e-6)
    assert events["s_lower"][0] <= 0.5 <= events["s_upper"][0]


def test_a_cycle_that_is_real_at_a_single_place():
    # |z_1| = 2 s - 1 and |z_2| = 1 - 2 s: only z = 0 at s = 1/2, where two borders are met at once
    # from opposite sides. Every 2-cycle candidate runs into the same point.
    def corner(value):
        return plrnn(2.0 * np.eye(2), -2.0 * np.eye(2), [value, -value])

    listing = [i for k in (1, 2) for i in all_itineraries(2, k)]
    followed = follow(corner(-1.0), corner(1.0), listing)
    assert spans(followed) == [((0,), 0.5, 0.5)]
    events, segments = followed["events"], followed["segments"]
    assert events["s"].tolist() == [0.5]
    assert events["outcome"].tolist() == [NONE]
    assert segments["begin_event"].tolist() == segments["end_event"].tolist() == [0]
    assert followed["gaps"] == []
    # From any of the itineraries that meet there.
    for start in all_itineraries(2, 1):
        assert spans(follow(corner(-1.0), corner(1.0), [start], 1)) == [((0,), 0.5, 0.5)]


def test_a_border_that_is_touched_from_the_side_without_cycles():
    # p = (2 s - 1) z_1 + z_2 with z_2 = p on the right: p = -(2 s - 1)^2 there, and (2 s - 1)^2 on
    # the left, so that nothing is real but the point where the square vanishes.
    def touching(value):
        return (
            np.array([[0.0, 0.0], [0.0, 0.5]]),
            np.array([[0.0], [1.0]]),
            np.array([[value, 1.0]]),
            np.array([value, 0.0]),
            np.zeros(1),
        )

    followed = follow(touching(-1.0), touching(1.0), [[[1]], [[0]]], 1)
    (span,) = spans(followed)
    assert span[1] == span[2] == pytest.approx(0.5, abs=1e-6)
    assert followed["events"]["outcome"].tolist() == [NONE]
    assert followed["events"]["s_lower"][0] <= 0.5 <= followed["events"]["s_upper"][0]
    assert followed["gaps"] == []


def test_a_line_of_two_cycles_between_two_borders_belongs_to_the_flip():
    # x -> -b x for |x| < 1 and slope zero beyond, so that x and -x meet both borders at once. At
    # b = 1 there is a line of 2-cycles, at whose end (1, -1) both candidates beyond are; they live
    # on for b > 1, and so nothing is real at b = 1 only.
    def clipped(b):
        return (
            np.array([[-b]]),
            np.array([[b, -b]]),
            np.array([[1.0], [-1.0]]),
            np.zeros(1),
            np.array([-1.0, -1.0]),
        )

    followed = follow(clipped(0.5), clipped(1.5), all_itineraries(2, 1) + all_itineraries(2, 2))
    assert followed["gaps"] == []
    assert spans(followed) == [((0,), 0.0, 1.0), ((1, 2), 0.5, 1.0)]
    (flip,) = np.flatnonzero(followed["events"]["kind"] == FLIP)
    assert followed["attached"]["event"].tolist() == [flip]
    # The multiplier touches -1 and turns back: the ends of the line are real at this place only.
    tied = np.array([[0, 0, 1], [0, 1, 1]], dtype=bool)
    zeros, eye = np.zeros((3, 3)), np.eye(3)
    w2 = (
        np.array([[1.0, -1.0, -1.0], [-1.0, -1.0, 1.0], [1.0, -1.0, 1.0]]),
        np.array([[-2.0, -2.0, 0.5], [0.5, -1.0, -1.5], [0.5, 1.5, -2.0]]),
    )
    h2 = np.array([1.0, 2.0, 2.0]), np.array([-2.0, 0.0, 0.0])
    touching = [(zeros, eye, w2[i], np.zeros(3), h2[i]) for i in range(2)]
    followed = follow(*touching, [tied])
    assert (canonical(tied), 0.4, 0.4) in [
        (key, round(begin, 6), round(end, 6)) for key, begin, end in spans(followed)
    ]
    assert followed["gaps"] == []


def test_a_line_of_fixed_points_at_a_single_place_is_a_gap():
    # z (1 - a) = h with a = 1 and h = 0 at s = 1/2: any z > 0 there, and z = h / (1 - a) = -1,
    # which is virtual, beside it.
    ends = [scalar(0.2, 1.0 + v, v) for v in (-0.5, 0.5)]
    followed = follow(*ends, [[[1]]], 1)
    gaps = [gap for gap in followed["gaps"] if "continuum" in gap["reason"]]
    assert [round(gap["s"], 9) for gap in gaps] == [0.5]
    # With z = +1 the cycle passes through, and with h = 1 it passes through infinity.
    for ends in ([scalar(0.2, 1.0 + v, -v) for v in (-0.5, 0.5)], (scalar(0.2, 0.5, 1.0),) * 2):
        assert follow(*ends, [[[1]]], 1)["gaps"] == []


@pytest.mark.parametrize("slope", [0.5, -0.25])
def test_a_cycle_on_a_border_along_the_whole_path(slope):
    # x -> 1 - x where x < b, plus `slope` (x - b) beyond: all x, 1 - x on the left are 2-cycles.
    # Of them the candidate with one point on the right has just x = b, isolated, on the border.
    def kinked(b):
        return (
            np.array([[-1.0]]),
            np.array([[slope]]),
            np.ones((1, 1)),
            np.ones(1),
            np.array([-b]),
        )

    followed = follow(kinked(1.0), kinked(2.0), [[[0]], [[0], [1]]])
    assert spans(followed) == [((0,), 0.0, 1.0)]
    gaps = {canonical(gap["itinerary"]): gap["reason"] for gap in followed["gaps"]}
    assert gaps.keys() == {(0,), (0, 1)}
    assert "lies on a border all along" in gaps[0, 1]
    assert "a continuum of cycles of twice the order" in gaps[0,]


def test_a_singular_end_and_a_singular_path():
    followed = follow(scalar(0.5, 0.7, 1.0), scalar(0.5, 1.0, 1.0), [[[1]]])
    assert spans(followed) == [((1,), 0.0, 1.0)]
    assert followed["events"]["outcome"].tolist() == [INFINITY]
    # x + h for x > 0 has no fixed point, and for h = 0 a half line of them: never hidden.
    assert spans(follow(scalar(0.5, 1.0, 1.0), scalar(0.5, 1.0, 2.0), [[[1]]])) == []
    followed = follow(scalar(0.5, 1.0, 0.0), scalar(0.25, 1.0, 0.0), [[[1]]])
    assert [gap["reason"] for gap in followed["gaps"]] == ["det(I - J) vanishes on the whole path"]
    # 0.2 + 0.8 in binary numbers is 1 + 6e-17: not zero, but nobody can tell along the path.
    followed = follow(scalar(0.5, 1.0, 0.0), scalar(0.2, 1.0, 0.0), [[[1]]])
    assert [gap["reason"] for gap in followed["gaps"]] == [
        "the sign of a pre-activation or determinant is in doubt"
    ]


def test_two_borders_that_are_hardly_apart_are_one_event_with_a_gap():
    # z = h / 0.5 with both units off, and thresholds 1e-12 apart.
    def close(h):
        return (
            np.array([[0.5]]),
            np.array([[-0.6, -0.4]]),
            np.ones((2, 1)),
            np.array([h]),
            np.array([0.0, -1e-12]),
        )

    followed = follow(close(-1.0), close(1.0), [[[0, 0]]])
    assert spans(followed) == [((0,), 0.0, 0.5), ((3,), 0.5, 1.0)]
    assert followed["events"]["outcome"].tolist() == [PERSISTENCE]
    assert any("so shortly after the other" in gap["reason"] for gap in followed["gaps"])
