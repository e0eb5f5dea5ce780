"""HDF5 files: MATLAB 7.3, Julia's JLD2, and others, read with h5py in a process of its own.

`_hdf5_process.py` says why, and what that process does. Here it is started, watched, and what it
sends is checked: it has held an untrusted file.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib.util import find_spec
from multiprocessing.spawn import get_executable
from pathlib import Path
from typing import IO, Any

import numpy as np

from rnndyn._common.optional import require_optional
from rnndyn.io._content import Content, Record, Unread, array_from, content_of
from rnndyn.io._files import OpenedFile
from rnndyn.io._hdf5_process import FRAME, MAX_EXPANSION, MAX_TREE

_PROGRAM = Path(__file__).with_name("_hdf5_process.py")
#: Seconds of processor time for a file: some for itself, and more for each of its bytes. What takes
#: longest are thousands of small arrays; each takes up to 1 ms and 300 bytes or more.
_SECONDS = 0.8
_SECONDS_PER_BYTE = 1e-5
_MAX_SECONDS = 120.0
#: Seconds of the clock: a busy machine, or a slow disk, may take that much longer.
_PATIENCE = 60.0
_PATIENCE_FACTOR = 4.0
#: Bytes that the library takes for itself.
_MEMORY = 2**28
_DTYPE = re.compile(r"[<>|](b1|[iu][1248]|f[248])")
_ENVIRONMENT = {
    # One file is read by one thread; starting others takes time.
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    # The library loads the code of filters that a file names; "::" keeps it from that.
    "HDF5_PLUGIN_PRELOAD": "::",
}
_DAMAGED_ANSWER = "what came back from the process that read it is damaged"
_SHARED: ContextVar["_Process | None"] = ContextVar("_SHARED", default=None)


def read_hdf5(file: OpenedFile, max_bytes: int) -> Content:
    """Read the arrays of a file that take at most `max_bytes`.

    Raises
    ------
    ValueError
        If the file is damaged or holds more, or if reading it takes too long or too much memory.
    OSError
        If no process to read it can be started.
    MissingPackageError
        If h5py is not installed.
    """
    require_optional("h5py", "reading an HDF5 file (MATLAB 7.3, JLD2)")
    file.stream.seek(0)
    start = file.stream.read(64)
    kind = "HDF5"
    # Some releases wrote 7.0 there; that it is HDF5 has been seen already.
    if start.startswith(b"MATLAB "):
        kind = "MATLAB 7.3"
    elif b"Julia Data Format" in start:
        kind = "JLD2"
    with shared_process() as process:
        tree, arrays = process.read(file.path, max_bytes)
    # MATLAB and Julia store by column and write the axes backwards.
    try:
        content = _Tree(arrays, transposed=kind != "HDF5").value(tree)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError):
        raise ValueError(_DAMAGED_ANSWER) from None
    return content_of(kind, content)


@contextmanager
def shared_process() -> Iterator["_Process"]:
    """Read all HDF5 files of the block in one process; each of them has limits of its own.

    Starting one takes as long as reading a hundred small files.
    """
    shared = _SHARED.get()
    if shared is not None:
        yield shared
        return
    process = _Process()
    token = _SHARED.set(process)
    try:
        yield process
    finally:
        _SHARED.reset(token)
        process.close()


class _EndedError(Exception):
    """The process ended in the middle of an answer."""


class _Process:
    """The process that reads files. It is started when needed, also after a file has ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: IO[bytes] | None = None
        self._ran_out_of_time = False
        #: How many files have ended it.
        self.n_ended = 0

    def read(self, path: Path, max_bytes: int) -> tuple[Any, list[bytes]]:
        """Return the tree of what a file holds and the numbers of its arrays.

        Raises
        ------
        ValueError
            If the file cannot be read within the limits.
        OSError
            If the process cannot be started.
        """
        size = path.stat().st_size
        seconds = _SECONDS + min(_SECONDS_PER_BYTE * size, _MAX_SECONDS)
        request = {
            "path": os.path.abspath(path),
            "max_bytes": max_bytes,
            "seconds": seconds,
            # What is read, once as chunks, once unpacked, and once in order.
            "memory": _MEMORY + 3 * min(max_bytes, MAX_EXPANSION * size),
        }
        if self._process is None:
            self._start()
        try:
            with self._watched(_PATIENCE + _PATIENCE_FACTOR * seconds):
                self._ask(request)
                tree, arrays = self._answer(max_bytes)
        except _EndedError:
            self.n_ended += 1
            reason = self._reason(seconds)
            self.close()
            raise ValueError(reason) from None
        except BaseException:
            # The rest of the answer would be taken for the next one.
            self.close()
            raise
        if isinstance(tree, str):
            raise ValueError(tree)
        return tree, arrays

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            if self._process.stdin is not None:
                # Closing writes what is left in the buffer; a process that has ended refuses it.
                with suppress(OSError):
                    self._process.stdin.close()
            with self._process:
                pass
            self._process = None
        if self._messages is not None:
            self._messages.close()
            self._messages = None

    def _start(self) -> None:
        # The standard way to say which Python to use where sys.executable is another program.
        executable = os.fsdecode(get_executable() or "")
        if getattr(sys, "frozen", False) or not executable:
            raise OSError(
                "HDF5 files are read by a Python of its own, and this program has none to start; "
                "convert the file with `rnndyn convert` first"
            )
        self._ran_out_of_time = False
        # A pipe that nobody reads could fill up.
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            # Without the environment of Python, site, and the current folder.
            [executable, "-I", "-S", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=os.environ | _ENVIRONMENT,
            # A program with windows has no console, and none should appear (Windows only).
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            with self._watched(_PATIENCE):
                self._ask(_folders("numpy", "h5py"))
                if self._frame(0)[0] != b"R":
                    raise _EndedError
        except _EndedError:
            code = self._process.wait()
            self._messages.seek(0)
            last = self._messages.read()[-2000:].decode(errors="replace").strip().splitlines()[-1:]
            self.close()
            raise OSError(
                f"the process that reads HDF5 files could not be started: {executable} ended with "
                f"exit code {code}: {''.join(last):.200}"
            ) from None
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """End the process if the block takes longer."""
        process = self._process

        def end() -> None:
            self._ran_out_of_time = True
            if process is not None:
                process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _ask(self, what: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise _EndedError from None

    def _answer(self, max_bytes: int) -> tuple[Any, list[bytes]]:
        """Return tree and arrays, or a text that says why there are none."""
        arrays: list[bytes] = []
        left = max_bytes
        while True:
            kind, content = self._frame(left)
            if kind == b"A":
                arrays.append(content)
                left -= len(content)
            elif kind == b"T":
                try:
                    return json.loads(content), arrays
                except (ValueError, RecursionError):
                    raise ValueError(_DAMAGED_ANSWER) from None
            else:
                return " ".join(content[:1000].decode(errors="replace").split()), []

    def _frame(self, max_bytes: int) -> tuple[bytes, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        head = self._process.stdout.read(FRAME.size)
        if len(head) < FRAME.size:
            raise _EndedError
        kind, length = FRAME.unpack(head)
        allowed = {b"A": max_bytes, b"T": MAX_TREE, b"E": 10_000, b"R": 0}
        if length > allowed.get(kind, -1):
            raise ValueError(_DAMAGED_ANSWER)
        content = self._process.stdout.read(length)
        if len(content) < length:
            raise _EndedError
        return kind, content

    def _reason(self, seconds: float) -> str:
        """Say why the process ended."""
        assert self._process is not None
        code = self._process.wait()
        timer = getattr(signal, "SIGPROF", None)
        if self._ran_out_of_time:
            return "the HDF5 library does not come to an end with it"
        if timer is not None and code == -timer:
            return (
                f"it takes the HDF5 library more than {seconds:.1f} s of processor time, which "
                "such a file does not need unless it is damaged"
            )
        name = f"exit code {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-code).name
        return f"it ends the process that reads it ({name}): it is damaged, or memory is short"


def _folders(*packages: str) -> list[str]:
    """Return the folders from which this process would import packages."""
    folders = []
    for package in packages:
        spec = find_spec(package)
        places = spec.submodule_search_locations if spec else None
        folders += [os.path.dirname(os.path.abspath(place)) for place in places or ()]
    return list(dict.fromkeys(folders))


class _Tree:
    """Turns the tree that came back into mappings, lists, records and arrays."""

    def __init__(self, arrays: list[bytes], *, transposed: bool) -> None:
        self._arrays = arrays
        self._transposed = transposed

    def value(self, node: Any) -> Any:
        """Return a node; None for what is no number."""
        if node is None:
            return None
        if "group" in node:
            return {_printable(name): self.value(entry) for name, entry in node["group"]}
        if "unread" in node:
            return Unread("sparse" if node["unread"] == "sparse" else "complex")
        if "list" in node:
            return [self.value(entry) for entry in node["list"]]
        if "record" in node:
            fields = {_printable(name): self.value(entry) for name, entry in node["record"]}
            return Record(_printable(node["type"]).rpartition(".")[2], fields)
        if _DTYPE.fullmatch(node["dtype"]) is None:
            raise ValueError(f"an array of it has numbers of the type {node['dtype']!r:.20}")
        dtype, shape = np.dtype(node["dtype"]), tuple(map(int, node["shape"]))
        array = array_from(self._arrays[node["array"]], dtype, shape)
        return array.T if self._transposed else array


def _printable(name: str) -> str:
    """Return a name without half characters, which no output can print."""
    return name.encode(errors="replace").decode()
