"""Straight segments of manifolds of one dimension: pieces that continue each other, as one."""

from __future__ import annotations

import numpy as np

from rnndyn._common.arrays import FloatArray

#: Errors of rows count up to this share of the size of the states, so that a bend that can be seen
#: remains one.
_MOST = 1e-9


def joined_segments(ends: FloatArray, errors: FloatArray) -> FloatArray:
    """Join segments that continue each other in a straight line.

    Parameters
    ----------
    ends : (n, 2, M) array
        The two ends of each.
    errors : (n,) array
        By how much each may be off.

    Returns
    -------
    (n', 2, M) array
        The same set: no point of one is further from the other than the errors of the segments that
        were joined, and than 1e-9 of the size of their states.
    """
    sizes = np.abs(ends).max(axis=(1, 2), initial=0.0)
    errors = np.minimum(errors, 0.5 * _MOST * sizes)
    partners = _partners(ends, errors)
    found: list[FloatArray] = []
    seen = np.zeros(len(ends), dtype=np.bool_)
    for first in np.flatnonzero(partners < 0).tolist():
        # A chain begins at an end that nothing goes on from.
        if not seen[first // 2]:
            found += _chain(ends, errors, partners, first, seen)
    found += [ends[number] for number in np.flatnonzero(~seen).tolist()]
    return np.array(found).reshape(-1, 2, ends.shape[2])


def _partners(ends: FloatArray, errors: FloatArray) -> np.ndarray:
    """Return for each end, number 2 i or 2 i + 1, the one end that continues straight; else -1."""
    points = ends.reshape(-1, ends.shape[2])
    slack = np.repeat(errors, 2)
    # Ends that are together are next to each other along any line.
    places = points @ np.cos(np.arange(points.shape[1], dtype=np.float64))
    order = np.argsort(places, kind="stable")
    widest = 2.0 * float(slack.max(initial=0.0)) * np.sqrt(points.shape[1])
    found: list[list[int]] = [[] for _ in points]
    for position, one in enumerate(order.tolist()):
        for other in order[position + 1 :].tolist():
            if places[other] - places[one] > widest:
                break
            if one // 2 != other // 2 and _continues(points, slack, one, other):
                found[one].append(other)
                found[other].append(one)
    # Where several meet, nothing says which two are one.
    single = np.array([ways[0] if len(ways) == 1 else -1 for ways in found], dtype=np.int64)
    mutual = (single >= 0) & (single[single] == np.arange(len(single)))
    return np.where(mutual, single, -1)


def _continues(points: FloatArray, slack: FloatArray, one: int, other: int) -> bool:
    allowed = float(slack[one] + slack[other])
    if np.linalg.norm(points[one] - points[other]) > allowed:
        return False
    first, last = points[one ^ 1], points[other ^ 1]
    return _is_straight(np.stack([first, points[one], points[other], last]), allowed)


def _is_straight(corners: FloatArray, allowed: float) -> bool:
    """Tell whether corners go from the first to the last one in a straight line."""
    along = corners[-1] - corners[0]
    length = float(np.linalg.norm(along))
    if not length > 0.0:
        return False
    places = (corners - corners[0]) @ along / length
    away = corners - corners[0] - places[:, np.newaxis] * along / length
    onwards = (np.diff(places) >= -allowed).all()
    return bool(onwards and (np.linalg.norm(away, axis=1) <= allowed).all())


def _chain(
    ends: FloatArray, errors: FloatArray, partners: np.ndarray, first: int, seen: np.ndarray
) -> list[FloatArray]:
    """Follow a chain of ends, and return as few segments for it as there may be."""
    points = ends.reshape(-1, ends.shape[2])
    found = []
    corners, allowed = [points[first]], np.inf
    end = first
    while True:
        number = end // 2
        seen[number] = True
        far = end ^ 1
        tolerance = min(allowed, 2.0 * float(errors[number]))
        if len(corners) > 1 and not _is_straight(np.array([*corners, points[far]]), tolerance):
            found.append(np.stack([corners[0], corners[-1]]))
            corners, tolerance = [points[end]], 2.0 * float(errors[number])
        corners, allowed = [*corners, points[far]], tolerance
        if partners[far] < 0 or seen[partners[far] // 2]:
            break
        end = int(partners[far])
    found.append(np.stack([corners[0], corners[-1]]))
    return found
