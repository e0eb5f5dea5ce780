"""Single cycles and continua: what they hold, print, compare and refuse."""

import json
import pickle

import numpy as np
import pytest

from records import line_record, line_set, tent_cycles, tent_record
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints, continuum_from_record
from rnndyn.cycles.cycle import Cycle, cycle_from_record, format_modulus
from rnndyn.models import PLRNN


def single_record(**changes):
    block = tent_record(2)
    record = {name: value if name == "order" else value[0] for name, value in block.items()}
    return {**record, **changes}


def test_a_cycle_holds_the_fields_of_its_record():
    cycle = cycle_from_record(single_record())
    assert cycle.order == 2
    np.testing.assert_array_equal(cycle.points, [[-0.2], [0.6]])
    np.testing.assert_array_equal(cycle.itinerary, [[False], [True]])
    np.testing.assert_array_equal(cycle.multipliers, [-4.0 + 0.0j])
    assert cycle.spectral_radius == 4.0
    assert cycle.stability == "unstable"
    assert cycle.residual == 0.0
    assert cycle.margin == 0.2
    assert cycle.error_bound == 1e-15
    assert cycle.certified is True
    assert cycle.on_border is False
    assert cycle.virtual is False
    assert cycle.log_spectral_radius == pytest.approx(np.log(4.0), rel=1e-15)


def test_a_cycle_cannot_be_changed():
    cycle = cycle_from_record(single_record())
    with pytest.raises(AttributeError):
        cycle.order = 3
    for name in ("points", "itinerary", "multipliers", "log_moduli"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(cycle, name)[...] = 0


def test_a_cycle_does_not_follow_the_array_it_was_made_from():
    points = np.array([[-0.2], [0.6]])
    cycle = cycle_from_record(single_record(points=points))
    points[0] = 17.0
    assert cycle.points[0, 0] == -0.2


def test_cycles_compare_by_all_their_fields():
    cycle = cycle_from_record(single_record())
    same = cycle_from_record(single_record())
    assert cycle == same
    assert hash(cycle) == hash(same)
    assert cycle != cycle_from_record(single_record(margin=0.3))
    assert cycle != cycle_from_record(single_record(), virtual=True)
    assert cycle != "cycle"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_cycle_is_the_same_and_still_read_only(protocol):
    cycle = cycle_from_record(single_record())
    copy = pickle.loads(pickle.dumps(cycle, protocol))
    assert copy == cycle
    assert not copy.points.flags.writeable


def test_an_unknown_stability_is_refused():
    values = {name: value for name, value in single_record().items() if name != "stability"}
    with pytest.raises(ValueError, match=r"stability must be one of stable, saddle.*'wobbly'"):
        Cycle(**values, stability="wobbly")


def test_how_a_cycle_prints():
    assert repr(cycle_from_record(single_record())) == (
        "Cycle(order=2, stability='unstable', spectral_radius=4, margin=0.2, certified=True)"
    )
    odd = cycle_from_record(
        single_record(on_border=True, margin=0.0, certified=False), virtual=True
    )
    assert repr(odd) == (
        "Cycle(order=2, stability='unstable', spectral_radius=4, margin=0, certified=False, "
        "on_border=True, virtual=True)"
    )


def test_a_multiplier_beyond_the_range_of_floats_prints_by_its_logarithm():
    cycle = cycle_from_record(
        single_record(
            multipliers=np.array([complex(np.inf, 0)]),
            log_moduli=np.array([1000 * np.log(10.0) + np.log(2.5)]),
            spectral_radius=np.inf,
        )
    )
    assert "spectral_radius=2.5e+1000" in repr(cycle)
    plain = cycle.to_dict()
    assert plain["spectral_radius"] is None
    assert plain["multipliers"] == [None]
    assert plain["log_moduli"] == [pytest.approx(1000 * np.log(10.0) + np.log(2.5))]


@pytest.mark.parametrize(
    ("modulus", "log_modulus", "text"),
    [
        (0.25, np.log(0.25), "0.25"),
        (1234567.0, np.log(1234567.0), "1.23457e+06"),
        (np.inf, 400 * np.log(10.0) + np.log(9.9999999), "1e+401"),
        (np.inf, 309 * np.log(10.0) + np.log(3.0), "3e+309"),
    ],
)
def test_moduli_as_text(modulus, log_modulus, text):
    assert format_modulus(modulus, log_modulus) == text


def test_a_cycle_as_json():
    plain = json.loads(json.dumps(cycle_from_record(single_record()).to_dict(), allow_nan=False))
    assert plain["order"] == 2
    assert plain["itinerary"] == "0 1"
    assert plain["points"] == [[-0.2], [0.6]]
    assert plain["multipliers"] == [[-4.0, 0.0]]
    zero = cycle_from_record(single_record(log_moduli=np.array([-np.inf])))
    assert zero.to_dict()["log_moduli"] == [None]


def test_a_block_refuses_columns_of_different_length():
    record = tent_record(3)
    record["margin"] = record["margin"][:1]
    with pytest.raises(ValueError, match=r"column 'margin' of order 3 must have shape \(n\)"):
        CycleBlock.from_record(record)


def test_a_block_refuses_points_of_another_order():
    record = tent_record(3)
    record["order"] = 2
    with pytest.raises(ValueError, match="column 'points' of order 2"):
        CycleBlock.from_record(record)


def test_a_block_refuses_unknown_stability():
    record = tent_record(1)
    record["stability"] = np.array([2, 9])
    with pytest.raises(ValueError, match="0 to 4"):
        CycleBlock.from_record(record)


# Continua -----------------------------------------------------------------------------------


def test_a_line_attractor_ends_where_its_region_ends(tent):
    model, record = line_record()
    line = continuum_from_record(record, model.canonical)
    assert line.dimension == 1
    start, end = line.endpoints()
    np.testing.assert_array_equal(start, [0.0, 2.0])
    assert end is None
    np.testing.assert_allclose(model.step(start), start)


def test_membership_in_a_line_is_exact():
    model, record = line_record()
    line = continuum_from_record(record, model.canonical)
    assert line.contains([0.0, 2.0])
    assert line.contains([1e6, 2.0])
    assert not line.contains([-1e-6, 2.0])
    assert not line.contains([1.0, 2.0 + 1e-6])
    assert line.contains([1.0, 2.0 + 1e-6], tolerance=1e-5)
    with pytest.raises(ValueError, match=r"z must have shape \(2,\), got \(3,\)"):
        line.contains([0.0, 0.0, 0.0])


def test_samples_of_a_line_are_fixed_points():
    model, record = line_record()
    line = continuum_from_record(record, model.canonical)
    samples = line.sample(200, seed=3, radius=5.0)
    np.testing.assert_allclose(model.step(samples), samples, atol=1e-14)
    # points[0] is (1, 2): the line begins at 0 and is cut off 5 beyond that point.
    assert samples[:, 0].min() >= 0.0
    assert samples[:, 0].max() <= 6.0
    assert samples[:, 0].min() < 0.3
    assert samples[:, 0].max() > 5.7
    np.testing.assert_array_equal(samples, line.sample(200, seed=3, radius=5.0))


def triangle():
    """The triangle x, y >= 0, x + y <= 1 of fixed points of a two-dimensional identity map.

    Three units bound it; the map is the identity while all three are on. The rest of the plane is
    moved, because a unit that switches off takes its share of the bias with it.
    """
    W2 = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    W1 = np.array([[1.0, 0.0, 0.1], [0.0, 1.0, 0.1]])
    from rnndyn.models import ShallowPLRNN

    # A + W1 W2 = I and W1 h2 + h1 = 0 with all units on.
    model = ShallowPLRNN(
        A=np.eye(2) - W1 @ W2, W1=W1, W2=W2, h1=-W1 @ [0.0, 0.0, 1.0], h2=[0.0, 0.0, 1.0]
    )
    record = {
        "order": 1,
        "itinerary": np.ones((1, 3), dtype=bool),
        "points": np.array([[0.3, 0.3]]),
        "basis": np.eye(2),
        "extent": np.array([[-0.3, 0.7], [-0.3, 0.7]]),
        "multipliers": np.ones(2, dtype=complex),
        "log_moduli": np.zeros(2),
        "spectral_radius": 1.0,
        "residual": 0.0,
        "on_border": False,
    }
    return model, continuum_from_record(record, model.canonical)


def test_samples_of_a_triangle_fill_it_evenly():
    model, plane = triangle()
    samples = plane.sample(4000, seed=1)
    np.testing.assert_allclose(model.step(samples), samples, atol=1e-14)
    assert np.all(samples >= 0.0)
    assert np.all(samples.sum(axis=1) <= 1.0)
    # The mean of the uniform distribution is the centroid; its standard error is about 0.004.
    np.testing.assert_allclose(samples.mean(axis=0), [1 / 3, 1 / 3], atol=0.02)
    assert plane.contains([0.5, 0.5])
    assert not plane.contains([0.6, 0.6])


def test_only_lines_have_endpoints():
    _, plane = triangle()
    with pytest.raises(ValueError, match="dimension 2"):
        plane.endpoints()


def test_how_a_continuum_prints_compares_and_pickles():
    model, record = line_record()
    line = continuum_from_record(record, model.canonical)
    assert repr(line) == (
        "ContinuumOfFixedPoints(order=1, dimension=1, spectral_radius=1, extent=[[-1, inf]])"
    )
    assert line == continuum_from_record(record, model.canonical)
    assert line != continuum_from_record({**record, "hits": 4}, model.canonical)
    copy = pickle.loads(pickle.dumps(line))
    assert copy == line
    assert not copy.basis.flags.writeable
    assert json.loads(json.dumps(line.to_dict(), allow_nan=False))["extent"] == [[-1.0, None]]


def test_a_unit_without_outgoing_weight_does_not_bound_a_continuum():
    # Unit 1 switches at z_1 = 0 but has no effect: the whole line z_0 = 0 is fixed.
    model = PLRNN(A=[[0.5, 0.0], [0.0, 1.0]], W=np.zeros((2, 2)), h=np.zeros(2))
    line = continuum_from_record(
        {
            "order": 1,
            "itinerary": np.array([[False, True]]),
            "points": np.array([[0.0, 1.0]]),
            "basis": np.array([[0.0], [1.0]]),
            "extent": np.array([[-np.inf, np.inf]]),
            "multipliers": np.array([1.0, 0.5], dtype=complex),
            "log_moduli": np.log([1.0, 0.5]),
            "spectral_radius": 1.0,
            "residual": 0.0,
            "on_border": False,
        },
        model.canonical,
    )
    assert isinstance(line, ContinuumOfFixedPoints)
    assert line.endpoints() == (None, None)
    assert line.contains([0.0, -7.0])


def test_the_sets_of_the_tests_are_true(tent):
    """The hand-made records describe real cycles, so the tests above speak of real things."""
    for cycle in tent_cycles(tent):
        np.testing.assert_allclose(
            tent.step(cycle.points), np.roll(cycle.points, -1, axis=0), atol=1e-15
        )
        np.testing.assert_array_equal(tent.region(cycle.points), cycle.itinerary)
    assert len(line_set()) == 0
