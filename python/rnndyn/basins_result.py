"""The result of following orbits from a plane of first states to the attractors."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _basins_file, _basins_table
from rnndyn._arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._optional import import_optional
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


class Basins:
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

    def to_columns(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return one row per point as columns, by name: coordinates, label and steps."""
        if self._y is None:
            columns: dict[str, np.ndarray[Any, Any]] = {"x": self._x}
        else:
            y, x = np.meshgrid(self._y, self._x, indexing="ij")
            columns = {"x": x.ravel(), "y": y.ravel()}
        return {**columns, "label": self._labels.ravel(), "n_steps": self._n_steps.ravel()}

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame with one row per point (see `to_columns`).

        Raises
        ------
        MissingPackageError
            If pandas is not installed (``pip install "rnndyn[tables]"``).
        """
        pandas = import_optional("pandas", "Basins.to_dataframe()")
        return pandas.DataFrame(self.to_columns())

    def to_xarray(self) -> Any:
        """Return an xarray Dataset with the dimensions ``y`` and ``x``.

        Raises
        ------
        MissingPackageError
            If xarray is not installed (``pip install "rnndyn[tables]"``).
        """
        xarray = import_optional("xarray", "Basins.to_xarray()")
        dims = ("y", "x")[-self._labels.ndim :]
        coords: dict[str, Any] = {"x": self._x}
        if self._y is not None:
            coords["y"] = self._y
        attrs = {
            "family": self._model.family,
            "meaning": "label: number of the attractor, -1 undecided, -2 unbounded, -3 not reached",
            "origin": self._origin,
            "max_steps": self._run.max_steps,
            "escape_radius": self._run.escape_radius,
            "version": self._run.version,
            "stopped_by": self._run.stopped_by,
        }
        for axis, direction in zip("xy", self._directions, strict=False):
            attrs[f"direction_{axis}"] = direction
        variables = {"label": (dims, self._labels), "n_steps": (dims, self._n_steps)}
        return xarray.Dataset(variables, coords, attrs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the basins to one ``.npz`` file; nothing is pickled.

        The format is described in ``docs/reference/basins-format.md``. The file appears under its
        name only when it is complete.
        """
        _basins_file.write(Path(path), self)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> "Basins":
        """Read basins that `save` wrote. No code of the file is run.

        Parameters
        ----------
        path : path-like
            The file.
        max_bytes : int
            Refuse a file that takes more memory than this.

        Raises
        ------
        ValueError
            If the file is no such file, is damaged, was written in a newer format, or is too large.
        """
        return _basins_file.read(Path(path), max_bytes)

    def _state(self) -> dict[str, Any]:
        return {
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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Basins):
            return NotImplemented
        mine, theirs = self._state(), other._state()
        return self._model == other._model and all(
            np.array_equal(mine[name], theirs[name])
            if isinstance(mine[name], np.ndarray)
            else mine[name] == theirs[name]
            for name in mine
            if name != "run"
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._model, self._state())

    def __repr__(self) -> str:
        return _basins_table.plain_text(self)

    def _repr_html_(self) -> str:
        return _basins_table.html_text(self)


def _restored(model: PiecewiseLinearModel, state: Mapping[str, Any]) -> Basins:
    return Basins(model, **state)
