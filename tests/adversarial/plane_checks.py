"""What must hold over a plane: at every point of the grid the counts are those of an exact list, or
a gap near it says that they may not be."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from adversarial.multipliers import characteristic_polynomial, return_matrix, roots_inside
from adversarial.pairs import in_range
from reference.enumeration import IsolatedCycle, enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries

#: Multipliers this close to the unit circle may be counted as on either side of it.
CLOSE = Fraction(1, 10**8)


def problems_of_plane(diagram: Any, orders: Sequence[int]) -> list[str]:
    """Everything in which a `StabilityDiagram` differs from exact lists without a word."""
    problems = list(_not_numbers(diagram))
    for row in range(len(diagram.y_values)):
        for column in range(len(diagram.x_values)):
            model = diagram.model_at(row, column)
            map_ = ExactMap.of(model.canonical)
            for index, order in enumerate(orders):
                own = diagram.n_cycles[index, row, column], diagram.n_stable[index, row, column]
                for text in _problems_at(map_, model, order, *own):
                    if not _told(diagram, row, column):
                        place = diagram.x_values[column], diagram.y_values[row]
                        problems.append(f"at {place}, order {order}: {text}")
    return problems


def _not_numbers(diagram: Any) -> Iterator[str]:
    for curve in diagram.curves:
        if not np.isfinite(curve.points).all():
            yield "points of a curve are not finite"
        if np.isnan(curve.residuals).any():
            yield "a residual of a curve is NaN"
    for gap in diagram.gaps:
        if not np.isfinite([gap.x, gap.y]).all():
            yield "a gap is nowhere"


def _problems_at(
    map_: ExactMap, model: Any, order: int, n_cycles: int, n_stable: int
) -> Iterator[str]:
    truth = enumerate_cycles(map_, order, all_itineraries(model.canonical, order))
    if truth.continua and not _flips(map_, model, order):
        yield "a continuum, of which no gap tells"
    elif not all(in_range(cycle.points) for cycle in truth.cycles):
        return
    elif n_cycles != len(truth.cycles):
        points = [[[float(x) for x in z] for z in cycle.points] for cycle in truth.cycles]
        yield f"{n_cycles} cycles counted, there are {len(truth.cycles)}: {points}"
    else:
        stable = [_is_stable(map_, cycle) for cycle in truth.cycles]
        if None not in stable and n_stable != stable.count(True):
            yield f"{n_stable} of the cycles counted as stable, not {stable}"


def _is_stable(map_: ExactMap, cycle: IsolatedCycle) -> bool | None:
    """Whether all multipliers are inside the unit circle; None where that is close."""
    polynomial = characteristic_polynomial(return_matrix(map_, cycle))
    degree = len(polynomial) - 1
    inside = [
        roots_inside([c * radius ** (degree - i) for i, c in enumerate(polynomial)])
        for radius in (1 - CLOSE, 1 + CLOSE)
    ]
    return None if None in inside or inside[0] != inside[1] else inside[0] == degree


def _flips(map_: ExactMap, model: Any, order: int) -> bool:
    """Whether cycles of half the order have a multiplier of -1, which tells of the continuum."""
    if order % 2 == 1:
        return False
    half = enumerate_cycles(map_, order // 2, all_itineraries(model.canonical, order // 2))
    return any(
        sum(
            (-1) ** i * c
            for i, c in enumerate(characteristic_polynomial(return_matrix(map_, cycle)))
        )
        == 0
        for cycle in half.cycles
    )


def _told(diagram: Any, row: int, column: int) -> bool:
    """Whether there is a gap on the lines of a point, or in a cell that it is a corner of."""
    x, y = diagram.x_values, diagram.y_values
    left, right = x[max(column - 1, 0)], x[min(column + 1, len(x) - 1)]
    below, above = y[max(row - 1, 0)], y[min(row + 1, len(y) - 1)]
    return any(
        gap.x == x[column]
        or gap.y == y[row]
        or (left <= gap.x <= right and below <= gap.y <= above)
        for gap in diagram.gaps
    )
