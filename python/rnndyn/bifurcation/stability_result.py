"""The result of a stability diagram: cycles on a grid of two parameters, and their boundaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rnndyn._arrays import BoolArray, FloatArray, IntArray, frozen, itinerary_text
from rnndyn._result import LabelledArrays, TabularResult, model_sizes, plain, text_column
from rnndyn.bifurcation import _stability_file
from rnndyn.bifurcation._boundary_curve import BoundaryCurve
from rnndyn.bifurcation._columns import KIND_NAMES, frozen_columns
from rnndyn.bifurcation._plane_grid import Nodes, counts
from rnndyn.models import PiecewiseLinearModel

NODE_TYPES: dict[str, Any] = {"itinerary": np.int64, "point": np.int64, "n_unstable": np.int64}

_CURVE_WORDS = ("kind", "outcome")


@dataclass(frozen=True, eq=False)
class PlaneGap:
    """Something in a plane of two parameters that rows, columns and searches do not agree on.

    Attributes
    ----------
    x, y : float
        Where.
    reason : str
        What is not explained.
    itinerary : ndarray of bool, shape (k, H), or None
        The cycle concerned.
    """

    x: float
    y: float
    reason: str
    itinerary: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.itinerary is not None:
            object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain numbers and strings."""
        text = None if self.itinerary is None else itinerary_text(self.itinerary)
        return {"x": self.x, "y": self.y, "reason": self.reason, "itinerary": text}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlaneGap):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.x, self.y, self.reason))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.x, self.y, self.reason, self.itinerary)


@dataclass(frozen=True)
class StabilityRun:
    """How a stability diagram was made, and how sure it is that nothing is missing.

    Attributes
    ----------
    orders : tuple of int
        Orders that were asked for.
    listed_orders : tuple of int
        Of these, the orders of which every itinerary was followed along every line of the grid:
        no cycle of theirs that exists anywhere on a line is missing.
    n_points : int
        Points of the grid.
    n_searched : int
        Points that were searched for cycles of the other orders.
    n_searched_completely : int
        Points at which the search proved that none is missing.
    seed : int
        Seed of the searches.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    orders: tuple[int, ...]
    listed_orders: tuple[int, ...]
    n_points: int
    n_searched: int
    n_searched_completely: int
    seed: int
    n_threads: int
    seconds: float
    version: str

    @property
    def complete(self) -> bool:
        """Whether no cycle is missing at any point of the grid."""
        return self.orders == self.listed_orders or self.n_searched_completely == self.n_points

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers, lists and strings."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            **values,
            "orders": list(self.orders),
            "listed_orders": list(self.listed_orders),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StabilityRun":
        """Build a run from what `to_dict` returned."""
        lists = {name: tuple(map(int, values[name])) for name in ("orders", "listed_orders")}
        return cls(**{**values, **lists})


class StabilityDiagram(TabularResult):
    """Cycles of a network over a grid of two parameters, and the curves on which they change.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    x_name, y_name : str
        The parameters.
    x_values, y_values : ndarray of float64, shapes (n_x,) and (n_y,)
        Their values.
    orders : tuple of int
        Orders that were asked for.
    n_cycles, n_stable : ndarray of int64, shape (n_orders, n_y, n_x)
        Numbers of cycles and of stable cycles of each order at each point of the grid.
    curves : tuple of BoundaryCurve
        All curves that cross a line of the grid.
    gaps : tuple of PlaneGap
        Whatever rows, columns and searches do not agree on. Empty where all is well.
    run : StabilityRun
        How it was made, and how sure it is that nothing is missing.
    itineraries : tuple of ndarray of bool, shape (k, H)
        Itineraries of the cycles that occur.

    See Also
    --------
    rnndyn.stability_diagram : Compute it.
    """

    FORMAT = _stability_file.FORMAT
    TABLES: ClassVar = ("points", "curves", "gaps")

    def __init__(
        self,
        model: PiecewiseLinearModel,
        x: tuple[str, FloatArray],
        y: tuple[str, FloatArray],
        itineraries: Sequence[BoolArray],
        nodes: Mapping[str, Any],
        curves: Sequence[BoundaryCurve],
        gaps: Sequence[PlaneGap],
        run: StabilityRun,
    ) -> None:
        self._model = model
        self._x = (x[0], frozen(x[1], np.float64))
        self._y = (y[0], frozen(y[1], np.float64))
        self._itineraries = tuple(frozen(bits, np.bool_) for bits in itineraries)
        self._nodes = frozen_columns(nodes, NODE_TYPES, "cycles of the grid")
        self._curves = tuple(curves)
        self._gaps = tuple(sorted(gaps, key=lambda gap: (gap.y, gap.x)))
        self._run = run
        limits = {"itinerary": len(self._itineraries), "point": len(self._x[1]) * len(self._y[1])}
        for name, limit in limits.items():
            if not ((self._nodes[name] >= 0) & (self._nodes[name] < limit)).all():
                raise ValueError(f"column {name!r} must hold numbers 0 to {limit - 1}")

    @property
    def model(self) -> PiecewiseLinearModel:
        """The network."""
        return self._model

    @property
    def x_name(self) -> str:
        """Name of the parameter along the rows."""
        return self._x[0]

    @property
    def y_name(self) -> str:
        """Name of the parameter along the columns."""
        return self._y[0]

    @property
    def x_values(self) -> FloatArray:
        """Values of the parameter along the rows."""
        return self._x[1]

    @property
    def y_values(self) -> FloatArray:
        """Values of the parameter along the columns."""
        return self._y[1]

    @property
    def orders(self) -> tuple[int, ...]:
        """Orders that were asked for."""
        return self._run.orders

    @property
    def itineraries(self) -> tuple[BoolArray, ...]:
        """Itineraries of the cycles that occur."""
        return self._itineraries

    @property
    def node_columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """Cycles at points of the grid: number of the itinerary, point, unstable multipliers.

        A point is its row times the number of columns, plus its column.
        """
        return self._nodes

    @property
    def curves(self) -> tuple[BoundaryCurve, ...]:
        """All curves that cross a line of the grid."""
        return self._curves

    @property
    def gaps(self) -> tuple[PlaneGap, ...]:
        """Whatever rows, columns and searches do not agree on."""
        return self._gaps

    @property
    def run(self) -> StabilityRun:
        """How it was made, and how sure it is that nothing is missing."""
        return self._run

    @cached_property
    def _counts(self) -> tuple[IntArray, IntArray]:
        both = counts(
            Nodes(**self._nodes),
            [len(bits) for bits in self._itineraries],
            self.orders,
            (len(self.y_values), len(self.x_values)),
        )
        return frozen(both[0], np.int64), frozen(both[1], np.int64)

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
        return self._model.with_parameters(
            {
                self.x_name: float(self.x_values[column]),
                self.y_name: float(self.y_values[row]),
            }
        )

    def itineraries_at(self, row: int, column: int) -> tuple[BoolArray, ...]:
        """Return the itineraries of the cycles at a point of the grid."""
        n_columns = len(self.x_values)
        point = range(len(self.y_values))[row] * n_columns + range(n_columns)[column]
        here = self._nodes["itinerary"][self._nodes["point"] == point]
        return tuple(self._itineraries[number] for number in here.tolist())

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
            for curve in self._curves
            if (order is None or curve.order == order) and (kind is None or curve.kind == kind)
        ]

    def _columns(self, table: str) -> dict[str, Any]:
        if table == "gaps":
            rows = [gap.to_dict() for gap in self._gaps]
            return {
                **{name: np.array([row[name] for row in rows], np.float64) for name in ("x", "y")},
                **{name: [row[name] for row in rows] for name in ("reason", "itinerary")},
            }
        if table == "curves":
            return {
                **{name: [getattr(curve, name) for curve in self._curves] for name in _CURVE_WORDS},
                "order": np.array([curve.order for curve in self._curves], dtype=np.int64),
                "n_points": np.array([len(curve.points) for curve in self._curves], dtype=np.int64),
                "itinerary": [itinerary_text(curve.itinerary) for curve in self._curves],
                "partner": [
                    None if curve.partner is None else itinerary_text(curve.partner)
                    for curve in self._curves
                ],
            }
        order, y, x = np.meshgrid(self.orders, self.y_values, self.x_values, indexing="ij")
        return {
            self.x_name: x.ravel(),
            self.y_name: y.ravel(),
            "order": order.ravel(),
            "n_cycles": self.n_cycles.ravel(),
            "n_stable": self.n_stable.ravel(),
        }

    def _labelled(self) -> LabelledArrays:
        # The points of the curves follow each other, one curve after the other.
        curves, gaps = self._columns("curves"), self._columns("gaps")
        n_points = curves.pop("n_points")
        points = np.concatenate([np.empty((0, 2)), *(curve.points for curve in self._curves)])
        return LabelledArrays(
            {
                "n_cycles": (("order", "y", "x"), self.n_cycles),
                "n_stable": (("order", "y", "x"), self.n_stable),
                "curve_point_x": ("curve_point", points[:, 0]),
                "curve_point_y": ("curve_point", points[:, 1]),
                "curve_point_curve": (
                    "curve_point",
                    np.repeat(np.arange(len(n_points)), n_points),
                ),
                **{
                    f"{dimension}_{name}": (
                        dimension,
                        values if isinstance(values, np.ndarray) else text_column(values),
                    )
                    for dimension, columns in (("curve", curves), ("gap", gaps))
                    for name, values in columns.items()
                },
            },
            {
                "order": np.array(self.orders),
                "y": ("y", self.y_values, {"parameter": self.y_name}),
                "x": ("x", self.x_values, {"parameter": self.x_name}),
                "curve": np.arange(len(self._curves)),
                "gap": np.arange(len(self._gaps)),
            },
            {
                "x_name": self.x_name,
                "y_name": self.y_name,
                "family": self._model.family,
                "complete": int(self._run.complete),
                "listed_orders": list(self._run.listed_orders),
                "n_gaps": len(self._gaps),
                "seed": str(self._run.seed),
                "rnndyn_version": self._run.version,
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """Return counts, curves and gaps as plain numbers, lists and strings for JSON."""
        values: dict[str, Any] = plain(
            {
                "model": model_sizes(self._model),
                "x": {"name": self.x_name, "values": self.x_values},
                "y": {"name": self.y_name, "values": self.y_values},
                "orders": self.orders,
                "n_cycles": self.n_cycles,
                "n_stable": self.n_stable,
                "curves": [curve.to_dict() for curve in self._curves],
                "gaps": [gap.to_dict() for gap in self._gaps],
                "run": self._run.to_dict(),
            }
        )
        return values

    def _write(self, path: Path) -> None:
        _stability_file.write(path, self)

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        return _stability_file.read(path, max_bytes)

    def _identity(self) -> tuple[Any, ...]:
        return (
            self._model,
            self._x,
            self._y,
            self.orders,
            self._itineraries,
            self._nodes,
            self._curves,
            self._gaps,
        )

    def _state(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "x": self._x,
            "y": self._y,
            "itineraries": self._itineraries,
            "nodes": self._nodes,
            "curves": self._curves,
            "gaps": self._gaps,
            "run": self._run,
        }

    def __repr__(self) -> str:
        n_y, n_x = len(self.y_values), len(self.x_values)
        lines = [
            f"StabilityDiagram of {self._model!r}: {self.x_name} x {self.y_name}, "
            f"{n_x} x {n_y} points, {len(self._curves):,} curves"
        ]
        for index, order in enumerate(self.orders):
            if self.n_cycles[index].any():
                share = (self.n_stable[index] > 0).mean()
                lines.append(
                    f"  order {order}: up to {self.n_cycles[index].max()} cycles at a point, "
                    f"a stable one at {share:.1%} of the points"
                )
        sure = "complete at every point" if self._run.complete else "may miss cycles"
        n_gaps = len(self._gaps)
        lines.append(f"  {sure}; {n_gaps:,} gap{'' if n_gaps == 1 else 's'}")
        return "\n".join(lines)
