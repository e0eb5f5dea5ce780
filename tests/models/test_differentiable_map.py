"""Maps that users write: results, and what is said of functions that are wrong."""

import copy
import pickle

import numpy as np
import pytest

from rnndyn.models import DifferentiableMap


def henon_step(z):
    return np.stack([1.0 - 1.4 * z[:, 0] ** 2 + z[:, 1], 0.3 * z[:, 0]], axis=1)


def henon_jacobian(z):
    jacobians = np.zeros((len(z), 2, 2))
    jacobians[:, 0, 0], jacobians[:, 0, 1], jacobians[:, 1, 0] = -2.8 * z[:, 0], 1.0, 0.3
    return jacobians


HENON = DifferentiableMap(henon_step, henon_jacobian, 2)


def test_steps_orbits_and_jacobians():
    states = np.random.default_rng(0).normal(size=(3, 4, 2))
    flat = states.reshape(-1, 2)
    np.testing.assert_array_equal(HENON.step(states), henon_step(flat).reshape(3, 4, 2))
    jacobians = HENON.jacobian(states)
    np.testing.assert_array_equal(jacobians, henon_jacobian(flat).reshape(3, 4, 2, 2))
    np.testing.assert_array_equal(HENON.jacobian(states[0, 0]), jacobians[0, 0])
    orbit = HENON.orbit(0.1 * states, 3)
    assert orbit.shape == (3, 4, 4, 2)
    np.testing.assert_array_equal(orbit[:, :, 1], HENON.step(0.1 * states))
    np.testing.assert_array_equal(orbit[:, :, 3], HENON.step(orbit[:, :, 2]))
    assert HENON.step(states[:0]).shape == (0, 4, 2)


def test_tangents_are_products_with_the_jacobian():
    rng = np.random.default_rng(1)
    states, block = rng.normal(size=(5, 2)), rng.normal(size=(5, 2, 3))
    tangents = HENON._system().tangent(states, np.zeros((5, 0)), block)
    np.testing.assert_allclose(tangents, henon_jacobian(states) @ block, rtol=0, atol=1e-14)


def test_it_is_a_value():
    assert repr(HENON) == "DifferentiableMap(n_states=2)"
    assert (HENON.n_states, HENON.n_inputs) == (2, 0)
    for twin in (pickle.loads(pickle.dumps(HENON)), copy.copy(HENON), copy.deepcopy(HENON)):
        assert twin == HENON
        assert hash(twin) == hash(HENON)
        np.testing.assert_array_equal(twin.step([0.5, 0.5]), HENON.step([0.5, 0.5]))
    assert DifferentiableMap(lambda z: henon_step(z), henon_jacobian, 2) != HENON
    assert HENON != "HENON"
    with pytest.raises(AttributeError, match="immutable"):
        HENON.n_states = 3
    with pytest.raises(AttributeError, match="immutable"):
        del HENON._functions


def test_results_of_other_real_types_are_converted():
    doubling = DifferentiableMap(
        lambda z: (2 * z).astype(np.float32).tolist(),
        lambda z: np.full((len(z), 1, 1), 2, dtype=np.int8),
        1,
    )
    assert doubling.step([0.25]).dtype == np.float64
    assert doubling.step([0.25]).tolist() == [0.5]
    assert doubling.jacobian([0.25]).tolist() == [[2.0]]


def identity_jacobian(z):
    return np.broadcast_to(np.eye(z.shape[1]), (*z.shape, z.shape[1]))


@pytest.mark.parametrize(
    ("step", "jacobian", "n_states", "message"),
    [
        # States in columns instead of rows.
        (
            lambda z: np.array([z[0], z[1]]),
            identity_jacobian,
            2,
            r"^step must return shape \(B, N\) = \(3, 2\) for states of shape \(3, 2\), one state "
            r"in each row, got \(2, 2\)$",
        ),
        (lambda z: z[:, 0], identity_jacobian, 3, r"^step must return .* = \(2, 3\).* got \(2,\)$"),
        (lambda z: z[0], identity_jacobian, 3, r"^step must return .* got \(3,\)$"),
        (
            lambda z: z,
            lambda z: np.eye(3),
            3,
            r"^jacobian must return shape \(B, N, N\) = \(2, 3, 3\) for .* got \(3, 3\)$",
        ),
        (lambda z: z, lambda z: z, 3, r"^jacobian must return .* got \(2, 3\)$"),
        (lambda z: z, identity_jacobian, 0, r"^n_states must be a whole number from 1, got 0$"),
        (lambda z: z, identity_jacobian, -2, r"^n_states must be a whole number from 1, got -2$"),
    ],
)
def test_wrong_shapes_are_refused(step, jacobian, n_states, message):
    with pytest.raises(ValueError, match=message):
        DifferentiableMap(step, jacobian, n_states)


@pytest.mark.parametrize(
    ("step", "jacobian", "n_states", "message"),
    [
        (3.0, identity_jacobian, 1, r"^step must be a function of states \(B, N\), got float$"),
        (lambda z: z, None, 1, r"^jacobian must be a function of states \(B, N\), got NoneType$"),
        (lambda z: z, identity_jacobian, 1.0, r"^n_states must be a whole number from 1, got 1.0$"),
        (lambda z: z, identity_jacobian, True, r"^n_states must be a whole number from 1, got Tr"),
        (lambda z: 1j * z, identity_jacobian, 1, r"^step must return real numbers, got dtype comp"),
        (lambda z: None, identity_jacobian, 1, r"^step must return real numbers, got dtype object"),
        (lambda z: z, lambda z: "a", 1, r"^jacobian must return real numbers, got dtype <U1$"),
    ],
)
def test_wrong_kinds_are_refused(step, jacobian, n_states, message):
    with pytest.raises(TypeError, match=message):
        DifferentiableMap(step, jacobian, n_states)


def test_errors_inside_a_function_say_where_they_come_from():
    with pytest.raises(IndexError) as caught:
        DifferentiableMap(lambda z: z[:, 5], identity_jacobian, 3)
    assert caught.value.__notes__ == [
        "raised by step, which rnndyn called with states of shape (2, 3): one state in each row"
    ]


def test_errors_of_later_calls_are_not_lost():
    def late(z):
        if (z > 1.0).any():
            raise RuntimeError("not defined there")
        return z

    model = DifferentiableMap(late, identity_jacobian, 2)
    np.testing.assert_array_equal(model.step([0.5, 0.5]), [0.5, 0.5])
    with pytest.raises(RuntimeError, match="not defined there"):
        model.step([2.0, 0.0])

    shrinking = DifferentiableMap(
        lambda z: z if len(z) > 1 else z[0], identity_jacobian, n_states=2
    )
    with pytest.raises(ValueError, match=r"^step must return shape .* got \(2,\)$"):
        shrinking.step([0.5, 0.5])


def test_a_function_cannot_change_the_orbit_through_its_argument():
    def in_place(z):
        z *= 2.0
        return z

    with pytest.raises(ValueError, match="read-only"):
        DifferentiableMap(in_place, identity_jacobian, 2)


def test_leaving_the_range_of_float64_is_an_error_not_nan():
    square = DifferentiableMap(
        lambda z: np.where(np.abs(z) < 1e160, z, np.inf) * 1e100,
        lambda z: np.where(np.abs(z) < 1e160, 1e100, np.nan)[:, :, None],
        1,
    )
    with pytest.raises(OverflowError, match=r"at step 3: .* ask for fewer than 3 steps"):
        square.orbit([1.0], 10)
    with pytest.raises(OverflowError, match=r"^the next state exceeds"):
        square.step([1e200])
    with pytest.raises(OverflowError, match=r"^a Jacobian exceeds"):
        square.jacobian([1e200])


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([1.0], ValueError, r"must have shape \(N,\) or \(..., N\) with N = 2, got \(1,\)$"),
        ([np.nan, 0.0], ValueError, r"must be finite, got nan at \w+\[0\]"),
        (["a", "b"], TypeError, "must hold real numbers"),
    ],
)
def test_bad_states_are_refused(state, error, message):
    for use in (HENON.step, HENON.jacobian):
        with pytest.raises(error, match="^states " + message):
            use(state)
    with pytest.raises(error, match="^z0 " + message):
        HENON.orbit(state, 3)
    with pytest.raises(ValueError, match=r"^n_steps must be at least 0, got -1$"):
        HENON.orbit([0.0, 0.0], -1)
