"""Progress of a long computation: an interface of three methods and the meters of the package."""

import importlib.util
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO, runtime_checkable

from rnndyn._common.interrupts import HeldInterrupt, whole
from rnndyn._common.optional import MissingPackageError, import_optional

#: What is done sooner than this shows no bar.
_DELAY_SECONDS = 0.3
#: After so long without a state, and then again and again, the time alone is shown.
_PULSE_SECONDS = 1.0
#: Before a time left is worth a number: share of the work, and seconds.
_LEAST_SHARE, _LEAST_SECONDS = 0.02, 1.0
#: Part of the time so far for which the share may stand still before the time left is not known.
_STANDSTILL = 0.2


@runtime_checkable
class Progress(Protocol):
    """State of a running computation, as every progress meter can show it."""

    @property
    def fraction(self) -> float:
        """Rough share of the work that is done, 0 to 1."""

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""


@runtime_checkable
class ProgressMeter(Protocol):
    """What a long computation, such as `rnndyn.find_cycles`, calls to show its progress.

    Give an object with these three methods as ``progress=`` to show it your own way. The methods
    are called from the thread that called the computation, at most about fifty times a second.
    """

    def init(self, title: str) -> None:
        """Begin: the computation described by the title starts."""

    def step(self, progress: Progress) -> None:
        """Show a new state: a `rnndyn.cycles.SearchProgress` or the like."""

    def close(self) -> None:
        """End, also after an error or an interrupt."""


class NoProgress:
    """Show nothing."""

    def init(self, title: str) -> None:
        """Do nothing."""

    def step(self, progress: Progress) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def time_left(fraction: float, seconds: float) -> str:
    """Say how long the rest takes if it goes on like this; nothing where that is not known yet."""
    if fraction < _LEAST_SHARE or fraction >= 1.0 or seconds < _LEAST_SECONDS:
        return ""
    left = seconds * (1.0 - fraction) / fraction
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if left >= 2.0 * size:
            return f"about {left / size:.0f} {unit} left"
    return f"about {max(left, 1.0):.0f} s left"


def _has_size(stream: TextIO) -> bool:
    """Tell whether a terminal knows its width; in one of width 0 no bar would ever show."""
    try:
        return os.get_terminal_size(stream.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):
        # No terminal: tqdm does what is right there.
        return True


class _TimeLeft:
    """Says how long the rest takes, while the share of the work goes on.

    A share that stands still says nothing of the rest.
    """

    def __init__(self) -> None:
        self._share = self._moved = 0.0

    def text(self, share: float, seconds: float) -> str:
        if share > self._share:
            self._share, self._moved = share, seconds
        if seconds - self._moved > max(_LEAST_SECONDS, _STANDSTILL * seconds):
            return ""
        return time_left(share, seconds)


class _Pulse:
    """A thread that calls a function every second, so that silent work shows that it goes on."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rnndyn progress", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_PULSE_SECONDS):
            self._beat()

    def stop(self) -> None:
        """End it, and wait until it draws no more."""
        self._stop.set()
        self._thread.join()


def _begin(meter: "TqdmProgress | TextProgress", title: str) -> None:
    """Begin, or leave nothing behind where Ctrl-C comes meanwhile: nobody would close it."""
    try:
        with HeldInterrupt():
            meter._begin(title)
    except BaseException:
        meter.close()
        raise


class TqdmProgress:
    """A bar by tqdm, which leaves nothing behind when the work is over.

    Parameters
    ----------
    stream : file, optional
        Where to. Default: standard error.
    notebook : bool
        Whether to show it as a widget of a notebook.
    """

    def __init__(self, stream: TextIO | None = None, *, notebook: bool = False) -> None:
        self._tqdm = import_optional("tqdm", "a progress bar").tqdm
        if notebook:
            self._tqdm = import_optional("tqdm.notebook", "a progress bar").tqdm
        self._stream = stream
        self._bar: Any = None
        self._start = 0.0
        self._lock = threading.Lock()
        self._pulse: _Pulse | None = None
        self._drawn = 0.0
        self._left = _TimeLeft()

    def init(self, title: str) -> None:
        """Begin; the bar appears when it takes longer than a moment."""
        _begin(self, title)

    def _begin(self, title: str) -> None:
        self._left = _TimeLeft()
        self._start = time.perf_counter()
        stream = self._stream or sys.stderr
        sized = _has_size(stream)
        self._bar = self._tqdm(
            total=1.0,
            desc=title,
            file=stream,
            leave=False,
            delay=_DELAY_SECONDS,
            # Redraw though the share stands still: the numbers behind the bar go on.
            miniters=0,
            dynamic_ncols=sized,
            ncols=None if sized else shutil.get_terminal_size().columns - 1,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
        )
        self._drawn = self._start
        self._pulse = _Pulse(self._beat)

    @whole
    def step(self, progress: Progress) -> None:
        """Move the bar."""
        seconds = time.perf_counter() - self._start
        with self._lock:
            # The share of the work is an estimate and may fall; a bar that goes back would confuse.
            share = max(progress.fraction, self._bar.n)
            left = self._left.text(share, seconds)
            text = progress.text(seconds)
            self._bar.set_postfix_str(f"{left}, {text}" if left else text, refresh=False)
            self._bar.update(share - self._bar.n)
            self._drawn = time.perf_counter()

    def _beat(self) -> None:
        """Draw the bar again where no state has come for a while: its clock goes on."""
        with self._lock:
            if time.perf_counter() - self._drawn >= 0.9 * _PULSE_SECONDS:
                self._bar.refresh()

    @whole
    def close(self) -> None:
        """Remove the bar."""
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        if self._bar is not None:
            # A bar notes that it was shown only after it was, so that one that Ctrl-C ends just
            # then takes itself for one that never was, and stays.
            if time.perf_counter() - self._start >= _DELAY_SECONDS:
                self._bar.delay = 0.0
            self._bar.close()


class TextProgress:
    """Plain text: one line rewritten in a terminal, else a new line every few seconds."""

    _SECONDS_BETWEEN_LINES = 5.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._rewrite = self._stream.isatty()
        self._title = ""
        self._start = self._last = 0.0
        self._width = 0
        self._text = ""
        self._lock = threading.Lock()
        self._pulse: _Pulse | None = None
        self._left = _TimeLeft()

    def init(self, title: str) -> None:
        """Begin; the first line appears when it takes longer than a moment."""
        _begin(self, title)

    def _begin(self, title: str) -> None:
        self._title = title
        self._text = ""
        self._left = _TimeLeft()
        self._start = self._last = time.perf_counter()
        if self._rewrite:
            self._pulse = _Pulse(self._beat)

    @whole
    def step(self, progress: Progress) -> None:
        """Write the state, unless the last line is too recent."""
        now = time.perf_counter()
        pause = 0.0 if self._rewrite else self._SECONDS_BETWEEN_LINES
        if now - self._start < _DELAY_SECONDS or now - self._last < pause:
            return
        seconds = now - self._start
        left = self._left.text(progress.fraction, seconds)
        text = progress.text(seconds)
        with self._lock:
            self._last = now
            self._text = f" {progress.fraction:4.0%}  {f'{left}, {text}' if left else text}"
            self._write(f"{self._title}{self._text}")

    def _beat(self) -> None:
        """Write the line again where no state has come for a while, with the time."""
        with self._lock:
            now = time.perf_counter()
            if now - self._last >= 0.9 * _PULSE_SECONDS:
                self._write(f"{self._title}{self._text}, {now - self._start:.0f} s")

    def _write(self, text: str) -> None:
        if self._rewrite:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    @whole
    def close(self) -> None:
        """Remove the line that was rewritten."""
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


def in_notebook() -> bool:
    """Tell whether this runs in a kernel of Jupyter, without importing anything for it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def make_progress_meter(progress: "bool | ProgressMeter | None") -> ProgressMeter:
    """Turn the ``progress`` option of a function into a meter.

    ``None`` shows a bar only in notebooks and where standard error is a terminal, so that nothing
    of it lands in files and pipes. In a notebook it is a widget, if ipywidgets is installed.
    """
    notebook = in_notebook()
    if progress is None:
        progress = notebook or (sys.stderr is not None and sys.stderr.isatty())
    if progress is False:
        return NoProgress()
    if progress is True:
        widgets = notebook and importlib.util.find_spec("ipywidgets") is not None
        try:
            return TqdmProgress(notebook=widgets)
        except MissingPackageError:
            return TextProgress()
    if isinstance(progress, ProgressMeter):
        return progress
    raise TypeError(
        "progress must be None, True, False or an object with the methods init, step and close, "
        f"got {type(progress).__name__}"
    )
