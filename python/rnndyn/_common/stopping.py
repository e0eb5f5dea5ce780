"""Why a computation ended, and the clock that may end it."""

import time
from typing import Literal

StopReason = Literal["finished", "time_limit", "interrupt"]

#: How each reads in a sentence: "stopped by the time limit after 12 points".
STOP_TEXTS: dict[StopReason, str] = {
    "finished": "finished",
    "time_limit": "stopped by the time limit",
    "interrupt": "interrupted",
}


class Deadline:
    """The moment at which a time limit is reached; None for no limit.

    It is a moment on the clock of this process and means nothing in another one.
    """

    def __init__(self, time_limit: float | None) -> None:
        self._end = None if time_limit is None else time.monotonic() + time_limit

    def __call__(self) -> bool:
        """Tell whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end

    def seconds_left(self, at_least: float = 1e-3) -> float | None:
        """Return what is left, as the compiled core takes it; most of its functions refuse 0."""
        return None if self._end is None else max(self._end - time.monotonic(), at_least)


#: Of a computation without a time limit.
NEVER = Deadline(None)
