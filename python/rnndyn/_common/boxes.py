"""Boxes of states: a radius, or a lower and an upper bound."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers


def box_ends(
    box: Any, n_states: int, *, hint: str = "", name: str = "box"
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper bounds of a box, shape (M,) each.

    Parameters
    ----------
    box : float or (lower, upper)
        A number R for ``|z_i| <= R``, or two bounds, each a number or an array of shape (M,).
    n_states : int
        Number of states M.
    hint : str
        What to do about numbers that are not finite.
    name : str
        The argument.

    Raises
    ------
    TypeError, ValueError
        If it is no box; the message names it.
    """
    if isinstance(box, tuple | list):
        if len(box) != 2:
            raise ValueError(
                f"{name} must be a number R, or (lower, upper), got {len(box)} entries"
                f"{_by_state(box, n_states)}"
            )
        lower = _bound(f"lower bound of {name}", box[0], n_states, hint)
        upper = _bound(f"upper bound of {name}", box[1], n_states, hint)
    else:
        if by_state := _by_state(box, n_states):
            raise ValueError(f"{name} must be a number R, or (lower, upper){by_state}")
        upper = _bound(f"radius of {name}", box, n_states, hint)
        lower = -upper
        if not (upper > 0.0).all():
            raise ValueError(f"{name}, a radius, must be positive, got {upper.min():g}")
    if not (lower < upper).all():
        state = int(np.argmin(lower < upper))
        raise ValueError(
            f"{name} must have every lower bound below its upper bound, but state "
            f"{state} has [{lower[state]:g}, {upper[state]:g}]"
        )
    return lower, upper


def _by_state(box: Any, n_states: int) -> str:
    """Say what to do with a pair of bounds for each state."""
    with contextlib.suppress(TypeError, ValueError):
        if np.shape(box) == (n_states, 2):
            return ": for a pair of bounds for each state give (pairs[:, 0], pairs[:, 1])"
    return ""


def _bound(name: str, value: Any, n_states: int, hint: str) -> FloatArray:
    name = f"the {name}"
    bound = finite_numbers(name, value, hint=hint)
    if bound.shape not in ((), (n_states,)):
        raise ValueError(f"{name} must be a number or have shape ({n_states},), got {bound.shape}")
    return np.broadcast_to(bound, n_states).copy()
