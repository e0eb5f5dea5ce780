"""The ALRNN against its own equation."""

import numpy as np
import pytest

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import ALRNN, PLRNN


def equation(v, z):
    n_linear = z.size - v["n_relu"]
    phi = np.concatenate([z[:n_linear], np.maximum(z[n_linear:], 0.0)])
    return dense(v["A"]) @ z + v["W"] @ phi + v["h"] + input_of(v)


def test_canonical_form_is_the_equation():
    for draw in draws():
        for n_relu in {0, draw.n_states // 2, draw.n_states}:
            v = {**ARGUMENTS["ALRNN"](draw), "n_relu": n_relu}
            model = ALRNN(**v)
            assert model.n_units == n_relu
            assert_is_the_map(model, v, equation, lambda v, z: z[z.size - v["n_relu"] :], draw.rng)


def test_all_states_rectified_is_a_plrnn():
    rng = np.random.default_rng(0)
    A, W, h = rng.normal(size=4), rng.normal(size=(4, 4)), rng.normal(size=4)
    states = rng.normal(size=(30, 4))
    np.testing.assert_allclose(
        ALRNN(A, W, h, n_relu=4).step(states), PLRNN(A, W, h).step(states), rtol=0, atol=1e-13
    )


def test_without_rectified_states_it_is_affine():
    model = ALRNN([0.5, 0.25], [[0.0, 1.0], [2.0, 0.0]], [1.0, -1.0], n_relu=0)
    assert model.n_units == 0
    assert model.region([[1.0, 2.0], [3.0, 4.0]]).shape == (2, 0)
    np.testing.assert_array_equal(model.jacobian([5.0, -5.0]), [[0.5, 1.0], [2.0, 0.25]])


@pytest.mark.parametrize(
    ("n_relu", "error", "given"),
    [
        (3, ValueError, "got 3"),
        (-1, ValueError, "got -1"),
        (1.0, TypeError, "got 1.0"),
        (True, TypeError, "got True"),
        ("1", TypeError, "got '1'"),
        (None, TypeError, "got None"),
    ],
)
def test_number_of_rectified_states_is_checked(n_relu, error, given):
    expected = f"^n_relu must be a whole number from 0 to M = 2, {given}$"
    with pytest.raises(error, match=expected):
        ALRNN([0.5, 0.5], np.eye(2), [0.0, 0.0], n_relu)
