"""A plane of two parameters, and everything that can be wrong with its diagram.

The reference lists all itineraries at every point of the grid, in NumPy and without the package's
searches. Between two neighbouring points a cycle appears or vanishes exactly where an odd number of
its boundary curves crosses the line between them.
"""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

import rnndyn as rd
from reference.bifurcation import (
    StraightPath,
    key_of,
    n_unstable,
    real_itineraries,
)
from reference.networks import FAMILIES, SeededEntries, Size

#: Margins smaller than this leave open on which side of a boundary a point of the grid is.
UNDECIDED = 1e-9
#: Crossings of one cycle this close to each other are one: as the partner of one event it may also
#: be attached to another one.
SAME_PLACE = 1e-9
#: Points of curves this close to a line of the grid, relative to its range, lie on it.
ON_LINE = 1e-12


def random_plane(family: str, seed: int, largest: Size) -> tuple[Any, Any, Any]:
    """A random network with two of its parameters, and ranges around their values."""
    rng = np.random.default_rng([7, seed, list(FAMILIES).index(family)])
    size = Size(
        n_states=int(rng.integers(1, largest.n_states + 1)),
        n_units=int(rng.integers(1, largest.n_units + 1)),
    )
    model = FAMILIES[family](SeededEntries(rng, tied=False), size)
    names = rng.permutation(np.array(model.scalar_names()))[:2]
    axes = []
    for name in names.tolist():
        value, width = model.get_parameter(name), rng.uniform(0.5, 2.0)
        axes.append((name, np.linspace(value - width, value + width, int(rng.integers(5, 10)))))
    return model, *axes


def problems_of(diagram: rd.StabilityDiagram, max_order: int) -> list[str]:
    """Compare counts and curves with a listing of all itineraries at every point."""
    reference = Reference(diagram, max_order)
    return [
        *[f"gap at ({gap.x:.12g}, {gap.y:.12g}): {gap.reason}" for gap in diagram.gaps],
        *reference.count_problems(),
        *reference.crossing_problems(rows=True),
        *reference.crossing_problems(rows=False),
    ]


class Reference:
    """All cycles at all points of the grid."""

    def __init__(self, diagram: rd.StabilityDiagram, max_order: int) -> None:
        self.diagram = diagram
        self.shape = (len(diagram.y_values), len(diagram.x_values))
        ends = [diagram.model_at(*corner).canonical for corner in ((0, 0), (-1, -1))]
        whole = StraightPath(*ends)
        self.relevant = whole.relevant
        self.margins: dict[Any, Any] = {}
        self.itineraries: dict[Any, Any] = {}
        for order in range(1, max_order + 1):
            itineraries = whole.itineraries(order)
            table = np.array([self._along_row(row, itineraries) for row in range(self.shape[0])])
            for index, itinerary in enumerate(itineraries):
                key = key_of(itinerary, self.relevant)
                self.margins[key] = table[:, :, index]
                self.itineraries[key] = itinerary

    def _along_row(self, row: int, itineraries: Any) -> Any:
        ends = [self.diagram.model_at(row, column).canonical for column in (0, -1)]
        path = StraightPath(*ends)
        x = self.diagram.x_values
        return real_itineraries(path, itineraries, (x - x[0]) / (x[-1] - x[0]))

    def decided(self, key: Any) -> Any:
        return np.abs(self.margins[key]) > UNDECIDED

    def count_problems(self) -> list[str]:
        """Where the counts on the grid differ from the listing."""
        problems = []
        found = {key: np.zeros(self.shape, dtype=bool) for key in self.margins}
        own = [key_of(bits, self.relevant) for bits in self.diagram.itineraries]
        columns = self.diagram.node_columns
        for number, point in zip(
            columns["itinerary"].tolist(), columns["point"].tolist(), strict=True
        ):
            if own[number] not in found:
                problems.append(f"unexpected itinerary {own[number]}")
                continue
            found[own[number]].flat[point] = True
        for key, margins in self.margins.items():
            wrong = (found[key] != (margins > 0.0)) & self.decided(key)
            if wrong.any():
                problems.append(f"{key} is wrong at {np.argwhere(wrong)[0]}")
        return problems

    def crossing_problems(self, rows: bool) -> list[str]:
        """Where the curves that cross a line of the grid do not fit what changes along it."""
        problems: list[str] = []
        if not self.relevant:
            # The one cycle of a linear map passes infinity and is there again.
            return problems
        existence, stability = self._crossings(rows)
        for key, margins in self.margins.items():
            real = margins > 0.0
            decided = self.decided(key)
            if not rows:
                real, decided = real.T, decided.T
            changes = real[:, 1:] != real[:, :-1]
            certain = decided[:, 1:] & decided[:, :-1]
            odd = np.zeros(changes.shape, dtype=bool)
            touched = np.zeros(changes.shape, dtype=bool)
            for (line, edge, other), count in existence.items():
                if other == key:
                    odd[line, edge] = count % 2 == 1
                    touched[line, edge] = True
            wrong = (changes != odd) & certain
            if wrong.any():
                problems.append(f"{key}: curves and changes differ at edge {np.argwhere(wrong)[0]}")
            for line, edge in np.argwhere(real[:, 1:] & real[:, :-1] & certain & ~touched).tolist():
                ends = [(line, edge), (line, edge + 1)]
                numbers = [self._n_unstable(key, *(end if rows else end[::-1])) for end in ends]
                turns = stability[line, edge, key]
                if None not in numbers and (numbers[0] != numbers[1]) and turns == 0:
                    problems.append(f"{key}: unstable multipliers {numbers} at edge {line, edge}")
        return problems

    def _crossings(self, rows: bool) -> tuple[Counter[Any], Counter[Any]]:
        """How often curves cross each edge, by itinerary: of existence and of stability."""
        lines = self.diagram.y_values if rows else self.diagram.x_values
        along = self.diagram.x_values if rows else self.diagram.y_values
        existence: dict[Any, list[float]] = defaultdict(list)
        stability: dict[Any, list[float]] = defaultdict(list)
        for curve in self.diagram.curves:
            points = curve.points[:-1] if curve.is_closed else curve.points
            keys = {key_of(curve.itinerary, self.relevant)}
            if curve.partner is not None:
                keys.add(key_of(curve.partner, self.relevant))
            table = stability if curve.outcome == "stability_change" else existence
            born = {key_of(bits, self.relevant) for bits in curve.attached}
            for x, y in points.tolist():
                across, place = (y, x) if rows else (x, y)
                line = int(np.abs(lines - across).argmin())
                if abs(lines[line] - across) > ON_LINE * (lines[-1] - lines[0]):
                    continue
                edge = min(int(np.searchsorted(along, place, side="right")) - 1, len(along) - 2)
                for target, crossed in ((table, keys), (existence, born)):
                    for key in crossed:
                        target[line, edge, key].append(place)
        same = SAME_PLACE * (along[-1] - along[0])
        return tuple(
            Counter(
                {at: 1 + int((np.diff(np.sort(places)) > same).sum()) for at, places in t.items()}
            )
            for t in (existence, stability)
        )

    def _n_unstable(self, key: Any, row: int, column: int) -> int | None:
        map_ = self.diagram.model_at(row, column).canonical
        path = StraightPath(map_, map_)
        return n_unstable(path, self.itineraries[key], 0.0)


def _numbers_of(places: dict[Any, list[float]], same: float) -> Counter[Any]:
    """The number of different places of each entry."""
    return Counter(
        {at: 1 + int((np.diff(np.sort(own)) > same).sum()) for at, own in places.items()}
    )
