"""Chunks give the same result wherever they run."""

import multiprocessing
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import ctrl_c
import rnndyn as rd
from rnndyn.scale_out import (
    ChunkStoppedError,
    cut_into_chunks,
    fingerprint_of,
    pack_itineraries,
    raise_if_cancelled,
    run_chunks,
    unpack_itineraries,
)
from scale_out.functions import calls, counted, cycles_of, dies_at, powers

SLOPES = np.linspace(0.3, 0.9, 13).tolist()
RUN = {"stage": "test", "fingerprint": "1"}


def same(first, second):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype
            assert a[name].shape == b[name].shape
            np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture(scope="module")
def serial():
    return run_chunks(partial(cycles_of, 1.5), SLOPES, **RUN)


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [2, 4, 7])
def test_threads_give_what_one_gives(serial, n_threads):
    same(run_chunks(partial(cycles_of, 1.5), SLOPES, n_threads=n_threads, **RUN), serial)


def test_an_executor_of_threads_gives_what_none_gives(serial):
    with ThreadPoolExecutor(3) as pool:
        same(run_chunks(partial(cycles_of, 1.5), SLOPES, executor=pool, **RUN), serial)
        assert pool.submit(int, "1").result() == 1, "it is not shut down"


@pytest.mark.programs
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_an_executor_of_processes_gives_what_none_gives(serial, method):
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        same(run_chunks(partial(cycles_of, 1.5), SLOPES, executor=pool, **RUN), serial)


def test_results_are_told_as_they_come_in_the_thread_that_asked():
    told = {}

    def done(index, record):
        assert threading.current_thread() is threading.main_thread()
        told[index] = record

    results = run_chunks(powers, range(9), n_threads=3, done=done, **RUN)
    assert sorted(told) == list(range(9))
    assert all(told[index] is results[index] for index in told)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_stop_leaves_the_rest_out(n_threads):
    told = []
    results = run_chunks(
        powers,
        range(50),
        n_threads=n_threads,
        stop=lambda: len(told) >= 5,
        done=lambda index, _: told.append(index),
        **RUN,
    )
    assert len(results) == 50
    assert [index for index, record in enumerate(results) if record is not None] == sorted(told)
    assert len(told) == 5


def stops_at_three(chunk):
    if chunk == 3:
        raise ChunkStoppedError("time_limit")
    return powers(chunk)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_chunk_that_is_stopped_inside_ends_the_run(n_threads):
    told = {}
    with pytest.raises(ChunkStoppedError, match="time_limit"):
        run_chunks(stops_at_three, range(9), n_threads=n_threads, done=told.__setitem__, **RUN)
    assert 3 not in told
    for chunk, record in told.items():
        same([record], [powers(chunk)])
    if n_threads == 1:
        assert list(told) == [0, 1, 2]


def test_an_error_of_the_function_is_the_error_of_the_run():
    def fails(chunk):
        raise ZeroDivisionError(f"in {chunk}")

    for n_threads in (1, 2):
        with pytest.raises(ZeroDivisionError, match="in"):
            run_chunks(fails, range(4), n_threads=n_threads, **RUN)


def test_ctrl_c_ends_the_threads_at_once():
    started = threading.Semaphore(0)
    ended = []

    def endless(chunk):
        started.release()
        try:
            while True:
                raise_if_cancelled()
                time.sleep(0.005)
        finally:
            ended.append(chunk)

    def press():
        for _ in range(2):
            started.acquire(timeout=30)
        # Both threads work, and the main thread has had the time to begin its wait for them.
        time.sleep(0.3)
        ctrl_c.press()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_chunks(endless, range(8), n_threads=2, **RUN)
    assert sorted(ended) == [0, 1], "those that ran have ended, the others never began"
    raise_if_cancelled()


@pytest.mark.programs
def test_a_pool_whose_process_dies_is_a_clear_error(tmp_path):
    side = tmp_path / "side"
    side.mkdir()
    store = tmp_path / "store"
    arguments = {"store": store, **RUN}
    chunks = list(range(12))
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as pool,
        pytest.raises(BrokenExecutor, match="call again with the same store") as caught,
    ):
        run_chunks(partial(dies_at, str(side), 7), chunks, executor=pool, **arguments)
    assert "lost its workers" in str(caught.value)
    before = calls(side)
    assert before == list(range(7))
    results = run_chunks(partial(counted, str(side), 0.0), chunks, **arguments)
    same(results, [powers(chunk) for chunk in chunks])
    assert calls(side) == chunks, "no chunk that was finished is computed again"


@pytest.mark.programs
def test_without_a_store_a_broken_pool_advises_one():
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as pool,
        pytest.raises(BrokenExecutor, match="with store=FOLDER"),
    ):
        run_chunks(partial(dies_at, "nowhere", 0), [0], executor=pool, **RUN)


@pytest.mark.programs
def test_what_cannot_be_sent_to_a_process_is_named():
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(TypeError, match="defined at the top level of a module"),
    ):
        run_chunks(lambda chunk: powers(chunk), [1], executor=pool, **RUN)


@pytest.mark.parametrize("wrong", [4, "threads", object()])
def test_what_is_no_executor_is_refused(wrong):
    with pytest.raises(TypeError, match=r"executor must be a concurrent\.futures\.Executor"):
        run_chunks(powers, [1], executor=wrong, **RUN)


def test_no_chunks_give_no_results():
    assert run_chunks(powers, [], **RUN) == []


def test_chunks_hold_consecutive_items():
    for n in range(30):
        for n_chunks in range(1, 12):
            chunks = cut_into_chunks(list(range(n)), n_chunks)
            assert [item for chunk in chunks for item in chunk] == list(range(n))
            assert len(chunks) <= n_chunks
            assert all(chunks)


def test_packed_itineraries_come_back():
    generator = np.random.default_rng(3)
    for orders in ([], [1], [3, 1, 7, 2]):
        itineraries = [generator.random((order, 5)) < 0.5 for order in orders]
        bits, sizes = pack_itineraries(itineraries, 5)
        assert bits.shape == (sum(orders), 5)
        assert sizes.dtype == np.int64
        back = unpack_itineraries(bits, sizes)
        assert len(back) == len(itineraries)
        assert all(map(np.array_equal, back, itineraries))
    with pytest.raises(ValueError, match="do not add up to 2 rows"):
        unpack_itineraries(np.zeros((2, 5), dtype=bool), np.array([3]))


def test_different_values_have_different_fingerprints():
    tent, lozi = rd.PLRNN([[2.0]], [[-4.0]], [1.0]), rd.examples.lozi_map()
    values = [
        None,
        True,
        1,
        1.0,
        "1",
        [1],
        [[1]],
        [1, 1],
        [],
        ["1"],
        {"a": 1},
        {"b": 1},
        0.0,
        -0.0,
        np.array(1),
        np.array([1]),
        np.array([1.0]),
        np.array([[1.0]]),
        np.array([1.0 + 0j]),
        np.array(["1"]),
        tent.canonical,
        lozi.canonical,
    ]
    assert len({fingerprint_of(value) for value in values}) == len(values)
    assert fingerprint_of(tent.canonical) == fingerprint_of(tent.canonical)
    assert fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    assert fingerprint_of(np.arange(3, dtype=">i8")) == fingerprint_of(np.arange(3, dtype="<i8"))
    with pytest.raises(TypeError, match="a fingerprint can hold no object"):
        fingerprint_of(object())
