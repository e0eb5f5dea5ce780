"""The search for fixed points and cycles of smooth networks."""

from typing import Any

import mpmath
import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from reference import smooth as reference
from rnndyn._core import _core
from smooth.cases import FLIP_FLOPS, KINDS, flip_flop, random_network, smooth_map


def unstable_dimensions(cycles: list[dict[str, Any]]) -> list[int]:
    counts = [int((np.asarray(cycle["log_moduli"]) > 0.0).sum()) for cycle in cycles]
    return np.bincount(counts).tolist()


def driven_states(model: Any) -> Any:
    rng = np.random.default_rng(5)
    pulses = rng.random((8, 100, model.n_inputs)) < 0.05
    inputs = pulses * rng.choice([-1.0, 1.0], pulses.shape)
    orbit = model.orbit(np.zeros((8, model.n_states)), inputs=inputs)
    return orbit.reshape(-1, model.n_states)


@pytest.mark.parametrize("with_states", [False, True])
@pytest.mark.parametrize("name", FLIP_FLOPS)
def test_all_fixed_points_of_trained_networks(name: str, with_states: bool) -> None:
    entry = FLIP_FLOPS[name]
    model, inputs = flip_flop(name)
    compiled = smooth_map(model, inputs)
    states = driven_states(model) if with_states else None
    for seed in range(drawn(4, 100)):
        found = _core.find_smooth_cycles(compiled, [1], seed=seed, states=states)
        cycles = found["cycles"]
        assert len(cycles) == entry["fixed_points"]
        assert all(cycle["certified"] for cycle in cycles)
        assert found["index_sums"] == [{"order": 1, "sum": 1, "known": True}]
        assert unstable_dimensions(cycles) == entry["unstable_dimensions"]
        assert found["statistics"][0]["complete"]
        for cycle in cycles:
            z = cycle["points"][0]
            assert np.abs(model.step(z, inputs) - z).max() < 1e-14


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return len(first["cycles"]) == len(second["cycles"]) and all(
        np.array_equal(a["points"], b["points"]) and a["hits"] == b["hits"]
        for a, b in zip(first["cycles"], second["cycles"], strict=True)
    )


@pytest.mark.threads
@pytest.mark.parametrize("name", FLIP_FLOPS)
def test_same_answer_for_any_number_of_threads(name: str) -> None:
    model, inputs = flip_flop(name)
    compiled = smooth_map(model, inputs)
    one = _core.find_smooth_cycles(compiled, [1, 2], seed=3)
    for n_threads in (2, 4, 7):
        assert same(one, _core.find_smooth_cycles(compiled, [1, 2], seed=3, n_threads=n_threads))


def test_index_tells_of_missing_points() -> None:
    # Two restarts find one or two of the 27 points: the sum is not 1, or nobody could tell.
    model, inputs = flip_flop("flipflop_gru")
    compiled = smooth_map(model, inputs)
    found = _core.find_smooth_cycles(compiled, [1], max_restarts=1)
    signs = [cycle["index"] for cycle in found["cycles"]]
    assert found["index_sums"][0]["sum"] == sum(signs)
    assert len(signs) < 27


@pytest.mark.parametrize("order", [2, 3, 4, 6])
def test_cycles_close_and_have_their_minimal_period(order: int) -> None:
    rng = np.random.default_rng(order)
    n_found = 0
    for n in (2, 3, 6, 10):
        for gain in (1.5, 2.2, 3.0):
            model = random_network("RNN", n, gain, rng)
            compiled = smooth_map(model)
            found = _core.find_smooth_cycles(compiled, list(range(1, order + 1)))
            for cycle in found["cycles"]:
                points = cycle["points"]
                k = cycle["order"]
                images = model.step(points)
                assert np.abs(images - np.roll(points, -1, axis=0)).max() < 1e-12
                for d in range(1, k):
                    if k % d == 0:
                        gap = np.abs(points - np.roll(points, -d, axis=0)).max()
                        assert gap > 2.0 * cycle["error_bound"]
                n_found += k == order
            for total in found["index_sums"]:
                assert not total["known"] or total["sum"] == 1
    assert n_found > 0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_nothing_that_many_starts_of_scipy_find_is_missing(order: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(30 + order)
    for n in (2, 4):
        for _ in range(drawn(2, 20)):
            model = random_network("RNN", n, 2.5, rng)
            compiled = smooth_map(model)

            def iterate(z: Any, compiled: Any = compiled) -> Any:
                for _ in range(order):
                    z = compiled.step(z)
                return z

            found = _core.find_smooth_cycles(compiled, list(range(1, order + 1)))
            known = np.concatenate(
                [c["points"] for c in found["cycles"] if order % c["order"] == 0]
            )
            for _ in range(drawn(40, 300)):
                start = rng.uniform(-1.0, 1.0, n)
                answer = optimize.root(lambda z, f=iterate: f(z) - z, start, tol=1e-12)
                if answer.success and np.abs(iterate(answer.x) - answer.x).max() < 1e-11:
                    assert np.abs(known - answer.x).max(axis=1).min() < 1e-5


@pytest.mark.parametrize(("family", "options"), KINDS)
@pytest.mark.parametrize("n_layers", [1, 2])
def test_random_networks_have_index_sum_one(family: str, options: Any, n_layers: int) -> None:
    rng = np.random.default_rng(17)
    n_known = 0
    for _ in range(drawn(6, 60)):
        n, gain = int(rng.integers(1, 9)), float(rng.uniform(0.5, 6.0))
        model = random_network(family, n, gain, rng, n_layers, **options)
        found = _core.find_smooth_cycles(smooth_map(model), [1])
        assert found["index_sums"][0]["sum"] == 1
        n_known += found["index_sums"][0]["known"]
    assert n_known > 0


def test_time_limit_returns_what_was_found() -> None:
    rng = np.random.default_rng(0)
    compiled = smooth_map(random_network("RNN", 12, 3.0, rng))
    found = _core.find_smooth_cycles(compiled, [1, 7], max_restarts=10**9, time_limit=1.0)
    assert found["stopped_by"] == "time_limit"
    assert not found["statistics"][-1]["complete"]
    assert found["cycles"]


@pytest.mark.parametrize("n", [4, 5, 6])
def test_ring_has_a_cycle_for_every_necklace(n: int) -> None:
    # Unit i + 1 takes over tanh(2 z_i), and each z_i is one of three values: a cycle of order k is
    # a word of length gcd(n, k) in three letters that repeats only after k letters.
    import rnndyn as rd

    model = rd.RNN(None, 2.0 * np.roll(np.eye(n), 1, axis=0))
    found = _core.find_smooth_cycles(smooth_map(model), list(range(1, n + 1)))
    counts = [sum(c["order"] == k for c in found["cycles"]) for k in range(1, n + 1)]
    assert counts == {4: [3, 3, 0, 18], 5: [3, 0, 0, 0, 48], 6: [3, 3, 8, 0, 0, 116]}[n]
    assert all(cycle["certified"] for cycle in found["cycles"])
    assert all(total == {**total, "sum": 1, "known": True} for total in found["index_sums"])


@pytest.mark.parametrize("bias", [5.0, 10.0, 13.0, 20.0, 30.0])
def test_cells_that_forget_almost_nothing_are_one_point(bias: float) -> None:
    # c = i g / (1 - f) is up to 1e13, and restarts end where its rounding errors let them.
    model = rd.LSTM(None, [[0.3], [0.2], [1.0], [0.5]], None, [1.0, bias, 0.7, 0.4])
    [point] = rd.find_fixed_points(model)
    assert point.certified
    h, c = point.points[0]
    with mpmath.workdps(40):
        gates = [
            mpmath.mpf(float(w)) * mpmath.mpf(float(h)) + b
            for w, b in zip((0.3, 0.2, 1.0, 0.5), (1.0, bias, 0.7, 0.4), strict=True)
        ]
        i, f = (1 / (1 + mpmath.exp(-x)) for x in gates[:2])
        exact = i * mpmath.tanh(gates[2]) / (1 - f)
    assert abs(exact - float(c)) <= point.error_bound * (1 + 1e-6)
    assert point.error_bound < 0.1 * c


def test_where_gates_are_closed_the_equations_of_rest_decide() -> None:
    """Large weights close gates, and in double precision a network then stands still anywhere."""
    rng = np.random.default_rng(0)
    n_standing = n_right = 0
    count = drawn(60, 1_000)
    for number in range(count):
        family = ("LSTM", "GRU", "RNN")[number % 3]
        gain = float(np.exp(rng.uniform(np.log(5.0), np.log(60.0))))
        model = random_network(family, int(rng.integers(1, 3)), gain, rng)
        found = _core.find_smooth_cycles(smooth_map(model), [1], max_restarts=100)
        assert found["statistics"][0]["n_undecided"] == 0
        for i, cycle in enumerate(found["cycles"]):
            assert cycle["certified"]
            n_standing += stands_still(cycle)
            for other in found["cycles"][:i]:
                apart = np.abs(cycle["points"] - other["points"])
                assert (apart > cycle["errors"] + other["errors"]).any()
        n_right += found["index_sums"][0] == {"order": 1, "sum": 1, "known": True}
    assert n_standing >= 2
    assert n_right >= 0.9 * count


def stands_still(cycle: Any) -> bool:
    """Whether a direction has a multiplier so near to 1 that double precision sees no motion."""
    return bool(np.abs(cycle["multipliers"] - 1.0).min() < 1e-9)


def test_closed_gates_of_cycles_fill_no_list() -> None:
    """Of cycles there are no such equations: what is not proved is counted apart."""
    rng = np.random.default_rng(0)
    n_standing = 0
    for number in range(40):
        gain = float(np.exp(rng.uniform(np.log(5.0), np.log(60.0))))
        model = random_network(("LSTM", "GRU")[number % 2], int(rng.integers(1, 3)), gain, rng)
        found = rd.find_cycles(model, max_order=2, method="search", max_restarts=50)
        n_doubtful = len(found) - found.n_certified
        assert n_doubtful <= 16
        assert ("not certified" in repr(found).splitlines()[0]) == (n_doubtful > 0)
        if found.search.orders[1].n_undecided:
            n_standing += 1
            assert "stands still within rounding errors" in repr(found)
            assert not found.complete
    assert n_standing >= 1


@pytest.mark.parametrize("family", ["GRU", "LSTM"])
def test_points_behind_closed_gates_against_mpmath(family: str) -> None:
    rng = np.random.default_rng(4)
    n_checked = 0
    for _ in range(30):
        model = random_network(family, 2, 40.0, rng)
        plain = reference.Network.of(model)
        found = _core.find_smooth_cycles(smooth_map(model), [1], max_restarts=30)
        for cycle in filter(stands_still, found["cycles"]):
            exact = reference.refined(plain, cycle["points"], [], digits=300, settled=60)
            for i in range(model.n_states):
                off = abs(exact[0][i] - float(cycle["points"][0, i]))
                assert off <= float(cycle["errors"][0, i]) <= cycle["error_bound"]
            n_checked += 1
    assert n_checked >= 2


@pytest.mark.parametrize("bias", [5.0, 8.0, 10.0, 12.0, 15.0, 20.0])
def test_states_of_rest_and_saddles_of_cells_that_forget_little(bias: float) -> None:
    # The cells could reach 1e3 to 1e5, in which the state of rest is a needle.
    weights = [[1, 0], [0, 1], [0.5, 0], [0, 0.5], [1, -1], [1, 1], [0, 1], [1, 0]]
    biases = np.zeros(8)
    biases[2:4] = bias
    found = rd.find_fixed_points(rd.LSTM(None, weights, None, biases))
    assert len(found) == 3
    assert found.index_sum == found.index_expected == 1
    assert any(np.abs(cycle.points).max() == 0.0 for cycle in found)


@pytest.mark.parametrize("bias", [15.0, 22.0])
def test_saddles_of_many_cells_that_forget_little(bias: float) -> None:
    """Some of their cells are at the scale exp(bias), the others are small."""
    rng = np.random.default_rng(1)
    n_right = 0
    count = drawn(12, 100)
    for number in range(count):
        n = (1, 2, 3, 4, 6, 8)[number % 6]
        weights = rng.normal(size=(4 * n, n)) * 2.0 / np.sqrt(n)
        biases = rng.normal(size=4 * n) / 3.0
        biases[n : 2 * n] += bias
        found = _core.find_smooth_cycles(smooth_map(rd.LSTM(None, weights, None, biases)), [1])
        assert all(cycle["certified"] for cycle in found["cycles"])
        n_right += found["index_sums"][0] == {"order": 1, "sum": 1, "known": True}
    assert n_right >= 0.9 * count
