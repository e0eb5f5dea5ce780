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
#: Part of the size of points below which a component of them cannot be seen.
_SEEN = 1e-6


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


def as_they_are(n: int, name: str) -> View:
    """Return the coordinates themselves."""
    return View(np.zeros(n), np.eye(n), tuple(f"{name} {index}" for index in range(n)))


def principal_view(
    groups: Sequence[tuple[str, Sequence[FloatArray]]], n: int, n_components: int = 3
) -> View:
    """Return principal components of the first group of points; the others fill what is left.

    Attractors may be a few points, whose components are fewer than the picture has axes: what of
    the next group is beyond them then gives the rest. Labels say of what a component is one.
    """
    center = None
    directions = np.zeros((0, n))
    labels: list[str] = []
    for name, members in groups:
        points = np.concatenate([np.empty((0, n)), *members])
        if len(points) == 0:
            continue
        if center is None:
            center = points.mean(axis=0)
        rest = points - center
        size = float(np.linalg.norm(rest))
        rest = rest - rest @ directions.T @ directions
        _, sizes, rows = np.linalg.svd(rest, full_matrices=False)
        seen = sizes > _SEEN * size
        wanted = int(min(seen.sum(), n_components - len(labels)))
        for share in sizes[:wanted] ** 2 / (size**2 or 1.0):
            of = f"{share:.0%}" if name == groups[0][0] else name
            labels.append(f"component {len(labels) + 1} ({of})")
        directions = np.vstack([directions, rows[:wanted]])
    # Any directions more, so that there are as many whatever the points.
    orthonormal, _ = np.linalg.qr(np.hstack([directions.T, np.eye(n)]))
    directions = np.vstack([directions, orthonormal.T[len(labels) : n_components]])
    labels += [f"component {number + 1}" for number in range(len(labels), n_components)]
    return View(np.zeros(n) if center is None else center, directions.T, tuple(labels))


def settled_parts(orbits: Sequence[FloatArray], driven: bool) -> list[FloatArray]:
    """Return the second halves of the orbits that stay around the cycles."""
    return [orbit[len(orbit) // 2 :] for orbit in orbits if driven or len(orbit) > N_STEPS]


def frame_of(cycles: CycleSet) -> tuple[FloatArray, FloatArray]:
    """Return the corners of a box with room around the cycles."""
    frame = Frame.around(points_of_interest(cycles))
    return frame.lower, frame.upper


def orbits_of(
    model: Any, cycles: CycleSet | None, inputs: FloatArray | None, count: int, seed: int
) -> tuple[FloatArray, ...]:
    """Return up to `count` orbits to draw.

    With input sequences they start at 0 and follow the first sequences. Else they start around the
    cycles, and those that run away are cut off where they leave their surroundings, or, without
    cycles, from standard normal states under the constant input; what overflows is left out.
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
