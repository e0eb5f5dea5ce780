"""The result of a computation of Lyapunov exponents: the spectrum with its errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.checks import check_integer
from rnndyn.lyapunov._angles import pairwise_angles, smallest_principal_angle
from rnndyn.lyapunov._estimates import Combination, Estimates, check_level
from rnndyn.lyapunov._file import FORMAT
from rnndyn.lyapunov._orbit import UNBOUNDED
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.run import LyapunovRun
from rnndyn.lyapunov.units import TimeUnit, Units, check_units
from rnndyn.results.base import TabularResult

_ARRAYS = {
    "log_growth": np.float64,
    "window_steps": np.int64,
    "layer": np.int64,
    "states": np.float64,
    "qr_interval": np.int64,
    "orbit": np.int64,
    "cycle_exponents": np.float64,
    "cycle_error": np.float64,
}
#: What there is of every exponent of every sequence.
PER_EXPONENT = ("exponents", "standard_error", "layer", "autocorrelated", "converged", "exact")
#: Default tolerances of `is_converged`.
_RELATIVE, _OF_LARGEST = 0.05, 0.01
#: What half widths that are `autocorrelated` are multiplied by before they count.
_UNCERTAIN = 100.0


def _no_values(dtype: type) -> Any:
    return np.zeros(0, dtype)


@dataclass(frozen=True, eq=False, repr=False)
class LyapunovSpectrum(TabularResult):
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

    log_growth: FloatArray
    window_steps: IntArray
    layer: IntArray
    frame: TangentFrame
    states: FloatArray
    qr_interval: IntArray
    run: LyapunovRun
    per: TimeUnit = "step"
    dt: float | None = None
    base: float = float(np.e)
    orbit: IntArray = field(default_factory=lambda: _no_values(np.int64))
    cycle_exponents: FloatArray = field(default_factory=lambda: _no_values(np.float64))
    cycle_error: FloatArray = field(default_factory=lambda: _no_values(np.float64))
    covariant_steps: IntArray | None = None
    covariant_vectors: FloatArray | None = None

    def __post_init__(self) -> None:
        n_sequences, m = np.shape(self.log_growth)[0], np.shape(self.log_growth)[-1]
        for name, shape in (
            ("orbit", (n_sequences,)),
            ("cycle_exponents", (n_sequences, m)),
            ("cycle_error", (n_sequences, m)),
        ):
            if np.size(getattr(self, name)) == 0:
                object.__setattr__(self, name, np.zeros(shape))
        for name, dtype in _ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        if self.covariant_steps is not None and self.covariant_vectors is not None:
            object.__setattr__(self, "covariant_steps", frozen(self.covariant_steps, np.int64))
            object.__setattr__(
                self, "covariant_vectors", frozen(self.covariant_vectors, np.float64)
            )
        check_units(self.per, self.dt, self.base)
        self._check_shapes()

    def _check_shapes(self) -> None:
        if self.log_growth.ndim != 3 or 0 in self.log_growth.shape:
            raise ValueError(
                f"log_growth must have shape (B, W, m), got {self.log_growth.shape}; B, W and m "
                "are at least 1"
            )
        n_sequences, n_windows, m = self.log_growth.shape
        expected: dict[str, tuple[int, ...]] = {
            "window_steps": (n_windows,),
            "layer": (n_sequences, m),
            "states": (n_sequences, self.states.shape[-1] if self.states.ndim else 0),
            "qr_interval": (n_sequences,),
            "orbit": (n_sequences,),
            "cycle_exponents": (n_sequences, m),
            "cycle_error": (n_sequences, m),
        }
        if (self.covariant_steps is None) != (self.covariant_vectors is None):
            raise ValueError("covariant_steps and covariant_vectors belong together: give both")
        if self.covariant_steps is not None and self.covariant_vectors is not None:
            n_samples = len(self.covariant_steps)
            expected["covariant_vectors"] = (n_sequences, n_samples, self.n_states, m)
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")
        if np.isnan(self.log_growth).any() or np.isposinf(self.log_growth).any():
            raise ValueError("log_growth must hold finite numbers or -inf")
        for name in ("window_steps", "qr_interval"):
            if not (getattr(self, name) >= 1).all():
                raise ValueError(f"{name} must be at least 1")
        if not (np.isfinite(self.cycle_exponents).all() and (self.cycle_error >= 0.0).all()):
            raise ValueError("cycle_exponents must be finite, and cycle_error at least 0")
        if not (self.orbit >= -1).all():
            raise ValueError("orbit must hold periods, 0 or -1")
        if self.frame.n_sequences != n_sequences:
            raise ValueError(
                f"frame must be of {n_sequences} sequences, got {self.frame.n_sequences}"
            )

    @property
    def n_sequences(self) -> int:
        """Number of sequences B."""
        return int(self.log_growth.shape[0])

    @property
    def n_exponents(self) -> int:
        """Number of exponents m of each sequence."""
        return int(self.log_growth.shape[2])

    @property
    def n_states(self) -> int:
        """Number of states N, so of all exponents there are."""
        return int(self.states.shape[1])

    @property
    def n_steps(self) -> int:
        """Number of recorded steps."""
        return int(self.window_steps.sum())

    @property
    def units(self) -> Units:
        """The units of all exponents and errors."""
        return Units(self.per, self.dt, self.base)

    @cached_property
    def _estimates(self) -> Estimates:
        single = self.run.options.get("dtype") == "float32"
        epsilon = float(np.finfo(np.float32 if single else np.float64).eps)
        return Estimates(
            self.log_growth,
            self.window_steps,
            self.layer,
            self.n_states,
            self.qr_interval,
            epsilon,
            self.cycle_exponents,
            self.cycle_error,
        )

    def _scaled(self, values: Any) -> FloatArray:
        return frozen(values * self.units.scale, np.float64)

    @cached_property
    def exponents(self) -> FloatArray:
        """Exponents of each sequence, shape (B, m), descending."""
        return self._scaled(self._estimates.means)

    @cached_property
    def standard_error(self) -> FloatArray:
        """Standard errors of `exponents`, shape (B, m).

        0 for an exponent ``-inf``; infinite where a single window leaves nothing to estimate it
        from; else never below the rounding errors.
        """
        return self._scaled(self._estimates.error.standard_error)

    @property
    def autocorrelated(self) -> BoolArray:
        """Where the growth correlates over the longest batches, shape (B, m).

        Then the run is short compared with the memory of the dynamics, and the errors, though
        enlarged, are less certain. True also where there are fewer than ten windows to tell.
        """
        return frozen(self._estimates.error.autocorrelated, np.bool_)

    @property
    def exact(self) -> BoolArray:
        """Which exponents are those of a cycle that the orbit has settled on, shape (B, m).

        They come from its multipliers and are right to rounding, however short the run.
        """
        return frozen(self.cycle_error > 0.0, np.bool_)

    @property
    def unbounded(self) -> BoolArray:
        """Which orbits grow without bound, shape (B,).

        There is no attractor then: the exponents tell how perturbations grew on the way, and
        nothing that belongs to the network, so that there is no Kaplan-Yorke dimension and they
        never count as converged. Orbits that left the range of floating-point numbers raise a
        `DivergenceError` instead.
        """
        return frozen(self.orbit == UNBOUNDED, np.bool_)

    @property
    def n_batches(self) -> int:
        """Number of the longest batches; the intervals use one degree of freedom less."""
        return int(self._estimates.error.degrees.flat[0]) + 1

    @property
    def drifting(self) -> BoolArray:
        """Where the growth still drifts, shape (B, m): the record begins in a transient.

        The error then holds how far the mean is from where the growth seems to come to rest.
        """
        return frozen(self._estimates.error.drifting, np.bool_)

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the bounds of confidence intervals for `exponents`.

        Parameters
        ----------
        level : float
            Confidence, between 0 and 1.

        Returns
        -------
        lower, upper : ndarray of float64, shape (B, m)
            Both ``-inf`` for an exponent ``-inf``.
        """
        half = self._estimates.error_half_width(check_level(level))
        return self._bounds(self._estimates.means, half)

    @cached_property
    def pooled(self) -> FloatArray:
        """Mean of `exponents` over the sequences, shape (m,)."""
        return self._scaled(self._estimates.pooled)

    @cached_property
    def pooled_standard_error(self) -> FloatArray:
        """Standard errors of `pooled`, shape (m,).

        The larger of two: the batch means of the growth averaged over the sequences, and the
        spread of the sequences' exponents. Infinite where only some sequences have ``-inf``.
        """
        return self._scaled(self._estimates.pooled_error.standard_error)

    def pooled_interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the bounds, shape (m,), of confidence intervals for `pooled` (see `interval`)."""
        half = self._estimates.pooled_half_width(check_level(level))
        return self._bounds(self._estimates.pooled, half)

    def _bounds(self, means: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
        # -inf +- inf would be NaN; where the error is infinite nothing is known.
        lower = np.where(np.isposinf(half), -np.inf, means - np.where(np.isinf(half), 0.0, half))
        upper = np.where(np.isposinf(half), np.inf, means + np.where(np.isinf(half), 0.0, half))
        return self._scaled(lower), self._scaled(upper)

    @property
    def converged(self) -> BoolArray:
        """Where exponents are known well enough, shape (B, m): `is_converged` with its defaults."""
        return self.is_converged()

    def is_converged(self, tolerance: float | None = None) -> BoolArray:
        """Tell where exponents are known well enough.

        An exponent is converged if the half width of its 95 % interval is at most `tolerance`, or
        a hundredth of it where it is `autocorrelated`, and its orbit is not `unbounded`.

        Parameters
        ----------
        tolerance : float, optional
            In the units of the spectrum. Default: 5 % of the exponent's modulus or, if that is
            larger, 1 % of the largest modulus of the computed finite exponents of its sequence.

        Returns
        -------
        ndarray of bool, shape (B, m)
            True for ``-inf``.
        """
        return frozen(self._within(tolerance, pooled=False), np.bool_)

    @property
    def pooled_converged(self) -> BoolArray:
        """Where `pooled` is known well enough, shape (m,), by the rule of `is_converged`."""
        return frozen(self._within(None, pooled=True), np.bool_)

    def _within(self, tolerance: float | None, *, pooled: bool) -> BoolArray:
        estimates = self._estimates
        means = estimates.pooled if pooled else estimates.means
        error = estimates.pooled_error if pooled else estimates.error
        half = estimates.pooled_half_width(0.95) if pooled else estimates.error_half_width(0.95)
        sizes = np.where(np.isinf(means), 0.0, np.abs(means))
        allowed = np.maximum(_RELATIVE * sizes, _OF_LARGEST * sizes.max(axis=-1, keepdims=True))
        if tolerance is not None:
            if not tolerance > 0.0:
                raise ValueError(f"tolerance must be a positive number, got {tolerance!r}")
            allowed = np.full(means.shape, tolerance / abs(self.units.scale))
        # An uncertain error is not wrong by so much.
        within: BoolArray = np.where(error.autocorrelated, _UNCERTAIN * half, half) <= allowed
        runs_away = self.unbounded.any() if pooled else self.unbounded[:, np.newaxis]
        return within & ~runs_away

    @property
    def batch_max(self) -> FloatArray:
        """Largest value of every exponent over the sequences, shape (m,)."""
        return frozen(self.exponents.max(axis=0), np.float64)

    @property
    def batch_std(self) -> FloatArray | None:
        """Standard deviation of every exponent over the sequences, shape (m,).

        None for a single sequence; 0 where all are ``-inf``, infinite where only some are.
        """
        if self.n_sequences == 1:
            return None
        return self._scaled(self._estimates.spread)

    @cached_property
    def running(self) -> FloatArray:
        """Estimates after each window, shape (W, B, m); `running_steps` are their steps."""
        sums = np.cumsum(self.log_growth, axis=1)
        return self._scaled(np.moveaxis(sums / self.running_steps[:, np.newaxis], 1, 0))

    @property
    def running_steps(self) -> IntArray:
        """Recorded steps after each window, shape (W,)."""
        return np.cumsum(self.window_steps)

    def finite_time_exponents(self, steps: int | None = None) -> FloatArray:
        """Return exponents of pieces of the orbit.

        Parameters
        ----------
        steps : int, optional
            Length of a piece, a multiple of the recorded windows. Default: one window.

        Returns
        -------
        ndarray of float64, shape (n, B, m)
            In the order of time; columns in the order of `exponents`, not sorted piece by piece.
            What remains at the end and is shorter than a piece is left out.
        """
        window = int(self.window_steps[0])
        steps = window if steps is None else check_integer("steps", steps, 1, self.n_steps)
        if steps % window:
            raise ValueError(
                f"steps must be a multiple of the recorded windows of {window} steps, got {steps}; "
                f"take steps={max(steps // window, 1) * window}"
            )
        length = steps // window
        # No sums but those of full windows: a shorter last one may end a piece too early.
        full = self.log_growth[:, self.window_steps == window]
        n = full.shape[1] // length
        pieces = full[:, : n * length].reshape(self.n_sequences, n, length, self.n_exponents)
        return self._scaled(np.moveaxis(pieces.sum(axis=2), 1, 0) / steps)

    @property
    def exponent_sum(self) -> FloatArray:
        """Sum of the computed exponents, shape (B,); of all N: mean of ``ln |det J|``."""
        return self._scaled(self._estimates.sums.values)

    @property
    def exponent_sum_error(self) -> FloatArray:
        """Standard error of `exponent_sum`, shape (B,), from batch means of the sum itself."""
        return self._scaled(self._estimates.sums.errors)

    @property
    def entropy_sum(self) -> FloatArray:
        """Sum of the positive exponents, shape (B,).

        Upper bound of the metric entropy (D. Ruelle, Bol. Soc. Bras. Mat. 9 (1978) 83-87), equal to
        it where Pesin's formula holds. Covers the computed exponents only: it is too small where
        the last of them is positive and m < N.
        """
        return self._scaled(self._estimates.entropy.values)

    @property
    def entropy_sum_error(self) -> FloatArray:
        """Standard error of `entropy_sum`, shape (B,).

        Counts every exponent that is positive or within two errors of it.
        """
        return self._scaled(self._estimates.entropy.errors)

    @property
    def pooled_entropy_sum(self) -> float:
        """Sum of the positive `pooled` exponents."""
        return self._estimates.entropy.pooled * self.units.scale

    @property
    def pooled_entropy_sum_error(self) -> float:
        """Standard error of `pooled_entropy_sum`."""
        return self._estimates.entropy.pooled_error * self.units.scale

    @property
    def kaplan_yorke_dimension(self) -> FloatArray:
        """Kaplan-Yorke dimension of each sequence, shape (B,); 0 where all exponents are negative.

        Raises
        ------
        ValueError
            If the sum of the m < N computed exponents is not negative, so that more are needed, or
            an orbit is `unbounded`, so that there is no attractor.
        """
        return self._dimension().values

    @property
    def kaplan_yorke_error(self) -> FloatArray:
        """Standard error of `kaplan_yorke_dimension`, shape (B,).

        By linear propagation, with the correlation of the exponents: batch means of the growth
        weighted by the derivatives of the dimension. Where the exponents could by two standard
        errors have another integer part of the dimension, it is at least a quarter of the change
        of the dimension between both ends.
        """
        return self._dimension().errors

    @property
    def pooled_kaplan_yorke_dimension(self) -> float:
        """Kaplan-Yorke dimension of the `pooled` exponents."""
        return self._dimension().pooled

    @property
    def pooled_kaplan_yorke_error(self) -> float:
        """Standard error of `pooled_kaplan_yorke_dimension`."""
        return self._dimension().pooled_error

    @property
    def dimension_is_known(self) -> bool:
        """Whether there are attractors, and enough exponents for their Kaplan-Yorke dimension."""
        return not self.unbounded.any() and self._estimates.dimension_is_known

    def _dimension(self) -> Combination:
        if self.unbounded.any():
            raise ValueError(
                f"sequence {int(np.argmax(self.unbounded))} grows without bound, so there is no "
                "attractor that could have a dimension; start elsewhere with z0=..., or check the "
                "parameters of the model"
            )
        return self._estimates.dimension

    def covariant_angles(self) -> FloatArray:
        """Return the angles between all pairs of covariant vectors.

        Returns
        -------
        ndarray of float64, shape (B, n_samples, m, m)
            In radians, 0 to pi/2: angles between lines, since vectors have no sign.

        Raises
        ------
        ValueError
            If the spectrum was computed without covariant vectors.
        """
        return pairwise_angles(self._vectors())

    def smallest_angle(self, k: int) -> FloatArray:
        """Return the smallest angle between the first k covariant vectors and the others.

        With k the number of positive exponents, angles bounded away from 0 tell hyperbolic from
        non-hyperbolic dynamics [1]_.

        Parameters
        ----------
        k : int
            How many vectors span the first space, 1 to m - 1.

        Returns
        -------
        ndarray of float64, shape (B, n_samples)
            Smallest principal angle between both spaces, in radians, 0 to pi/2.

        References
        ----------
        .. [1] F. Ginelli et al., "Characterizing dynamics with covariant Lyapunov vectors", Phys.
           Rev. Lett. 99 (2007) 130601.
        """
        vectors = self._vectors()
        if self.n_exponents < 2:
            raise ValueError("smallest_angle needs at least two exponents, got n_exponents=1")
        k = check_integer("k", k, 1, self.n_exponents - 1)
        return smallest_principal_angle(vectors[..., :k], vectors[..., k:])

    def _vectors(self) -> FloatArray:
        if self.covariant_vectors is None and self.run.options.get("covariant"):
            raise ValueError(
                "this spectrum has no covariant vectors, because its run was stopped before the "
                "end; give more time or fewer steps"
            )
        if self.covariant_vectors is None:
            raise ValueError(
                "this spectrum has no covariant vectors; compute it with "
                "lyapunov_spectrum(..., covariant=100) for 100 samples"
            )
        return self.covariant_vectors

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
