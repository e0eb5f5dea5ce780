"""Piecewise-linear models as systems of the core: inputs from step to step replace the input s."""

import numpy as np
import pytest

from model_cases import draws, random_model
from rnndyn.models import PIECEWISE_LINEAR_FAMILIES, LeakyReLURNN, ReLURNN


@pytest.mark.parametrize("family", PIECEWISE_LINEAR_FAMILIES)
def test_driven_by_an_input_is_the_model_with_that_input(family):
    n_driven = 0
    for draw in draws(16):
        model = random_model(family, draw)
        system = model._system()
        assert (system.n_states, system.n_inputs) == (model.n_states, model.n_inputs)
        assert list(system.layer_sizes) == [model.n_states]
        states = draw.array(4, model.n_states)
        inputs = draw.array(4, model.n_inputs)
        block = draw.array(4, model.n_states, 3)
        following = system.step(states, inputs)
        tangents = system.tangent(states, inputs, block)
        n_driven += model.n_inputs > 0
        for number in range(4):
            there = model.with_parameters(s=inputs[number]) if model.n_inputs else model
            expected = there.step(states[number])
            scale = 1.0 + np.abs(there.canonical.W1).max(initial=0.0) * np.abs(expected).max()
            np.testing.assert_allclose(following[number], expected, rtol=0, atol=1e-12 * scale)
            expected = there.jacobian(states[number]) @ block[number]
            scale = 1.0 + np.abs(expected).max()
            np.testing.assert_allclose(tangents[number], expected, rtol=0, atol=1e-12 * scale)
        constant = np.broadcast_to(model._default_input, (4, model.n_inputs)).copy()
        expected = model.step(states)
        scale = 1.0 + np.abs(model.canonical.W1).max(initial=0.0) * np.abs(expected).max()
        np.testing.assert_allclose(
            system.step(states, constant), expected, rtol=0, atol=1e-12 * scale
        )
    assert n_driven == (0 if family == "PiecewiseLinearMap" else 8)


def test_inputs_of_rectified_networks_act_inside_the_rectifier():
    one, three = np.ones((1, 1)), np.full((1, 1), -3.0)
    relu = ReLURNN([[0.0]], [1.0], C=[[2.0]], s=[5.0])._system()
    assert relu.step(one, three).tolist() == [[0.0]]
    assert relu.step(one, -three).tolist() == [[7.0]]
    for slope in (0.5, [0.5]):
        leaky = LeakyReLURNN([[0.0]], [1.0], slope, C=[[2.0]], s=[5.0])._system()
        assert leaky.step(one, three).tolist() == [[-2.5]]
        assert leaky.step(one, -three).tolist() == [[7.0]]
