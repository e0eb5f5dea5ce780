"""The textbook maps are what they say."""

import numpy as np
import pytest

from rnndyn import examples
from rnndyn.models import PLRNN, PiecewiseLinearMap


@pytest.mark.parametrize("slope", [2.0, 1.5, 0.5, -1.0])
def test_tent_map(slope):
    model = examples.tent_map(slope)
    assert type(model) is PLRNN
    assert (model.n_states, model.n_units) == (1, 1)
    x = np.linspace(-2.0, 2.0, 101)[:, None]
    np.testing.assert_allclose(model.step(x), 1.0 - slope * np.abs(x), rtol=0, atol=1e-14)


def test_full_tent_map_has_its_fixed_points_at_minus_one_and_one_third():
    model = examples.tent_map()
    assert model == examples.tent_map(2.0)
    np.testing.assert_allclose(model.step([[-1.0], [1.0 / 3.0]]), [[-1.0], [1.0 / 3.0]])


@pytest.mark.parametrize(("a", "b"), [(1.7, 0.5), (1.4, -0.3), (0.0, 1.0)])
def test_lozi_map(a, b):
    model = examples.lozi_map(a, b)
    assert type(model) is PiecewiseLinearMap
    assert (model.n_states, model.n_units) == (2, 1)
    x, y = np.random.default_rng(0).normal(size=(2, 200))
    expected = np.column_stack([1.0 - a * np.abs(x) + y, b * x])
    np.testing.assert_allclose(model.step(np.column_stack([x, y])), expected, rtol=0, atol=1e-14)


def test_lozi_map_default_has_its_two_fixed_points():
    model = examples.lozi_map()
    assert model == examples.lozi_map(a=1.7, b=0.5)
    for sign in (1.0, -1.0):
        x = 1.0 / (1.0 + sign * 1.7 - 0.5)
        np.testing.assert_allclose(model.step([x, 0.5 * x]), [x, 0.5 * x], atol=1e-14)
        assert model.region([x, 0.5 * x]).tolist() == [x > 0.0]


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        examples.tent_map(np.nan)
    with pytest.raises(ValueError, match="must be finite"):
        examples.lozi_map(a=np.inf)
