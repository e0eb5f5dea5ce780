"""Slow points of smooth networks: ghosts with a known normal form, lines with a drift, and none."""

from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from smooth.cases import flip_flop, random_network

GAIN = 2.0
FOLD = -np.sqrt(1.0 - 1.0 / GAIN)
FOLD_BIAS = np.arctanh(FOLD) - GAIN * FOLD
#: F(z) - z = SLOPE (bias - FOLD_BIAS) + CURVATURE (z - FOLD)^2 + ...
SLOPE = 1.0 - FOLD**2
CURVATURE = -(GAIN**2) * FOLD * SLOPE


def after_the_fold(distance: float) -> Any:
    return rd.RNN(None, [[GAIN]], None, [FOLD_BIAS + distance])


def line(n: int, drift: float, seed: int = 0) -> tuple[Any, Any]:
    """A network that holds one number along a direction, to first order, and forgets the rest."""
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=n)
    axis /= np.linalg.norm(axis)
    across = np.eye(n) - np.outer(axis, axis)
    weights = np.outer(axis, axis) + 0.5 * across @ rng.normal(size=(n, n)) @ across / np.sqrt(n)
    return rd.RNN(None, weights, None, drift * axis), axis


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-5])
def test_ghost_of_a_fold(distance: float) -> None:
    model = after_the_fold(distance)
    slow = rd.find_slow_points(model)
    assert len(slow) == 1
    assert slow.curves == ()
    ghost = slow[0]
    assert ghost.speed == pytest.approx(SLOPE * distance, rel=0.05)
    assert ghost.q == pytest.approx(0.5 * ghost.speed**2)
    assert ghost.state[0] == pytest.approx(FOLD, abs=2.0 * distance)
    np.testing.assert_array_equal(ghost.direction, [1.0])
    np.testing.assert_allclose(ghost.drift, model.step(ghost.state) - ghost.state, atol=1e-15)
    # At the minimum of the speed the derivative of F is 1, and the Hessian of q 2 C v.
    assert ghost.log_moduli[0] == pytest.approx(0.0, abs=1e-9)
    assert abs(ghost.time_scales[0]) > 1e8
    assert ghost.curvatures[0] == pytest.approx(2.0 * CURVATURE * ghost.speed, rel=0.1)
    assert ghost.is_minimum
    assert ghost.gradient_norm < 1e-8 * ghost.speed
    # The passage takes pi / sqrt(C v) steps, from far before the ghost to far behind it.
    z, n_steps = np.array([FOLD - 0.3]), 0
    while z[0] < FOLD + 0.3:
        z, n_steps = model.step(z), n_steps + 1
    expected = np.pi / np.sqrt(CURVATURE * ghost.speed)
    assert n_steps == pytest.approx(expected, rel=0.05 + 30.0 * np.sqrt(distance))


def test_ghost_in_several_dimensions() -> None:
    # The same unit drives others, of which one decays slowly: modes and their time scales.
    weights = np.array([[GAIN, 0.0, 0.0], [0.4, 0.9, 0.0], [-0.7, 0.0, 0.3]])
    slow = rd.find_slow_points(rd.RNN(None, weights, None, [FOLD_BIAS + 1e-3, 0.0, 0.0]))
    assert len(slow) == 1
    ghost = slow[0]
    np.testing.assert_allclose(np.linalg.norm(ghost.drift), ghost.speed)
    jacobian = slow.model.jacobian(ghost.state)
    moduli = np.sort(np.abs(np.linalg.eigvals(jacobian)))[::-1]
    np.testing.assert_allclose(ghost.time_scales[1:], -1.0 / np.log(moduli[1:]), rtol=1e-8)
    assert abs(ghost.direction[0]) > 0.5


def test_none_before_the_fold_and_in_networks_that_have_none() -> None:
    before = rd.find_slow_points(after_the_fold(-1e-3))
    assert len(before) == 0
    assert before.run.n_fixed_points == before.run.n_restarts
    for name in ("flipflop_tanh", "flipflop_lstm"):
        model, inputs = flip_flop(name)
        slow = rd.find_slow_points(model, inputs)
        assert len(slow) == len(slow.curves) == 0
        assert slow.run.n_fixed_points > 90
        assert "no slow point" in repr(slow)


def test_a_trained_network_may_have_one_between_its_fixed_points() -> None:
    model, inputs = flip_flop("flipflop_gru")
    slow = rd.find_slow_points(model, inputs)
    assert [point.n_unstable for point in slow] == [1]
    point = slow[0]
    fixed = [one.points[0] for one in rd.find_fixed_points(model, inputs)]
    assert len(fixed) == 27
    assert np.linalg.norm(fixed - point.state, axis=1).min() > 0.1
    rng = np.random.default_rng(0)
    for reach in (1e-4, 1e-3, 1e-2):
        near = point.state + reach * rng.normal(size=(400, 16)) / 4.0
        speeds = np.linalg.norm(model.step(near, inputs) - near, axis=1)
        assert (speeds > point.speed).all()


def test_fixed_points_are_no_slow_points() -> None:
    # A fold and its two fixed points, near and at the moment when they meet.
    for distance in (-1e-6, -1e-12, 0.0):
        assert len(rd.find_slow_points(after_the_fold(distance))) == 0
    n_found = 0
    for seed in range(drawn(10, 100)):
        model = random_network("RNN", 3, 2.5, np.random.default_rng(seed))
        points = [point.points[0] for point in rd.find_fixed_points(model)]
        for slow in rd.find_slow_points(model, max_speed=np.inf):
            assert np.linalg.norm(slow.state - points, axis=1).min() > 1e-4
            n_found += 1
    assert n_found > 0


@pytest.mark.parametrize("n", [2, 20, 60])
@pytest.mark.parametrize("drift", [1e-3, 1e-4])
def test_line_attractor_with_a_drift(n: int, drift: float) -> None:
    model, axis = line(n, drift)
    slow = rd.find_slow_points(model)
    assert len(slow.curves) == len(slow.line_attractors) == 1
    curve = slow.curves[0]
    # Along the axis by m: F - z = drift - c m^3 + ..., a speed that is the drift in the middle.
    coordinates = curve.points @ axis
    middle = np.argmin(np.abs(coordinates))
    sign = np.sign(coordinates[-1] - coordinates[0])
    assert sign * curve.speeds[middle] == pytest.approx(drift, rel=0.1)
    # It ends where the multiplier along it leaves 1 by 0.05, or the speed exceeds 0.01.
    assert curve.length == pytest.approx(np.ptp(coordinates), rel=0.05)
    assert curve.length > 0.25
    assert (np.abs(curve.rates - 1.0) <= 0.05).all()
    assert curve.max_speed < 0.01
    # Contraction across: the other multipliers at the middle, and a bit more elsewhere.
    others = np.abs(np.linalg.eigvals(model.jacobian(curve.points[middle])))
    expected = np.sort(others)[-2]
    assert expected - 1e-12 <= curve.across < expected + 0.05
    assert not curve.is_closed
    # Orbits from beside the curve come to it, and then move along it with its speed.
    rng = np.random.default_rng(1)
    near = curve.points[middle] + 0.05 * rng.normal(size=n)
    orbit = model.orbit(near, 40)
    end = orbit[-1]
    distance = np.linalg.norm(curve.points - end, axis=1)
    place = np.argmin(distance)
    gap = np.abs(np.diff(coordinates)).max()
    assert distance[place] < gap
    step = (model.step(end) - end) @ axis
    assert step == pytest.approx(
        sign * np.interp(end @ axis, *_sorted(coordinates, curve)), abs=3e-5
    )


def _sorted(coordinates: Any, curve: Any) -> tuple[Any, Any]:
    order = np.argsort(coordinates)
    return coordinates[order], curve.speeds[order]


def test_slow_points_on_a_line() -> None:
    # A gain just above 1 makes two minima of the speed of the drift: one is an end of a passage.
    model = rd.RNN(None, 1.0002 * np.full((2, 2), 0.5), None, [1e-3, 1e-3])
    slow = rd.find_slow_points(model)
    # m' = m + 2e-4 m - m^3 / 3 + 1e-3: the speed has its minimum at m = -sqrt(2e-4).
    assert len(slow) == 1
    np.testing.assert_allclose(slow[0].state, -np.sqrt(2e-4), rtol=0.1)
    assert slow[0].speed == pytest.approx(np.sqrt(2.0) * 1e-3, rel=0.01)
    curve = slow.line_attractors[0]
    assert np.linalg.norm(curve.points - slow[0].state, axis=1).min() < 0.1
    assert "and an approximate line attractor: length" in repr(slow)


def test_ring_attractor() -> None:
    # Four pairs of units that read a phase: z' = tanh(g U U^T z) moves along no phase in the limit.
    n = 40
    phases = 2.0 * np.pi * np.arange(n) / n
    plane = np.sqrt(2.0 / n) * np.array([np.cos(phases), np.sin(phases)]).T
    slow = rd.find_slow_points(rd.RNN(None, 1.5 * plane @ plane.T))
    assert len(slow.curves) == 1
    ring = slow.curves[0]
    assert ring.is_closed
    assert ring.is_attractor
    radius = np.linalg.norm(ring.points @ plane, axis=1)
    assert np.ptp(radius) < 1e-3 * radius.mean()
    assert ring.length == pytest.approx(2.0 * np.pi * radius.mean(), rel=0.3)
    assert "approximate ring attractor" in repr(slow)


def test_point_of_inflection_is_no_minimum() -> None:
    # With gain 1 the speed 1e-3 - m^3 / 3 has a zero derivative at m = 0, and goes on falling.
    slow = rd.find_slow_points(rd.RNN(None, [[0.5, 0.5], [0.5, 0.5]], None, [1e-3, 1e-3]))
    assert len(slow) == 0
    assert len(slow.line_attractors) == 1


def test_minima_are_minima() -> None:
    rng = np.random.default_rng(4)
    n_found = 0
    for _ in range(40):
        weights = 1.4 * rng.normal(size=(3, 3))
        model = rd.RNN(None, weights, None, 0.7 * rng.normal(size=3))
        for point in rd.find_slow_points(model, max_restarts=48, max_speed=np.inf):
            near = point.state + 1e-3 * rng.normal(size=(60, 3))
            speeds = np.linalg.norm(model.step(near) - near, axis=1)
            assert (speeds > point.speed - 1e-12).all()
            n_found += 1
    assert n_found > 0


def test_starts_and_inputs() -> None:
    model = rd.RNN([[1.0], [0.0]], [[GAIN, 0.0], [0.3, 0.5]])
    inputs = [FOLD_BIAS + 1e-3]
    slow = rd.find_slow_points(model, inputs, states=[[0.1, 0.1]], drive=np.zeros((3, 1)))
    assert slow.run.options["n_states_given"] == 5
    assert len(slow) == 1
    assert slow.free_model.n_inputs == 0
    again = rd.find_slow_points(slow.free_model)
    np.testing.assert_allclose(again[0].state, slow[0].state, atol=1e-8)


@pytest.mark.threads
def test_same_answer_for_any_number_of_threads() -> None:
    model, _ = line(6, 1e-3)
    assert rd.find_slow_points(model, n_threads=3) == rd.find_slow_points(model)


def test_time_limit() -> None:
    model = random_network("LSTM", 40, 3.0, np.random.default_rng(0))
    slow = rd.find_slow_points(model, max_restarts=10**9, time_limit=0.3)
    assert slow.run.stopped_by == "time_limit"
    assert not slow.finished
    assert "INCOMPLETE: stopped by the time limit after" in repr(slow)
