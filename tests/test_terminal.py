"""A session in a terminal as somebody would type it: a shell, and Python in it."""

import contextlib
import os
import re
import select
import subprocess
import sys
import time

import pytest

import rnndyn as rd

pytestmark = pytest.mark.programs

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

#: Makes the terminal the one that controls the program, so that its Ctrl-C reaches it.
_LAUNCH = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.execv(sys.argv[1], sys.argv[1:])
"""
#: At the beginning of a line, or where a bar was.
_PROMPT = r"(?:^|[\r\n])>>> $"
#: Of a bar, not of what was typed.
_WORKING = r"\d restarts"
#: Without a word for so long a program seems dead.
_LONGEST_SILENCE = 2.0


class Terminal:
    """A program in a terminal of its own: what it wrote, and when."""

    def __init__(self, *command, folder, width=110):
        self._master, slave = pty.openpty()
        # Rows and columns, as unsigned short numbers.
        size = b"".join(n.to_bytes(2, sys.byteorder) for n in (40, width, 0, 0))
        fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, sys.executable, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=folder,
            env={**environment, "TERM": "xterm", "MPLBACKEND": "Agg", "PYTHON_BASIC_REPL": "1"},
        )
        os.close(slave)
        self.text = ""
        self.silences = []
        self._last = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def type(self, text):
        """Press keys."""
        os.write(self._master, text.encode())
        self._last = time.monotonic()

    def read(self, pattern=None, seconds=60.0):
        """Read until the pattern appears in what is new, or until the program ends."""
        start, begin = time.monotonic(), len(self.text)
        while pattern is None or not re.search(pattern, self.text[begin:]):
            assert time.monotonic() - start < seconds, f"{pattern} did not come: {self.text}"
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            data = b""
            # The end of a program is an error on Linux, and nothing elsewhere.
            with contextlib.suppress(OSError):
                data = os.read(self._master, 65536)
            now = time.monotonic()
            if not data:
                assert pattern is None, f"it ended before {pattern} came: {self.text}"
                break
            self.silences.append(now - self._last)
            self._last = now
            self.text += data.decode("utf-8", errors="replace")
        return self.text[begin:]

    def ended(self):
        """Read to the end, and return the exit code."""
        self.read()
        return self._process.wait(20.0)

    @property
    def screen(self):
        """What is left to see at the end."""
        lines = []
        for line in self.text.replace("\r\n", "\n").replace("\x1b[A", "").split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part) :]
            lines.append(shown.rstrip())
        return "\n".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a network and the checkpoints of a training run."""
    path = tmp_path_factory.mktemp("session")
    rd.save_model(rd.examples.load("plrnn-10d"), path / "network.npz")
    first = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    (path / "run").mkdir()
    for epoch, w in enumerate((-1.0, -1.2, -1.7, -1.8)):
        rd.save_model(first.with_parameters({"W[0,0]": w}), path / "run" / f"epoch{epoch}.npz")
    return path


COMMANDS = [
    ("cycles network.npz --max-order 5 -o cycles.npz --plot cycles.png", r"3 cycles of PLRNN"),
    ("cycles network.npz --max-order 3 --method complete --certificate proof.npz", "Proved: "),
    ("verify proof.npz network.npz", "Confirmed"),
    ("lyapunov network.npz --steps 2000", "10 Lyapunov exponents"),
    ("timeline run --max-order 2", "degenerate flip"),
    ("sweep network.npz --x A[0,0]=0:0.2:3 --max-order 2", "branches"),
    ("report network.npz --max-order 3 -o report.html", "Report: report.html"),
    ("cite cycles.npz", "Eisenmann"),
]


@pytest.mark.parametrize(("command", "words"), COMMANDS, ids=[c.split()[0] for c, _ in COMMANDS])
def test_commands_of_the_shell(command, words, folder):
    with Terminal("-m", "rnndyn", *command.split(), folder=folder) as terminal:
        assert terminal.ended() == 0, terminal.text
    assert re.search(words, terminal.screen)
    # The bar, if there was one, took itself away.
    assert "%|" not in terminal.screen


LONG = "cycles network.npz --orders 60 --method search --max-restarts 1000000000"


def test_long_work_shows_that_it_goes_on(folder):
    with Terminal("-m", "rnndyn", *LONG.split(), "--time-limit", "4", folder=folder) as terminal:
        terminal.ended()
    assert re.search(_WORKING, terminal.text)
    # Before the first word Python starts, which takes as long as the machine is busy.
    assert max(terminal.silences[1:]) < _LONGEST_SILENCE
    assert "INCOMPLETE: stopped by the time limit" in terminal.screen
    assert "%|" not in terminal.screen


def test_a_terminal_that_does_not_know_its_width_shows_a_bar(folder):
    command = (*LONG.split(), "--time-limit", "2")
    with Terminal("-m", "rnndyn", *command, folder=folder, width=0) as terminal:
        terminal.ended()
    assert "%|" in terminal.text


def test_ctrl_c_ends_a_command_with_what_was_found(folder):
    with Terminal("-m", "rnndyn", *LONG.split(), folder=folder) as terminal:
        terminal.read(_WORKING)
        pressed = time.monotonic()
        terminal.type("\x03")
        code = terminal.ended()
        assert time.monotonic() - pressed < 5.0
    assert code == 130
    assert "INCOMPLETE: interrupted" in terminal.screen
    assert "Traceback" not in terminal.text
    assert "%|" not in terminal.screen


#: As typed at the prompt, and what the answer must hold.
TYPED = [
    ("import numpy as np, rnndyn as rd", ""),
    ("network = rd.load_model('network.npz')", ""),
    ("network", r"PLRNN\(n_states=10"),
    ("cycles = rd.find_cycles(network, max_order=5)", ""),
    ("cycles", "3 cycles of PLRNN"),
    ("rd.find_cycles(network, 3, method='complete').certificate", "Certificate: proved"),
    ("ax = rd.plot.state_space(cycles); ax.figure.savefig('space.png')", ""),
    ("rd.training_timeline(rd.load_checkpoints('run'), max_order=2)", "degenerate flip"),
    ("rd.report(network, 'typed.html', cycles=cycles, n_steps=1000).name", r"'typed\.html'"),
    ("rd.find_cycles(network, max_oder=3)", "unexpected keyword argument 'max_oder'"),
]


@pytest.fixture(scope="module")
def prompt(folder):
    with Terminal("-q", folder=folder) as terminal:
        terminal.read(_PROMPT)
        yield terminal


def answer(terminal, line):
    terminal.type(line + "\n")
    # First the echo of the line, then the answer, then the prompt.
    return terminal.read(_PROMPT)


def test_a_session_in_python(prompt, folder):
    for line, words in TYPED:
        assert re.search(words, answer(prompt, line)), line
    assert (folder / "space.png").stat().st_size > 5000
    assert (folder / "typed.html").stat().st_size > 100_000


LONG_CALLS = [
    "rd.find_cycles(network, 12, method='complete', time_limit=2.5)",
    "rd.lyapunov_spectrum(network, n_steps=10**9, time_limit=2.5)",
    "rd.scan(network, ('W[0,1]', np.linspace(0, 1, 300)), ('W[1,0]', np.linspace(0, 1, 300)),"
    " time_limit=2.5)",
    "rd.stability_diagram(network, ('W[0,1]', np.linspace(0, 1, 90)),"
    " ('W[1,0]', np.linspace(0, 1, 90)), max_order=4, time_limit=2.5)",
    "rd.basin_boundary(cycles, depth=40, time_limit=2.5)",
]


@pytest.mark.parametrize("call", LONG_CALLS, ids=[c.split("(")[0] for c in LONG_CALLS])
def test_no_long_call_is_silent(call, prompt):
    for line, _ in TYPED[:2]:
        answer(prompt, line)
    answer(prompt, "cycles = rd.find_cycles(network, max_order=1)")
    prompt.silences.clear()
    text = answer(prompt, f"result = {call}")
    assert "%|" in text
    assert max(prompt.silences) < _LONGEST_SILENCE


def test_the_time_left_is_shown(prompt):
    answer(prompt, "import rnndyn as rd; network = rd.load_model('network.npz')")
    text = answer(prompt, "r = rd.lyapunov_spectrum(network, n_steps=3*10**6, time_limit=6.0)")
    assert re.search(r"about \d+ (s|min) left", text)


def test_ctrl_c_leads_back_to_the_prompt_with_what_was_found(prompt):
    answer(prompt, "import rnndyn as rd; network = rd.load_model('network.npz')")
    prompt.type("r = rd.find_cycles(network, orders=[60], method='search', max_restarts=10**9)\n")
    prompt.read(_WORKING)
    prompt.type("\x03")
    prompt.read(_PROMPT, seconds=10.0)
    assert "'interrupt'" in answer(prompt, "r.stopped_by")
