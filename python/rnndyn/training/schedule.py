"""Learning rates as functions of the number of updates done."""

import math
from collections.abc import Callable
from typing import Any

from rnndyn._common.checks import check_count, check_positive


def exponential_decay(start: float, end: float, n_updates: int) -> Callable[[int], float]:
    """Return a learning rate that falls from `start` to `end` in equal ratios, then stays.

    Parameters
    ----------
    start, end : float
        First and last learning rate.
    n_updates : int
        Number of updates that it takes.

    Returns
    -------
    callable
        The learning rate by the number of updates done.

    Examples
    --------
    >>> from rnndyn.training import exponential_decay
    >>> rate = exponential_decay(1e-2, 1e-4, 100)
    >>> [float(f"{rate(n):.6g}") for n in (0, 50, 100, 1000)]
    [0.01, 0.001, 0.0001, 0.0001]
    """
    start = check_positive("start", start, "the learning rate")
    end = check_positive("end", end, "the learning rate")
    n_updates = check_count("n_updates", n_updates)

    def rate(n: int) -> float:
        return math.exp(math.log(start) + math.log(end / start) * min(n / n_updates, 1.0))

    return rate


def as_schedule(value: Any) -> Callable[[int], float]:
    """Return a function of the number of updates: a number stays the same."""
    if callable(value):
        schedule: Callable[[int], float] = value
        return schedule
    rate = check_positive("learning_rate", value, "the learning rate")
    return lambda n: rate
