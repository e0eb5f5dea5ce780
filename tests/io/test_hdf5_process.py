"""HDF5 files are read by another process, which no file can take along or keep busy."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from foreign_files import ARRAYS, MODEL, write_hdf5, written
from rnndyn.io import _hdf5, import_model
from rnndyn.io._hdf5 import shared_process

HEAP_LOOP = Path(__file__).parent / "found" / "hdf5-heap-loop"


def refusal(path, error=ValueError):
    with pytest.raises(error) as caught:
        import_model(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_damaged_heap_on_which_the_hdf5_library_loops_forever():
    """Found by fuzzing: the name of a Julia type is in that heap."""
    message = refusal(HEAP_LOOP)
    assert message.startswith(f"{HEAP_LOOP} cannot be read as a model: it takes the HDF5 library")
    assert message.endswith(
        "s of processor time, which such a file does not need unless it is damaged"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_the_limit_holds_where_signals_are_ignored_and_blocked():
    before = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})
    try:
        assert "it takes the HDF5 library" in refusal(HEAP_LOOP)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGPROF, before)


def test_a_file_that_ends_the_process_harms_no_other(tmp_path):
    path = written(tmp_path, "HDF5")
    with shared_process() as process:
        assert import_model(path).model == MODEL
        first = process._process.pid
        assert import_model(path).model == MODEL
        assert process._process.pid == first
        refusal(HEAP_LOOP)
        assert import_model(path).model == MODEL
        assert process._process.pid != first
        refused = tmp_path / "refused.h5"
        write_hdf5(refused, {"A": np.ones(3)})
        refusal(refused)
        last = process._process.pid
        assert import_model(path).model == MODEL
        assert process._process.pid == last
    assert process._process is None


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no such limit, or no /proc")
def test_memory_is_limited(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name, array in ARRAYS.items():
            file[name] = array
        file["big"] = np.ones(4_000_000)
    assert import_model(path).model == MODEL
    monkeypatch.setattr(_hdf5, "_MEMORY", 2**22)
    monkeypatch.setattr(_hdf5, "MAX_EXPANSION", 0)
    assert "memory" in refusal(path)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_process_cannot_write_files(tmp_path):
    with shared_process() as process:
        import_model(written(tmp_path, "HDF5"))
        limits = Path(f"/proc/{process._process.pid}/limits").read_text()
        variables = Path(f"/proc/{process._process.pid}/environ").read_bytes().split(b"\0")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max file size")]
    assert line.split()[3:5] == ["0", "0"]
    assert b"HDF5_PLUGIN_PRELOAD=::" in variables


# Programs in its place that do what a process that a file has taken over could do. ----------------

READY = """
import os, signal, struct, sys
def send(kind, content=b"", length=None):
    length = len(content) if length is None else length
    sys.stdout.buffer.write(struct.pack("<cQ", kind, length) + content)
    sys.stdout.buffer.flush()
sys.stdin.buffer.readline()
send(b"R")
sys.stdin.buffer.readline()
"""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "it ends the process that reads it (SIGKILL)"),
        ("os._exit(3)", "it ends the process that reads it (exit code 3)"),
        ("send(b'A', b'123', length=8)", "it ends the process that reads it (exit code 0)"),
        ("send(b'A', length=2**60)", "what came back from the process that read it is damaged"),
        ("send(b'T', length=2**40)", "what came back from the process that read it is damaged"),
        ("send(b'x')", "what came back from the process that read it is damaged"),
        ("send(b'T', b'no JSON')", "what came back from the process that read it is damaged"),
        ("send(b'T', b'[' * 100000)", "what came back from the process that read it is damaged"),
        ("send(b'T', b'3')", "what came back from the process that read it is damaged"),
        ("send(b'T', b'{\"group\": [1]}')", "what came back from the process that read it is"),
        (
            'send(b\'T\', b\'{"array": 0, "dtype": "<f8", "shape": [2]}\')',
            "what came back from the process that read it is damaged",
        ),
        (
            'send(b\'A\', bytes(8))\nsend(b\'T\', b\'{"array": 0, "dtype": "|O8", "shape": [1]}\')',
            "an array of it has numbers of the type '|O8'",
        ),
        (
            "send(b'A', bytes(8))\n"
            'send(b\'T\', b\'{"array": 0, "dtype": "<f8", "shape": [999999999]}\')',
            "an array claims shape (999999999,) of float64",
        ),
        ("send(b'E', b'it is\\n damaged')", "cannot be read as a model: it is damaged"),
    ],
)
def test_whatever_it_answers_is_checked(answer, reason, tmp_path, monkeypatch):
    path = written(tmp_path, "HDF5")
    program = tmp_path / "program.py"
    program.write_text(READY + answer)
    monkeypatch.setattr(_hdf5, "_PROGRAM", program)
    assert reason in refusal(path)


def test_a_process_that_sleeps_is_ended_by_the_clock(tmp_path, monkeypatch):
    path = written(tmp_path, "HDF5")
    program = tmp_path / "program.py"
    program.write_text(READY + "import time; time.sleep(600)")
    monkeypatch.setattr(_hdf5, "_PROGRAM", program)
    monkeypatch.setattr(_hdf5, "_PATIENCE_FACTOR", 0.0)
    # The time in which it has to start counts as well, so this is not made shorter.
    process = _hdf5._Process()
    process._start()
    monkeypatch.setattr(_hdf5, "_PATIENCE", 0.01)
    with (
        contextlib.closing(process),
        pytest.raises(ValueError, match="does not come to an end"),
    ):
        process.read(path, 2**20)


# How it is started ------------------------------------------------------------------------------


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_process_that_cannot_start_is_an_error_of_the_system(tmp_path, monkeypatch, ends_first):
    path = written(tmp_path, "HDF5")
    program = tmp_path / "program.py"
    program.write_text("raise RuntimeError('no such thing')")
    monkeypatch.setattr(_hdf5, "_PROGRAM", program)
    if ends_first:  # before anything is written to it
        start = subprocess.Popen

        def start_and_wait(*arguments, **options):
            process = start(*arguments, **options)
            process.wait()
            return process

        monkeypatch.setattr(subprocess, "Popen", start_and_wait)
    assert refusal(path, OSError) == (
        f"the process that reads HDF5 files could not be started: {sys.executable} ended with exit "
        "code 1: RuntimeError: no such thing"
    )
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert "this program has none to start; convert the file with" in refusal(path, OSError)
    monkeypatch.delattr(sys, "frozen")
    before = multiprocessing.spawn.get_executable()
    multiprocessing.set_executable(str(tmp_path / "no-python"))
    try:
        assert "no-python" in refusal(path, OSError)
    finally:
        multiprocessing.set_executable(before)


def test_threads_have_a_process_each(tmp_path):
    path = written(tmp_path, "HDF5")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(import_model(path).model)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [MODEL] * 3


@pytest.mark.programs
def test_a_script_without_a_main_guard_and_a_folder_with_traps(tmp_path):
    """Neither the program of the user nor modules beside it are imported by the process."""
    path = written(tmp_path, "HDF5")
    (tmp_path / "json.py").write_text("raise RuntimeError('imported from the current folder')")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; sys.path.pop(0)\n"
        f"import rnndyn; print(rnndyn.load_model({str(path)!r}, family='ShallowPLRNN'))\n"
    )
    for arguments in ([str(script)], ["-c", script.read_text()]):
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True,
        )
        assert done.stdout == "ShallowPLRNN(n_states=2, n_units=3)\n"
