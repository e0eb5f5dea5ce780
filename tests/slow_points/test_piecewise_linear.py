"""Slow points of piecewise-linear networks: exact minima where linear regions meet."""

from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn

#: The fixed points of z' = 0.5 z + relu(z) + 0.01 have vanished: a V with its tip at 0.01.
GHOST = rd.PLRNN([0.5], [[1.0]], [0.01])


def random_model(rng: Any, n: int) -> Any:
    W = rng.normal(size=(n, n)) * (1.0 - np.eye(n))
    return rd.PLRNN(rng.uniform(0.2, 0.95, n), 0.7 * W, rng.normal(size=n))


def test_ghost_at_a_border() -> None:
    slow = rd.find_slow_points(GHOST)
    assert len(slow) == 1
    ghost = slow[0]
    assert ghost.state[0] == 0.0
    assert ghost.speed == 0.01
    assert ghost.n_borders == 1
    assert ghost.curvatures.tolist() == [np.inf]
    assert ghost.is_minimum
    assert ghost.multipliers[0] == 0.5
    assert ghost.time_scales[0] == pytest.approx(1.0 / np.log(2.0))


def test_none_where_there_are_fixed_points_only() -> None:
    for model in (GHOST.with_parameters(h=[-0.01]), rd.PLRNN([2.0], [[-4.0]], [1.0])):
        slow = rd.find_slow_points(model)
        assert len(slow) == 0
        assert slow.run.n_fixed_points == slow.run.n_restarts


def test_minima_against_another_method() -> None:
    # What the simplex method of Nelder and Mead comes to from many starts is all found.
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(3)
    n_found = n_met = 0
    for _ in range(drawn(6, 100)):
        A, W, h = rng.uniform(0.2, 0.95, 2), 1.2 * rng.normal(size=(2, 2)), rng.normal(size=2)
        model = rd.PLRNN(A, W, h)

        def q(z: Any, A: Any = A, W: Any = W, h: Any = h) -> float:
            gap = A * z + W @ np.maximum(z, 0.0) + h - z
            return float(0.5 * gap @ gap)

        slow = rd.find_slow_points(model, max_speed=np.inf)
        fixed = [p.points[0] for p in rd.find_fixed_points(model)]
        known = np.array([*slow.states, *fixed]).reshape(-1, 2)
        for _ in range(12):
            options = {"xatol": 1e-11, "fatol": 1e-16, "maxiter": 4000}
            end = optimize.minimize(
                q, 3.0 * rng.normal(size=2), method="Nelder-Mead", options=options
            ).x
            sides = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]  # along the borders as well
            near = end + 1e-6 * np.concatenate([rng.normal(size=(100, 2)), sides])
            if any(q(z) < q(end) for z in near):
                continue  # it stands still on the way
            assert np.abs(known - end).max(axis=1).min() < 1e-4
            n_met += np.abs(slow.states - end).max(axis=1, initial=0.0).min(initial=1.0) < 1e-4
        for point in slow:
            near = point.state + 1e-5 * rng.normal(size=(200, 2))
            assert all(q(z) > point.q for z in near)
            assert q(point.state) == pytest.approx(point.q, rel=1e-12)
            n_found += 1
    assert n_found > 2
    assert n_met > 2


def test_minima_of_wider_networks_are_minima() -> None:
    rng = np.random.default_rng(5)
    n_found = n_on_several = 0
    for _ in range(drawn(20, 150)):
        model = random_model(rng, int(rng.integers(3, 12)))
        fixed = rd.find_fixed_points(model)
        for point in rd.find_slow_points(model, max_speed=np.inf, max_restarts=64):
            assert point.is_minimum
            assert np.isinf(point.curvatures).sum() == point.n_borders
            assert (np.abs(point.state) < 1e-12).sum() >= point.n_borders
            others = np.abs(point.state)[np.abs(point.state) > 1e-12]
            reach = min(1e-5, 0.1 * others.min(initial=1.0))  # no further than the next border
            near = point.state + reach * rng.uniform(-1.0, 1.0, (300, len(point.state)))
            speeds = np.linalg.norm(model.step(near) - near, axis=1)
            assert (speeds > point.speed - 1e-14).all()
            for cycle in fixed:
                assert np.linalg.norm(cycle.points[0] - point.state) > 1e-9
            n_found += 1
            n_on_several += point.n_borders > 1
    assert n_found > 5
    assert n_on_several > 0


@pytest.mark.parametrize("drift", [0.0, 1e-3])
def test_line_attractor(drift: float) -> None:
    # z1 stays while it is between -1 and 1, but for the drift; beyond, relus push it back.
    model = rd.ShallowPLRNN(
        A=[1.0, 0.5],
        W1=[[-0.5, 0.5], [0.0, 0.0]],
        W2=[[1.0, 0.0], [-1.0, 0.0]],
        h1=[drift, 0.0],
        h2=[-1.0, -1.0],
    )
    slow = rd.find_slow_points(model)
    assert len(slow) == 0
    assert len(slow.line_attractors) == 1
    curve = slow.curves[0]
    np.testing.assert_allclose(curve.points[:, 1], 0.0, atol=1e-12)
    assert 1.9 < curve.length < 2.05
    assert curve.max_speed == pytest.approx(drift, abs=1e-12)
    assert curve.across == pytest.approx(0.5)
    np.testing.assert_allclose(curve.rates, 1.0)


def test_relu_network_and_states() -> None:
    network = rd.RNN([[1.0]], [[1.5]], nonlinearity="relu")
    slow = rd.find_slow_points(network, [0.01], drive=np.ones((4, 1)))
    assert slow.model == network.as_piecewise_linear([0.01])
    assert slow.inputs is None
    assert slow.run.options["n_states_given"] == 5
    # At the border -0.01 / 1.5 of the unit the next state is 0.
    assert [point.speed for point in slow] == [pytest.approx(0.01 / 1.5)]
    given = rd.find_slow_points(GHOST, states=[[0.3], [0.4]])
    assert given.run.options["n_states_given"] == 2


@pytest.mark.threads
def test_same_answer_for_any_number_of_threads() -> None:
    model = random_model(np.random.default_rng(1), 8)
    one = rd.find_slow_points(model, max_speed=np.inf)
    assert rd.find_slow_points(model, max_speed=np.inf, n_threads=3) == one
