"""Threads of this process that run chunks, and how they are told to stop."""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_cancelled: ContextVar[threading.Event | None] = ContextVar("_cancelled", default=None)


def raise_if_cancelled(*_: object) -> None:
    """Raise KeyboardInterrupt in a chunk whose result is no longer needed.

    Give it as the observer to the compiled core, or call it now and then. Ctrl-C reaches the main
    thread only, and other threads would work on.
    """
    event = _cancelled.get()
    if event is not None and event.is_set():
        raise KeyboardInterrupt


def call(event: threading.Event, function: Callable[[Any], Any], chunk: Any) -> Any:
    """Call the function in this thread, to be cancelled by the event."""
    _cancelled.set(event)
    return function(chunk)
