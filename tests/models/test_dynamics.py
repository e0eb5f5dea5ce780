"""Steps, orbits, regions and Jacobians of one state and of arrays of states."""

import itertools

import numpy as np
import pytest

from model_cases import draws, random_model
from rnndyn.models import PIECEWISE_LINEAR_FAMILIES, PLRNN, ReLURNN

MODEL = PLRNN([0.5, 0.9], [[0.0, -0.6], [0.25, 0.0]], [0.4, -1.0])


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_arrays_of_states_are_treated_one_by_one(family):
    for draw in draws(6):
        model = random_model(family, draw)
        states = draw.array(2, 3, draw.n_states)
        m, n = model.n_states, model.n_units
        for function, shape in (
            (model.step, (m,)),
            (model.region, (n,)),
            (model.preactivation, (n,)),
            (model.jacobian, (m, m)),
            (lambda z, model=model: model.orbit(z, 4), (5, m)),
        ):
            together = function(states)
            assert together.shape == (2, 3, *shape)
            for index in np.ndindex(2, 3):
                np.testing.assert_array_equal(function(states[index]), together[index])
            assert function(states[:0]).shape == (0, 3, *shape)


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_an_orbit_is_repeated_steps(family):
    for draw in draws(10):
        model = random_model(family, draw)
        z = 0.1 * draw.array(draw.n_states)
        orbit = model.orbit(z, 5)
        np.testing.assert_array_equal(orbit[0], z)
        for now, following in itertools.pairwise(orbit):
            scale = 1.0 + np.abs(following).max()
            np.testing.assert_allclose(model.step(now), following, rtol=0, atol=1e-12 * scale)
        np.testing.assert_array_equal(model.orbit(z, 0), [z])


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_jacobian_and_offset_of_a_region_give_the_map_there(family):
    for draw in draws(10):
        model = random_model(family, draw)
        states = draw.array(5, draw.n_states)
        for z, region in zip(states, model.region(states), strict=True):
            affine = model.jacobian(region=region) @ z + model.canonical.offset(region)
            scale = 1.0 + np.abs(affine).max() + np.abs(model.canonical.W1).max(initial=0) ** 2
            np.testing.assert_allclose(model.step(z), affine, rtol=0, atol=1e-12 * scale)
        np.testing.assert_array_equal(
            model.jacobian(states), model.jacobian(region=model.region(states))
        )


def test_jacobian_of_a_region_by_hand():
    np.testing.assert_array_equal(MODEL.jacobian(region=[1, 0]), [[0.5, 0.0], [0.25, 0.9]])
    np.testing.assert_array_equal(MODEL.jacobian(region=[False, True]), [[0.5, -0.6], [0.0, 0.9]])


def test_on_a_border_the_bit_is_off():
    assert MODEL.region([0.0, -0.0]).tolist() == [False, False]
    assert MODEL.region([5e-324, 0.0]).tolist() == [True, False]
    np.testing.assert_array_equal(MODEL.jacobian([0.0, 0.0]), np.diag([0.5, 0.9]))


@pytest.mark.parametrize("name", ["step", "region", "preactivation", "jacobian", "orbit"])
@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (
            [1.0, 2.0, 3.0],
            ValueError,
            r"must have shape \(M,\) or \(..., M\) with M = 2, got \(3,\)",
        ),
        (1.0, ValueError, r"must have shape .* with M = 2, got \(\)"),
        (np.ones((2, 3)), ValueError, r"must have shape .* with M = 2, got \(2, 3\)"),
        ([np.nan, 0.0], ValueError, r"must be finite, got nan at z0?\[0\]"),
        ([0.0, np.inf], ValueError, r"must be finite, got inf at z0?\[1\]"),
        (["a", "b"], TypeError, "must hold real numbers, got list with dtype <U1"),
        ([True, False], TypeError, "must hold real numbers, got bool; for a region use region="),
        ([[1.0], [1.0, 2.0]], ValueError, "must be an array of real numbers"),
    ],
)
def test_bad_states_are_refused(name, state, error, message):
    arguments = (state, 3) if name == "orbit" else (state,)
    start = "^z0 " if name == "orbit" else "^z "
    with pytest.raises(error, match=start + message):
        getattr(MODEL, name)(*arguments)


@pytest.mark.parametrize(
    ("region", "error", "message"),
    [
        ([True], ValueError, r"must have shape \(H,\) or \(..., H\) with H = 2, got \(1,\)"),
        (True, ValueError, r"must have shape .* with H = 2, got \(\)"),
        ([0, 2], ValueError, r"must hold only True and False, got \[0, 2\]"),
        ([0.5, 1.0], ValueError, "must hold only True and False"),
        (["0", "1"], TypeError, "must hold real numbers, got list with dtype <U1"),
    ],
)
def test_bad_regions_are_refused(region, error, message):
    with pytest.raises(error, match=r"^region " + message):
        MODEL.jacobian(region=region)


def test_jacobian_is_at_a_state_or_of_a_region():
    for arguments in ({}, {"z": [0.0, 0.0], "region": [True, True]}):
        with pytest.raises(TypeError, match=r"^jacobian needs either z or region"):
            MODEL.jacobian(**arguments)


@pytest.mark.parametrize(
    ("n_steps", "error", "message"),
    [
        (-1, ValueError, "^n_steps must be at least 0, got -1$"),
        (2.0, TypeError, r"^n_steps must be a whole number, got 2\.0$"),
        ("3", TypeError, "^n_steps must be a whole number, got '3'$"),
        (None, TypeError, "^n_steps must be a whole number, got None$"),
    ],
)
def test_bad_step_counts_are_refused(n_steps, error, message):
    with pytest.raises(error, match=message):
        MODEL.orbit([0.0, 0.0], n_steps)


def test_leaving_the_range_of_float64_is_an_error_not_nan():
    model = ReLURNN([[1e100]], [0.0])
    with pytest.raises(OverflowError, match=r"at step 4: .* ask for fewer than 4 steps"):
        model.orbit([1.0], 10)
    assert np.isfinite(model.orbit([1.0], 3)).all()
    with pytest.raises(OverflowError, match="at step 2: "):
        model.orbit([[1.0], [1e150]], 10)
    with pytest.raises(OverflowError, match=r"^the next state exceeds"):
        model.step([1e250])
    with pytest.raises(OverflowError, match=r"^a pre-activation exceeds"):
        model.preactivation([1e250])
    wild = PLRNN([[1e300, -1e300], [0.0, 0.0]], np.zeros((2, 2)), [0.0, 0.0])
    with pytest.raises(OverflowError, match=r"^the next state exceeds"):
        wild.step([1e300, 1e300])


def test_results_may_be_written_to():
    orbit = MODEL.orbit([1.0, 1.0], 2)
    orbit[0] = 7.0
    np.testing.assert_array_equal(MODEL.orbit([1.0, 1.0], 2)[0], [1.0, 1.0])
