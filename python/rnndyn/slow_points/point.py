"""A single slow point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import ComplexArray, FloatArray, frozen
from rnndyn._common.compare import ByFields
from rnndyn.results.table import html_text, table_of

#: Of multipliers that are 1 but for rounding errors.
_NEUTRAL = 1e-8


@dataclass(frozen=True, eq=False, repr=False)
class SlowPoint(ByFields):
    """A state at which the speed of a network has a minimum that is not zero.

    Attributes
    ----------
    state : ndarray of float64, shape (N,)
        The state z.
    speed : float
        ``|F(z) - z|`` in the Euclidean norm.
    q : float
        ``speed**2 / 2``, the function whose minimum it is.
    gradient_norm : float
        Norm of the gradient of q, rounding errors alone; along the borders for a point on some.
    curvatures : ndarray of float64, shape (N,)
        Eigenvalues of the Hessian of q, ascending: all positive, so that it is a minimum. In a
        piecewise-linear network minima lie where linear regions meet; across such borders the
        gradient jumps, and the curvature is infinite.
    multipliers : ndarray of complex128, shape (N,)
        Eigenvalues of the Jacobian of F there, by decreasing modulus; on borders of the region in
        which these units are off.
    log_moduli : ndarray of float64, shape (N,)
        Natural logarithms of their moduli.
    drift : ndarray of float64, shape (N,)
        ``F(z) - z``, the step that the network takes from there.
    n_borders : int
        Borders of linear regions that it lies on; 0 in tanh, GRU and LSTM networks.
    hits : int
        Number of restarts that ended in it.
    """

    state: FloatArray
    speed: float
    q: float
    gradient_norm: float
    curvatures: FloatArray
    multipliers: ComplexArray
    log_moduli: FloatArray
    drift: FloatArray
    n_borders: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        for name, convert in _CONVERTERS.items():
            object.__setattr__(self, name, convert(getattr(self, name)))

    @property
    def is_minimum(self) -> bool:
        """Whether the Hessian of q is positive definite; True of all that a search lists."""
        return bool((self.curvatures > 0.0).all())

    @property
    def time_scales(self) -> FloatArray:
        """Steps in which each mode decays to 1/e, ``-1 / ln|multiplier|``.

        Negative for a mode that grows, infinite for one of modulus 1.
        """
        with np.errstate(divide="ignore"):
            return -1.0 / self.log_moduli

    @property
    def direction(self) -> FloatArray:
        """Direction of the drift, a unit vector."""
        return self.drift / self.speed

    @property
    def n_unstable(self) -> int:
        """Number of multipliers outside the unit circle.

        A mode along which the speed has its minimum has the multiplier 1 and counts as neither.
        """
        return int((self.log_moduli > _NEUTRAL).sum())

    def _repr_html_(self) -> str:
        return html_text(table_of(self))

    def __repr__(self) -> str:
        return (
            f"SlowPoint(speed={self.speed:.4g}, q={self.q:.4g}, "
            f"time_scale={slowest_time_scale(self):.4g}, n_unstable={self.n_unstable})"
        )


def slowest_time_scale(point: SlowPoint) -> float:
    """Return the time scale of the largest modulus, of the mode that lasts longest."""
    scales = point.time_scales
    return float(scales[np.argmax(np.abs(scales))])


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "state": lambda values: frozen(values, np.float64),
    "speed": float,
    "q": float,
    "gradient_norm": float,
    "curvatures": lambda values: frozen(values, np.float64),
    "multipliers": lambda values: frozen(values, np.complex128),
    "log_moduli": lambda values: frozen(values, np.float64),
    "drift": lambda values: frozen(values, np.float64),
    "n_borders": int,
    "hits": int,
}
