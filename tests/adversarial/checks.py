"""What must hold of every answer, compared with an exact list: nothing claimed that is false,
nothing missing without a word, no value that is no number."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from reference.enumeration import IsolatedCycle, Truth, enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries
from reference.rational import Matrix, multiply

METHODS = ("auto", "exhaustive", "search", "scyfi", "complete")


def truths_of(model: Any, orders: Sequence[int]) -> list[Truth]:
    """The exact decomposition at several orders; every itinerary is solved, none filtered out."""
    map_ = ExactMap.of(model.canonical)
    return [enumerate_cycles(map_, k, all_itineraries(model.canonical, k)) for k in orders]


def problems_of(found: Any, model: Any, truths: Sequence[Truth]) -> list[str]:
    """Everything that is wrong with a `CycleSet`, as sentences."""
    map_ = ExactMap.of(model.canonical)
    problems = list(_not_numbers(found))
    for truth in truths:
        problems += _problems_of_order(found, map_, truth)
    return problems


def _not_numbers(found: Any) -> Iterator[str]:
    for cycle in found:
        for name in ("points", "residual", "error_bound"):
            if not np.isfinite(getattr(cycle, name)).all():
                yield f"{name} of a cycle is not finite"
        for name in ("multipliers", "log_moduli", "margin", "spectral_radius"):
            if np.isnan(getattr(cycle, name)).any():
                yield f"{name} of a cycle is NaN"
    for continuum in found.continua:
        for name in ("points", "basis", "residual"):
            if not np.isfinite(getattr(continuum, name)).all():
                yield f"{name} of a continuum is not finite"
        if np.isnan(continuum.extent).any():
            yield "extent of a continuum is NaN"


def _problems_of_order(found: Any, map_: ExactMap, truth: Truth) -> Iterator[str]:
    relevant = map_.relevant_units
    left = list(truth.cycles)
    for cycle in (item for item in found if item.order == truth.order):
        match = next((own for own in left if _same_cycle(cycle, own, relevant)), None)
        where = f"cycle of order {truth.order} at {cycle.points.tolist()}"
        if match is None:
            if cycle.certified or cycle.order in settled_orders(found):
                yield f"{where} does not exist"
            continue
        left.remove(match)
        if cycle.stability not in ("nonhyperbolic", "not decided"):
            exact = exact_stability(map_, match)
            if exact is not None and exact != cycle.stability:
                yield f"{where} is called {cycle.stability}, exactly it is {exact}"
    continua = list(truth.continua)
    for continuum in (item for item in found.continua if item.order == truth.order):
        own = next((c for c in continua if _same_continuum(continuum, c, relevant)), None)
        if own is not None:
            continua.remove(own)
        elif truth.order in settled_orders(found):
            yield f"continuum of order {truth.order} at {continuum.points.tolist()} does not exist"
    if truth.order in settled_orders(found):
        for missing in left:
            points = [[float(x) for x in z] for z in missing.points]
            yield f"cycle of order {truth.order} at {points} is missing"
        for gap in continua:
            points = [[float(x) for x in z] for z in gap.points]
            yield f"continuum of order {truth.order} at {points} is missing"


def settled_orders(found: Any) -> set[int]:
    """The orders of which it is said that nothing is missing."""
    settled = set(found.search.listed_orders)
    if found.certificate is not None:
        settled |= set(found.certificate.proved_orders)
        settled -= {entry.order for entry in found.certificate.undecided}
    return settled


def _words(itinerary: Any, relevant: list[int]) -> list[tuple[bool, ...]]:
    return [tuple(bool(row[unit]) for unit in relevant) for row in itinerary]


def _rotations(found: Any, exact: Any, relevant: list[int]) -> Iterator[int]:
    """Shifts that make the itineraries equal."""
    wanted, own = _words(found.itinerary, relevant), _words(exact.itinerary, relevant)
    for shift in range(len(own)):
        if own[shift:] + own[:shift] == wanted:
            yield shift


def _same_cycle(cycle: Any, exact: IsolatedCycle, relevant: list[int]) -> bool:
    if bool(cycle.on_border) != exact.on_border:
        return False
    bound = Fraction(float(cycle.error_bound))
    for shift in _rotations(cycle, exact, relevant):
        points = exact.points[shift:] + exact.points[:shift]
        if all(
            abs(Fraction(float(value)) - x) <= bound
            for row, z in zip(cycle.points, points, strict=True)
            for value, x in zip(row, z, strict=True)
        ):
            return True
    return False


def _same_continuum(continuum: Any, exact: Any, relevant: list[int]) -> bool:
    return bool(continuum.basis.shape[1] == exact.dimension) and any(
        True for _ in _rotations(continuum, exact, relevant)
    )


def exact_stability(map_: ExactMap, cycle: IsolatedCycle) -> str | None:
    """The label from exact numbers, or None where a multiplier is on the unit circle."""
    product: Matrix | None = None
    for region in cycle.itinerary:
        jacobian, _ = map_.affine_piece(region)
        product = jacobian if product is None else multiply(jacobian, product)
    assert product is not None
    inside = _roots_inside(_characteristic_polynomial(product))
    if inside is None:
        return None
    return {len(product): "stable", 0: "unstable"}.get(inside, "saddle")


def _characteristic_polynomial(matrix: Matrix) -> list[Fraction]:
    """Coefficients, the leading one first (Faddeev, Le Verrier)."""
    n = len(matrix)
    coefficients = [Fraction(1)]
    power = [[Fraction(0)] * n for _ in range(n)]
    for k in range(1, n + 1):
        power = multiply(matrix, power)
        for i in range(n):
            power[i][i] += coefficients[-1]
        trace = sum((row[i] for i, row in enumerate(multiply(matrix, power))), Fraction(0))
        coefficients.append(-trace / k)
    return coefficients


def _roots_inside(polynomial: list[Fraction]) -> int | None:
    """Roots inside the unit circle (Schur, Cohn): on it p and its reverse have the same modulus, so
    by Rouché's theorem the larger multiple of the two decides. None where neither is larger."""
    inside = 0
    p = list(polynomial)
    while len(p) > 1:
        head, tail = p[0], p[-1]
        if head == 0:
            p = p[1:]
        elif abs(head) == abs(tail):
            return None
        elif abs(head) > abs(tail):
            p = [a - tail / head * b for a, b in zip(p, reversed(p), strict=True)][:-1]
            inside += 1
        else:
            p = [a - head / tail * b for a, b in zip(p, reversed(p), strict=True)][1:]
    return inside
