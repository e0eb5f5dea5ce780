"""The ReLU RNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, draws, input_of
from rnndyn.models import ReLURNN


def hidden(v, z):
    return v["W_hh"] @ z + v["b"] + input_of(v)


def equation(v, z):
    return np.maximum(hidden(v, z), 0.0)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["ReLURNN"](draw)
        assert_is_the_map(ReLURNN(**v), v, equation, hidden, draw.rng)


def test_external_input_acts_inside_the_rectifier():
    model = ReLURNN([[0.0]], [1.0], C=[[2.0]], s=[-3.0])
    np.testing.assert_array_equal(model.step([7.0]), [0.0])
