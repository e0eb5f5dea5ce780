"""Orbits and coordinates of state space."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.cycles.result import CycleSet
from rnndyn.models import _stepping
from rnndyn.plot._orbits import Frame, orbits_in, points_of_interest

#: Steps of an orbit that are drawn.
N_STEPS = 400
#: Driven orbits begin where their sequences begin, and are drawn for this many steps.
_N_DRIVEN_STEPS = 2000


class View(NamedTuple):
    """Up to three coordinates of states.

    Attributes
    ----------
    center : ndarray of float64, shape (N,)
        State with the coordinates 0.
    directions : ndarray of float64, shape (N, d)
        Orthonormal columns.
    labels : tuple of str
        Their names.
    """

    center: FloatArray
    directions: FloatArray
    labels: tuple[str, ...]

    def project(self, states: FloatArray) -> FloatArray:
        """Return the coordinates (..., d) of states (..., N)."""
        return np.asarray((states - self.center) @ self.directions)


def view_of(points: FloatArray, n_states: int) -> View:
    """Return the states themselves, if there are up to three, else the principal components."""
    if n_states <= 3:
        labels = tuple(f"state {index}" for index in range(n_states))
        return View(np.zeros(n_states), np.eye(n_states), labels)
    if len(points) == 0:
        points = np.zeros((1, n_states))
    center = points.mean(axis=0)
    # Three empty rows more, so that there are three components whatever the points.
    padded = np.vstack([points - center, np.zeros((3, n_states))])
    _, sizes, rows = np.linalg.svd(padded, full_matrices=False)
    shares = sizes[:3] ** 2 / (float((sizes**2).sum()) or 1.0)
    labels = tuple(
        f"component {number} ({share:.0%})" for number, share in enumerate(shares, start=1)
    )
    return View(center, rows[:3].T, labels)


def all_points(cycles: CycleSet | None, orbits: Sequence[FloatArray], n_states: int) -> FloatArray:
    """Return the points of cycles, continua and orbits, one in each row."""
    known = [] if cycles is None else [points_of_interest(cycles)]
    return np.concatenate([np.empty((0, n_states)), *known, *orbits])


def frame_of(cycles: CycleSet) -> tuple[FloatArray, FloatArray]:
    """Return the corners of a box with room around the cycles."""
    frame = Frame.around(points_of_interest(cycles))
    return frame.lower, frame.upper


def orbits_of(
    model: Any, cycles: CycleSet | None, inputs: FloatArray | None, count: int, seed: int
) -> tuple[FloatArray, ...]:
    """Return up to `count` orbits to draw.

    With input sequences they start at 0 and follow the first sequences. Else they start around the
    cycles and are cut off where they leave their surroundings, or, without cycles, from standard
    normal states under the constant input; what overflows is left out.
    """
    if inputs is not None and inputs.ndim > 1:
        sequences = inputs if inputs.ndim == 3 else inputs[np.newaxis]
        sequences = sequences[:count, :_N_DRIVEN_STEPS]
        starts = np.zeros((len(sequences), model.n_states))
        return _finite_orbits(model, starts, list(sequences))
    if cycles is not None:
        frame = Frame.around(points_of_interest(cycles))
        return tuple(orbits_in(cycles.free_model, frame, count, N_STEPS, seed))
    starts = np.random.default_rng(seed).standard_normal((count, model.n_states))
    drive = (model._default_input if inputs is None else inputs)[np.newaxis]
    return _finite_orbits(model, starts, [drive] * count)


def _finite_orbits(
    model: Any, starts: FloatArray, drives: Sequence[FloatArray]
) -> tuple[FloatArray, ...]:
    system = model._system()
    orbits = []
    for start, drive in zip(starts, drives, strict=True):
        n_steps = N_STEPS if len(drive) == 1 else len(drive)
        try:
            # What overflows is left out; a map written in NumPy would warn of it as well.
            with np.errstate(over="ignore", invalid="ignore"):
                orbits.append(_stepping.orbit(system, start, drive, n_steps))
        except OverflowError:
            continue
    return tuple(orbits)
