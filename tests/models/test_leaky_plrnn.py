"""The leaky PLRNN against its own equation."""

import numpy as np
import pytest

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import PLRNN, LeakyPLRNN


def equation(v, z):
    phi = np.where(z > 0.0, z, v["slope"] * z)
    return dense(v["A"]) @ z + v["W"] @ phi + v["h"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        v = ARGUMENTS["LeakyPLRNN"](draw)
        assert_is_the_map(LeakyPLRNN(**v), v, equation, lambda _, z: z, draw.rng)


def test_slope_zero_is_a_plrnn_and_slope_one_is_linear():
    rng = np.random.default_rng(1)
    A, W, h = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3)
    states = rng.normal(size=(30, 3))
    np.testing.assert_array_equal(
        LeakyPLRNN(A, W, h, slope=0.0).step(states), PLRNN(A, W, h).step(states)
    )
    linear = LeakyPLRNN(A, W, h, slope=1.0)
    np.testing.assert_array_equal(linear.canonical.W1, np.zeros((3, 3)))
    np.testing.assert_allclose(linear.step(states), states @ (np.diag(A) + W).T + h, atol=1e-13)


def test_slope_is_one_number_or_one_for_each_state():
    expected = r"^slope must have shape \(\) or \(M,\) with M = 2 \(set by A\), got \(3,\)$"
    with pytest.raises(ValueError, match=expected):
        LeakyPLRNN([1.0, 1.0], np.eye(2), [0.0, 0.0], slope=[0.1, 0.1, 0.1])


def test_slope_is_named_like_the_number_or_vector_it_is():
    model = LeakyPLRNN([1.0, 1.0], np.eye(2), [0.0, 0.0], slope=0.1)
    assert model.get_parameter("slope") == 0.1
    with pytest.raises(ValueError, match=r"^slope\[0\] does not name one number"):
        model.get_parameter("slope[0]")
    parametric = model.with_parameters(slope=[0.1, 0.2])
    assert parametric.get_parameter("slope[1]") == 0.2
    assert parametric.with_parameters({"slope[1]": 0.3}).slope.tolist() == [0.1, 0.3]
    with pytest.raises(ValueError, match=r"^slope does not name one number.*slope\[i\]"):
        parametric.get_parameter("slope")
