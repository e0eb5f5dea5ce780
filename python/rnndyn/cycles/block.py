"""The cycles of one order as columns, so that sets of 100,000 cycles stay fast and small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray, ComplexArray, FloatArray, IntArray, frozen
from rnndyn._common.compare import ByFields
from rnndyn.cycles._origin import Origin
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle

#: Type of every column and the names of its dimensions; "n" counts cycles.
COLUMNS: dict[str, tuple[type, str]] = {
    "points": (np.float64, "nkM"),
    "itinerary": (np.bool_, "nkH"),
    "multipliers": (np.complex128, "nM"),
    "log_moduli": (np.float64, "nM"),
    "spectral_radius": (np.float64, "n"),
    "stability": (np.int8, "n"),
    "residual": (np.float64, "n"),
    "margin": (np.float64, "n"),
    "error_bound": (np.float64, "n"),
    "on_border": (np.bool_, "n"),
    "certified": (np.bool_, "n"),
    "hits": (np.int64, "n"),
}


@dataclass(frozen=True, eq=False, repr=False)
class CycleBlock(ByFields):
    """All cycles of one order, one array per property, in the order of their itineraries.

    The attributes are those of `rnndyn.Cycle` with one more dimension in front, of length n, the
    number of cycles. `stability` holds numbers: 0 stable, 1 saddle, 2 unstable, 3 nonhyperbolic,
    4 undecided.
    """

    order: int
    points: FloatArray
    itinerary: BoolArray
    multipliers: ComplexArray
    log_moduli: FloatArray
    spectral_radius: FloatArray
    stability: np.ndarray[Any, np.dtype[np.int8]]
    residual: FloatArray
    margin: FloatArray
    error_bound: FloatArray
    on_border: BoolArray
    certified: BoolArray
    hits: IntArray

    def __post_init__(self) -> None:
        sizes = {"k": self.order}
        for name, (dtype, dimensions) in COLUMNS.items():
            column = frozen(getattr(self, name), dtype)
            object.__setattr__(self, name, column)
            expected = tuple(
                sizes.setdefault(dimension, size)
                for dimension, size in zip(dimensions, column.shape, strict=False)
            )
            if len(dimensions) != column.ndim or expected != column.shape:
                raise ValueError(
                    f"column {name!r} of order {self.order} must have shape "
                    f"({', '.join(dimensions)}) with {sizes}, got {column.shape}"
                )
        if not np.all((self.stability >= 0) & (self.stability < len(STABILITY_NAMES))):
            raise ValueError(
                f"column 'stability' must hold numbers 0 to {len(STABILITY_NAMES) - 1}"
            )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CycleBlock:
        """Build a block from a record of the compiled core or of a file."""
        return cls(int(record["order"]), **{name: record[name] for name in COLUMNS})

    def __len__(self) -> int:
        return int(self.points.shape[0])

    def cycle(self, index: int, origin: Origin | None = None) -> Cycle:
        """Return one cycle; its arrays are views into this block."""
        values = {name: getattr(self, name)[index] for name in COLUMNS}
        values["stability"] = STABILITY_NAMES[values["stability"]]
        return Cycle(order=self.order, **values, _origin=origin)

    def take(self, selection: BoolArray | slice) -> CycleBlock:
        """Return the block of the selected cycles."""
        return CycleBlock(self.order, **{name: getattr(self, name)[selection] for name in COLUMNS})

    def itinerary_texts(self) -> list[str]:
        """Return all itineraries as bit strings, one region per word: ``"01 11 10"``."""
        n, k, n_units = self.itinerary.shape
        if n_units == 0:
            return [" " * (k - 1)] * n
        characters = np.full((n, k, n_units + 1), b" ", dtype="S1")
        characters[:, :, :-1] = np.where(self.itinerary, b"1", b"0")
        joined = characters.reshape(n, k * (n_units + 1))[:, :-1].tobytes()
        width = k * (n_units + 1) - 1
        return [joined[i * width : (i + 1) * width].decode("ascii") for i in range(n)]

    def __repr__(self) -> str:
        return f"CycleBlock(order={self.order}, n_cycles={len(self)})"
