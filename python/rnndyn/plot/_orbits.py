"""The orbits behind cycles, and what part of state space they are shown in."""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers
from rnndyn._common.planes import window_around
from rnndyn.cycles._origin import ModelWithCycles
from rnndyn.cycles.result import CycleSet


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
    """Return orbits, from random or given states, each up to where it leaves the frame."""
    if np.ndim(orbits) == 0:
        count = operator.index(orbits)  # type: ignore[arg-type]
        draws = np.random.default_rng(seed).random((count, model.n_states))
        starts = frame.lower + draws * (frame.upper - frame.lower)
    else:
        starts = finite_numbers("orbits", orbits)
        if starts.ndim != 2 or starts.shape[1] != model.n_states:
            raise ValueError(
                "orbits must be a number of orbits or an array of first states of shape "
                f"(n, {model.n_states}), got shape {starts.shape}"
            )
    paths = []
    for start in starts:
        # In short pieces, because a diverging orbit soon leaves the range of numbers.
        pieces = [start[np.newaxis]]
        length = 1
        while length <= n_steps and frame.holds(pieces[-1][-1:])[0]:
            piece = model.orbit(pieces[-1][-1], 8)[1:]
            pieces.append(piece)
            length += len(piece)
        path = np.concatenate(pieces)
        outside = np.flatnonzero(~frame.holds(path))
        paths.append(path[: outside[0]] if outside.size else path)
    return paths
