"""A curve along which a network is slow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, frozen
from rnndyn._common.compare import ByFields
from rnndyn.results.table import html_text, table_of


@dataclass(frozen=True, eq=False, repr=False)
class SlowCurve(ByFields):
    """A curve through slow points, or through fixed points, along which a network moves slowly.

    At each of its points the speed is smallest in the plane across the curve. Where the network
    contracts across, the curve is an approximate line attractor.

    Attributes
    ----------
    points : ndarray of float64, shape (S, N)
        States along the curve.
    speeds : ndarray of float64, shape (S,)
        Component of ``F(z) - z`` along the curve, positive where it leads to the next point.
    rates : ndarray of float64, shape (S,)
        Multiplier of the mode along the curve at each point, near 1.
    length : float
        Length of the polygon through the points.
    across : float
        Largest modulus of all other multipliers at the points: below 1 the network contracts
        towards the curve.
    is_closed : bool
        Whether it is a ring.
    """

    points: FloatArray
    speeds: FloatArray
    rates: FloatArray
    length: float
    across: float
    is_closed: bool

    def __post_init__(self) -> None:
        for name, convert in _CONVERTERS.items():
            object.__setattr__(self, name, convert(getattr(self, name)))
        n = len(self.points)
        if self.points.ndim != 2 or n < 2 or not len(self.speeds) == len(self.rates) == n:
            raise ValueError(
                "a curve must have points (S, N), and speeds and rates (S,) with S > 1"
            )

    @property
    def is_attractor(self) -> bool:
        """Whether it is an approximate line attractor: the network contracts towards it."""
        return self.across < 1.0

    @property
    def max_speed(self) -> float:
        """Largest speed along the curve."""
        return float(np.abs(self.speeds).max())

    def _repr_html_(self) -> str:
        return html_text(table_of(self))

    def __repr__(self) -> str:
        return (
            f"SlowCurve(length={self.length:.4g}, max_speed={self.max_speed:.4g}, "
            f"across={self.across:.4g}, is_attractor={self.is_attractor})"
        )


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "points": lambda values: frozen(values, np.float64),
    "speeds": lambda values: frozen(values, np.float64),
    "rates": lambda values: frozen(values, np.float64),
    "length": float,
    "across": float,
    "is_closed": bool,
}
