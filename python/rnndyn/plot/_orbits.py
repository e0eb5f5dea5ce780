"""The orbits behind cycles, and what part of state space they are shown in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers
from rnndyn._common.checks import check_integer
from rnndyn._common.planes import window_around
from rnndyn.cycles._origin import ModelWithCycles
from rnndyn.cycles.result import CycleSet

#: An orbit runs away if it is larger than the frame by this factor, or if the second half of it is
#: larger than the first by this one.
_FAR, _GROWTH = 1e3, 1.2
_MOST_ORBITS = 1_000_000


class Frame(NamedTuple):
    """A box around points."""

    lower: FloatArray
    upper: FloatArray

    @classmethod
    def around(cls, points: FloatArray) -> Frame:
        """Return a box with some room around the points, and none of its sides empty."""
        return cls(*window_around(points))

    def holds(self, states: FloatArray) -> BoolArray:
        width = self.upper - self.lower
        above = states >= self.lower - 0.5 * width
        below = states <= self.upper + 0.5 * width
        return np.asarray(np.all(above & below, axis=1), dtype=np.bool_)


def points_of_interest(cycles: CycleSet) -> FloatArray:
    """Return all points of the cycles, and some of the continua."""
    n_states = cycles.model.n_states
    members = [block.points.reshape(-1, n_states) for block in cycles.blocks]
    members += [continuum.sample(50) for continuum in cycles.continua]
    return np.concatenate([np.empty((0, n_states)), *members])


def orbits_in(
    model: ModelWithCycles,
    frame: Frame,
    orbits: int | ArrayLike,
    n_steps: int,
    seed: int,
) -> list[FloatArray]:
    """Return orbits, from random or given states; those that run away, up to the frame.

    Others may leave it: the attractor may be a cycle of higher order than was searched, far from
    those that are known.
    """
    if np.ndim(orbits) == 0:
        count = check_integer("orbits", orbits, 0, _MOST_ORBITS)
        draws = np.random.default_rng(seed).random((count, model.n_states))
        starts = frame.lower + draws * (frame.upper - frame.lower)
    else:
        starts = finite_numbers("orbits", orbits)
        if starts.ndim == 0 or starts.shape[-1] != model.n_states:
            raise ValueError(
                "orbits must be a number of orbits or an array of first states of shape "
                f"(..., M) with M = {model.n_states}, got shape {starts.shape}"
            )
        starts = starts.reshape(-1, model.n_states)
    return [_followed(model, start, frame, n_steps) for start in starts]


def _followed(model: ModelWithCycles, start: FloatArray, frame: Frame, n_steps: int) -> FloatArray:
    far = _FAR * float(np.abs([frame.lower, frame.upper]).max())
    pieces, length = [start[np.newaxis]], 1
    while length <= n_steps and np.abs(pieces[-1][-1]).max() <= far:
        # In short pieces, because an orbit that runs away soon leaves the range of numbers.
        pieces.append(model.orbit(pieces[-1][-1], 8)[1:])
        length += 8
    path = np.concatenate(pieces)
    first, second = np.array_split(np.abs(path).max(axis=1), 2)
    if length > n_steps and second.max(initial=0.0) <= _GROWTH * max(first.max(), 1e-300):
        return path
    outside = np.flatnonzero(~frame.holds(path))
    return path[: outside[0]] if outside.size else path
