"""Checks of arguments that several functions share; every message names the argument."""

from __future__ import annotations

import math
import operator
import os
from pathlib import Path
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray, plain_array

#: Larger values are typing errors, and would overflow the integers of the compiled core.
_LARGEST_COUNT = 2**63 - 1
#: The largest order of a cycle that may be asked for.
LARGEST_ORDER = 1_000_000
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
        # A text or a flag is a number to Python, and a mistake here.
        if isinstance(value, str | bytes | bool | np.bool_):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number of {unit}, got {value!r} ({type(value).__name__})"
        ) from None
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"{name} must be a positive, finite number of {unit}, got {value!r}")
    return number


def check_path(name: str, value: Any) -> Path:
    """Return a path; a number, which could be an open file to Python, is none."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            f"{name} must be the name of a file, such as 'network.npz', got {value!r:.60} "
            f"({type(value).__name__})"
        )
    return Path(os.fsdecode(value))


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


def check_orders(max_order: Any, orders: Any) -> list[int]:
    """Return the orders that are asked for by one of the two arguments, ascending."""
    if (max_order is None) == (orders is None):
        given = "neither" if max_order is None else "both"
        raise ValueError(
            "give either max_order=K, to search the orders 1 to K, or orders=[...], to search "
            f"just these; got {given}"
        )
    if orders is None:
        return list(range(1, _check_order("max_order", max_order) + 1))
    try:
        entries = list(orders)
    except TypeError:
        raise TypeError(
            f"orders must be a list of integers such as [{orders!r}], "
            f"got {type(orders).__name__}; for all orders up to K give max_order=K"
        ) from None
    if not entries:
        raise ValueError("orders must name at least one order, got an empty list")
    return sorted({_check_order("orders", entry) for entry in entries})


def _check_order(name: str, value: Any) -> int:
    return check_integer(name, value, 1, LARGEST_ORDER)


def check_itinerary(itinerary: Any, n_units: int) -> BoolArray:
    """Return an itinerary as bits, shape (k, n_units); one region alone is a fixed point's."""
    expected = f"shape (k, {n_units}) or ({n_units},)"
    itinerary = plain_array("itinerary", itinerary)
    try:
        bits = np.asarray(itinerary)
    except ValueError:
        raise ValueError(f"itinerary must have {expected}, got rows of different length") from None
    if bits.dtype != np.bool_:
        # Numbers are welcome where they are bits; strings and anything else are not.
        if bits.dtype.kind not in "iuf":
            raise TypeError(f"itinerary must hold bits (True or False), got {bits.dtype} entries")
        if not np.all((bits == 0) | (bits == 1)):
            raise ValueError("itinerary must hold bits, so only 0 and 1 (or True and False)")
    if bits.ndim == 1:
        bits = bits[np.newaxis, :]
    if bits.ndim != 2 or bits.shape[0] == 0 or bits.shape[1] != n_units:
        raise ValueError(f"itinerary must have {expected}, got {np.shape(itinerary)}")
    return np.ascontiguousarray(bits, dtype=np.bool_)
