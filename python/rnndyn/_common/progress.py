"""Progress of a long computation: an interface of three methods and the meters of the package."""

import sys
import time
from typing import Any, Protocol, TextIO, runtime_checkable

from rnndyn._common.optional import MissingPackageError, import_optional

#: What is done sooner than this shows no bar.
_DELAY_SECONDS = 0.3


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


class TqdmProgress:
    """A bar by tqdm, which leaves nothing behind when the work is over."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._tqdm = import_optional("tqdm", "a progress bar").tqdm
        self._stream = stream
        self._bar: Any = None
        self._start = 0.0

    def init(self, title: str) -> None:
        """Begin; the bar appears when it takes longer than a moment."""
        self._start = time.perf_counter()
        self._bar = self._tqdm(
            total=1.0,
            desc=title,
            file=self._stream or sys.stderr,
            leave=False,
            delay=_DELAY_SECONDS,
            # Redraw though the share stands still: the numbers behind the bar go on.
            miniters=0,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
        )

    def step(self, progress: Progress) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(progress.text(time.perf_counter() - self._start), refresh=False)
        # The share of the work is an estimate and may fall; a bar that goes back would confuse.
        self._bar.update(max(0.0, progress.fraction - self._bar.n))

    def close(self) -> None:
        """Remove the bar."""
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

    def init(self, title: str) -> None:
        """Begin; the first line appears when it takes longer than a moment."""
        self._title = title
        self._start = self._last = time.perf_counter()

    def step(self, progress: Progress) -> None:
        """Write the state, unless the last line is too recent."""
        now = time.perf_counter()
        pause = 0.0 if self._rewrite else self._SECONDS_BETWEEN_LINES
        if now - self._start < _DELAY_SECONDS or now - self._last < pause:
            return
        self._last = now
        text = f"{self._title} {progress.fraction:4.0%}  {progress.text(now - self._start)}"
        if self._rewrite:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Remove the line that was rewritten."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()


def make_progress_meter(progress: "bool | ProgressMeter | None") -> ProgressMeter:
    """Turn the ``progress`` option of a function into a meter.

    ``None`` shows a bar only where standard error is a terminal, so that nothing of it lands in
    files and pipes.
    """
    if progress is None:
        progress = sys.stderr is not None and sys.stderr.isatty()
    if progress is False:
        return NoProgress()
    if progress is True:
        try:
            return TqdmProgress()
        except MissingPackageError:
            return TextProgress()
    if isinstance(progress, ProgressMeter):
        return progress
    raise TypeError(
        "progress must be None, True, False or an object with the methods init, step and close, "
        f"got {type(progress).__name__}"
    )
