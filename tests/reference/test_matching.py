"""The comparison of a report with the truth notices every kind of error."""

from types import SimpleNamespace

import numpy as np
import pytest

from reference.enumeration import Continuum, IsolatedCycle, as_floats
from reference.exact_map import ExactMap
from reference.hand_solvable import BENT_FLIP, PLANE, RELU, TENT, truth_of
from reference.matching import disagreements, false_claims

TENT_TRUTHS = [truth_of(TENT, order) for order in (1, 2, 3)]
RIGHT = [cycle for truth in TENT_TRUTHS for cycle in truth.cycles]
THREE_CYCLE = TENT_TRUTHS[2].cycles[0]


def claim(cycle: IsolatedCycle, **changes: object) -> SimpleNamespace:
    fields = {"order": cycle.order, "points": as_floats(cycle.points)}
    fields |= {"itinerary": np.array(cycle.itinerary), "on_border": cycle.on_border}
    return SimpleNamespace(**(fields | changes))


def report(cycles=(), continua=()) -> SimpleNamespace:
    return SimpleNamespace(cycles=list(cycles), continua=list(continua))


def claims_about_tent(cycles) -> list[str]:
    return false_claims(ExactMap.of(TENT), report(cycles), TENT_TRUTHS)


def test_the_truth_agrees_with_itself():
    right = report(map(claim, RIGHT))
    assert disagreements(ExactMap.of(TENT), right, TENT_TRUTHS) == []


def test_a_missing_cycle_is_noticed_but_is_no_false_claim():
    partial = report(map(claim, RIGHT[1:]))
    assert len(disagreements(ExactMap.of(TENT), partial, TENT_TRUTHS)) == 1
    assert false_claims(ExactMap.of(TENT), partial, TENT_TRUTHS) == []


def test_any_rotation_will_do():
    points, itinerary = as_floats(THREE_CYCLE.points), np.array(THREE_CYCLE.itinerary)
    rotated = claim(
        THREE_CYCLE, points=np.roll(points, 1, axis=0), itinerary=np.roll(itinerary, 1, axis=0)
    )
    assert claims_about_tent([rotated]) == []
    inconsistent = claim(THREE_CYCLE, points=np.roll(points, 1, axis=0))
    assert claims_about_tent([inconsistent])


@pytest.mark.parametrize(
    "changes",
    [
        {"points": as_floats(THREE_CYCLE.points) + 1e-3},
        {"points": as_floats(THREE_CYCLE.points) + np.nan},
        {"points": as_floats(THREE_CYCLE.points) + 1e-9, "error_bound": 1e-12},
        {"itinerary": np.ones((3, 1), dtype=bool)},
        {"on_border": True},
        {"order": 5},
    ],
    ids=["moved", "not a number", "error bound", "itinerary", "border", "order"],
)
def test_a_wrong_field_is_noticed(changes):
    assert claims_about_tent([claim(THREE_CYCLE, **changes)])


def test_a_cycle_reported_twice_is_noticed():
    assert claims_about_tent([claim(THREE_CYCLE), claim(THREE_CYCLE)])


def continuum_claim(continuum: Continuum, basis, extent, **changes: object) -> SimpleNamespace:
    fields = {"order": continuum.order, "points": as_floats(continuum.points)}
    fields |= {"itinerary": np.array(continuum.itinerary), "on_border": continuum.on_border}
    fields |= {"basis": np.array(basis, dtype=float), "extent": np.array(extent, dtype=float)}
    return SimpleNamespace(**(fields | changes))


def claims_about(map_: SimpleNamespace, order: int, basis, extent, **changes) -> list[str]:
    truth = truth_of(map_, order)
    (continuum,) = truth.continua
    reported = report(continua=[continuum_claim(continuum, basis, extent, **changes)])
    return disagreements(ExactMap.of(map_), reported, [truth])


def test_continua_match_with_any_base_point_and_direction():
    # The half line z >= 0, whose interior point here is 1.
    assert claims_about(RELU, 1, [[1.0]], [[-1, np.inf]]) == []
    assert claims_about(RELU, 1, [[-1.0]], [[-np.inf, 1]]) == []
    assert claims_about(RELU, 1, [[1.0]], [[-3, np.inf]], points=[[3.0]]) == []
    # The segment [-1, 0] of 2-cycles.
    assert claims_about(BENT_FLIP, 2, [[1.0]], [[-0.5, 0.5]]) == []
    turned = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    reach = [[-np.sqrt(2), np.inf], [-np.inf, np.inf]]
    assert claims_about(PLANE, 1, turned, reach) == []


def test_wrong_continua_are_noticed():
    assert claims_about(RELU, 1, [[1.0]], [[-np.inf, np.inf]])
    assert claims_about(BENT_FLIP, 2, [[1.0]], [[-0.5, 0.6]])
    assert claims_about(PLANE, 1, [[1.0], [0.0]], [[-1, np.inf]])
    assert claims_about(RELU, 1, [[1.0]], [[-1, np.inf]], on_border=True)
    truth = truth_of(RELU, 1)
    assert disagreements(ExactMap.of(RELU), report(), [truth])
