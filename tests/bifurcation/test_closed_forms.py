"""Maps whose bifurcations are known in closed form."""

import numpy as np
import pytest

import rnndyn as rd
from reference.bifurcation import (
    border_collision_normal_form,
    skew_tent,
    skew_tent_birth,
    skew_tent_flip,
)

EXACT = 1e-10


def model_of(map_):
    return rd.PiecewiseLinearMap(map_.A, map_.W1, map_.W2, map_.h1, map_.h2)


def basic_itinerary(k):
    """The k-cycle with one point on the right."""
    bits = np.zeros((k, 1), dtype=bool)
    bits[-1] = True
    return bits


def values_of(result, kind, itinerary=None):
    return [
        event.value
        for event in result.events.of_kind(kind)
        if itinerary is None or np.array_equal(event.itinerary, itinerary)
    ]


@pytest.mark.parametrize("k", range(3, 9))
@pytest.mark.parametrize("a", [0.5, 0.8])
def test_cycles_of_the_skew_tent_map_are_born_in_pairs(a, k):
    # x -> a x + 1, b x + 1: over b, with the axis of the diagram being W1 = b - a.
    birth = skew_tent_birth(a, k)
    # For larger |b| only: for smaller ones other cycles of the order are born elsewhere.
    diagram = rd.bifurcation_diagram(
        model_of(skew_tent(a, birth)),
        "W1[0,0]",
        (birth + 0.05 - a, 1.5 * birth - a),
        cycles=[basic_itinerary(k)],
        progress=False,
    )
    own = [b for b in diagram.branches if np.array_equal(b.itinerary, basic_itinerary(k))]
    (branch,) = own
    event = branch.begin_event
    assert event.kind == "border_collision"
    assert event.outcome == "nonsmooth_fold"
    assert event.partner.sum() == 2
    assert abs(event.value + a - birth) <= EXACT * abs(birth)
    assert branch.s_end == 1.0


@pytest.mark.parametrize("k", range(3, 9))
def test_flips_of_the_skew_tent_map(k):
    a = 0.4
    flip, birth = skew_tent_flip(a, k), skew_tent_birth(a, k)
    # Stable between birth and flip, which is the larger in modulus for small a.
    assert flip < birth
    diagram = rd.bifurcation_diagram(
        model_of(skew_tent(a, birth)),
        "W1[0,0]",
        (birth + 0.05 - a, 1.3 * flip - a),
        cycles=[basic_itinerary(k)],
        progress=False,
    )
    (value,) = values_of(diagram, "degenerate_flip", basic_itinerary(k))
    assert abs(value + a - flip) <= EXACT * abs(flip)
    (branch,) = [b for b in diagram.branches if np.array_equal(b.itinerary, basic_itinerary(k))]
    s = diagram.s_at(0.5 * (birth + flip) - a)
    assert branch.stability(s) == "stable"
    assert branch.stability(diagram.s_at(1.2 * flip - a)) == "unstable"


def normal_form_path(end, **start):
    first = {"tau_left": 0.4, "delta_left": 0.3, "tau_right": -0.9, "delta_right": 0.5, "mu": 1.0}
    first |= start
    return (
        model_of(border_collision_normal_form(**first)),
        model_of(border_collision_normal_form(**{**first, **end})),
    )


def s_of(value, start, end):
    return (value - start) / (end - start)


def test_the_fixed_point_collides_at_mu_zero():
    # (1 - tau + delta) is positive on both sides: the fixed point crosses the border.
    result = rd.continue_cycles(*normal_form_path({"mu": -2.0}), max_order=1, progress=False)
    (event,) = result.events
    assert (event.kind, event.outcome) == ("border_collision", "persistence")
    assert abs(event.s - 1.0 / 3.0) <= EXACT
    np.testing.assert_allclose(event.points, [[0.0, 0.0]], atol=1e-9)
    assert len({branch.lineage for branch in result.branches}) == 1


def test_two_fixed_points_vanish_at_mu_zero():
    # 1 - tau + delta of opposite sign: both fixed points exist on one side only.
    models = normal_form_path({"mu": 2.0}, tau_left=2.0, mu=-1.0)
    result = rd.continue_cycles(*models, max_order=1, progress=False)
    (event,) = result.events
    assert (event.kind, event.outcome) == ("border_collision", "nonsmooth_fold")
    assert abs(event.s - 1.0 / 3.0) <= EXACT


def test_the_fixed_point_goes_to_infinity_where_tau_is_one_plus_delta():
    result = rd.continue_cycles(
        *normal_form_path({"tau_right": 2.1}, tau_right=0.1), max_order=1, progress=False
    )
    (event,) = result.events.of_kind("degenerate_transcritical")
    assert abs(event.s - s_of(1.5, 0.1, 2.1)) <= EXACT
    assert event.outcome == "infinity"
    assert event.points is None


def test_the_fixed_point_flips_where_tau_is_minus_one_minus_delta():
    result = rd.continue_cycles(
        *normal_form_path({"tau_right": -2.1}, tau_right=0.1), max_order=1, progress=False
    )
    (event,) = result.events
    assert (event.kind, event.outcome) == ("degenerate_flip", "stability_change")
    assert abs(event.s - s_of(-1.5, 0.1, -2.1)) <= EXACT
    assert {event.n_unstable_before, event.n_unstable_after} == {0, 1}


def test_the_fixed_point_loses_stability_at_a_center_where_delta_is_one():
    result = rd.continue_cycles(
        *normal_form_path({"delta_right": 1.7}), max_order=1, progress=False
    )
    (event,) = result.events
    assert (event.kind, event.outcome) == ("center", "stability_change")
    assert abs(event.s - s_of(1.0, 0.5, 1.7)) <= EXACT
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 2)


def test_a_real_pair_with_product_one_is_no_center():
    # tau > 1 + delta: real multipliers on both sides of 1, whose product passes 1.
    models = normal_form_path({"delta_right": 1.7}, tau_right=3.5, delta_right=0.5)
    result = rd.continue_cycles(*models, max_order=1, progress=False)
    assert result.events.of_kind("center") == []


def test_the_two_cycle_collides_flips_and_turns():
    # x_L of the 2-cycle is proportional to 1 + delta_R + tau_R, x_R to 1 + delta_L + tau_L.
    itinerary = [[[False], [True]]]
    models = normal_form_path({"tau_right": -2.0}, tau_right=-1.0)
    result = rd.continue_cycles(*models, cycles=itinerary, progress=False)
    # Its right point meets the left one there: it is born from the flip of the fixed point.
    (event,) = result.events
    assert event.kind == "degenerate_flip"
    np.testing.assert_array_equal(event.doubled, itinerary[0])
    assert abs(event.s - s_of(-1.5, -1.0, -2.0)) <= EXACT
    # Flip where tau_L tau_R = -(1 - delta_L) (1 - delta_R).
    flip = -(1 - 0.3) * (1 - 0.5) / 0.2
    models = normal_form_path({"tau_right": -3.0}, tau_left=0.2, tau_right=-1.6)
    result = rd.continue_cycles(*models, cycles=itinerary, progress=False)
    (value,) = [e.s for e in result.events.of_kind("degenerate_flip")]
    assert abs(value - s_of(flip, -1.6, -3.0)) <= EXACT
    # Center where delta_L delta_R = 1.
    models = normal_form_path({"delta_right": 3.5}, tau_left=-0.4, delta_left=0.5, tau_right=-4.8)
    result = rd.continue_cycles(*models, cycles=itinerary, progress=False)
    (value,) = [e.s for e in result.events.of_kind("center")]
    assert abs(value - s_of(2.0, 0.5, 3.5)) <= EXACT
    # Infinity where (1 + delta_L) (1 + delta_R) = tau_L tau_R.
    tau = 1.3 * 1.5 / -0.4
    models = normal_form_path({"tau_right": -6.0}, tau_left=-0.4, tau_right=-2.0)
    result = rd.continue_cycles(*models, cycles=itinerary, progress=False)
    (value,) = [e.s for e in result.events.of_kind("degenerate_transcritical")]
    assert abs(value - s_of(tau, -2.0, -6.0)) <= EXACT
