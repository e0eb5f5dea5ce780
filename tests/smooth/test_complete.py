"""Proofs that all fixed points and cycles of small networks are known."""

from typing import Any

import numpy as np
import pytest

from draws import drawn
from rnndyn._core import _core
from smooth.cases import random_network, smooth_map

SIZES = {"RNN": (1, 2, 3, 4, 5, 6), "GRU": (1, 2, 3), "LSTM": (1, 2, 3)}
CASES = [(family, n) for family, sizes in SIZES.items() for n in sizes]


def newton_from(compiled: Any, starts: Any, limit: Any) -> list[Any]:
    """Plain Newton's method in NumPy from every start; what converges, each once."""
    found: list[Any] = []
    for start in starts:
        z = start
        for _ in range(40):
            gap = compiled.step(z) - z
            matrix = compiled.jacobian(z) - np.eye(len(z))
            try:
                correction = -np.linalg.solve(matrix, gap)
            except np.linalg.LinAlgError:
                break
            z = np.clip(z + correction, -1e3, 1e3)
            if np.abs(correction).max() < 1e-13:
                break
        # Where an update gate is 1 but for rounding, any state stays where it is.
        inside = np.all(np.abs(z) <= limit)
        if (
            inside
            and np.abs(compiled.step(z) - z).max() < 1e-12
            and not any(np.abs(z - other).max() < 1e-6 for other in found)
        ):
            found.append(z)
    return found


@pytest.mark.parametrize(("family", "n"), CASES)
def test_all_that_many_starts_find_is_proved_to_be_all(family: str, n: int) -> None:
    rng = np.random.default_rng([n, len(family)])
    for number in range(drawn(3, 45)):
        gain = float(rng.uniform(1.0, 7.0))
        options = {"reset_after": number % 2 == 0} if family == "GRU" else {}
        model = random_network(family, n, gain, rng, **options)
        compiled = smooth_map(model)
        proof = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10**6, time_limit=60.0)
        assert proof["proved"]
        assert not proof["undecided"]
        proved = np.array([points[0] for points in proof["missed"]])
        low, high = compiled.invariant_box()
        starts = rng.uniform(low, np.minimum(high, 5.0), (drawn(100, 4096), model.n_states))
        for point in newton_from(compiled, starts, high):
            assert np.abs(proved - point).max(axis=1).min() < 1e-6
        # And none of them is false.
        for point in proved:
            assert np.abs(compiled.step(point) - point).max() < 1e-13
        found = _core.find_smooth_cycles(compiled, [1])["cycles"]
        assert len(found) == len(proved)
        known = [cycle["points"] for cycle in found]
        again = _core.prove_smooth_complete(compiled, 1, known, max_boxes=10**6)
        assert again["proved"]
        assert not again["missed"]


def test_sign_changes_of_one_unit_on_a_grid() -> None:
    rng = np.random.default_rng(8)
    grid = np.linspace(-1.0, 1.0, 20_001)
    for _ in range(drawn(10, 200)):
        model = random_network("RNN", 1, float(rng.uniform(1.0, 8.0)), rng)
        values = model.step(grid[:, None])[:, 0] - grid
        changes = int((np.sign(values[1:]) != np.sign(values[:-1])).sum())
        proof = _core.prove_smooth_complete(smooth_map(model), 1, [], max_boxes=10_000)
        assert proof["proved"]
        assert len(proof["missed"]) >= changes


@pytest.mark.parametrize("order", [2, 3])
def test_cycles(order: int) -> None:
    rng = np.random.default_rng(order)
    for n in (1, 2, 3):
        for _ in range(drawn(2, 20)):
            compiled = smooth_map(random_network("RNN", n, float(rng.uniform(1.5, 4.0)), rng))
            found = _core.find_smooth_cycles(compiled, list(range(1, order + 1)))["cycles"]
            known = [
                np.tile(np.roll(cycle["points"], shift, axis=0), (order // cycle["order"], 1))
                for cycle in found
                if order % cycle["order"] == 0
                for shift in range(cycle["order"])
            ]
            proof = _core.prove_smooth_complete(compiled, order, known, max_boxes=10**6)
            assert proof["proved"]
            assert not proof["missed"]
            fresh = _core.prove_smooth_complete(compiled, order, [], max_boxes=10**6)
            assert fresh["proved"]
            assert len(fresh["missed"]) == len(known)


def test_a_limit_leaves_boxes_undecided() -> None:
    compiled = smooth_map(random_network("RNN", 6, 3.0, np.random.default_rng(2)))
    proof = _core.prove_smooth_complete(compiled, 1, [], max_boxes=40)
    assert not proof["proved"]
    assert proof["undecided"]
    stopped = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10**9, time_limit=1e-9)
    assert not stopped["proved"]
    assert stopped["undecided"]


@pytest.mark.threads
def test_same_boxes_for_any_number_of_threads() -> None:
    compiled = smooth_map(random_network("GRU", 3, 5.0, np.random.default_rng(2)))
    one = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10**6)
    for n_threads in (2, 5):
        other = _core.prove_smooth_complete(compiled, 1, [], max_boxes=10**6, n_threads=n_threads)
        assert one["n_boxes"] == other["n_boxes"]
        assert all(map(np.array_equal, one["missed"], other["missed"]))
