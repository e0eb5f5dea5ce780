"""The piecewise-linear map against its own equation."""

import numpy as np
import pytest

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws
from rnndyn.models import PiecewiseLinearMap


def hidden(v, z):
    return v["W2"] @ z + v["h2"]


def equation(v, z):
    return dense(v["A"]) @ z + v["W1"] @ np.maximum(hidden(v, z), 0.0) + v["h1"]


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["PiecewiseLinearMap"](draw)
        assert_is_the_map(PiecewiseLinearMap(**v), v, equation, hidden, draw.rng)


def test_it_has_no_external_input():
    model = PiecewiseLinearMap([[1.0]], [[1.0]], [[1.0]], [0.0], [0.0])
    with pytest.raises(ValueError, match="PiecewiseLinearMap has no parameter 's'"):
        model.with_parameters(s=[1.0])
