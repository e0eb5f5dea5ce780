"""The exponents of a spectrum: with errors, over time, and how well they are known."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.checks import check_integer
from rnndyn.lyapunov._estimates import check_level
from rnndyn.lyapunov._orbit import UNBOUNDED
from rnndyn.lyapunov._record import GrowthRecord

#: Default tolerances of `is_converged`.
_RELATIVE, _OF_LARGEST = 0.05, 0.01
#: What half widths that are `autocorrelated` are multiplied by before they count.
_UNCERTAIN = 100.0


class Exponents(GrowthRecord):
    """The part of a `rnndyn.LyapunovSpectrum` that is about single exponents."""

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
