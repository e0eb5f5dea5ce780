"""The dendritic PLRNN, plain and clipped, against its own equation."""

import numpy as np
import pytest

from model_cases import ARGUMENTS, assert_is_the_map, dense, draws, input_of
from rnndyn.models import PLRNN, DendriticPLRNN


def equation(v, z):
    phi = np.zeros_like(z)
    for slope, threshold in zip(v["alpha"], v["thresholds"], strict=True):
        branch = np.maximum(z - threshold, 0.0)
        if v["clipped"]:
            branch = branch - np.maximum(z, 0.0)
        phi = phi + slope * branch
    return dense(v["A"]) @ z + v["W"] @ phi + v["h"] + input_of(v)


def arguments_of_relu(v, z):
    parts = [z - threshold for threshold in v["thresholds"]]
    return np.concatenate([*parts, z] if v["clipped"] else parts)


@pytest.mark.parametrize("clipped", [False, True])
def test_canonical_form_is_the_equation(clipped):
    for draw in draws():
        v = {**ARGUMENTS["DendriticPLRNN"](draw), "clipped": clipped}
        assert_is_the_map(DendriticPLRNN(**v), v, equation, arguments_of_relu, draw.rng)


def test_one_branch_without_threshold_is_a_plrnn():
    model = DendriticPLRNN([0.5], [[-2.0]], [1.0], alpha=[1.0], thresholds=[[0.0]])
    states = np.array([[-2.0], [0.5], [3.0]])
    np.testing.assert_array_equal(model.step(states), PLRNN([0.5], [[-2.0]], [1.0]).step(states))


def test_clipped_orbits_stay_bounded_and_plain_ones_need_not():
    arguments = ([0.5], [[3.0]], [1.0], [1.0], [[-2.0]])
    assert np.abs(DendriticPLRNN(*arguments, clipped=True).orbit([1e6], 200)[-1]) < 100.0
    assert np.abs(DendriticPLRNN(*arguments).orbit([1e6], 200)[-1]) > 1e6


def test_thresholds_have_a_row_for_each_branch():
    with pytest.raises(
        ValueError,
        match=r"^thresholds must have shape \(B, M\) with B = 2 \(set by alpha\) and "
        r"M = 3 \(set by A\), got \(3, 2\)$",
    ):
        DendriticPLRNN(np.ones(3), np.eye(3), np.ones(3), [1.0, 2.0], np.ones((3, 2)))


@pytest.mark.parametrize("clipped", [1, "yes", None])
def test_clipped_must_be_a_bool(clipped):
    with pytest.raises(TypeError, match=f"^clipped must be True or False, got {clipped!r}$"):
        DendriticPLRNN([1.0], [[1.0]], [1.0], [1.0], [[1.0]], clipped)


def test_repr_says_whether_it_is_clipped():
    model = DendriticPLRNN([1.0], [[1.0]], [1.0], [1.0], [[1.0]])
    assert repr(model) == "DendriticPLRNN(n_states=1, n_units=1)"
    assert (
        repr(model.with_parameters(clipped=True))
        == "DendriticPLRNN(n_states=1, n_units=2, clipped=True)"
    )
