"""The long short-term memory against its equation, torch and difference quotients."""

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
from rnndyn.models import LSTM


@LAYERS
@BIASES
def test_states_and_jacobians_are_those_of_torch(n_layers, bias):
    assert_is_torch(random_network("LSTM", n_layers, bias))


@LAYERS
@BIASES
def test_jacobian_is_the_derivative(n_layers, bias):
    assert_jacobian_is_a_difference_quotient(random_network("LSTM", n_layers, bias))


def test_two_layers_are_the_equation():
    model = random_network("LSTM", 2, True)
    states, inputs = states_and_inputs(model)
    for state, x, following in zip(states, inputs, model.step(states, inputs), strict=True):
        expected = []
        for layer, (h, c) in enumerate(state.reshape(2, 2, 4)):
            W, U, b, d = (
                np.split(model.parameters[f"{name}_l{layer}"], 4)
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            p = [W[gate] @ x + b[gate] + U[gate] @ h + d[gate] for gate in range(4)]
            cell = logistic(p[1]) * c + logistic(p[0]) * np.tanh(p[2])
            x = logistic(p[3]) * np.tanh(cell)
            expected += [x, cell]
        np.testing.assert_allclose(following, np.concatenate(expected), rtol=0, atol=1e-14)


def test_the_state_of_a_layer_is_h_before_c():
    # No weights: h' = tanh(c') / 2 and c' = c / 2, whatever h is.
    model = LSTM(None, np.zeros((4, 1)))
    assert model.n_states == 2
    np.testing.assert_allclose(
        model.step([[9.0, 0.0], [9.0, 1.0]]), [[0.0, 0.0], [0.5 * np.tanh(0.5), 0.5]], atol=1e-15
    )
    slope = 0.25 / np.cosh(0.5) ** 2
    np.testing.assert_allclose(
        model.jacobian([9.0, 1.0]), [[0.0, slope], [0.0, 0.5]], rtol=0, atol=1e-15
    )


def test_a_saturated_cell_forgets_nothing():
    bias = [-1e3, 1e3, 0.0, 0.0]
    model = LSTM(None, np.zeros((4, 1)), bias, np.zeros(4))
    assert model.orbit([0.0, 0.3], 50)[-1, 1] == 0.3
    assert model.jacobian([0.0, 0.3])[1].tolist() == [0.0, 1.0]
