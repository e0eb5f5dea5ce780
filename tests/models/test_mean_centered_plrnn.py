"""The mean-centred PLRNN against its own equation."""

import numpy as np

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import MeanCenteredPLRNN


def equation(v, z):
    centred = z - z.mean()
    return dense(v["A"]) @ z + v["W"] @ np.maximum(centred, 0.0) + v["h"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        if draw.n_states == 1:
            continue  # z - mean(z) is 0 exactly here; see the test below.
        v = ARGUMENTS["MeanCenteredPLRNN"](draw)
        assert_is_the_map(MeanCenteredPLRNN(**v), v, equation, lambda _, z: z - z.mean(), draw.rng)


def test_one_state_never_deviates_from_its_mean():
    model = MeanCenteredPLRNN(A=[0.5], W=[[100.0]], h=[1.0])
    np.testing.assert_array_equal(model.step([[3.0], [-3.0]]), [[2.5], [-0.5]])
    assert not model.region([3.0]).any()
