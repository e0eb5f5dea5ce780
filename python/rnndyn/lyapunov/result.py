"""The result of a computation of Lyapunov exponents: the spectrum with its errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rnndyn.lyapunov._covariant import CovariantVectors
from rnndyn.lyapunov._file import FORMAT
from rnndyn.lyapunov._sums import Sums
from rnndyn.lyapunov.units import TimeUnit, check_units

#: What there is of every exponent of every sequence.
PER_EXPONENT = ("exponents", "standard_error", "layer", "autocorrelated", "converged", "exact")


@dataclass(frozen=True, eq=False, repr=False)
class LyapunovSpectrum(Sums, CovariantVectors):
    """Lyapunov exponents of B sequences, with standard errors.

    Exponents of a sequence are in descending order; ``-inf`` belongs to a direction that the map
    annihilates, such as that of a ReLU unit which is off. `pooled` is the mean over the sequences.
    All exponents and errors are in the units `per` and `base`; `in_units` changes them.

    Attributes
    ----------
    log_growth : ndarray of float64, shape (B, W, m)
        Natural logarithm of the growth during each of W recorded windows, in the order of
        `exponents`.
    window_steps : ndarray of int64, shape (W,)
        Steps of each window; the last may be shorter.
    layer : ndarray of int64, shape (B, m)
        Layer that each exponent belongs to; all 0 for a computation of the joint state.
    frame : TangentFrame
        Tangent vectors at the end, to go on with (``frame=``).
    states : ndarray of float64, shape (B, N)
        States at the end of the last complete window.
    qr_interval : ndarray of int64, shape (B,)
        Steps between orthonormalizations at the end of the run.
    run : LyapunovRun
        Model, options, seed, version, wall time and work.
    per : {"step", "second"}
        Unit of time.
    dt : float or None
        Seconds a step takes, where that is known.
    base : float
        Base of the logarithm.
    orbit : ndarray of int64, shape (B,)
        What becomes of each orbit: the period of the cycle that it has settled on, 0 for one that
        has not, -1 for one that grows without bound.
    cycle_exponents, cycle_error : ndarray of float64, shape (B, m)
        Exponents of that cycle from its multipliers, in natural logarithms per step, and bounds of
        their rounding errors. Where the error is 0 none is known, and the record counts.
    covariant_steps : ndarray of int64, shape (n_samples,), or None
        Recorded steps at which there are covariant vectors.
    covariant_vectors : ndarray of float64, shape (B, n_samples, N, m), or None
        Covariant Lyapunov vectors as unit columns, in the order of `exponents`.

    See Also
    --------
    rnndyn.lyapunov_spectrum : Compute it.

    Notes
    -----
    Errors come from batch means over time; where the longest batches still correlate,
    `autocorrelated` is True and the error is enlarged. The 95 % intervals held the true value in at
    least 96 of 100 runs of 200 to 30,000 steps of the Hénon, Lozi and logistic maps, as measured
    with 1,000 seeds each; ``docs/reference/lyapunov-spectrum-format.md`` has the table and the
    rules in full. An exponent ``-inf`` has error 0: more steps cannot change it. Exponents of a
    cycle that the orbit has settled on (`exact`) have the rounding error of their multipliers.

    Examples
    --------
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
    >>> spectrum = rd.lyapunov_spectrum(lozi, z0=[0.1, 0.1])
    >>> lower, upper = spectrum.interval()
    >>> bool(lower[0, 0] < 0.4702 < upper[0, 0])
    True
    >>> bool(np.isclose(spectrum.exponent_sum[0], np.log(0.5)))
    True
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("exponents",)

    def in_units(
        self, per: TimeUnit | None = None, *, dt: float | None = None, base: float | None = None
    ) -> LyapunovSpectrum:
        """Return the same spectrum in other units; errors and everything else change along.

        Parameters
        ----------
        per : {"step", "second"}, optional
            Unit of time. Default: seconds where `dt` is given here, else as it is.
        dt : float, optional
            Seconds a step takes. Default: as it is.
        base : float, optional
            Base of the logarithm, such as 2. Default: as it is.

        Examples
        --------
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> bits = rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=40, transient=0).in_units(base=2)
        >>> round(float(bits.exponents[0, 0]), 12), bits.units.text
        (1.0, 'bits per step')
        """
        if per is None and dt is None:
            per = self.per
        units = check_units(per, self.dt if dt is None else dt, self.base if base is None else base)
        return replace(self, per=units.per, dt=units.dt, base=units.base)

    def to_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return exponents, errors and what else has one entry per exponent or window, by name."""
        lower, upper = self.interval()
        result: dict[str, np.ndarray[Any, Any]] = {
            name: getattr(self, name) for name in PER_EXPONENT
        }
        result |= {"lower": lower, "upper": upper}
        result |= {
            name: getattr(self, name)
            for name in (
                "pooled",
                "pooled_standard_error",
                "exponent_sum",
                "exponent_sum_error",
                "entropy_sum",
                "entropy_sum_error",
                "running",
                "running_steps",
                "window_steps",
                "states",
                "qr_interval",
                "orbit",
                "unbounded",
            )
        }
        if self.dimension_is_known:
            result["kaplan_yorke_dimension"] = self.kaplan_yorke_dimension
            result["kaplan_yorke_error"] = self.kaplan_yorke_error
        if self.covariant_steps is not None and self.covariant_vectors is not None:
            result["covariant_steps"] = self.covariant_steps
            result["covariant_vectors"] = self.covariant_vectors
        return result
