"""Planes in state space, to project onto or to cut along, and spaces of three dimensions."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray


class PlaneOfStates(NamedTuple):
    """A plane in state space: the states ``center + a directions[:, 0] + b directions[:, 1]``.

    Or, with three directions, a space.

    Attributes
    ----------
    center : (M,) array
    directions : (M, 2) or (M, 3) array
        Orthonormal.
    labels : tuple of str
        What to write at the axes.
    """

    center: FloatArray
    directions: FloatArray
    labels: tuple[str, ...]

    def project(self, points: FloatArray) -> FloatArray:
        """Return the coordinates of the points of it that are nearest, shape (..., 2 or 3)."""
        return np.asarray((points - self.center) @ self.directions)


def coordinate_plane(n_states: int, dims: Any, n_dims: int = 2) -> PlaneOfStates:
    """Return the plane of two states, or the space of three; its center is 0.

    Raises
    ------
    ValueError
        If `dims` are not as many states.
    """
    count, example = ("two", (0, 1)) if n_dims == 2 else ("three", (0, 1, 2))
    expected = f"dims must be {count} states between 0 and {n_states - 1}, or 'pca', got {dims!r}"
    if isinstance(dims, str):
        raise ValueError(f"dims must be {count} states such as {example}, or 'pca', got {dims!r}")
    try:
        chosen = [operator.index(index) for index in dims]
    except TypeError:
        raise TypeError(expected) from None
    if len(chosen) != n_dims or not all(0 <= index < n_states for index in chosen):
        raise ValueError(expected)
    directions = np.eye(n_states)[:, chosen]
    return PlaneOfStates(np.zeros(n_states), directions, tuple(map(state_label, chosen)))


def principal_plane(points: FloatArray, n_dims: int = 2) -> PlaneOfStates:
    """Return the plane, or the space, through the mean of the points in which they vary most."""
    n_states = points.shape[1]
    if len(points) == 0:
        points = np.zeros((1, n_states))
    center = points.mean(axis=0)
    # Empty directions more, so that there are as many components whatever the points.
    padded = np.vstack([points - center, np.zeros((n_dims, n_states))])
    _, sizes, rows = np.linalg.svd(padded, full_matrices=False)
    total = float((sizes**2).sum()) or 1.0
    shares = sizes[:n_dims] ** 2 / total
    labels = tuple(f"component {k + 1} ({share:.0%})" for k, share in enumerate(shares))
    return PlaneOfStates(center, rows[:n_dims].T, labels)


def state_label(index: int) -> str:
    """Return the name of a state as it is written at an axis."""
    return f"$z_{{{index}}}$"


def window_around(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper ends of a box with some room around the points, no side empty."""
    if not len(points):
        return -np.ones(points.shape[1]), np.ones(points.shape[1])
    lower, upper = points.min(axis=0), points.max(axis=0)
    # One lonely fixed point has no extent of its own: its distance from 0 sets the scale.
    size = max(float((upper - lower).max()), 0.25 * float(np.abs(points).max()), 1e-3)
    room = np.maximum(0.3 * (upper - lower), 0.1 * size)
    return lower - room, upper + room
