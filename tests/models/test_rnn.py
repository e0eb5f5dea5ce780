"""The Elman network against its equation, torch and difference quotients."""

import numpy as np
import pytest

from recurrent_cases import (
    BIASES,
    LAYERS,
    assert_is_torch,
    assert_jacobian_is_a_difference_quotient,
    random_network,
    states_and_inputs,
)
from rnndyn.models import RNN, ReLURNN

UNITS = pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])


def phi(model, p):
    return np.tanh(p) if model.nonlinearity == "tanh" else np.maximum(p, 0.0)


@LAYERS
@BIASES
@UNITS
def test_states_and_jacobians_are_those_of_torch(n_layers, bias, nonlinearity):
    assert_is_torch(random_network("RNN", n_layers, bias, nonlinearity=nonlinearity))


@LAYERS
@BIASES
@UNITS
def test_jacobian_is_the_derivative(n_layers, bias, nonlinearity):
    assert_jacobian_is_a_difference_quotient(
        random_network("RNN", n_layers, bias, nonlinearity=nonlinearity)
    )


@UNITS
def test_two_layers_are_the_equation(nonlinearity):
    model = random_network("RNN", 2, True, nonlinearity=nonlinearity)
    v = model.parameters
    states, inputs = states_and_inputs(model)
    for state, x, following in zip(states, inputs, model.step(states, inputs), strict=True):
        expected = []
        for layer, h in enumerate(state.reshape(2, 4)):
            x = phi(
                model,
                v[f"weight_ih_l{layer}"] @ x
                + v[f"bias_ih_l{layer}"]
                + v[f"weight_hh_l{layer}"] @ h
                + v[f"bias_hh_l{layer}"],
            )
            expected.append(x)
        np.testing.assert_allclose(following, np.concatenate(expected), rtol=0, atol=1e-14)


def test_on_the_border_a_relu_has_slope_0():
    model = RNN(None, [[1.0]], nonlinearity="relu")
    assert model.jacobian([[-1.0], [-0.0], [0.0], [1.0]]).ravel().tolist() == [0.0, 0.0, 0.0, 1.0]


def test_one_layer_of_relus_is_a_piecewise_linear_map():
    for bias in (True, False):
        network = random_network("RNN", 1, bias, nonlinearity="relu")
        states, inputs = states_and_inputs(network)
        for s in inputs:
            model = network.as_piecewise_linear(s)
            assert isinstance(model, ReLURNN)
            np.testing.assert_array_equal(model.s, s)
            expected = network.step(states, s)
            np.testing.assert_allclose(model.step(states), expected, rtol=0, atol=1e-14)
            expected = network.jacobian(states, s)
            np.testing.assert_allclose(model.jacobian(states), expected, rtol=0, atol=1e-14)
        without = network.as_piecewise_linear()
        np.testing.assert_allclose(without.step(states), network.step(states), rtol=0, atol=1e-14)
        assert without.n_inputs == network.n_inputs
    free = RNN(None, [[0.5]], [1.0], [2.0], nonlinearity="relu").as_piecewise_linear()
    assert free == ReLURNN([[0.5]], [3.0])
    assert RNN(None, [[0.5]], nonlinearity="relu").as_piecewise_linear() == ReLURNN([[0.5]], [0.0])


@pytest.mark.parametrize(
    ("network", "constant_input", "message"),
    [
        (
            lambda: RNN(None, [[1.0]]),
            None,
            r"^only a network with nonlinearity='relu' is piecewise linear, this one has "
            r"nonlinearity='tanh'$",
        ),
        (
            lambda: RNN(None, [[1.0]], nonlinearity="relu"),
            [1.0],
            r"^this RNN has no external input: leave out constant_input$",
        ),
        (
            lambda: RNN([[1.0]], [[1.0]], nonlinearity="relu"),
            [1.0, 2.0],
            r"^constant_input must have shape \(K,\) with K = 1, got \(2,\)$",
        ),
        (
            lambda: RNN([[1.0]], [[1.0]], nonlinearity="relu"),
            [np.nan],
            r"^constant_input must be finite, got nan at constant_input\[0\]",
        ),
    ],
)
def test_other_networks_are_no_piecewise_linear_maps(network, constant_input, message):
    with pytest.raises(ValueError, match=message):
        network().as_piecewise_linear(constant_input)


@pytest.mark.parametrize(
    ("nonlinearity", "error"),
    [("sigmoid", ValueError), ("TANH", ValueError), (None, TypeError), (["tanh"], TypeError)],
)
def test_units_are_tanh_or_relu(nonlinearity, error):
    with pytest.raises(error, match=r"^nonlinearity must be 'tanh' or 'relu', got "):
        RNN(None, [[1.0]], nonlinearity=nonlinearity)


def test_nonlinearity_is_an_option():
    network = RNN(None, [[1.0]])
    assert network.options == {"nonlinearity": "tanh"}
    rectified = network.with_parameters(nonlinearity="relu")
    assert rectified.step([2.0]).tolist() == [2.0]
    assert rectified != network
    assert repr(rectified) == "RNN(n_inputs=0, hidden_size=1, n_layers=1, nonlinearity='relu')"
