"""Slow points: ghosts with a known normal form, line attractors with a drift, and none."""

from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from rnndyn._core import _core
from smooth.cases import flip_flop, smooth_map

GAIN = 2.0
FOLD = -np.sqrt(1.0 - 1.0 / GAIN)
FOLD_BIAS = np.arctanh(FOLD) - GAIN * FOLD
#: F(z) - z = SLOPE (bias - FOLD_BIAS) + CURVATURE (z - FOLD)^2 + ...
SLOPE = 1.0 - FOLD**2
CURVATURE = -(GAIN**2) * FOLD * SLOPE


def after_the_fold(distance: float) -> Any:
    return smooth_map(rd.RNN(None, [[GAIN]], None, [FOLD_BIAS + distance]))


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-5])
def test_ghost_of_a_fold(distance: float) -> None:
    compiled = after_the_fold(distance)
    points = _core.find_slow_points(compiled)["points"]
    assert len(points) == 1
    ghost = points[0]
    assert ghost["speed"] == pytest.approx(SLOPE * distance, rel=0.05)
    assert ghost["q"] == pytest.approx(0.5 * ghost["speed"] ** 2)
    assert ghost["state"][0] == pytest.approx(FOLD, abs=2.0 * distance)
    # At the minimum of the speed the derivative of F is 1, and the Hessian of q 2 C v.
    assert ghost["log_moduli"][0] == pytest.approx(0.0, abs=1e-9)
    assert ghost["curvatures"][0] == pytest.approx(2.0 * CURVATURE * ghost["speed"], rel=0.1)
    # The passage takes pi / sqrt(C v) steps, from far before the ghost to far behind it.
    z, n_steps = np.array([FOLD - 0.3]), 0
    while z[0] < FOLD + 0.3:
        z, n_steps = compiled.step(z), n_steps + 1
    expected = np.pi / np.sqrt(CURVATURE * ghost["speed"])
    assert n_steps == pytest.approx(expected, rel=0.05 + 30.0 * np.sqrt(distance))


def test_none_before_the_fold_and_in_networks_that_have_none() -> None:
    before = _core.find_slow_points(after_the_fold(-1e-3))
    assert before["points"] == []
    assert before["n_fixed_points"] == before["n_restarts"]
    model, inputs = flip_flop("flipflop_tanh")
    assert _core.find_slow_points(smooth_map(model, inputs))["points"] == []


def test_line_attractor_with_a_drift() -> None:
    # Two units that hold a sum, to first order, pushed along by a bias of 1e-3.
    weights = np.array([[0.5, 0.5], [0.5, 0.5]])
    model = rd.RNN(None, 1.0002 * weights, None, [1e-3, 1e-3])
    compiled = smooth_map(model)
    result = _core.find_slow_points(compiled, seed=1)
    points = result["points"]
    for point in points:
        assert 0.0 < point["speed"] < 3e-3
        assert point["curvatures"][0] > 0.0
        np.testing.assert_allclose(point["state"][0], point["state"][1], atol=1e-6)


def test_minima_are_minima() -> None:
    rng = np.random.default_rng(4)
    n_found = 0
    for _ in range(40):
        weights = 1.4 * rng.normal(size=(3, 3))
        compiled = smooth_map(rd.RNN(None, weights, None, 0.7 * rng.normal(size=3)))
        for point in _core.find_slow_points(compiled, max_restarts=48)["points"]:
            state = np.asarray(point["state"])
            for _ in range(60):
                near = state + 1e-3 * rng.normal(size=3)
                assert np.linalg.norm(compiled.step(near) - near) > point["speed"] - 1e-12
            n_found += 1
    assert n_found > 0


@pytest.mark.threads
def test_same_answer_for_any_number_of_threads() -> None:
    compiled = after_the_fold(1e-3)
    one = _core.find_slow_points(compiled)["points"]
    other = _core.find_slow_points(compiled, n_threads=3)["points"]
    assert [p["speed"] for p in one] == [p["speed"] for p in other]
    assert [p["hits"] for p in one] == [p["hits"] for p in other]
