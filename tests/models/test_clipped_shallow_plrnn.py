"""The clipped shallow PLRNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import ClippedShallowPLRNN


def hidden(v, z):
    return np.concatenate([v["W2"] @ z + v["h2"], v["W2"] @ z])


def equation(v, z):
    bounded = np.maximum(v["W2"] @ z + v["h2"], 0.0) - np.maximum(v["W2"] @ z, 0.0)
    return dense(v["A"]) @ z + v["W1"] @ bounded + v["h1"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["ClippedShallowPLRNN"](draw)
        assert ClippedShallowPLRNN(**v).n_units == 2 * draw.n_hidden
        assert_is_the_map(ClippedShallowPLRNN(**v), v, equation, hidden, draw.rng)
