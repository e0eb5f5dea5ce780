"""The shallow PLRNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import ShallowPLRNN


def hidden(v, z):
    return v["W2"] @ z + v["h2"]


def equation(v, z):
    linear = dense(v["A"]) @ z + v["h1"] + input_of(v)
    return linear + v["W1"] @ np.maximum(hidden(v, z), 0.0)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["ShallowPLRNN"](draw)
        assert_is_the_map(ShallowPLRNN(**v), v, equation, hidden, draw.rng)
