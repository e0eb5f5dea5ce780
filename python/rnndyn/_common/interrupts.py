"""Ctrl-C is heard after what must not be broken off in the middle."""

from __future__ import annotations

import functools
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Concatenate, ParamSpec, TypeVar

_Self = TypeVar("_Self")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class HeldInterrupt:
    """While it is entered, Ctrl-C is noted only; the handler it was meant for hears of it after.

    Python raises KeyboardInterrupt between any two of its instructions, also between the one that
    takes a lock written in Python, such as that of tqdm, and the one from which on it is given
    back: then whoever asks for the lock next waits for ever. Only the main thread hears of signals,
    so that in others this does nothing, nor where the signal is ignored or ends the program.
    """

    def __init__(self) -> None:
        self._handler: Any = None
        self._frame: FrameType | None = None
        self._came = False

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            self._handler = handler
            signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        self._frame = frame

    def __exit__(self, *_: object) -> None:
        if self._handler is None:
            return
        # Before it changes the handler Python calls the present one, if the signal has come.
        signal.signal(signal.SIGINT, self._handler)
        if self._came:
            self._handler(signal.SIGINT, self._frame)


def whole(
    method: Callable[Concatenate[_Self, _Arguments], _Result],
) -> Callable[Concatenate[_Self, _Arguments], _Result]:
    """Make a method one that Ctrl-C does not break off: it is raised at its end."""

    @functools.wraps(method)
    def called(self: _Self, /, *args: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
        with HeldInterrupt():
            return method(self, *args, **options)

    return called
