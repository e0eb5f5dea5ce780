"""The result of a scan: numbers on a grid of one or two parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np

from rnndyn import _scan_file
from rnndyn._arrays import BoolArray, FloatArray, frozen
from rnndyn._result import LabelledArrays, TabularResult, model_sizes, plain
from rnndyn._scan_measures import DIVERGED, OK
from rnndyn.models import Model

StopReason = Literal["finished", "time_limit", "interrupt"]


@dataclass(frozen=True)
class ScanRun:
    """How a scan was made.

    Attributes
    ----------
    measures : tuple of str
        Names of the measures.
    n_points : int
        Points of the grid.
    n_points_done : int
        Points that were reached before it was stopped.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_steps : int
        Steps that a Lyapunov exponent is averaged over.
    transient : int or None
        Steps before that; None for the default of `rnndyn.lyapunov_spectrum`.
    seed : int
        Seed of the first states.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    measures: tuple[str, ...]
    n_points: int
    n_points_done: int
    stopped_by: StopReason
    n_steps: int
    transient: int | None
    seed: int
    n_threads: int
    seconds: float
    version: str

    @property
    def complete(self) -> bool:
        """Whether every point was reached."""
        return self.n_points_done == self.n_points

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers, lists and strings."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "measures": list(self.measures)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ScanRun":
        """Build a run from what `to_dict` returned."""
        return cls(**{**values, "measures": tuple(map(str, values["measures"]))})


class Scan(TabularResult):
    """Numbers on a grid of one or two parameters.

    ``scan["max_lyapunov"]`` is a masked array: a point without a value, because the orbit diverged
    or a function failed, is masked, and ``scan.status`` says why.

    Attributes
    ----------
    model : model
        The model whose parameters were changed.
    x_name, y_name : str, and str or None
        The parameters; None where there is one only.
    x_values, y_values : ndarray of float64, shapes (n_x,) and (n_y,); the latter None
        Their values.
    shape : tuple of int
        (n_x,) or (n_y, n_x).
    variables : tuple of str
        Names of what was measured.
    status : mapping of str to ndarray of str, of this shape
        For every measure ``"ok"``, ``"diverged"`` (the orbit grows without bound, whether or not
        its numbers have overflowed), ``"not reached"`` or a message.
    run : ScanRun
        How it was made.

    See Also
    --------
    rnndyn.scan : Compute it.
    rnndyn.plot.scan : Draw it.
    """

    FORMAT = _scan_file.FORMAT
    TABLES: ClassVar = ("points",)

    def __init__(
        self,
        model: Model,
        x: tuple[str, FloatArray],
        y: tuple[str, FloatArray] | None,
        *,
        values: Mapping[str, Any],
        known: Mapping[str, Any],
        status: Mapping[str, Any],
        run: ScanRun,
    ) -> None:
        self._model = model
        self._axes = tuple((name, frozen(at, np.float64)) for name, at in (x, *([y] if y else [])))
        if values.keys() != known.keys() or status.keys() != set(run.measures):
            raise ValueError("a scan must have values, known and status of the same names")
        shape = self.shape
        self._known = {name: frozen(np.reshape(known[name], shape), np.bool_) for name in known}
        self._values = {name: frozen(np.reshape(values[name], shape), np.float64) for name in known}
        texts = {name: np.asarray(status[name], np.str_).reshape(shape) for name in run.measures}
        self._status = {name: frozen(text, text.dtype) for name, text in texts.items()}
        for name, numbers in self._values.items():
            if np.isnan(numbers).any():
                raise ValueError(f"variable {name!r} holds NaN")
        self._run = run

    @property
    def model(self) -> Model:
        """The model whose parameters were changed."""
        return self._model

    @property
    def x_name(self) -> str:
        """Parameter along the last dimension."""
        return self._axes[0][0]

    @property
    def x_values(self) -> FloatArray:
        """Its values."""
        return self._axes[0][1]

    @property
    def y_name(self) -> str | None:
        """Parameter along the first dimension of two."""
        return self._axes[1][0] if len(self._axes) > 1 else None

    @property
    def y_values(self) -> FloatArray | None:
        """Its values."""
        return self._axes[1][1] if len(self._axes) > 1 else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every variable."""
        return tuple(len(values) for _, values in reversed(self._axes))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(self._values)

    @property
    def status(self) -> Mapping[str, np.ndarray[Any, np.dtype[np.str_]]]:
        """For every measure at every point ``"ok"``, or why there is no value."""
        return MappingProxyType(self._status)

    def diverged(self, variable: str) -> BoolArray:
        """Tell where a variable has no value because the orbit runs away, in the shape of the grid.

        Parameters
        ----------
        variable : str
            One of `variables`.
        """
        away = np.zeros(self.shape, dtype=np.bool_)
        for measure, status in self._status.items():
            # Several numbers of one measure are called MEASURE_KEY.
            if variable == measure or variable.startswith(f"{measure}_"):
                away |= status == DIVERGED
        return away & np.ma.getmaskarray(self[variable])

    @property
    def run(self) -> ScanRun:
        """How it was made."""
        return self._run

    def __getitem__(self, variable: str) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
        """Return the values of a variable; points without one are masked."""
        if variable not in self._values:
            raise KeyError(
                f"there is no variable {variable!r}; there is {', '.join(self.variables)}"
            )
        # The numbers under the mask are 0.
        return np.ma.MaskedArray(self._values[variable], ~self._known[variable], copy=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def _columns(self, table: str) -> dict[str, Any]:
        # Where a variable has no value it is NaN, and the status of its measure says why.
        grid = np.meshgrid(*(values for _, values in reversed(self._axes)), indexing="ij")
        columns: dict[str, np.ndarray[Any, Any]] = {
            name: part.ravel() for (name, _), part in zip(self._axes, reversed(grid), strict=True)
        }
        columns |= {name: self[name].filled(np.nan).ravel() for name in self.variables}
        return columns | {
            f"{name}_status": text.astype(object).ravel() for name, text in self._status.items()
        }

    def _labelled(self) -> LabelledArrays:
        dims = ("y", "x")[-len(self._axes) :]
        variables = {name: (dims, self[name].filled(np.nan)) for name in self.variables}
        status = {f"{name}_status": (dims, text) for name, text in self._status.items()}
        coordinates = {
            dim: (dim, values, {"parameter": name})
            for dim, (name, values) in zip(("x", "y"), self._axes, strict=False)
        }
        attributes = {
            "family": self._model.family,
            "n_steps": self._run.n_steps,
            "seed": str(self._run.seed),
            "stopped_by": self._run.stopped_by,
            "rnndyn_version": self._run.version,
        }
        return LabelledArrays({**variables, **status}, coordinates, attributes)

    def to_dict(self) -> dict[str, Any]:
        """Return values and status as plain numbers, lists and strings for JSON.

        A point without a value is None, and so is an infinite value; the status tells them apart.
        """
        axes = {
            axis: {"name": name, "values": values}
            for axis, (name, values) in zip(("x", "y"), self._axes, strict=False)
        }
        values: dict[str, Any] = plain(
            {
                "model": model_sizes(self._model),
                **axes,
                "values": {name: self[name].tolist() for name in self.variables},
                "status": self._status,
                "run": self._run.to_dict(),
            }
        )
        return values

    def _write(self, path: Path) -> None:
        _scan_file.write(path, self)

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        return _scan_file.read(path, max_bytes)

    def _identity(self) -> tuple[Any, ...]:
        return self._model, self._axes, self._values, self._known, self._status

    def _state(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "x": self._axes[0],
            "y": self._axes[1] if len(self._axes) > 1 else None,
            "values": self._values,
            "known": self._known,
            "status": self._status,
            "run": self._run,
        }

    def __repr__(self) -> str:
        grid = " x ".join(f"{len(values):,}" for _, values in self._axes)
        lines = [f"Scan of {self._model!r} over {grid} points"]
        for name, values in self._axes:
            lines.append(f"  {name} = {values[0]:g} to {values[-1]:g}")
        for name in self.variables:
            values = self[name].compressed()
            span = f"{values.min():.6g} to {values.max():.6g}" if len(values) else "no value"
            lines.append(f"  {name}: {span}")
        for name, text in self._status.items():
            reasons, counts = np.unique(text[text != OK], return_counts=True)
            lines += [
                f"  {name} has no value at {n:,} of {text.size:,} points: {reason}"
                for reason, n in zip(reasons.tolist(), counts.tolist(), strict=True)
            ]
        if not self._run.complete:
            reason = {"time_limit": "the time limit", "interrupt": "an interrupt"}
            lines.append(
                f"INCOMPLETE: stopped by {reason.get(self._run.stopped_by, 'something')} after "
                f"{self._run.n_points_done:,} of {self._run.n_points:,} points"
            )
        return "\n".join(lines)
