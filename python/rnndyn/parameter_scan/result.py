"""The result of a scan: numbers on a grid of one or two parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, frozen
from rnndyn.models import Model
from rnndyn.parameter_scan._file import FORMAT
from rnndyn.parameter_scan._measures import DIVERGED
from rnndyn.parameter_scan.run import ScanRun
from rnndyn.results.base import TabularResult


@dataclass(frozen=True, eq=False, repr=False)
class Scan(TabularResult):
    """Numbers on a grid of one or two parameters.

    ``scan["max_lyapunov"]`` is a masked array: a point without a value, because the orbit diverged
    or a function failed, is masked, and ``scan.status`` says why.

    Attributes
    ----------
    model : model
        The model whose parameters were changed.
    x, y : (str, ndarray), and (str, ndarray) or None
        Name and values of a parameter; None where there is one only.
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
    values, known : mapping of str to ndarray, of this shape
        The numbers of every variable, and where there are any.
    run : ScanRun
        How it was made.

    See Also
    --------
    rnndyn.scan : Compute it.
    rnndyn.plot.scan : Draw it.
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("points",)

    model: Model
    x: tuple[str, FloatArray]
    y: tuple[str, FloatArray] | None
    values: Mapping[str, FloatArray]
    known: Mapping[str, BoolArray]
    status: Mapping[str, np.ndarray[Any, np.dtype[np.str_]]]
    run: ScanRun = field(compare=False)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for name in ("x", "y"):
            if (axis := getattr(self, name)) is not None:
                set_field(self, name, (axis[0], frozen(axis[1], np.float64)))
        values, known, status = self.values, self.known, self.status
        if values.keys() != known.keys() or status.keys() != set(self.run.measures):
            raise ValueError("a scan must have values, known and status of the same names")
        shape = self.shape
        texts = {n: np.asarray(status[n], np.str_).reshape(shape) for n in self.run.measures}
        columns = {
            "values": {n: frozen(np.reshape(values[n], shape), np.float64) for n in known},
            "known": {n: frozen(np.reshape(known[n], shape), np.bool_) for n in known},
            "status": {n: frozen(text, text.dtype) for n, text in texts.items()},
        }
        for name, column in columns.items():
            set_field(self, name, MappingProxyType(column))
        for name, numbers in columns["values"].items():
            if np.isnan(numbers).any():
                raise ValueError(f"variable {name!r} holds NaN")

    @property
    def axes(self) -> tuple[tuple[str, FloatArray], ...]:
        """Names and values of the parameters, x first."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def x_name(self) -> str:
        """Parameter along the last dimension."""
        return self.x[0]

    @property
    def x_values(self) -> FloatArray:
        """Its values."""
        return self.x[1]

    @property
    def y_name(self) -> str | None:
        """Parameter along the first dimension of two."""
        return None if self.y is None else self.y[0]

    @property
    def y_values(self) -> FloatArray | None:
        """Its values."""
        return None if self.y is None else self.y[1]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every variable."""
        return tuple(len(values) for _, values in reversed(self.axes))

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(self.values)

    def diverged(self, variable: str) -> BoolArray:
        """Tell where a variable has no value because the orbit runs away, in the shape of the grid.

        Parameters
        ----------
        variable : str
            One of `variables`.
        """
        away = np.zeros(self.shape, dtype=np.bool_)
        for measure, status in self.status.items():
            # Several numbers of one measure are called MEASURE_KEY.
            if variable == measure or variable.startswith(f"{measure}_"):
                away |= status == DIVERGED
        return away & np.ma.getmaskarray(self[variable])

    def __getitem__(self, variable: str) -> np.ma.MaskedArray[Any, np.dtype[np.float64]]:
        """Return the values of a variable; points without one are masked."""
        if variable not in self.values:
            raise KeyError(
                f"there is no variable {variable!r}; there is {', '.join(self.variables)}"
            )
        # The numbers under the mask are 0.
        return np.ma.MaskedArray(self.values[variable], ~self.known[variable], copy=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)
