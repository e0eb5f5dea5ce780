"""The leaky ReLU RNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, draws, input_of
from rnndyn.models import LeakyReLURNN


def hidden(v, z):
    return v["W_hh"] @ z + v["b"] + input_of(v)


def equation(v, z):
    p = hidden(v, z)
    return np.where(p > 0.0, p, v["slope"] * p)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["LeakyReLURNN"](draw)
        assert_is_the_map(LeakyReLURNN(**v), v, equation, hidden, draw.rng)
