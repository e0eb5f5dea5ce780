"""Cycles of other orders that are born at the border collision of a fixed point."""

import json

import numpy as np
import pytest

import rnndyn as rd
from bifurcation.path_checks import end_problems
from reference.bifurcation import (
    StraightPath,
    border_collision_normal_form,
    real_itineraries,
    skew_tent_birth,
    skew_tent_flip,
)
from rnndyn._common.arrays import itinerary_text


def tent(left, right, height):
    """x -> left x + height for x < 0, right x + height for x > 0."""
    return rd.PLRNN(A=[[left]], W=[[right - left]], h=[height])


def plane(height, **slopes):
    """The border-collision normal form in two dimensions as a model."""
    form = border_collision_normal_form(**slopes, mu=height)
    return rd.PiecewiseLinearMap(form.A, form.W1, form.W2, form.h1, form.h2)


def words(itineraries):
    """Itineraries of one unit as words over 0 and 1, the first of their rotations."""
    found = []
    for bits in itineraries:
        letters = "".join("01"[int(row[0])] for row in bits)
        found.append(min(letters[t:] + letters[:t] for t in range(len(letters))))
    return sorted(found)


def born(model, max_order):
    """Words of all cycles of orders 2 ... max_order of one model."""
    path = StraightPath(model.canonical, model.canonical)
    found = []
    for order in range(2, max_order + 1):
        itineraries = path.itineraries(order)
        found += list(itineraries[real_itineraries(path, itineraries, np.zeros(1))[0] > 0.0])
    return words(found)


def collision(first, second, max_order, **options):
    """The one persistence border collision of the fixed point on a path, and the result."""
    result = rd.continue_cycles(first, second, max_order=max_order, progress=False, **options)
    assert result.gaps == ()
    assert end_problems(result) == []
    (event,) = [event for event in result.events if event.order == 1]
    assert event.kind == "border_collision"
    return event, result


@pytest.mark.parametrize("order", [3, 4, 5])
@pytest.mark.parametrize("method", ["exhaustive", "search"])
def test_the_skew_tent_map_goes_from_a_fixed_point_to_a_stable_cycle(order, method):
    # For 0 < a < 1 the cycle with order - 1 points on the left exists for height > 0 between the
    # slopes of its birth and of its flip, where it is stable: "period-n" bifurcations of H. Nusse,
    # J. Yorke, Int. J. Bifurcation Chaos 5 (1995) 189, with the formulas of `skew_tent_birth`.
    a = 0.4
    b = 0.5 * (skew_tent_birth(a, order) + skew_tent_flip(a, order))
    event, result = collision(tent(a, b, -1.0), tent(a, b, 1.0), order, method=method)
    assert event.outcome == "persistence"
    assert event.s == pytest.approx(0.5, abs=1e-12)
    attached = words(event.attached)
    assert "0" * (order - 1) + "1" in attached
    assert "0" * (order - 2) + "11" in attached  # its partner of the nonsmooth fold at the birth
    assert attached == born(tent(a, b, 1.0), order)
    assert (event.doubled is not None) == ("01" in attached)
    # All of them at height > 0 only, and nothing else begins there.
    larger = [branch for branch in result.branches if branch.order > 1]
    assert words(branch.itinerary for branch in larger) == attached
    assert {branch.s_begin for branch in larger} == {event.s}
    stable = [branch for branch in larger if branch.stability(1.0) == "stable"]
    assert words(branch.itinerary for branch in stable) == ["0" * (order - 1) + "1"]


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_fixed_point_that_turns_into_chaos(direction):
    # a = 0.4, b = -3: |a b| > 1, so the 2-cycle is unstable, and b is above the birth of the
    # 3-cycle (-3.5), so that no cycle is stable: chaos for height > 0 (ibid.).
    a, b, max_order = 0.4, -3.0, 10
    assert abs(a * b) > 1.0
    assert b > skew_tent_birth(a, 3)
    ends = tent(a, b, -direction), tent(a, b, direction)
    event, result = collision(*ends, max_order, method="exhaustive")
    attached = words(event.attached)
    assert attached == born(tent(a, b, 1.0), max_order)
    assert len(attached) > 5
    np.testing.assert_array_equal(event.doubled[:, 0], [False, True])
    s = 1.0 if direction > 0 else 0.0
    for branch in result.branches:
        if branch.order > 1:
            assert branch.stability(s) != "stable"


SLOPES = [
    # tau_L < 1 + delta_L and tau_R < -(1 + delta_R): a fixed point that is stable for mu < 0 and a
    # saddle for mu > 0 (S. Banerjee, C. Grebogi, Phys. Rev. E 59 (1999) 4052). With the first of
    # these slopes there is a stable 3-cycle as well.
    {"tau_left": 0.3, "delta_left": 0.2, "tau_right": -4.5, "delta_right": 0.3},
    {"tau_left": 0.8, "delta_left": 0.3, "tau_right": -2.0, "delta_right": 0.5},
    # tau_L > 1 + delta_L and tau_R < -(1 + delta_R), both sides expanding: robust chaos (S.
    # Banerjee, J. Yorke, C. Grebogi, Phys. Rev. Lett. 80 (1998) 3049); there two fixed points are
    # born with all the cycles.
    {"tau_left": 1.7, "delta_left": 0.5, "tau_right": -1.7, "delta_right": 0.5},
]


@pytest.mark.parametrize("slopes", SLOPES)
def test_the_normal_form_of_the_plane(slopes):
    first, second = plane(-1.0, **slopes), plane(1.0, **slopes)
    event, result = collision(first, second, 7, method="exhaustive")
    before, after = born(first, 7), born(second, 7)
    assert words(event.attached) == sorted({*before, *after})
    assert len(event.attached) > 2
    is_fold = slopes["tau_left"] > 1.0 + slopes["delta_left"]
    assert event.outcome == ("nonsmooth_fold" if is_fold else "persistence")
    # Followed back, all points of these cycles run into the border point.
    for branch in result.branches:
        near = event.s + 1e-7 if branch.s_end == 1.0 else event.s - 1e-7
        assert np.abs(branch.points(near)).max() < 1e-4


def test_from_the_larger_cycle_alone():
    # The fixed points are found through the border point that the 3-cycle runs into.
    a, b = 0.4, -5.0
    cycle = np.array([[False], [False], [True]])
    result = rd.continue_cycles(tent(a, b, -1.0), tent(a, b, 1.0), cycles=[cycle], progress=False)
    assert result.gaps == ()
    (event,) = [event for event in result.events if event.order == 1]
    assert event.outcome == "persistence"
    assert "001" in words(event.attached)


def test_files_and_tables_hold_them(tmp_path):
    event, result = collision(tent(0.4, -5.0, -1.0), tent(0.4, -5.0, 1.0), 4)
    columns = result.to_columns("events")
    assert columns["n_attached"].sum() == len(event.attached) > 1
    assert event.to_dict()["attached"] == [itinerary_text(bits) for bits in event.attached]
    result.save(tmp_path / "new.npz")
    loaded = rd.BranchSet.load(tmp_path / "new.npz")
    assert loaded == result
    assert words(loaded.events[0].attached) == words(event.attached)


def test_files_of_the_first_version_still_load(tmp_path):
    # Version 1 had no attached cycles.
    _, result = collision(tent(0.4, -5.0, -1.0), tent(0.4, -5.0, 1.0), 4)
    result.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if "attached/" not in name}
    header = json.loads(str(arrays["header"]))
    assert header["format_version"] == 3
    arrays["header"] = np.array(json.dumps({**header, "format_version": 1}))
    np.savez(tmp_path / "old.npz", **arrays)
    loaded = rd.BranchSet.load(tmp_path / "old.npz")
    assert loaded.events[0].attached == ()
    for name, column in result.event_columns.items():
        np.testing.assert_array_equal(loaded.event_columns[name], column)
    arrays["header"] = np.array(json.dumps({**header, "format_version": 4}))
    np.savez(tmp_path / "newer.npz", **arrays)
    with pytest.raises(ValueError, match="version 4, this rnndyn reads versions up to 3"):
        rd.BranchSet.load(tmp_path / "newer.npz")
