"""What must hold of basins: where an orbit is said to arrive, the exact orbit follows the cycle."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from adversarial.checks import _same_cycle, _words, exact_stability
from reference.enumeration import Truth
from reference.exact_map import ExactMap

#: Orbits that are longer are not followed in exact numbers, which get longer at every step.
MAX_EXACT_STEPS = 60
#: For so many turns the exact orbit must go on as the cycle does.
TURNS = 4


def problems_of_basins(basins: Any, model: Any, truths: Sequence[Truth]) -> list[str]:
    """Everything that is wrong with a `Basins`."""
    map_ = ExactMap.of(model.canonical)
    problems = list(_false_attractors(basins, map_, truths))
    labels = basins.labels.ravel().tolist()
    steps = basins.n_steps.ravel().tolist()
    for place, (label, n_steps) in enumerate(zip(labels, steps, strict=True)):
        if not -3 <= label < len(basins.attractors) or not 0 <= n_steps <= basins.run.max_steps:
            problems.append(f"label {label} after {n_steps} steps")
        elif label >= 0 and n_steps <= MAX_EXACT_STEPS:
            problems += _problems_of_orbit(basins, map_, place, label, n_steps)
    return problems


def _false_attractors(basins: Any, map_: ExactMap, truths: Sequence[Truth]) -> Iterator[str]:
    relevant = map_.relevant_units
    for cycle in basins.attractors:
        truth = next((own for own in truths if own.order == cycle.order), None)
        if truth is None:
            continue
        match = next((own for own in truth.cycles if _same_cycle(cycle, own, relevant)), None)
        if match is None:
            yield f"attractor {cycle.points.tolist()} does not exist"
        elif exact_stability(map_, match) != "stable":
            yield f"attractor {cycle.points.tolist()} is not stable"


def start_of(basins: Any, place: int) -> Any:
    """The first state of a point, counted row by row."""
    if len(basins.directions) == 1:
        return basins.origin + basins.x_values[place] * basins.directions[0]
    row, column = divmod(place, len(basins.x_values))
    offset = np.array([basins.x_values[column], basins.y_values[row]])
    return basins.origin + offset @ basins.directions


def _problems_of_orbit(
    basins: Any, map_: ExactMap, place: int, label: int, n_steps: int
) -> Iterator[str]:
    cycle = basins.attractors[label]
    z = [Fraction(float(x)) for x in start_of(basins, place)]
    for _ in range(n_steps):
        z = map_.step(z)
    regions = []
    for _ in range(TURNS * cycle.order):
        regions.append(map_.region(z))
        z = map_.step(z)
    relevant = map_.relevant_units
    own, wanted = _words(regions, relevant), _words(cycle.itinerary, relevant)
    if not any(own == (wanted[shift:] + wanted[:shift]) * TURNS for shift in range(len(wanted))):
        yield f"the orbit from point {place} is not at cycle {label} after {n_steps} steps"
