"""What must hold over a plane: at every point of the grid the counts are those of an exact list, or
a gap near it says that they may not be."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from adversarial.checks import exact_stability
from reference.enumeration import enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries


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
    if truth.continua:
        yield "a continuum, of which no gap tells"
    elif n_cycles != len(truth.cycles):
        points = [[[float(x) for x in z] for z in cycle.points] for cycle in truth.cycles]
        yield f"{n_cycles} cycles counted, there are {len(truth.cycles)}: {points}"
    else:
        labels = [exact_stability(map_, cycle) for cycle in truth.cycles]
        if None not in labels and n_stable != labels.count("stable"):
            yield f"{n_stable} of the cycles counted as stable, they are {labels}"


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
