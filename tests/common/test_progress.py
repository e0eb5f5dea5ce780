"""Progress meters: what they show, and that they leave nothing behind."""

import io
import signal
import threading
import time

import pytest

import rnndyn as rd
from rnndyn._common.interrupts import HeldInterrupt
from rnndyn._common.progress import (
    NoProgress,
    Progress,
    ProgressMeter,
    TextProgress,
    TqdmProgress,
    _TimeLeft,
    make_progress_meter,
    time_left,
)
from rnndyn.cycles import SearchProgress
from rnndyn.lyapunov import LyapunovProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def state(fraction, n_cycles=3):
    return SearchProgress(
        order=7, n_cycles=n_cycles, n_restarts=1200, n_solves=50_000, fraction=fraction
    )


def test_a_state_in_words():
    assert state(0.5).text(0.5) == "order 7, 3 cycles, 1,200 restarts, 100,000 solves/s"
    assert state(0.5, n_cycles=1).text(0.0) == "order 7, 1 cycle, 1,200 restarts, 0 solves/s"


def test_a_state_of_a_lyapunov_run_in_words():
    state = LyapunovProgress(n_steps=2_500, n_steps_total=10_000, largest=0.419217)
    assert state.fraction == 0.25
    assert state.text(0.5) == "2,500 of 10,000 steps, 5,000 steps/s, largest 0.4192"
    assert state._replace(largest=0.0).text(0.0) == "2,500 of 10,000 steps, 0 steps/s"
    assert isinstance(state, Progress)


def test_none_is_for_terminals_only(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(make_progress_meter(None), NoProgress)
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(make_progress_meter(None), TqdmProgress)
    # pythonw and some services have no standard error at all.
    monkeypatch.setattr("sys.stderr", None)
    assert isinstance(make_progress_meter(None), NoProgress)


def test_true_false_and_own_objects():
    assert isinstance(make_progress_meter(True), TqdmProgress)
    assert isinstance(make_progress_meter(False), NoProgress)
    own = NoProgress()
    assert make_progress_meter(own) is own
    assert isinstance(own, ProgressMeter)


@pytest.mark.parametrize("wrong", [1, "yes", print, object()])
def test_anything_else_is_refused(wrong):
    with pytest.raises(TypeError, match="progress must be None, True, False or an object with"):
        make_progress_meter(wrong)


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_a_short_search_shows_nothing(kind):
    stream = Terminal()
    meter = kind(stream)
    meter.init("find_cycles")
    meter.step(state(0.5))
    meter.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_a_long_search_shows_a_line_and_removes_it(kind):
    stream = Terminal()
    meter = kind(stream)
    meter.init("find_cycles")
    for step in range(5):
        time.sleep(0.12)
        meter.step(state(step / 10))
    meter.close()
    text = stream.getvalue()
    assert "find_cycles" in text
    assert "order 7, 3 cycles" in text
    assert "\n" not in text
    # The line is wiped: after the last carriage return nothing is visible.
    assert text.rsplit("\r", 1)[1].strip() == ""


def test_a_bar_never_goes_back():
    meter = TqdmProgress(Terminal())
    meter.init("find_cycles")
    meter.step(state(0.6))
    meter.step(state(0.4))
    assert meter._bar.n == 0.6
    meter.close()


def test_text_in_a_file_is_a_new_line_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    stream = io.StringIO()
    meter = TextProgress(stream)
    meter.init("find_cycles")
    for second in range(1, 13):
        now[0] = float(second)
        meter.step(state(second / 12))
    meter.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("find_cycles  42%  about 7 s left, order 7, 3 cycles")
    assert "\r" not in stream.getvalue()


class PressedWhileItWrites(Terminal):
    """A terminal at which Ctrl-C comes in the middle of a text, every time it is armed."""

    armed = False
    n_whole = 0

    def write(self, text):
        armed, self.armed = self.armed, False
        if armed:
            signal.raise_signal(signal.SIGINT)
            self.n_whole += 1
        return super().write(text)


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_ctrl_c_comes_after_what_is_drawn(kind, monkeypatch):
    """Broken off there, tqdm may keep a lock for ever that closing the bar waits for."""
    monkeypatch.setattr("rnndyn._common.progress._DELAY_SECONDS", 0.0)
    stream = PressedWhileItWrites()
    meter = kind(stream)
    meter.init("find_cycles")
    for method, arguments in ((meter.step, [state(0.5)]), (meter.close, [])):
        time.sleep(0.15)
        stream.armed = True
        with pytest.raises(KeyboardInterrupt):
            method(*arguments)
    assert stream.n_whole == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not any(thread.name == "rnndyn progress" for thread in threading.enumerate())


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_ctrl_c_at_the_start_of_a_bar_leaves_nothing_behind(kind, monkeypatch):
    begin = kind._begin

    def pressed(meter, title):
        signal.raise_signal(signal.SIGINT)
        begin(meter, title)

    monkeypatch.setattr(kind, "_begin", pressed)
    meter = kind(Terminal())
    with pytest.raises(KeyboardInterrupt):
        meter.init("find_cycles")
    assert not any(thread.name == "rnndyn progress" for thread in threading.enumerate())


def test_ctrl_c_while_a_bar_is_drawn_ends_a_search_with_what_was_found(lozi, monkeypatch):
    class Armed(TqdmProgress):
        def step(self, progress):
            stream.armed = True
            super().step(progress)

    monkeypatch.setattr("rnndyn._common.progress._DELAY_SECONDS", 0.0)
    stream = PressedWhileItWrites()
    found = rd.find_cycles(
        lozi, orders=[60], method="search", max_restarts=10**9, progress=Armed(stream)
    )
    assert stream.n_whole == 1
    assert found.search.stopped_by == "interrupt"


def test_bars_leave_the_handlers_of_others_alone():
    heard = []
    own = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with HeldInterrupt():
            signal.raise_signal(signal.SIGINT)
            assert not heard
        assert heard == [1]
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with HeldInterrupt():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, own)


def test_a_bar_of_another_thread_needs_no_signals():
    def work():
        meter = TqdmProgress(Terminal())
        meter.init("find_cycles")
        meter.step(state(0.5))
        meter.close()
        done.append(1)

    done = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_closing_twice_or_before_the_start_is_harmless():
    for meter in (TqdmProgress(Terminal()), TextProgress(Terminal()), NoProgress()):
        meter.close()
        meter.init("find_cycles")
        meter.close()
        meter.close()


def test_the_time_left_is_told_when_it_is_known():
    assert time_left(0.0, 100.0) == ""
    assert time_left(0.5, 0.5) == ""
    assert time_left(1.0, 100.0) == ""
    assert time_left(0.5, 30.0) == "about 30 s left"
    assert time_left(0.99, 10.0) == "about 1 s left"
    assert time_left(0.25, 100.0) == "about 5 min left"
    assert time_left(0.02, 3600.0) == "about 2 days left"


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_the_time_left_stands_before_the_state(kind, monkeypatch):
    monkeypatch.setattr("rnndyn._common.progress._LEAST_SECONDS", 0.1)
    stream = Terminal()
    meter = kind(stream)
    meter.init("find_cycles")
    time.sleep(0.4)
    meter.step(state(0.5))
    meter.close()
    assert "about 1 s left, order 7, 3 cycles" in stream.getvalue()


@pytest.mark.parametrize("kind", [TqdmProgress, TextProgress])
def test_silent_work_shows_a_sign_of_life_within_two_seconds(kind):
    stream = Terminal()
    meter = kind(stream)
    meter.init("a long thought")
    time.sleep(1.6)
    meter.close()
    text = stream.getvalue()
    assert "a long thought" in text
    assert text.rsplit("\r", 1)[1].strip() == ""
    assert not [t for t in threading.enumerate() if t.name == "rnndyn progress"]


def test_the_time_left_is_not_known_where_the_share_stands_still():
    left = _TimeLeft()
    assert left.text(0.5, 10.0) == "about 10 s left"
    assert left.text(0.5, 12.0) == "about 12 s left"
    assert left.text(0.5, 13.0) == ""
    assert left.text(0.6, 15.0) == "about 10 s left"


def test_a_complete_search_shows_one_share():
    tree = state(0.5)._replace(n_nodes=1500, n_open=3, share=0.4)
    assert tree.text(1.0) == "order 7, 3 cycles, 1,500 nodes, 3 open"
