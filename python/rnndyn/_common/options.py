"""The options of every long computation: the same names, in the same order, with one meaning.

``n_threads, time_limit, progress, seed`` come last, by keyword, followed by ``executor, store``
where a computation can be spread over processes and stored.
"""

from typing import Any, NamedTuple

from rnndyn._common.checks import check_integer, check_positive, check_threads
from rnndyn._common.progress import ProgressMeter, make_progress_meter
from rnndyn._common.stopping import Deadline

#: Their names, in their order.
NAMES = ("n_threads", "time_limit", "progress", "seed", "executor", "store")


class Options(NamedTuple):
    """Options that were checked.

    Attributes
    ----------
    n_threads : int
    time_limit : float or None
        Seconds.
    deadline : Deadline
        When these seconds are over; they begin when the options are checked.
    meter : ProgressMeter
    seed : int
        From 0 to 2**64 - 1.
    """

    n_threads: int
    time_limit: float | None
    deadline: Deadline
    meter: ProgressMeter
    seed: int


def check_options(
    n_threads: int | None, time_limit: Any, progress: bool | ProgressMeter | None, seed: Any
) -> Options:
    """Check the options of a long computation; every message names the option."""
    seconds = None if time_limit is None else check_positive("time_limit", time_limit, "seconds")
    return Options(
        n_threads=check_threads(n_threads),
        time_limit=seconds,
        deadline=Deadline(seconds),
        meter=make_progress_meter(progress),
        seed=check_integer("seed", seed, 0, 2**64 - 1),
    )
