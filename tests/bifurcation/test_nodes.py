"""Events exactly at a model between two straight pieces of a path."""

import numpy as np
import pytest

import rnndyn as rd


def tent(left, right, height):
    """x -> left x + height for x < 0, right x + height for x > 0."""
    return rd.PLRNN(A=[[left]], W=[[right - left]], h=[height])


def plane(right, height):
    """A map of the plane that is 1/2 and `right` on the sides of x_1 = 0, and coupled there.

    The fixed points are at x_1 = height / (1 - slope).
    """
    return rd.PLRNN(
        A=[[0.5, 0.0], [0.3, -0.4]],
        W=[[right - 0.5, 0.0], [0.2, 0.1]],
        h=[height, 2.0],
    )


def followed(*models, max_order=2):
    return rd.continue_cycles(path=models, max_order=max_order, method="exhaustive", progress=False)


def spans(result):
    """Itinerary (first unit only), begin and end of all branches."""
    return sorted(
        ("".join("01"[int(row[0])] for row in branch.itinerary), branch.s_begin, branch.s_end)
        for branch in result.branches
    )


@pytest.fixture(params=["line", "plane"])
def model(request):
    """A family of one slope on the right and the parameter that moves the fixed point."""
    if request.param == "plane":
        return plane
    return lambda right, height: tent(0.5, right, height)


def test_persistence_at_a_model(model):
    # |slopes| < 1 on both sides: one fixed point for every height (Feigin's condition).
    result = followed(model(-0.5, -1.0), model(-0.5, 0.0), model(-0.5, 1.0))
    assert result.gaps == ()
    (event,) = result.events
    assert (event.kind, event.outcome, event.s) == ("border_collision", "persistence", 1.0)
    assert (event.itinerary[0, 0], event.partner[0, 0]) == (False, True)
    assert (event.unit, event.time_index, event.status) == (0, 0, "converged")
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 0)
    assert spans(result) == [("0", 0.0, 1.0), ("1", 1.0, 2.0)]
    assert {branch.lineage for branch in result.branches} == {0}


def test_a_nonsmooth_fold_at_a_model(model):
    # Slopes 1/2 and 3/2: two fixed points for height < 0, none for height > 0.
    below, on, above = (model(1.5, height) for height in (-1.0, 0.0, 1.0))
    for path, begin, end in (((below, on, above), 0.0, 1.0), ((above, on, below), 1.0, 2.0)):
        result = followed(*path)
        assert result.gaps == ()
        (event,) = result.events
        assert (event.outcome, event.s) == ("nonsmooth_fold", 1.0)
        assert spans(result) == [("0", begin, end), ("1", begin, end)]
        ends = [
            branch.end_event if end == 1.0 else branch.begin_event for branch in result.branches
        ]
        assert ends == [event, event]


def test_a_cycle_of_twice_the_order_is_born_at_a_model(model):
    result = followed(*(model(-1.5, height) for height in (-1.0, 0.0, 1.0)))
    assert result.gaps == ()
    (event,) = result.events
    assert event.outcome == "persistence"
    np.testing.assert_array_equal(event.doubled[:, 0], [False, True])
    assert len(event.attached) == 1
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 1)
    assert spans(result) == [("0", 0.0, 1.0), ("01", 1.0, 2.0), ("1", 1.0, 2.0)]


def test_a_path_that_folds_back_at_the_border(model):
    for slope, height, expected in (
        (-0.5, -1.0, ["0"]),
        (-0.5, 1.0, ["1"]),
        (1.5, -1.0, ["0", "1"]),
        (-1.5, 1.0, ["01", "1"]),
    ):
        result = followed(*(model(slope, h) for h in (height, 0.0, height)))
        assert result.gaps == ()
        (event,) = result.events
        assert (event.kind, event.outcome, event.s) == ("border_collision", "none", 1.0)
        assert spans(result) == [(key, 0.0, 2.0) for key in expected]
    # From the side without fixed points: the one at the model itself.
    result = followed(*(model(1.5, h) for h in (1.0, 0.0, 1.0)))
    assert result.gaps == ()
    assert [(b.s_begin, b.s_end) for b in result.branches] == [(1.0, 1.0)]
    assert result.events.outcomes == ["none"]


def test_through_several_models_on_the_border(model):
    result = followed(*(model(-1.5, h) for h in (-1.0, 0.0, 1.0, 0.0, -1.0)))
    assert result.gaps == ()
    assert result.events.outcomes == ["persistence", "persistence"]
    assert result.events.s.tolist() == [1.0, 3.0]
    assert spans(result) == [("0", 0.0, 1.0), ("0", 3.0, 4.0), ("01", 1.0, 3.0), ("1", 1.0, 3.0)]
    resting = followed(*(model(-0.5, h) for h in (-1.0, 0.0, 0.0, 1.0)))
    assert resting.gaps == ()
    assert spans(resting) == [("0", 0.0, 2.0), ("1", 2.0, 3.0)]


def test_a_degenerate_flip_at_a_model():
    # The fixed point on the right has slope -1 at the model in the middle; the 2-cycle that lives
    # on has the border point of the line of 2-cycles there.
    result = followed(*(tent(0.5, right, 1.0) for right in (-0.5, -1.0, -1.75)))
    (event,) = result.events
    assert (event.kind, event.outcome, event.s) == ("degenerate_flip", "stability_change", 1.0)
    assert event.status == "converged"
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 1)
    np.testing.assert_array_equal(event.doubled[:, 0], [False, True])
    assert spans(result) == [("01", 1.0, 2.0), ("1", 0.0, 2.0)]
    assert [gap.reason for gap in result.gaps] == [
        "a continuum of cycles at this model, which no branch shows"
    ]


def test_a_center_at_a_model():
    # Determinant 1 - s / 10 ... 1 + s / 10 of a rotation by more than 0 and less than pi.
    def spiral(determinant):
        return rd.PLRNN(A=[[0.3, 1.0], [-determinant, 0.0]], W=np.zeros((2, 2)), h=[1.0, 0.0])

    result = followed(spiral(0.9), spiral(1.0), spiral(1.2), max_order=1)
    (event,) = result.events
    assert (event.kind, event.s, event.status) == ("center", 1.0, "converged")
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 2)
    assert len(result.branches) == 1


def test_infinity_at_a_model():
    # The fixed point 1 / (1 - slope) on the right is at infinity at the model in the middle.
    away = followed(*(tent(0.5, right, 1.0) for right in (0.5, 1.0, 1.75)), max_order=1)
    (event,) = away.events
    assert (event.kind, event.outcome, event.s) == ("degenerate_transcritical", "infinity", 1.0)
    assert (event.n_unstable_before, event.n_unstable_after) == (0, None)
    assert spans(away) == [("1", 0.0, 1.0)]
    back = followed(*(tent(-0.5, right, 1.0) for right in (0.5, 1.0, 0.75)), max_order=1)
    (event,) = back.events
    assert (event.n_unstable_before, event.n_unstable_after) == (0, 0)
    assert spans(back) == [("1", 0.0, 1.0), ("1", 1.0, 2.0)]
    assert away.gaps == back.gaps == ()


@pytest.mark.parametrize("seed", range(12))
def test_a_path_cut_at_one_of_its_events_has_the_same_events(seed):
    rng = np.random.default_rng([90, seed])
    first, second = (
        rd.PiecewiseLinearMap(
            rng.normal(size=(2, 2)) * 0.7,
            rng.normal(size=(2, 3)),
            rng.normal(size=(3, 2)),
            rng.normal(size=2),
            rng.normal(size=3),
        )
        for _ in range(2)
    )
    whole = followed(first, second)
    for event in whole.events[:6]:
        if not 1e-3 < event.s < 1.0 - 1e-3:
            continue
        cut = followed(first, whole.model_at(event.s), second)
        places = np.where(
            cut.events.s <= 1.0,
            cut.events.s * event.s,
            event.s + (cut.events.s - 1.0) * (1.0 - event.s),
        )
        # At a flip there is a continuum of 2-cycles, of which a search may take one for isolated.
        at_flip = event.kind == "degenerate_flip"
        assert [gap for gap in cut.gaps if not (at_flip and "this model" in gap.reason)] == []
        assert cut.events.kinds == whole.events.kinds
        np.testing.assert_allclose(places, whole.events.s, rtol=0, atol=1e-9)
        assert cut.events.outcomes == whole.events.outcomes
        assert len(cut.branches) == len(whole.branches)
