"""Finished chunks survive everything, and nothing else is taken for one."""

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rnndyn.scale_out import _store, run_chunks
from scale_out.functions import calls, counted, powers
from scale_out.test_run_chunks import same

CHUNKS = list(range(10))
EXPECTED = [powers(chunk) for chunk in CHUNKS]
RUN = {"stage": "test", "fingerprint": "1"}


@pytest.fixture
def side(tmp_path):
    folder = tmp_path / "side"
    folder.mkdir()
    return folder


def test_what_is_stored_comes_back_as_it_was(tmp_path, side):
    function = partial(counted, str(side), 0.0)
    same(run_chunks(function, CHUNKS, store=tmp_path / "new" / "store", **RUN), EXPECTED)
    told = []
    again = run_chunks(
        function,
        CHUNKS,
        store=str(tmp_path / "new" / "store"),
        done=lambda index, _: told.append(index),
        **RUN,
    )
    same(again, EXPECTED)
    assert told == CHUNKS
    assert calls(side) == CHUNKS


def test_numpy_reads_the_store(tmp_path):
    run_chunks(powers, CHUNKS, store=tmp_path / "store", **RUN)
    assert json.loads((tmp_path / "store" / "store.json").read_text()) == {
        "format": "rnndyn chunks",
        "format_version": 2,
    }
    folder = tmp_path / "store" / "test"
    assert {path.name for path in folder.iterdir()} == {
        "stage.json",
        *(f"{chunk}.npz" for chunk in CHUNKS),
    }
    with np.load(folder / "3.npz") as chunk:
        np.testing.assert_array_equal(chunk["numbers"], [1.0, 3.0, 9.0, 27.0])
        assert chunk["roots"].shape == (4, 2)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_stopped_run_goes_on_where_it_was(tmp_path, side, n_threads):
    function = partial(counted, str(side), 0.0)
    for goal in (3, 7, 10):
        told = []
        results = run_chunks(
            function,
            CHUNKS,
            store=tmp_path / "store",
            n_threads=n_threads,
            stop=lambda goal=goal, told=told: len(told) >= goal,
            done=lambda index, _, told=told: told.append(index),
            **RUN,
        )
        assert sum(record is not None for record in results) == goal
    same(results, EXPECTED)
    if n_threads == 1:
        assert calls(side) == CHUNKS


PROGRAM = """
import sys
import threading
from functools import partial
from scale_out.functions import counted
from rnndyn.scale_out import _store, run_chunks
print("ready", flush=True)
run_chunks(partial(counted, sys.argv[1], 0.02), list(range(40)), stage="test", fingerprint="1",
           store=sys.argv[2], done=lambda index, _: print(index, flush=True))
"""


@pytest.mark.programs
@pytest.mark.parametrize("n_before", [0, 4, 17])
def test_a_killed_program_computes_no_finished_chunk_again(tmp_path, side, n_before):
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(side), str(tmp_path / "store")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    with process:
        for _ in range(n_before + 1):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    folder = tmp_path / "store" / "test"
    finished = {int(path.stem) for path in folder.glob("[0-9]*")}
    assert len(finished) >= n_before
    for path in side.iterdir():
        path.unlink()
    results = run_chunks(
        partial(counted, str(side), 0.0), list(range(40)), store=tmp_path / "store", **RUN
    )
    same(results, [powers(chunk) for chunk in range(40)])
    assert calls(side) == sorted(set(range(40)) - finished)
    assert not list(tmp_path.rglob("*.part")), "what the killed run left is cleared away"


def test_another_computation_is_refused(tmp_path):
    store = tmp_path / "store"
    run_chunks(powers, CHUNKS, store=store, **RUN)
    for chunks, fingerprint in ((CHUNKS, "2"), (CHUNKS[:-1], "1")):
        with pytest.raises(ValueError, match="choose another folder, or delete") as caught:
            run_chunks(powers, chunks, store=store, stage="test", fingerprint=fingerprint)
        assert str(store) in str(caught.value)
    run_chunks(powers, CHUNKS[:3], store=store, stage="other stage", fingerprint="2")
    same(run_chunks(powers, CHUNKS, store=store, **RUN), EXPECTED)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="not a folder of chunks of rnndyn"):
        run_chunks(powers, CHUNKS, store=tmp_path, **RUN)
    with pytest.raises(ValueError, match="not a folder of chunks of rnndyn"):
        run_chunks(powers, CHUNKS, store=tmp_path / "thesis.txt", **RUN)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(TypeError, match="store must be the path of a folder"):
        run_chunks(powers, CHUNKS, store=3, **RUN)


def test_a_store_of_a_newer_format_is_refused(tmp_path):
    store = tmp_path / "store"
    run_chunks(powers, CHUNKS, store=store, **RUN)
    header = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**header, "format_version": 3}))
    with pytest.raises(ValueError, match="has version 3 of its format"):
        run_chunks(powers, CHUNKS, store=store, **RUN)


@pytest.mark.parametrize("place", np.linspace(0.0, 1.0, 23).tolist())
def test_every_damage_to_a_chunk_is_seen(tmp_path, side, place):
    """A chunk is cut, or changed in one bit; what says nothing about the arrays may be changed."""
    store = tmp_path / "store"
    function = partial(counted, str(side), 0.0)
    run_chunks(function, CHUNKS, store=store, **RUN)
    chunk = store / "test" / "4.npz"
    whole = chunk.read_bytes()
    at = min(int(place * len(whole)), len(whole) - 1)
    changed = bytearray(whole)
    changed[at] ^= 4
    for damaged in (whole[:at], bytes(changed)):
        n_before = len(calls(side))
        chunk.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            same(run_chunks(function, CHUNKS, store=store, **RUN), EXPECTED)
        n_computed = len(calls(side)) - n_before
        seen = [str(one.message) for one in caught]
        assert n_computed == len(seen) <= 1
        if n_computed:
            assert "4.npz is damaged and is computed again" in seen[0]
            assert chunk.read_bytes() == whole
        else:
            # Such as a date in the archive.
            assert damaged != whole[:at]


def test_two_runs_over_one_store_do_no_harm(tmp_path, side):
    store = tmp_path / "store"

    def other_run(_, __):
        run_chunks(powers, CHUNKS, store=store, **RUN)

    same(run_chunks(powers, CHUNKS, store=store, done=other_run, **RUN), EXPECTED)


def test_a_run_leaves_alone_what_another_is_building(tmp_path, monkeypatch):
    """A second run took the files that the first one was writing for leftovers."""
    store = tmp_path / "store"
    first, second = (_store.Stage(store, "test", "1", 10) for _ in range(2))
    write = _store.write_members
    has_begun, may_end = threading.Event(), threading.Event()

    def write_slowly(*arguments):
        write(*arguments)
        if threading.current_thread() is other and not has_begun.is_set():
            has_begun.set()
            assert may_end.wait(30)
        elif not other.ident:
            # Before the first run is done with a chunk the second one begins with the same.
            other.start()
            assert has_begun.wait(30)

    failures = []

    def second_run():
        try:
            second.write(3, EXPECTED[3])
        except Exception as error:
            has_begun.set()
            failures.append(error)

    other = threading.Thread(target=second_run)
    monkeypatch.setattr(_store, "write_members", write_slowly)
    first.write(3, EXPECTED[3])
    may_end.set()
    other.join(30)
    assert failures == []
    same([first.read(3)], [EXPECTED[3]])
    assert not list(tmp_path.rglob("*.part"))


def test_two_processes_over_one_store(tmp_path, side):
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), *filter(None, sys.path)])
    program = PROGRAM.replace("0.02", "0.0")
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", program, str(side), str(tmp_path / "store")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.communicate(timeout=120)[1] == ""
        assert process.returncode == 0
    chunks = list(range(40))
    results = run_chunks(partial(counted, str(side), 0.0), chunks, store=tmp_path / "store", **RUN)
    same(results, [powers(chunk) for chunk in chunks])
    assert not list(tmp_path.rglob("*.part"))


def test_objects_cannot_be_stored(tmp_path):
    with pytest.raises(TypeError, match="can hold no"):
        run_chunks(lambda _: {"a": np.array([None])}, [1], store=tmp_path / "store", **RUN)
    assert [path.name for path in (tmp_path / "store" / "test").iterdir()] == ["stage.json"]
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(TypeError, match="can hold no array of"):
            run_chunks(
                lambda _: {"a": np.ones(1, np.longdouble)}, [1], store=tmp_path / "store", **RUN
            )


def test_a_chunk_appears_when_it_is_whole(tmp_path):
    folder = tmp_path / "store" / "test"
    seen = set()

    def done(index, _):
        seen.add(index)
        assert {path.name for path in folder.iterdir()} == {
            "stage.json",
            *(f"{chunk}.npz" for chunk in seen),
        }

    run_chunks(powers, CHUNKS, store=tmp_path / "store", done=done, **RUN)
    assert seen == set(CHUNKS)
