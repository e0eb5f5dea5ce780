"""Ctrl-C by the real signal: at once, at a step of a progress meter, or after some seconds."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


def press(*_: Any, **__: Any) -> None:
    """Press Ctrl-C; takes any arguments, so that it can stand for any function."""
    signal.raise_signal(signal.SIGINT)


class CtrlC:
    """A progress meter that presses Ctrl-C at the states for which `when` says so.

    It keeps the states and, in `titles`, what was begun; `n_closed` counts what ended.
    """

    def __init__(self, when: Callable[[Any], bool] = lambda state: True) -> None:
        self._when = when
        self.states: list[Any] = []
        self.titles: list[str] = []
        self.n_closed = 0

    def init(self, title: str) -> None:
        self.titles.append(title)

    def step(self, progress: Any) -> None:
        self.states.append(progress)
        assert 0.0 <= progress.fraction <= 1.0
        assert progress.text(1.0)
        if self._when(progress):
            press()

    def close(self) -> None:
        self.n_closed += 1


def at_step(n: int) -> CtrlC:
    """Return a meter that presses Ctrl-C at its n-th state, from 1."""
    meter = CtrlC(lambda state: len(meter.states) == n)
    return meter


@contextlib.contextmanager
def pressed_after(seconds: float) -> Iterator[None]:
    """Press Ctrl-C from another thread after some seconds."""
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
