"""The result of a stability diagram: cycles on a grid of two parameters, and their boundaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn.bifurcation.path._columns import KIND_NAMES, Columns, frozen_columns
from rnndyn.bifurcation.plane._file import FORMAT
from rnndyn.bifurcation.plane._grid import NODE_TYPES, Nodes, counts
from rnndyn.bifurcation.plane.curve import BoundaryCurve
from rnndyn.bifurcation.plane.gap import PlaneGap
from rnndyn.bifurcation.plane.run import StabilityRun
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.base import TabularResult


def _everything() -> BoolArray:
    return np.ones((0, 0), dtype=np.bool_)


@dataclass(frozen=True, eq=False, repr=False)
class StabilityDiagram(TabularResult):
    """Cycles of a network over a grid of two parameters, and the curves on which they change.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    x, y : (str, ndarray)
        Name and values of the parameters along the rows and along the columns.
    x_name, y_name : str
        The parameters.
    x_values, y_values : ndarray of float64, shapes (n_x,) and (n_y,)
        Their values.
    orders : tuple of int
        Orders that were asked for.
    n_cycles, n_stable : ndarray of int64, shape (n_orders, n_y, n_x)
        Numbers of cycles and of stable cycles of each order at each point of the grid; -1 where a
        run that was stopped did not come to.
    curves : tuple of BoundaryCurve
        All curves that cross a line of the grid.
    gaps : tuple of PlaneGap
        Whatever rows, columns and searches do not agree on. Empty where all is well.
    run : StabilityRun
        How it was made, and how sure it is that nothing is missing.
    itineraries : tuple of ndarray of bool, shape (k, H)
        Itineraries of the cycles that occur.
    node_columns : dict of str to ndarray
        Cycles at points of the grid: number of the itinerary, point, unstable multipliers. A point
        is its row times the number of columns, plus its column.
    reached : ndarray of bool, shape (n_y, n_x)
        Points whose cycles are known: all of them unless the run was stopped.

    See Also
    --------
    rnndyn.stability_diagram : Compute it.
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("points", "curves", "gaps")

    model: PiecewiseLinearModel
    x: tuple[str, FloatArray]
    y: tuple[str, FloatArray]
    itineraries: tuple[BoolArray, ...]
    node_columns: Columns
    curves: tuple[BoundaryCurve, ...]
    gaps: tuple[PlaneGap, ...]
    run: StabilityRun = field(compare=False)
    reached: BoolArray = field(default_factory=_everything)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for name in ("x", "y"):
            parameter, values = getattr(self, name)
            set_field(self, name, (parameter, frozen(values, np.float64)))
        set_field(self, "itineraries", tuple(frozen(bits, np.bool_) for bits in self.itineraries))
        columns = frozen_columns(self.node_columns, NODE_TYPES, "cycles of the grid")
        set_field(self, "node_columns", columns)
        set_field(self, "curves", tuple(self.curves))
        set_field(self, "gaps", tuple(sorted(self.gaps, key=lambda gap: (gap.y, gap.x))))
        shape = (len(self.y[1]), len(self.x[1]))
        reached = self.reached if np.size(self.reached) else np.ones(shape, np.bool_)
        set_field(self, "reached", frozen(reached, np.bool_))
        if np.shape(reached) != shape:
            raise ValueError(f"reached must have shape {shape}, got {np.shape(reached)}")
        limits = {"itinerary": len(self.itineraries), "point": len(self.x[1]) * len(self.y[1])}
        for name, limit in limits.items():
            if not ((columns[name] >= 0) & (columns[name] < limit)).all():
                raise ValueError(f"column {name!r} must hold numbers 0 to {limit - 1}")

    @property
    def x_name(self) -> str:
        """Name of the parameter along the rows."""
        return self.x[0]

    @property
    def y_name(self) -> str:
        """Name of the parameter along the columns."""
        return self.y[0]

    @property
    def x_values(self) -> FloatArray:
        """Values of the parameter along the rows."""
        return self.x[1]

    @property
    def y_values(self) -> FloatArray:
        """Values of the parameter along the columns."""
        return self.y[1]

    @property
    def orders(self) -> tuple[int, ...]:
        """Orders that were asked for."""
        return self.run.orders

    @cached_property
    def _counts(self) -> tuple[IntArray, IntArray]:
        both = counts(
            Nodes(**self.node_columns),
            [len(bits) for bits in self.itineraries],
            self.orders,
            (len(self.y_values), len(self.x_values)),
        )
        known = (frozen(np.where(self.reached, array, -1), np.int64) for array in both)
        n_cycles, n_stable = known
        return n_cycles, n_stable

    @property
    def n_cycles(self) -> IntArray:
        """Numbers of cycles, shape (n_orders, n_y, n_x)."""
        return self._counts[0]

    @property
    def n_stable(self) -> IntArray:
        """Numbers of stable cycles, shape (n_orders, n_y, n_x)."""
        return self._counts[1]

    def model_at(self, row: int, column: int) -> PiecewiseLinearModel:
        """Return the network at a point of the grid."""
        return self.model.with_parameters(
            {
                self.x_name: float(self.x_values[column]),
                self.y_name: float(self.y_values[row]),
            }
        )

    def itineraries_at(self, row: int, column: int) -> tuple[BoolArray, ...]:
        """Return the itineraries of the cycles at a point of the grid."""
        n_columns = len(self.x_values)
        point = range(len(self.y_values))[row] * n_columns + range(n_columns)[column]
        here = self.node_columns["itinerary"][self.node_columns["point"] == point]
        return tuple(self.itineraries[number] for number in here.tolist())

    def curves_of(self, order: int | None = None, kind: str | None = None) -> list[BoundaryCurve]:
        """Return the curves of one order, of one kind, or of both.

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        if kind is not None and kind not in KIND_NAMES:
            raise ValueError(f"kind must be one of {', '.join(KIND_NAMES)}, got {kind!r}")
        return [
            curve
            for curve in self.curves
            if (order is None or curve.order == order) and (kind is None or curve.kind == kind)
        ]
