"""The leaky shallow PLRNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import LeakyShallowPLRNN


def hidden(v, z):
    return v["W2"] @ z + v["h2"]


def equation(v, z):
    p = hidden(v, z)
    phi = np.where(p > 0.0, p, v["slope"] * p)
    return dense(v["A"]) @ z + v["W1"] @ phi + v["h1"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["LeakyShallowPLRNN"](draw)
        assert_is_the_map(LeakyShallowPLRNN(**v), v, equation, hidden, draw.rng)
