"""Runs: threads, windows, continuation, stopping, divergence."""

import threading
import time

import numpy as np
import pytest

import ctrl_c
from lyapunov.core_cases import (
    FAMILIES,
    Layer,
    RecurrentNetwork,
    core_system,
    linear,
    random_network,
    random_piecewise_linear,
    run_core,
)
from reference.lyapunov import random_frames


def assert_same(first, second):
    """Bit by bit."""
    for name in ("log_growth", "window_steps", "states", "diverged_at", "qr_interval", "layer"):
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    for one, other in zip(first["frames"], second["frames"], strict=True):
        np.testing.assert_array_equal(one, other)
    for name in ("n_steps_done", "stopped_by", "n_orthonormalizations", "n_householder"):
        assert first[name] == second[name]


THREADED = {
    "batch of tanh networks": ("rnn_tanh", [6, 5], 5, 40, 6),
    "batch of LSTMs": ("lstm", [5], 3, 40, 10),
    "one large GRU": ("gru", [150], 1, 6, 150),
    "two large tanh networks, few exponents": ("rnn_tanh", [200], 2, 30, 7),
    "wide batch": ("gru", [9], 33, 20, 4),
}


@pytest.mark.threads
@pytest.mark.parametrize("single_precision", [False, True])
@pytest.mark.parametrize("name", THREADED)
def test_the_result_does_not_depend_on_the_number_of_threads(name, single_precision):
    kind, widths, n_batch, n_steps, n_exponents = THREADED[name]
    rng = np.random.default_rng(0)
    system = random_network(rng, kind, widths, gain=1.5)
    states = rng.normal(size=(n_batch, sum(system.layer_sizes)))
    inputs = rng.normal(size=(n_batch, 11, 2))
    options = {
        "n_settle": 2,
        "n_warmup": 3,
        "n_steps": n_steps,
        "window": 7,
        "n_exponents": n_exponents,
        "single_precision": single_precision,
    }
    single = run_core(system, states, inputs, n_threads=1, **options)
    for n_threads in (2, 4, 7):
        several = run_core(system, states, inputs, n_threads=n_threads, **options)
        assert_same(single, several)


@pytest.mark.threads
def test_several_python_threads_may_compute_at_once():
    rng = np.random.default_rng(1)
    system = random_network(rng, "gru", [12], gain=1.5)
    compiled = core_system(system)
    states, inputs = rng.normal(size=(4, 12)), rng.normal(size=(4, 50, 2))

    def compute():
        return run_core(compiled, states, inputs, n_steps=200, n_threads=2)

    expected = compute()
    results = []
    threads = [threading.Thread(target=lambda: results.append(compute())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    for result in results:
        assert_same(expected, result)


def test_the_seed_decides_the_frame_and_nothing_else_does():
    rng = np.random.default_rng(2)
    system = random_network(rng, "rnn_tanh", [5])
    states, inputs = rng.normal(size=(3, 5)), rng.normal(size=(3, 10, 2))
    first, same, other = (
        run_core(system, states, inputs, n_steps=10, seed=seed) for seed in (1, 1, 2)
    )
    assert_same(first, same)
    assert np.abs(first["log_growth"] - other["log_growth"]).max() > 1e-3
    np.testing.assert_array_equal(first["states"], other["states"])


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm", "piecewise linear"])
def test_windows_only_divide_the_growth(kind, joint):
    rng = np.random.default_rng(3)
    if kind == "piecewise linear":
        system = random_piecewise_linear(rng, 5, 4, "2")
    else:
        system = random_network(rng, kind, [3, 2])
    states = rng.normal(size=(2, sum(system.layer_sizes)))
    inputs = rng.normal(size=(2, 7, 2))
    whole = run_core(system, states, inputs, n_steps=23, qr_interval=1, joint=joint)
    for window in (1, 5, 22, 23):
        parts = run_core(
            system, states, inputs, n_steps=23, window=window, qr_interval=1, joint=joint
        )
        n_windows = -(-23 // window)
        assert parts["log_growth"].shape[1] == n_windows
        assert parts["window_steps"].sum() == 23
        assert (parts["window_steps"][:-1] == window).all()
        np.testing.assert_allclose(
            parts["log_growth"].sum(axis=1), whole["log_growth"][:, 0], rtol=0, atol=1e-11
        )


@pytest.mark.parametrize("qr_interval", [0, 1])
@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm"])
def test_a_run_continues_where_the_last_one_stopped(kind, joint, qr_interval):
    rng = np.random.default_rng(4)
    system = random_network(rng, kind, [4, 3])
    states = rng.normal(size=(3, sum(system.layer_sizes)))
    inputs = rng.normal(size=(3, 40, 2))
    options = {"n_steps": 20, "joint": joint, "qr_interval": qr_interval}
    whole = run_core(system, states, inputs, **{**options, "n_steps": 40}, window=20)
    first = run_core(system, states, inputs, **options)
    second = run_core(system, first["states"], inputs[:, 20:].copy(), first["frames"], **options)
    for number, half in enumerate((first, second)):
        np.testing.assert_allclose(
            half["log_growth"][:, 0], whole["log_growth"][:, number], rtol=1e-9, atol=1e-9
        )
    np.testing.assert_allclose(second["states"], whole["states"], rtol=0, atol=1e-12)


def test_inputs_are_counted_from_the_very_start_and_repeated():
    rng = np.random.default_rng(5)
    system = random_network(rng, "gru", [4])
    states, inputs = rng.normal(size=(2, 4)), rng.normal(size=(2, 5, 2))
    frames = random_frames(rng, 2, [4], 4)
    short, long = (
        run_core(system, states, drive, frames, n_settle=3, n_warmup=4, n_steps=12, qr_interval=1)
        for drive in (inputs, np.tile(inputs, (1, 4, 1)))
    )
    assert_same(short, long)


def test_the_arguments_are_left_alone():
    rng = np.random.default_rng(6)
    system = random_network(rng, "lstm", [3])
    states, inputs = rng.normal(size=(2, 6)), rng.normal(size=(2, 4, 2))
    frames = random_frames(rng, 2, [6], 3)
    copies = [states.copy(), inputs.copy(), frames[0].copy()]
    run_core(system, states, inputs, frames, n_steps=9)
    for now, before in zip((states, inputs, frames[0]), copies, strict=True):
        np.testing.assert_array_equal(now, before)


def long_run(**options):
    rng = np.random.default_rng(7)
    system = core_system(random_network(rng, "rnn_tanh", [40], gain=2.0))
    states, inputs = rng.normal(size=(3, 40)), rng.normal(size=(3, 9, 2))
    return lambda **more: run_core(
        system, states, inputs, **{"n_steps": 50_000_000, "window": 50, **options, **more}
    )


def assert_is_a_finished_run_of_fewer_steps(run, stopped):
    assert 0 < stopped["n_steps_done"] < 50_000_000
    assert stopped["n_steps_done"] == stopped["window_steps"].sum()
    n_windows = min(20, stopped["log_growth"].shape[1])
    finished = run(n_steps=50 * n_windows)
    assert finished["stopped_by"] == "finished"
    np.testing.assert_array_equal(stopped["log_growth"][:, :n_windows], finished["log_growth"])


def test_time_limit():
    run = long_run()
    start = time.monotonic()
    stopped = run(time_limit=0.5)
    assert time.monotonic() - start < 30.0  # far below the years of the whole run
    assert stopped["stopped_by"] == "time_limit"
    assert_is_a_finished_run_of_fewer_steps(run, stopped)


def test_interrupt():
    run = long_run()
    calls = []

    def observer(n_done, n_total, mean_largest):
        calls.append((n_done, n_total, mean_largest))
        if len(calls) >= 4 and n_done >= 1000:
            ctrl_c.press()

    stopped = run(observer=observer)
    assert stopped["stopped_by"] == "interrupt"
    assert len(calls) >= 4
    assert all(total == 50_000_000 for _, total, _ in calls)
    done = [n_done for n_done, _, _ in calls]
    assert done == sorted(done)
    assert_is_a_finished_run_of_fewer_steps(run, stopped)
    largest = stopped["log_growth"].sum(axis=1)[:, 0] / stopped["n_steps_done"]
    assert calls[-1][2] == pytest.approx(largest.mean(), abs=0.1)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_an_observers_exception_stops_the_run(n_threads):
    def observer(*_):
        raise LookupError("seen")

    with pytest.raises(LookupError, match="seen"):
        long_run()(observer=observer, n_threads=n_threads)


def first_overflow(system, state, inputs, n_steps):
    """1-based index of the first state that is not finite, or -1."""
    z = state[None]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(n_steps):
            z = system.step(z, inputs[None, t % len(inputs)])
            if not np.isfinite(z).all():
                return t + 1
    return -1


@pytest.mark.parametrize(("n_settle", "n_warmup"), [(0, 0), (100, 50), (1100, 0), (500, 800)])
def test_divergence_is_reported_with_its_step(n_settle, n_warmup):
    """z' = 2 z leaves the finite range from every state but zero, which must go on unharmed."""
    system = linear(np.array([[2.0]]))
    states = np.array([[1.0], [0.0], [1e-200], [-3.5]])
    n_steps, window = 3000, 64
    record = run_core(
        system, states, n_settle=n_settle, n_warmup=n_warmup, n_steps=n_steps, window=window
    )
    total = n_settle + n_warmup + n_steps
    expected = [first_overflow(system, state, np.zeros((1, 0)), total) for state in states]
    assert expected[:2] == [1024, -1]
    np.testing.assert_array_equal(record["diverged_at"], expected)
    assert record["stopped_by"] == "finished"
    assert not np.isnan(record["log_growth"]).any()
    np.testing.assert_allclose(record["log_growth"][1, :-1, 0], window * np.log(2.0), rtol=1e-12)
    for growth, step in zip(record["log_growth"][..., 0], expected, strict=True):
        if step < 0:
            continue
        n_before = max(0, (step - n_settle - n_warmup - 1) // window)
        np.testing.assert_allclose(growth[:n_before], window * np.log(2.0), rtol=1e-12)
        np.testing.assert_array_equal(growth[n_before + 1 :], 0.0)


def test_divergence_of_a_driven_network():
    rng = np.random.default_rng(8)
    system = RecurrentNetwork(
        "rnn_relu", [Layer(np.abs(rng.normal(size=(4, 2))), np.abs(rng.normal(size=(4, 4))))]
    )
    states, inputs = np.zeros((2, 4)), np.abs(rng.normal(size=(2, 3, 2)))
    record = run_core(system, states, inputs, n_steps=2000, window=100)
    expected = [first_overflow(system, z, x, 2000) for z, x in zip(states, inputs, strict=True)]
    assert min(expected) > 0
    # The sums of a step are added in another order, which may overflow one step apart.
    np.testing.assert_allclose(record["diverged_at"], expected, rtol=0, atol=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unused_observer_and_a_generous_limit_change_nothing(family):
    from lyapunov.core_cases import random_case

    case = random_case(family, 30)
    plain = case.core()
    watched = case.core(observer=lambda *_: None, time_limit=1000.0)
    assert_same(plain, watched)
