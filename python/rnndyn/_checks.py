"""Checks of arguments that several functions share; every message names the argument."""

import math
import operator
import os
from typing import Any

import numpy as np

#: Larger values are typing errors, and would overflow the integers of the compiled core.
_LARGEST_COUNT = 2**63 - 1
_LARGEST_N_THREADS = 4096


def check_integer(name: str, value: Any, minimum: int, maximum: int) -> int:
    """Return an integer within the bounds, both included."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, got {value!r} ({type(value).__name__})"
        ) from None
    if not minimum <= number <= maximum:
        raise ValueError(f"{name} must be between {minimum} and {maximum}, got {number}")
    return number


def check_count(name: str, value: Any) -> int:
    """Return an integer from 1."""
    return check_integer(name, value, 1, _LARGEST_COUNT)


def check_positive(name: str, value: Any, unit: str) -> float:
    """Return a positive, finite number; the unit is a word for the message."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number of {unit}, got {value!r} ({type(value).__name__})"
        ) from None
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"{name} must be a positive, finite number of {unit}, got {value!r}")
    return number


def check_flag(name: str, value: Any) -> bool:
    """Return True or False; a number or a word is no flag."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r} ({type(value).__name__})")
    return bool(value)


def check_threads(n_threads: int | None) -> int:
    """Return the number of threads to use; None means `default_n_threads`."""
    if n_threads is None:
        return default_n_threads()
    return check_integer("n_threads", n_threads, 1, _LARGEST_N_THREADS)


def default_n_threads() -> int:
    """Return ``OMP_NUM_THREADS`` if set, else the number of processors this process may use."""
    # The variable may be a list, one entry per nesting level; the first is ours.
    text = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if text.isdecimal() and int(text) > 0:
        return int(text)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
