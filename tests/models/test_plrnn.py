"""The PLRNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import PLRNN


def equation(v, z):
    return dense(v["A"]) @ z + v["W"] @ np.maximum(z, 0.0) + v["h"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["PLRNN"](draw)
        assert_is_the_map(PLRNN(**v), v, equation, lambda _, z: z, draw.rng)
