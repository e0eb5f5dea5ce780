"""The gated recurrent unit against its equation, torch and difference quotients."""

import pickle

import numpy as np
import pytest

import rnndyn as rd
from recurrent_cases import (
    BIASES,
    LAYERS,
    assert_is_torch,
    assert_jacobian_is_a_difference_quotient,
    logistic,
    random_network,
    states_and_inputs,
)
from rnndyn.models import GRU


@LAYERS
@BIASES
def test_states_and_jacobians_are_those_of_torch(n_layers, bias):
    assert_is_torch(random_network("GRU", n_layers, bias))


@LAYERS
@BIASES
def test_jacobian_is_the_derivative(n_layers, bias):
    assert_jacobian_is_a_difference_quotient(random_network("GRU", n_layers, bias))


def test_two_layers_are_the_equation():
    model = random_network("GRU", 2, True)
    states, inputs = states_and_inputs(model)
    for state, x, following in zip(states, inputs, model.step(states, inputs), strict=True):
        expected = []
        for layer, h in enumerate(state.reshape(2, 4)):
            W, U, b, d = (
                np.split(model.parameters[f"{name}_l{layer}"], 3)
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            r = logistic(W[0] @ x + b[0] + U[0] @ h + d[0])
            z = logistic(W[1] @ x + b[1] + U[1] @ h + d[1])
            candidate = np.tanh(W[2] @ x + b[2] + r * (U[2] @ h + d[2]))
            x = (1.0 - z) * candidate + z * h
            expected.append(x)
        np.testing.assert_allclose(following, np.concatenate(expected), rtol=0, atol=1e-14)


def test_the_reset_gate_acts_on_the_recurrent_bias():
    # Reset gate closed: the recurrent bias of the candidate does nothing, the other one does.
    closed, n = [-1e3, -1e3, 0.0], np.zeros((3, 1))
    with_recurrent = GRU(None, n, closed, [0.0, 0.0, 5.0])
    with_other = GRU(None, n, [-1e3, -1e3, 5.0], [0.0, 0.0, 0.0])
    np.testing.assert_allclose(with_recurrent.step([0.0]), [0.0], rtol=0, atol=1e-300)
    np.testing.assert_allclose(with_other.step([0.0]), [np.tanh(5.0)], rtol=0, atol=1e-15)


def test_an_open_update_gate_keeps_the_state():
    model = GRU(None, np.zeros((3, 1)), [0.0, 1e3, 0.0], [0.0, 0.0, 0.0])
    assert model.step([0.7]).tolist() == [0.7]
    assert model.jacobian([0.7]).tolist() == [[1.0]]


@LAYERS
@BIASES
def test_jacobian_with_the_reset_gate_before_the_weights(n_layers, bias):
    model = random_network("GRU", n_layers, bias, reset_after=False)
    assert_jacobian_is_a_difference_quotient(model)


def keras_cell(kernel, recurrent_kernel, bias, reset_after, x, h):
    """One step of keras.layers.GRUCell: gates z, r, h; weights act from the right."""
    n = len(h)
    input_bias, recurrent_bias = bias if reset_after else (bias, np.zeros(3 * n))
    from_input = x @ kernel + input_bias
    z_x, r_x, h_x = np.split(from_input, 3)
    z_u, r_u, h_u = np.split(recurrent_kernel, 3, axis=1)
    z_b, r_b, h_b = np.split(recurrent_bias, 3)
    z = logistic(z_x + h @ z_u + z_b)
    r = logistic(r_x + h @ r_u + r_b)
    inner = r * (h @ h_u + h_b) if reset_after else (r * h) @ h_u
    return z * h + (1.0 - z) * np.tanh(h_x + inner)


@pytest.mark.parametrize("reset_after", [True, False])
def test_weights_of_keras(reset_after):
    rng = np.random.default_rng(4)
    n, k = 5, 3
    kernel, recurrent_kernel = rng.normal(size=(k, 3 * n)), rng.normal(size=(n, 3 * n))
    bias = rng.normal(size=(2, 3 * n) if reset_after else 3 * n)

    def gates(array):
        z, r, h = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, h], axis=-1).T

    biases = [gates(row) for row in np.atleast_2d(bias)]
    model = GRU(gates(kernel), gates(recurrent_kernel), *biases, reset_after=reset_after)
    h, x = rng.normal(size=n), rng.normal(size=k)
    expected = keras_cell(kernel, recurrent_kernel, bias, reset_after, x, h)
    np.testing.assert_allclose(model.step(h, x), expected, rtol=0, atol=1e-14)
    other = GRU(gates(kernel), gates(recurrent_kernel), *biases, reset_after=not reset_after)
    assert np.abs(other.step(h, x) - expected).max() > 1e-3


def test_reset_after_is_a_part_of_the_network(tmp_path):
    usual = random_network("GRU", 2, True)
    other = usual.with_parameters(reset_after=False)
    assert usual.reset_after
    assert not other.reset_after
    assert other != usual
    assert other.with_parameters(reset_after=True) == usual
    assert repr(other) == "GRU(n_inputs=3, hidden_size=4, n_layers=2, reset_after=False)"
    assert "reset_after" not in repr(usual)
    assert usual.options == {}
    np.testing.assert_array_equal(
        other.with_constant_input([1.0, 2.0, 3.0]).step(np.ones(8)),
        other.step(np.ones(8), [1.0, 2.0, 3.0]),
    )
    assert pickle.loads(pickle.dumps(other)) == other
    for name in ("network.npz", "network.json"):
        rd.save_model(other, tmp_path / name)
        assert rd.load_model(tmp_path / name) == other
        rd.save_model(usual, tmp_path / name)
        assert rd.load_model(tmp_path / name) == usual
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(array) for name, array in usual.parameters.items()}
    torch.save(tensors, tmp_path / "weights.pt")
    options = {"reset_after": False}
    assert rd.load_model(tmp_path / "weights.pt", family="GRU", options=options) == other
    with pytest.raises(TypeError, match="reset_after must be True or False, got 'yes'"):
        usual.with_parameters(reset_after="yes")


def test_a_network_with_the_reset_gate_before_has_exponents_and_fixed_points():
    model = random_network("GRU", 1, True, reset_after=False, n_inputs=0).with_parameters(
        {"bias_hh_l0[2]": 0.5}
    )
    points = rd.find_fixed_points(model)
    assert points.index_sum == points.index_expected == 1
    point = points.stable[0]
    np.testing.assert_allclose(model.step(point.points), point.points, rtol=0, atol=1e-14)
    np.testing.assert_allclose(point.jacobian, model.jacobian(point.points[0]), atol=1e-14)
    spectrum = rd.lyapunov_spectrum(model, z0=point.points[0], n_steps=2000)
    np.testing.assert_allclose(
        np.sort(spectrum.exponents[0]), np.sort(point.log_moduli), rtol=0, atol=1e-2
    )
