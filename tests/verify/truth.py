"""Whether what a certificate claims is true, by listing every itinerary in rational arithmetic."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from reference.candidates import AffineOrbit
from reference.enumeration import Truth, truths_of_orders
from reference.exact_map import ExactMap
from rnndyn.certificate.result import Certificate


def truths_of(model: Any, orders: Sequence[int]) -> dict[int, Truth]:
    """All cycles and continua by order."""
    return dict(zip(orders, truths_of_orders(model.canonical, orders), strict=True))


def missing(certificate: Certificate, model: Any, truths: dict[int, Truth]) -> list[str]:
    """What the certificate says is not there although it is."""
    map_ = ExactMap.of(model.canonical)
    found = []
    for order in certificate.proved_orders:
        words = list(_listed_words(certificate, order))
        orbits = [
            AffineOrbit(map_, word[t:] + word[:t]) for word in words for t in range(len(word))
        ]
        truth = truths[order]
        for cycle in (*truth.cycles, *truth.continua):
            if not _is_inside(certificate, cycle.points):
                continue
            if not any(orbit.contains(cycle.points[0]) for orbit in orbits):
                found.append(f"order {order}: {[list(map(float, z)) for z in cycle.points]}")
    return found


def false_cycles(certificate: Certificate, truths: dict[int, Truth]) -> list[str]:
    """Certified cycles that are not there, or not where they are said to be."""
    found = []
    for cycles in certificate.cycles:
        for index in range(len(cycles)):
            bound = Fraction(float(cycles.error_bound[index]))
            points = cycles.points[index].tolist()
            near = [
                cycle
                for cycle in truths[cycles.order].cycles
                if any(
                    _are_close(points, cycle.points[t:] + cycle.points[:t], bound)
                    for t in range(cycles.order)
                )
            ]
            if cycles.certified[index] and not near:
                found.append(f"order {cycles.order}: {points}")
    return found


def _listed_words(certificate: Certificate, order: int) -> Iterator[tuple[Any, ...]]:
    for cycles in certificate.cycles:
        if cycles.order == order:
            yield from (tuple(map(tuple, word)) for word in cycles.itinerary.tolist())
    for itinerary in certificate.continua:
        if len(itinerary) == order:
            yield tuple(map(tuple, itinerary.tolist()))
    for entry in certificate.undecided:
        if entry.order == order:
            yield tuple(map(tuple, entry.itinerary.tolist()))


def _is_inside(certificate: Certificate, points: Any) -> bool:
    if certificate.box is None:
        return True
    lower, upper = certificate.box
    return all(
        Fraction(low) <= x <= Fraction(high)
        for z in points
        for x, low, high in zip(z, lower.tolist(), upper.tolist(), strict=True)
    )


def _are_close(points: Any, exact: Any, bound: Fraction) -> bool:
    return all(
        abs(Fraction(x) - y) <= bound
        for point, z in zip(points, exact, strict=True)
        for x, y in zip(point, z, strict=True)
    )
