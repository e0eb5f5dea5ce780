"""Ctrl-C and time limits: the search ends at once and hands back what it has."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import numpy as np
import pytest

import rnndyn as rd
from clock import overrun
from ctrl_c import CtrlC, pressed_after

# A search of high order in a network with many cycles, which would take hours.
ENDLESS = """
import sys, time
import rnndyn as rd
lozi = rd.examples.lozi_map()
print("ready", flush=True)
cycles = rd.find_cycles(lozi, orders=range(10, 60), method="search", max_restarts=10**9)
print(time.monotonic(), flush=True)
print("stopped by", cycles.search.stopped_by, "finished", cycles.finished, flush=True)
print("cycles", len(cycles), flush=True)
print(repr(cycles).splitlines()[-2:], flush=True)
"""

#: The promise, in seconds; sanitizer builds are some ten times slower.
PROMISE = 2.0 if "LD_PRELOAD" in os.environ else 0.2
#: For what happens only once, on a machine that may be busy with something else.
PATIENCE = PROMISE + 0.4


def shortest_delay(search, limit):
    """Return by how much a search overran its time limit, at best of three times.

    In processor time, since other tests run on the same machine.
    """
    delays = []
    for _ in range(3):
        start = time.monotonic()
        delay, cycles = overrun(lambda: search(limit), limit)
        assert time.monotonic() - start > limit - 0.01
        delays.append(delay)
        assert cycles.search.stopped_by == "time_limit"
        assert not cycles.finished
    return min(delays)


def read_terminal(terminal, until, seconds):
    """Read what a program writes to its terminal until some text has come."""
    text = ""
    deadline = time.monotonic() + seconds
    while until not in text:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            pytest.fail(f"no {until!r} within {seconds} s, only: {text!r}")
        try:
            text += os.read(terminal, 65536).decode()
        except OSError:  # the program has ended and closed its side
            break
    return text


def take_the_terminal():
    """In the new process: its terminal is in control, so that Ctrl-C reaches it as a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def in_a_terminal(arguments):
    """Start a program whose terminal is a new one, as a person would."""
    ours, theirs = pty.openpty()
    rows, columns = 40, 120
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        arguments,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_the_terminal,
    )
    os.close(theirs)
    return process, ours


@pytest.mark.programs
def test_ctrl_c_in_a_terminal_gives_a_partial_result():
    process, terminal = in_a_terminal([sys.executable, "-c", ENDLESS])
    try:
        text = read_terminal(terminal, "ready", 60)
        # Long enough for the search to run and the progress bar to show.
        time.sleep(1.5)
        pressed = time.monotonic()
        os.write(terminal, b"\x03")
        text += read_terminal(terminal, "INCOMPLETE", 30)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    lines = text.splitlines()
    assert "find_cycles" in text, "no progress bar in the terminal"
    (stopped,) = [line for line in lines if "stopped by" in line]
    assert stopped.endswith("stopped by interrupt finished False")
    (found,) = [line for line in lines if line.startswith("cycles ")]
    assert int(found.split()[1]) > 0
    times = [line for line in lines if line.replace(".", "", 1).isdigit()]
    assert float(times[-1]) - pressed < PATIENCE


@pytest.mark.programs
def test_ctrl_c_on_the_command_line_prints_what_was_found(tmp_path, lozi):
    rd.save_model(lozi, tmp_path / "lozi.npz")
    arguments = ["--orders", "10-59", "--method", "search", "--max-restarts", "1000000000"]
    process, terminal = in_a_terminal(
        [sys.executable, "-m", "rnndyn", "cycles", str(tmp_path / "lozi.npz"), *arguments]
    )
    try:
        read_terminal(terminal, "find_cycles", 60)
        time.sleep(0.5)
        os.write(terminal, b"\x03")
        text = read_terminal(terminal, "INCOMPLETE: interrupted", 30)
        while chunk := read_terminal_end(terminal):
            text += chunk
        assert process.wait(timeout=30) == 130
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    assert "cycles of PLRNN (2 states, 2 units)" in text
    assert "Traceback" not in text


def read_terminal_end(terminal):
    """Read the rest; a closed terminal is an error on Linux and an empty read elsewhere."""
    try:
        return os.read(terminal, 65536).decode()
    except OSError:
        return ""


def test_a_signal_from_outside_gives_a_partial_result(lozi):
    start = time.monotonic()
    with pressed_after(0.5):
        cycles = rd.find_cycles(
            lozi, orders=range(10, 60), method="search", max_restarts=10**9, time_limit=60
        )
    seconds = time.monotonic() - start
    assert cycles.search.stopped_by == "interrupt"
    assert not cycles.finished
    assert 0.4 < seconds < 0.5 + PATIENCE
    assert "INCOMPLETE: interrupted" in repr(cycles)


@pytest.mark.parametrize("limit", [0.05, 0.3])
@pytest.mark.parametrize("method", ["search", "scyfi"])
def test_a_time_limit_is_kept(lozi, limit, method):
    def search(seconds):
        return rd.find_cycles(
            lozi, orders=range(10, 60), method=method, max_restarts=10**9, time_limit=seconds
        )

    assert shortest_delay(search, limit) < PROMISE


@pytest.mark.parametrize(("name", "order"), [("lozi", 60), ("plrnn_10d_10", 14)])
def test_a_proof_is_stopped_by_a_signal_and_by_a_time_limit(name, order):
    model = rd.examples.lozi_map() if name == "lozi" else rd.examples.load(name)

    def search(seconds):
        return rd.find_cycles(
            model, orders=[order], method="complete", time_limit=seconds, progress=False
        )

    assert shortest_delay(search, 0.3) < PROMISE
    start = time.monotonic()
    with pressed_after(0.3):
        cycles = search(60)
    seconds = time.monotonic() - start
    assert cycles.search.stopped_by == "interrupt"
    assert cycles.certificate.status == "partial"
    assert seconds < 0.3 + PATIENCE


def test_a_time_limit_stops_a_long_list(lozi):
    def search(seconds):
        cycles = rd.find_cycles(lozi, orders=[28], method="exhaustive", time_limit=seconds)
        assert cycles.search.listed_orders == ()
        return cycles

    assert shortest_delay(search, 0.3) < PROMISE


def test_a_time_limit_stops_a_large_network():
    rng = np.random.default_rng(0)
    n = 60
    W = 2.0 * rng.normal(size=(n, n)) / np.sqrt(n)
    model = rd.PLRNN(0.3 * np.eye(n), W, rng.normal(size=n))

    def search(seconds):
        return rd.find_cycles(model, max_order=50, max_restarts=10**9, time_limit=seconds)

    assert shortest_delay(search, 0.3) < PROMISE


def test_what_a_stopped_search_returns_is_right(lozi):
    cycles = rd.find_cycles(
        lozi, orders=range(6, 60), method="search", max_restarts=10**9, time_limit=0.3
    )
    assert len(cycles) > 0
    for cycle in cycles:
        np.testing.assert_allclose(
            lozi.step(cycle.points), np.roll(cycle.points, -1, axis=0), atol=1e-9
        )


def test_a_meter_may_interrupt(lozi):
    cycles = rd.find_cycles(
        lozi, orders=[30], method="search", max_restarts=10**9, progress=CtrlC()
    )
    assert cycles.search.stopped_by == "interrupt"


class SignalDuring:
    """A meter that has a signal sent shortly after a stage begins, and notes when."""

    def __init__(self, stage_before: str, delay: float) -> None:
        self.stage_before, self.delay = stage_before, delay
        self.sent = self.timer = None

    def init(self, name):
        pass

    def step(self, progress):
        if self.timer is None and progress.stage == self.stage_before:
            self.timer = threading.Timer(self.delay, self.send)
            self.timer.start()

    def send(self):
        self.sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)

    def close(self):
        pass


def test_a_signal_is_heard_while_the_cells_of_a_plane_are_drawn():
    # An idle unit: events fill the cells, so that drawing them takes seconds, in one chunk.
    model = rd.PiecewiseLinearMap(
        [[0.0]], [[1.0, 0.0, 1.0]], [[1.0], [-1.0], [1.0]], [-1.0], [1.0, -1.0, 0.0]
    )
    meter = SignalDuring("lines", 0.3)
    diagram = rd.stability_diagram(
        model,
        ("W2[1,0]", np.linspace(-2.0, -0.5, 5)),
        ("W1[0,1]", np.linspace(-1.0, 0.5, 5)),
        max_order=1,
        n_threads=1,
        progress=meter,
    )
    heard = time.monotonic()
    assert diagram.run.stopped_by == "interrupt"
    assert not diagram.run.finished
    meter.timer.join()
    assert heard - meter.sent < PATIENCE
