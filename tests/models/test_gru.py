"""The gated recurrent unit against its equation, torch and difference quotients."""

import numpy as np

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
