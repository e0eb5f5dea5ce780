"""The result of following orbits from a plane of first states to the attractors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _basins_file, _basins_table
from rnndyn._arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._result import LabelledArrays, TabularResult, model_sizes, plain
from rnndyn.cycles import Cycle
from rnndyn.models import PiecewiseLinearModel

StopReason = Literal["finished", "time_limit", "interrupt"]

#: Labels that are no attractor; the compiled core and the files use the same numbers.
UNDECIDED, UNBOUNDED, NOT_REACHED = -1, -2, -3


@dataclass(frozen=True)
class BasinsRun:
    """How basins were computed.

    Attributes
    ----------
    n_points : int
        First states.
    n_points_done : int
        Those whose orbits were followed before it was stopped.
    n_given : int
        How many of the attractors were given; the others were found where orbits settled.
    max_steps : int
        An orbit that has not arrived after so many steps is undecided.
    escape_radius : float
        An orbit with a coordinate beyond this is called unbounded.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    n_points: int
    n_points_done: int
    n_given: int
    max_steps: int
    escape_radius: float
    stopped_by: StopReason
    n_threads: int
    seconds: float
    version: str

    @property
    def complete(self) -> bool:
        """Whether every point was reached."""
        return self.n_points_done == self.n_points

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers and strings."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "BasinsRun":
        """Build a run from what `to_dict` returned."""
        return cls(**values)


class Basins(TabularResult):
    """Basins of attraction in a plane of state space, or along the line of a single state.

    Two results are equal if they say the same about the same points of the same model; how long it
    took and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    attractors : tuple of Cycle
        The stable cycles that orbits can be said to converge to.
    unclaimed : tuple of Cycle
        Stable cycles around which no neighbourhood could be verified that orbits do not leave, so
        that no orbit is said to converge to them.
    labels : ndarray of int32, shape (n_y, n_x), or (n_x,) for a network with one state
        Number of the attractor that the orbit from the point goes to; -1 undecided, -2 unbounded,
        -3 not reached.
    n_steps : ndarray of int64, of this shape
        Steps until the orbit had entered the neighbourhood of the attractor, or exceeded the escape
        radius; ``run.max_steps`` where it is undecided, 0 where it was not reached.
    origin : ndarray of float64, shape (M,)
        The state at x = y = 0.
    directions : ndarray of float64, shape (2, M), or (1, 1) for a network with one state
        Directions of x and y.
    axis_labels : tuple of str
        What the axes are called in figures.
    x_values, y_values : ndarray of float64; the latter None for a network with one state
        Coordinates of the points.
    run : BasinsRun
        How it was made.

    See Also
    --------
    rnndyn.basins : Compute them.
    rnndyn.plot.basins : Draw them.
    """

    FORMAT = _basins_file.FORMAT
    TABLES: ClassVar = ("points", "attractors")

    def __init__(
        self,
        model: PiecewiseLinearModel,
        *,
        attractors: Sequence[Cycle],
        unclaimed: Sequence[Cycle],
        labels: ArrayLike,
        n_steps: ArrayLike,
        origin: ArrayLike,
        directions: ArrayLike,
        axis_labels: Sequence[str],
        x_values: ArrayLike,
        y_values: ArrayLike | None,
        run: BasinsRun,
    ) -> None:
        self._model = model
        self._attractors, self._unclaimed = tuple(attractors), tuple(unclaimed)
        self._x = frozen(x_values, np.float64)
        self._y = None if y_values is None else frozen(y_values, np.float64)
        self._labels = frozen(labels, np.int32)
        self._n_steps = frozen(n_steps, np.int64)
        self._origin = frozen(origin, np.float64)
        self._directions = frozen(directions, np.float64)
        self._axis_labels = tuple(map(str, axis_labels))
        self._run = run
        n_axes = 1 if self._y is None else 2
        shape = tuple(len(values) for values in (self._y, self._x) if values is not None)
        if self._labels.shape != shape or self._n_steps.shape != shape:
            raise ValueError(
                f"labels and n_steps must have shape {shape}, "
                f"got {self._labels.shape} and {self._n_steps.shape}"
            )
        if self._origin.shape != (model.n_states,) or self._directions.shape != (
            n_axes,
            model.n_states,
        ):
            raise ValueError(f"origin and directions must be those of {model.n_states} states")
        if len(self._axis_labels) != n_axes:
            raise ValueError(f"there must be {n_axes} axis labels, got {len(self._axis_labels)}")
        if not ((self._labels >= NOT_REACHED) & (self._labels < len(self._attractors))).all():
            raise ValueError("labels must be numbers of attractors, or -1 to -3")

    @property
    def model(self) -> PiecewiseLinearModel:
        """The network."""
        return self._model

    @property
    def attractors(self) -> tuple[Cycle, ...]:
        """The stable cycles that orbits can be said to converge to."""
        return self._attractors

    @property
    def unclaimed(self) -> tuple[Cycle, ...]:
        """Stable cycles that no orbit is said to converge to, for want of a neighbourhood."""
        return self._unclaimed

    @property
    def labels(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Number of the attractor; -1 undecided, -2 unbounded, -3 not reached."""
        return self._labels

    @property
    def n_steps(self) -> IntArray:
        """Steps until the orbit had arrived."""
        return self._n_steps

    @property
    def origin(self) -> FloatArray:
        """The state at x = y = 0."""
        return self._origin

    @property
    def directions(self) -> FloatArray:
        """Directions of x and y, one row each."""
        return self._directions

    @property
    def axis_labels(self) -> tuple[str, ...]:
        """What the axes are called in figures."""
        return self._axis_labels

    @property
    def x_values(self) -> FloatArray:
        """Coordinates along the last dimension of `labels`."""
        return self._x

    @property
    def y_values(self) -> FloatArray | None:
        """Coordinates along the first dimension of `labels`; None for a network with one state."""
        return self._y

    @property
    def run(self) -> BasinsRun:
        """How it was made."""
        return self._run

    @property
    def complete(self) -> bool:
        """Whether every point was reached; False after Ctrl-C or a time limit."""
        return self._run.complete

    @property
    def states(self) -> FloatArray:
        """The first states, shape (n_y, n_x, M) or (n_x, M)."""
        states = self._origin + self._x[:, np.newaxis] * self._directions[0]
        if self._y is not None:
            states = states + self._y[:, np.newaxis, np.newaxis] * self._directions[1]
        return np.asarray(states)

    @property
    def shares(self) -> FloatArray:
        """Share of the points that go to each attractor, shape (number of attractors,)."""
        counts = np.bincount(
            self._labels[self._labels >= 0].ravel(), minlength=len(self._attractors)
        )
        return np.asarray(counts / max(self._labels.size, 1))

    @property
    def n_undecided(self) -> int:
        """Points whose orbits stayed bounded and arrived nowhere."""
        return int((self._labels == UNDECIDED).sum())

    @property
    def n_unbounded(self) -> int:
        """Points whose orbits exceeded the escape radius."""
        return int((self._labels == UNBOUNDED).sum())

    @property
    def n_not_reached(self) -> int:
        """Points whose orbits were not followed to the end."""
        return int((self._labels == NOT_REACHED).sum())

    def basin(self, attractor: int) -> BoolArray:
        """Return which points go to an attractor, given by its number."""
        if not 0 <= attractor < len(self._attractors):
            raise ValueError(
                f"attractor must be between 0 and {len(self._attractors) - 1}, got {attractor}"
            )
        return np.asarray(self._labels == attractor)

    def _columns(self, table: str) -> dict[str, Any]:
        if table == "attractors":
            return {
                "order": np.array([cycle.order for cycle in self._attractors], dtype=np.int64),
                "spectral_radius": np.array([cycle.spectral_radius for cycle in self._attractors]),
                "certified": np.array([cycle.certified for cycle in self._attractors], np.bool_),
                "share": self.shares,
            }
        if self._y is None:
            columns: dict[str, np.ndarray[Any, Any]] = {"x": self._x}
        else:
            y, x = np.meshgrid(self._y, self._x, indexing="ij")
            columns = {"x": x.ravel(), "y": y.ravel()}
        return {**columns, "label": self._labels.ravel(), "n_steps": self._n_steps.ravel()}

    def _labelled(self) -> LabelledArrays:
        dims = ("y", "x")[-self._labels.ndim :]
        coordinates: dict[str, Any] = {"x": self._x}
        if self._y is not None:
            coordinates["y"] = self._y
        attributes = {
            "family": self._model.family,
            "meaning": "label: number of the attractor, -1 undecided, -2 unbounded, -3 not reached",
            "origin": self._origin,
            "max_steps": self._run.max_steps,
            "escape_radius": self._run.escape_radius,
            "stopped_by": self._run.stopped_by,
            "rnndyn_version": self._run.version,
        }
        for axis, direction in zip("xy", self._directions, strict=False):
            attributes[f"direction_{axis}"] = direction
        variables = {
            "label": (dims, self._labels),
            "n_steps": (dims, self._n_steps),
            **{
                f"attractor_{name}": ("attractor", column)
                for name, column in self._columns("attractors").items()
            },
        }
        return LabelledArrays(variables, coordinates, attributes)

    def to_dict(self) -> dict[str, Any]:
        """Return attractors, labels and steps as plain numbers, lists and strings for JSON."""
        values: dict[str, Any] = plain(
            {
                "model": model_sizes(self._model),
                "attractors": [
                    {**cycle.to_dict(), "share": share}
                    for cycle, share in zip(self._attractors, self.shares.tolist(), strict=True)
                ],
                "unclaimed": [cycle.to_dict() for cycle in self._unclaimed],
                "origin": self._origin,
                "directions": self._directions,
                "axis_labels": self._axis_labels,
                "x": self._x,
                "y": self._y,
                "labels": self._labels,
                "n_steps": self._n_steps,
                "run": self._run.to_dict(),
            }
        )
        return values

    def _write(self, path: Path) -> None:
        _basins_file.write(path, self)

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        return _basins_file.read(path, max_bytes)

    def _identity(self) -> tuple[Any, ...]:
        return tuple(value for name, value in self._state().items() if name != "run")

    def _state(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "attractors": self._attractors,
            "unclaimed": self._unclaimed,
            "labels": self._labels,
            "n_steps": self._n_steps,
            "origin": self._origin,
            "directions": self._directions,
            "axis_labels": self._axis_labels,
            "x_values": self._x,
            "y_values": self._y,
            "run": self._run,
        }

    def __repr__(self) -> str:
        return _basins_table.plain_text(self)

    def _repr_html_(self) -> str:
        return _basins_table.html_text(self)
