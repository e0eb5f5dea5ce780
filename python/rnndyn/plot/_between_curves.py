"""Areas between curves, of which only the values at the points of a grid are known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray

#: About this many points along an axis are enough for a picture.
_FINE = 700
_FEWEST, _MOST = 1, 40
#: Where no value comes without crossing a curve.
NO_VALUE = np.iinfo(np.int64).min


class Areas(NamedTuple):
    """Values at the points of a finer grid.

    Attributes
    ----------
    x, y : ndarray of float64
        Coordinates of the points.
    values : ndarray of int64, shape (n_y, n_x)
        Their values; `NO_VALUE` where none is known.
    """

    x: FloatArray
    y: FloatArray
    values: IntArray


def areas_between(
    x: FloatArray, y: FloatArray, values: IntArray, curves: Sequence[FloatArray]
) -> Areas:
    """Carry values from the points of a grid to all points that no curve parts from them.

    Each point gets the value of the grid point that is nearest by a way along the axes that
    crosses no curve.

    Parameters
    ----------
    x, y : ndarray of float64
        Coordinates of the grid, ascending.
    values : ndarray of int64, shape (n_y, n_x)
        The values there.
    curves : sequence of ndarray of float64, shape (n, 2)
        Curves as points that are joined by straight lines.
    """
    fine_x, every_x = _finer(x)
    fine_y, every_y = _finer(y)
    off_x, off_y = _off_curves(fine_x, 1.3e-7), _off_curves(fine_y, 0.7e-7)
    right = _crossings(off_x, off_y, curves)
    up = _crossings(off_y, off_x, [curve[:, ::-1] for curve in curves]).T
    found = np.full((len(fine_y), len(fine_x)), NO_VALUE)
    found[::every_y, ::every_x] = values
    return Areas(fine_x, fine_y, _flooded(found, ~right, ~up))


def _finer(values: FloatArray) -> tuple[FloatArray, int]:
    """Return points with all of these among them, and how many come between two of these."""
    every = int(np.clip(_FINE // max(len(values) - 1, 1), _FEWEST, _MOST))
    places = np.arange((len(values) - 1) * every + 1) / every
    return np.interp(places, np.arange(len(values)), values), every


def _off_curves(values: FloatArray, share: float) -> FloatArray:
    """Move points a little inwards, so that none lies on a curve or where one ends at the edge.

    Curves often go through round numbers, and a point on one would join its two sides.
    """
    middle = values[0] + (np.sqrt(2.0) - 1.0) * (values[-1] - values[0])
    return np.asarray(middle + (1.0 - share) * (values - middle))


def _crossings(x: FloatArray, y: FloatArray, curves: Sequence[FloatArray]) -> BoolArray:
    """Tell which steps from a point to the one with the next x cross a curve, (n_y, n_x - 1)."""
    crossed = np.zeros((len(y), len(x) - 1), dtype=np.bool_)
    if not curves:
        return crossed
    begin = np.concatenate([curve[:-1] for curve in curves])
    end = np.concatenate([curve[1:] for curve in curves])
    # Rows that a line comes through; one through its upper end belongs to the next line.
    first = np.searchsorted(y, np.minimum(begin[:, 1], end[:, 1]))
    counts = np.searchsorted(y, np.maximum(begin[:, 1], end[:, 1])) - first
    line = np.repeat(np.arange(len(begin)), counts)
    row = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts) + first[line]
    share = (y[row] - begin[line, 1]) / (end[line, 1] - begin[line, 1])
    at = begin[line, 0] + share * (end[line, 0] - begin[line, 0])
    column = np.searchsorted(x, at, side="right") - 1
    inside = (column >= 0) & (column < len(x) - 1)
    crossed[row[inside], column[inside]] = True
    return crossed


def _flooded(values: IntArray, open_right: BoolArray, open_up: BoolArray) -> IntArray:
    """Carry values to neighbours without one, a step at a time, through what is open."""
    left, right = np.s_[:, :-1], np.s_[:, 1:]
    below, above = np.s_[:-1, :], np.s_[1:, :]
    steps = (
        (left, right, open_right),
        (right, left, open_right),
        (below, above, open_up),
        (above, below, open_up),
    )
    while True:
        before = values
        values = before.copy()
        for source, target, is_open in steps:
            take = is_open & (before[target] == NO_VALUE) & (before[source] != NO_VALUE)
            values[target] = np.where(take, before[source], values[target])
        if np.array_equal(values, before):
            return values
