"""The enumerator on maps that can be solved by hand."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from reference.counting import moebius_cycle_counts
from reference.enumeration import enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries, possible_itineraries
from reference.hand_solvable import (
    BENT_FLIP,
    FLIP,
    IDENTITY,
    PLANE,
    RELU,
    TENT,
    corner,
    plrnn,
    truth_of,
)


def test_tent_map_has_the_moebius_counts():
    for order in range(1, 9):
        truth = truth_of(TENT, order)
        assert len(truth.cycles) == moebius_cycle_counts(2, order)
        assert truth.continua == ()


def test_tent_map_fixed_points_are_exact():
    cycles = truth_of(TENT, 1).cycles
    assert sorted(cycle.points[0][0] for cycle in cycles) == [Fraction(-1), Fraction(1, 3)]
    assert not any(cycle.on_border for cycle in cycles)


def test_relu_of_z_is_a_half_line_of_fixed_points():
    truth = truth_of(RELU, 1)
    # The origin also solves the system of the region z <= 0, but belongs to the half line.
    assert truth.cycles == ()
    (continuum,) = truth.continua
    assert continuum.dimension == 1
    assert continuum.itinerary == ((True,),)
    assert continuum.set_at[0].vertices == ([Fraction(0)],)
    assert continuum.set_at[0].rays == ([Fraction(1)],)


def test_repeated_fixed_points_are_no_cycles_of_higher_order():
    for map_ in (RELU, IDENTITY):
        for order in (2, 3):
            truth = truth_of(map_, order)
            assert truth.cycles == ()
            assert truth.continua == ()


def test_identity_map_is_a_line_and_its_unit_does_not_matter():
    truth = truth_of(IDENTITY, 1)
    assert truth.cycles == ()
    (continuum,) = truth.continua
    assert len(continuum.set_at[0].lines) == 1


def test_flip_has_one_fixed_point_inside_a_continuum_of_two_cycles():
    (fixed_point,) = truth_of(FLIP, 1).cycles
    assert fixed_point.points == ([Fraction(1, 2)],)
    truth = truth_of(FLIP, 2)
    assert truth.cycles == ()
    (continuum,) = truth.continua
    assert continuum.order == 2
    assert truth_of(FLIP, 3).continua == ()


def test_flip_on_one_side_of_the_border_only():
    # z' = -1 - z below the border: 2-cycles fill [-1, 0].
    (continuum,) = truth_of(BENT_FLIP, 2).continua
    ends = sorted(vertex[0] for vertex in continuum.set_at[0].vertices)
    assert ends == [Fraction(-1), Fraction(0)]
    (fixed_point,) = truth_of(BENT_FLIP, 1).cycles
    assert fixed_point.points == ([Fraction(-1, 2)],)
    # z' = 1 - z below it: both points of a 2-cycle would be negative, but their sum is 1.
    assert truth_of(plrnn([[-1.0]], [[-1.0]], [1.0]), 2).continua == ()


def test_line_attractor_in_two_dimensions_is_cut_at_the_border():
    # z_1' = relu(z_1), z_2' = z_2 / 2 + 1: fixed points (a, 2) for a >= 0.
    map_ = plrnn([[0, 0], [0, 0.5]], [[1, 0], [0, 0]], [0, 1])
    truth = truth_of(map_, 1)
    assert truth.cycles == ()
    (continuum,) = truth.continua
    assert continuum.set_at[0].vertices == ([Fraction(0), Fraction(2)],)
    assert continuum.dimension == 1


def test_plane_of_fixed_points_absorbs_the_edge_on_its_border():
    # The quadrant, of which the axes are edges.
    truth = truth_of(PLANE, 1)
    assert truth.cycles == ()
    assert [continuum.dimension for continuum in truth.continua] == [2]
    assert truth.continua[0].itinerary == ((True, True),)


def test_adjacent_segments_are_separate_continua():
    # h = 0 and both slopes 1 on the first axis: fixed points on both sides, one continuum each.
    map_ = plrnn([[1, 0], [0, 0]], [[0, 0], [1, 0]], [0, 0])
    truth = truth_of(map_, 1)
    assert len(truth.continua) == 2
    assert truth.cycles == ()


def test_border_cycle_counts_once_with_bit_zero():
    # h = 0: the origin lies on every border and solves all four systems.
    map_ = plrnn([[0.5, 0], [0, 0.25]], [[0.25, -1], [0.5, 0.125]], [0, 0])
    (origin,) = truth_of(map_, 1).cycles
    assert origin.on_border
    assert origin.itinerary == ((False, False),)


def test_line_of_solutions_that_touches_its_region_in_one_point():
    # The resting region is z_1 <= 0 <= z_2, of which the line z_1 = z_2 meets only the corner.
    truth = truth_of(corner([[1, 0], [0, 1]]), 1)
    assert truth.continua == ()
    (origin,) = truth.cycles
    assert origin.on_border
    assert origin.itinerary == ((False, False),)


def test_isolated_fixed_point_all_of_whose_itineraries_are_singular():
    map_ = corner([[1, 1], [-1, -1]])
    for itinerary in all_itineraries(map_, 1):
        jacobian, _ = ExactMap.of(map_).affine_piece(tuple(itinerary[0]))
        assert np.linalg.det(np.eye(2) - np.array(jacobian, dtype=float)) == 0
    truth = truth_of(map_, 1)
    assert truth.continua == ()
    assert [cycle.points for cycle in truth.cycles] == [([Fraction(0), Fraction(0)],)]


def test_units_without_effect_do_not_split_anything():
    one = plrnn([[2.0]], [[-4.0]], [1.0])
    two = SimpleNamespace(
        A=one.A,
        W1=np.array([[-4.0, 0.0]]),
        W2=np.array([[1.0], [1.0]]),
        h1=one.h1,
        h2=np.array([0.0, -0.25]),
    )
    for order in (1, 2, 3):
        plain = {cycle.points[0][0] for cycle in truth_of(one, order).cycles}
        padded = {cycle.points[0][0] for cycle in truth_of(two, order).cycles}
        assert plain == padded


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_filter_keeps_every_real_candidate(order, ties):
    rng = np.random.default_rng([order, ties])
    for _ in range(25):
        m = int(rng.integers(1, 4))
        if ties:
            A, W = (rng.choice([-1, -0.5, 0, 0, 0.5, 1], (m, m)) for _ in range(2))
            h = rng.choice([-1, -0.5, 0, 0, 1], m)
        else:
            A, W, h = rng.normal(size=(m, m)), 2 * rng.normal(size=(m, m)), rng.normal(size=m)
        map_ = plrnn(A, W, h)
        exact = ExactMap.of(map_)
        everything = enumerate_cycles(exact, order, all_itineraries(map_, order))
        filtered = enumerate_cycles(exact, order, possible_itineraries(map_, order))
        assert filtered == everything
