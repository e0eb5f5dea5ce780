"""Comparing what a search reports with the ground truth; disagreements come back as sentences.

A report is an object with ``cycles`` and ``continua``. Cycles carry ``order``, ``points``,
``itinerary`` and ``on_border``, continua also ``basis`` and ``extent``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference.enumeration import Continuum, IsolatedCycle, Truth, as_floats
from reference.exact_map import ExactMap

# Relative tolerance of points: the systems are small, but some are close to singular.
TOLERANCE = 1e-6

Key = tuple[bytes, ...]


def disagreements(map_: ExactMap, reported: Any, truths: Sequence[Truth]) -> list[str]:
    """Everything in which a report differs from the truth, missing objects included."""
    problems = false_claims(map_, reported, truths)
    relevant = map_.relevant_units
    for truth in truths:
        for name, expected, claimed in _both(reported, truth):
            seen = {_key(item.itinerary, relevant) for item in claimed}
            problems += [
                f"{name} of order {truth.order} missing at {as_floats(item.points).tolist()}"
                for item in expected
                if _key(item.itinerary, relevant) not in seen
            ]
    return problems


def false_claims(map_: ExactMap, reported: Any, truths: Sequence[Truth]) -> list[str]:
    """Everything reported that is not true, or that is reported twice."""
    problems = []
    relevant = map_.relevant_units
    orders = {truth.order for truth in truths}
    for item in [*reported.cycles, *reported.continua]:
        if item.order not in orders:
            problems.append(f"something of order {item.order} that was not asked for")
    for truth in truths:
        for name, expected, claimed in _both(reported, truth):
            known = {_key(item.itinerary, relevant): item for item in expected}
            seen: set[Key] = set()
            for item in claimed:
                key = _key(item.itinerary, relevant)
                where = f"{name} of order {truth.order} at {np.asarray(item.points).tolist()}"
                if key in seen:
                    problems.append(f"{where} is reported twice")
                elif key not in known:
                    problems.append(f"{where} is not in the list")
                else:
                    problems += [
                        f"{where}: {text}" for text in _differences(item, known[key], relevant)
                    ]
                seen.add(key)
    return problems


def _both(reported: Any, truth: Truth) -> Iterator[tuple[str, Iterable[Any], list[Any]]]:
    for name, expected, claimed in (
        ("cycle", truth.cycles, reported.cycles),
        ("continuum", truth.continua, reported.continua),
    ):
        yield name, expected, [item for item in claimed if item.order == truth.order]


def _words(itinerary: Any, relevant: list[int]) -> list[bytes]:
    return [np.asarray(row, dtype=bool)[relevant].tobytes() for row in itinerary]


def _key(itinerary: Any, relevant: list[int]) -> Key:
    """The bits of the relevant units up to rotation."""
    words = _words(itinerary, relevant)
    return min(tuple(words[t:] + words[:t]) for t in range(len(words)))


def _differences(item: Any, expected: Any, relevant: list[int]) -> list[str]:
    """What differs under the best of the rotations that make the itineraries equal."""
    wanted = _words(item.itinerary, relevant)
    own = _words(expected.itinerary, relevant)
    compare = _compare_continua if isinstance(expected, Continuum) else _compare_cycles
    attempts = [
        compare(item, expected, shift)
        for shift in range(len(own))
        if own[shift:] + own[:shift] == wanted
    ]
    problems = min(attempts, key=len)
    if bool(item.on_border) != expected.on_border:
        problems = [*problems, f"on_border is {item.on_border}, not {expected.on_border}"]
    return problems


def _compare_cycles(item: Any, expected: IsolatedCycle, shift: int) -> list[str]:
    points = as_floats(expected.points[shift:] + expected.points[:shift])
    error = float(np.abs(np.asarray(item.points) - points).max())
    size = 1.0 + float(np.abs(points).max())
    problems = []
    if not error <= TOLERANCE * size:
        problems.append(f"points are off by {error:.3g}, exact {points.tolist()}")
    bound = getattr(item, "error_bound", None)
    if bound is not None and not error <= bound + 4e-16 * size:
        problems.append(f"points are off by {error:.3g}, more than the error bound {bound:.3g}")
    return problems


def _compare_continua(item: Any, expected: Continuum, shift: int) -> list[str]:
    exact = expected.set_at[shift]
    basis = np.asarray(item.basis)
    if basis.shape[1] != expected.dimension:
        return [f"dimension {basis.shape[1]}, not {expected.dimension}"]
    problems = []
    origin = np.asarray(item.points)[0]
    vertices = as_floats(exact.vertices) - origin
    lines = [ray for line in exact.lines for ray in (line, [-x for x in line])]
    rays = as_floats([*exact.rays, *lines]).reshape(-1, len(origin))
    size = 1.0 + float(np.abs(vertices).max()) + float(np.abs(origin).max())
    for name, vectors in (("vertex", vertices), ("ray", rays)):
        outside = vectors - vectors @ basis @ basis.T
        if outside.size and np.abs(outside).max() > TOLERANCE * size:
            problems.append(f"the basis leaves out a {name} by {np.abs(outside).max():.3g}")
    exact_extent = _extent(vertices @ basis, rays @ basis)
    extent = np.asarray(item.extent)
    if not np.allclose(extent, exact_extent, rtol=TOLERANCE, atol=TOLERANCE * size):
        problems.append(f"extent {extent.tolist()}, not {exact_extent.tolist()}")
    return problems


def _extent(vertices: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds of the coordinates of a polyhedron, from its generators."""
    bounds = np.stack([vertices.min(axis=0), vertices.max(axis=0)], axis=1)
    for ray in rays:
        bounds[ray < -TOLERANCE * np.abs(ray).max(), 0] = -np.inf
        bounds[ray > TOLERANCE * np.abs(ray).max(), 1] = np.inf
    return bounds
