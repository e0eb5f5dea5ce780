"""Certified points: inside their error bound of the exact ones, with the right index."""

from typing import Any

import numpy as np
import pytest

from draws import drawn
from reference import smooth as reference
from rnndyn._core import _core
from smooth.cases import KINDS, flip_flop, random_network, smooth_map

#: With one unit, z = tanh(w z + b): folds where w (1 - z^2) = 1.
GAIN = 2.0
FOLD = -np.sqrt(1.0 - 1.0 / GAIN)
FOLD_BIAS = np.arctanh(FOLD) - GAIN * FOLD


def one_unit(bias: float) -> Any:
    import rnndyn as rd

    return smooth_map(rd.RNN(None, [[GAIN]], None, [bias]))


@pytest.mark.parametrize(("family", "options"), KINDS)
def test_exact_points_lie_within_the_error_bound(family: str, options: Any) -> None:
    rng = np.random.default_rng(11)
    n_checked = 0
    while n_checked < drawn(15, 2_600):
        n, gain = int(rng.integers(1, 5)), float(rng.uniform(1.0, 6.0))
        model = random_network(family, n, gain, rng, int(rng.integers(1, 3)), **options)
        compiled = smooth_map(model)
        found = _core.find_smooth_cycles(compiled, [1, 2, 3], max_restarts=20)
        for cycle in found["cycles"]:
            if not cycle["certified"]:
                continue
            exact = reference.refined(reference.Network.of(model), cycle["points"], [])
            for t in range(cycle["order"]):
                for i in range(model.n_states):
                    off = abs(exact[t][i] - float(cycle["points"][t, i]))
                    assert off <= float(cycle["errors"][t, i]) <= cycle["error_bound"]
            n_checked += 1


def test_every_point_of_a_cycle_has_its_own_bounds() -> None:
    # Cycles are found from any of their points, and listed from the smallest one on.
    rng = np.random.default_rng(2)
    n_unequal = 0
    for _ in range(12):
        model = random_network("RNN", 4, float(rng.uniform(2.0, 4.0)), rng, 2)
        compiled = smooth_map(model)
        for cycle in _core.find_smooth_cycles(compiled, [2, 3], max_restarts=30)["cycles"]:
            if cycle["certified"]:
                own = compiled.verify(cycle["points"])["errors"]
                # Factors differ by the rotation, so that bounds do a little.
                assert np.abs(np.log(cycle["errors"] / own)).max() < 1.0
                n_unequal += bool((own[0] > 3.0 * own[1]).any())
    assert n_unequal > 0


@pytest.mark.parametrize("name", ["flipflop_gru"])
def test_flip_flop_points_within_the_error_bound(name: str) -> None:
    model, inputs = flip_flop(name)
    found = _core.find_smooth_cycles(smooth_map(model, inputs), [1])
    plain = reference.Network.of(model)
    for cycle in found["cycles"][::9]:
        exact = reference.refined(plain, cycle["points"], inputs, digits=30)
        errors = [abs(exact[0][i] - float(cycle["points"][0, i])) for i in range(model.n_states)]
        assert max(errors) <= cycle["error_bound"]
        assert cycle["error_bound"] < 1e-12


@pytest.mark.parametrize("family", ["RNN", "GRU", "LSTM"])
def test_mpmath_intervals_confirm(family: str) -> None:
    rng = np.random.default_rng(2)
    model = random_network(family, 2, 4.0, rng)
    found = _core.find_smooth_cycles(smooth_map(model), [1])
    plain = reference.Network.of(model)
    assert found["cycles"]
    for cycle in found["cycles"]:
        assert cycle["certified"]
        # A ball with one point in it, and a tenth of it confirmed by another implementation.
        assert reference.krawczyk(plain, cycle["points"][0], [], 0.1 * cycle["ball"])
        assert reference.krawczyk(plain, cycle["points"][0], [], 1.01 * cycle["error_bound"])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_index_is_the_sign_of_the_determinant(order: int) -> None:
    rng = np.random.default_rng(order)
    n_checked = 0
    for n in (1, 2, 3, 5, 9, 10, 11):
        for _ in range(6):
            model = random_network("RNN", n, 3.0, rng)
            compiled = smooth_map(model)
            for cycle in _core.find_smooth_cycles(compiled, [order], max_restarts=10)["cycles"]:
                product = np.eye(n)
                for z in cycle["points"]:
                    product = compiled.jacobian(z) @ product
                assert cycle["index"] == np.sign(np.linalg.det(np.eye(n) - product))
                assert cycle["index_of_double"] == np.sign(np.linalg.det(np.eye(n) + product))
                n_checked += 1
    assert n_checked >= 12


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_pair_close_to_a_fold(distance: float) -> None:
    # Of second order in the distance to the fold: z - FOLD = +- distance / 2.
    curvature = GAIN * GAIN * -FOLD * (1.0 - FOLD**2)
    bias = FOLD_BIAS - curvature * (0.5 * distance) ** 2 / (1.0 - FOLD**2)
    compiled = one_unit(float(bias))
    found = _core.find_smooth_cycles(compiled, [1])["cycles"]
    pair = [c for c in found if c["points"][0, 0] < 0.0]
    assert len(pair) == 2
    assert all(c["certified"] for c in pair)
    gap = pair[1]["points"][0, 0] - pair[0]["points"][0, 0]
    assert gap == pytest.approx(distance, rel=1e-2)
    proof = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10_000)
    assert proof["proved"]
    assert len(proof["missed"]) == 3


def test_a_fold_itself_is_not_certified() -> None:
    compiled = one_unit(float(FOLD_BIAS))
    found = _core.find_smooth_cycles(compiled, [1])
    doubtful = [c for c in found["cycles"] if not c["certified"]]
    certain = [c for c in found["cycles"] if c["certified"]]
    # Rounding of the bias decides whether there are none, one or two; nobody may claim one.
    assert all(abs(c["points"][0, 0] - FOLD) < 1e-5 for c in doubtful)
    assert sum(c["points"][0, 0] > 0.0 for c in certain) == 1
    assert sum(c["points"][0, 0] < 0.0 for c in certain) in (0, 2)
    proof = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10_000)
    claimed = sum(points[0, 0] < 0.0 for points in proof["missed"])
    assert claimed in (0, 2) if proof["proved"] else proof["undecided"]


def test_points_that_are_none_are_not_certified() -> None:
    model, inputs = flip_flop("flipflop_tanh")
    compiled = smooth_map(model, inputs)
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert not compiled.verify(rng.uniform(-1, 1, (1, model.n_states)))["certified"]
    point = _core.find_smooth_cycles(compiled, [1], max_restarts=4)["cycles"][0]["points"]
    assert compiled.verify(point)["certified"]
    # From further away the bound follows.
    for distance in (1e-9, 1e-6):
        off = compiled.verify(point + distance)
        assert off["certified"]
        assert off["error_bound"] >= distance
