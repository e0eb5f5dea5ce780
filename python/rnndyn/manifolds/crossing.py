"""Shortest ways through a boundary, also where its closest point is a corner."""

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.manifolds.pieces import Nearest, Pieces

#: Directions closer to a piece than this do not cross it.
_ALONG = 1e-12
#: Places on a way that are closer together than this, in units of the numbers, are one.
_ROUNDING = 1e-13


def way_through(pieces: Pieces, state: FloatArray, nearest: Nearest, beyond: float) -> FloatArray:
    """Return a step through one piece, and no other, that is at most `beyond` times longer.

    Straight on, the way to a corner of the boundary may pass by it. So the ways to places a little
    off the closest point are tried, inside each of the pieces that meet there, and each is followed
    until just behind the first piece that it meets. The one that ends furthest behind is taken.

    Parameters
    ----------
    pieces : Pieces
        The boundary, of dimension M - 1.
    state : (M,) array
        Where the way begins.
    nearest : Nearest
        The point of the boundary that is closest to it.
    beyond : float
        How much longer than the distance the step may be, in units of the distance; positive.
    """
    straight = nearest.point - state
    if nearest.piece < 0 or nearest.distance == 0.0:
        return straight
    aside = 0.25 * beyond * nearest.distance
    (around,) = np.nonzero(pieces.excess(nearest.point[np.newaxis])[0] <= 4.0 * aside)
    numbers = np.union1d(around, [nearest.piece])
    longest = (1.0 + beyond) * nearest.distance
    best, furthest = straight, -1.0
    for number in numbers.tolist():
        inwards = pieces.interiors[number] - nearest.point
        length = float(np.linalg.norm(inwards))
        share = 1.0 if length <= aside else aside / length
        way = nearest.point + share * inwards - state
        way = way / np.linalg.norm(way)
        end, depth = _behind_the_first(pieces, numbers, state, way, longest)
        if depth > furthest:
            best, furthest = end * way, depth
    return best


def _behind_the_first(
    pieces: Pieces, numbers: np.ndarray, state: FloatArray, way: FloatArray, longest: float
) -> tuple[float, float]:
    """Return where to stop on a way, and how far that is behind the first piece it meets."""
    normals = pieces.equations[numbers, 0]
    slopes = normals @ way
    crossing = np.abs(slopes) > _ALONG
    numbers, slopes = numbers[crossing], slopes[crossing]
    places = (pieces.values[numbers, 0] - normals[crossing] @ state) / slopes
    size = 1.0 + float(np.abs(state).max()) + longest
    met = [
        (float(place), float(abs(slope)))
        for number, place, slope in zip(numbers.tolist(), places, slopes, strict=True)
        if 0.0 < place < longest and _on(pieces, number, state + place * way, _ROUNDING * size)
    ]
    if not met:
        return 0.0, -1.0
    met.sort()
    first, slope = met[0]
    later = [place for place, _ in met if place > first + _ROUNDING * size]
    end = min(longest, 0.5 * (first + later[0]) if later else longest)
    return end, (end - first) * slope


def _on(pieces: Pieces, number: int, point: FloatArray, tolerance: float) -> bool:
    rows, bounds = pieces.rows_of(number)
    return bool((rows @ point - bounds <= tolerance).all())
