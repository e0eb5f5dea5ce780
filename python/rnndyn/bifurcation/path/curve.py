"""A curve of fixed points or cycles of a smooth network, and the pieces that are proved."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn._common.compare import ByFields

#: Type and dimensions of each array: n pieces, order k, M states, m = k M + 1 unknowns.
ARRAYS: dict[str, tuple[Any, str]] = {
    "s": (np.float64, "+"),
    "points": (np.float64, "+kM"),
    "error_bounds": (np.float64, "+"),
    "n_unstable": (np.int64, "+"),
    "spectral_radius": (np.float64, "+"),
    "centres": (np.float64, "nm"),
    "directions": (np.float64, "nm"),
    "reaches": (np.float64, "nm"),
    "sigma_begin": (np.float64, "n"),
    "sigma_end": (np.float64, "n"),
}


@dataclass(frozen=True, eq=False)
class Curve(ByFields):
    """Points of a branch, between any two of which the curve is enclosed and proved.

    Piece i joins the points i and i + 1. With x all points of the cycle one after another, and
    after them s counted from the model before, it is the only curve of solutions with
    ``x = centre + sigma * direction + w``, ``|w| <= reach``, for sigma from one end to the other.

    Attributes
    ----------
    s : ndarray of float64, shape (n + 1,)
        Places on the path, ascending.
    points : ndarray of float64, shape (n + 1, k, M)
        The cycle there.
    error_bounds : ndarray of float64, shape (n + 1,)
        No coordinate of a point, nor s, is further from one of the curve.
    n_unstable : ndarray of int64, shape (n + 1,)
        Multipliers outside the unit circle.
    spectral_radius : ndarray of float64, shape (n + 1,)
        Modulus of the largest multiplier.
    centres, directions, reaches : ndarray of float64, shape (n, k M + 1)
        The pieces.
    sigma_begin, sigma_end : ndarray of float64, shape (n,)
        What of each belongs to the branch.
    """

    s: FloatArray
    points: FloatArray
    error_bounds: FloatArray
    n_unstable: IntArray
    spectral_radius: FloatArray
    centres: FloatArray
    directions: FloatArray
    reaches: FloatArray
    sigma_begin: FloatArray
    sigma_end: FloatArray

    def __post_init__(self) -> None:
        points = np.asarray(self.points)
        if points.ndim != 3 or len(points) < 2:
            raise ValueError("a curve needs the points of at least two places, shape (n + 1, k, M)")
        n, k, size = len(points) - 1, points.shape[1], points.shape[2]
        widths = {"+": n + 1, "n": n, "k": k, "M": size, "m": k * size + 1}
        for name, (dtype, dimensions) in ARRAYS.items():
            array = frozen(getattr(self, name), dtype)
            if array.shape != tuple(widths[d] for d in dimensions):
                raise ValueError(f"{name} of a curve does not fit its points: shape {array.shape}")
            object.__setattr__(self, name, array)
        if not (np.diff(self.s) >= 0.0).all():
            raise ValueError("the places of a curve must ascend")

    @property
    def order(self) -> int:
        """Order k of the cycle."""
        return int(self.points.shape[1])

    @property
    def pieces(self) -> IntArray:
        """Numbers of the straight pieces of the path in which the pieces of the curve lie."""
        return np.asarray(np.floor(0.5 * (self.s[:-1] + self.s[1:])), dtype=np.int64)

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
