"""Means, errors, sums and dimension of a record of logarithmic growth, natural log per step."""

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn._common.statistics import student_quantile
from rnndyn.lyapunov._dimension import kaplan_yorke
from rnndyn.lyapunov._error import MeanError, error_of_means, pooled_error

#: Standard errors by which an exponent is moved to see whether a kink is near.
_REACH = 2.0
#: Rounding errors of the logarithmic growth of a step: a few units in the last place of an
#: orthonormalisation of N states, whose errors add like a random walk.
_ROUNDING = 16.0
#: Logarithm beyond which float64 overflows; far more than can be lost is all the same.
_ALL_LOST = 100.0


class Combination(NamedTuple):
    """A function of the exponents: for each sequence, and for the pooled exponents."""

    values: FloatArray
    errors: FloatArray
    pooled: float
    pooled_error: float


class Estimates:
    """What a record says; everything is computed when it is first asked for.

    Parameters
    ----------
    log_growth : (B, W, m) array
    window_steps : (W,) array
    layer : (B, m) array
        Layers, each of which is orthonormalized on its own.
    n_states : int
        N, for the size of rounding errors and the number of all exponents.
    qr_interval : (B,) array
        Steps between orthonormalizations.
    epsilon : float
        Distance of floating-point numbers of the run at 1.
    cycle_exponents, cycle_error : (B, m) arrays
        Exponents that are known, and their errors; error 0 where the record counts.
    """

    def __init__(
        self,
        log_growth: FloatArray,
        window_steps: IntArray,
        layer: IntArray,
        n_states: int,
        qr_interval: IntArray,
        epsilon: float,
        cycle_exponents: FloatArray,
        cycle_error: FloatArray,
    ) -> None:
        self._known = cycle_error > 0.0
        # As if the orbit had been on its cycle all the time.
        constant = cycle_exponents * window_steps[:, np.newaxis, np.newaxis]
        self._growth = np.where(self._known, constant, np.moveaxis(log_growth, 0, 1))
        self._steps = window_steps
        self._n_states = n_states
        self.means: FloatArray = self._growth.sum(axis=0) / window_steps.sum()
        infinite = np.isneginf(self.means)
        finite = np.where(infinite, 0.0, self.means)
        size = max(1.0, float(np.abs(finite).max()))
        # Between orthonormalizations the fastest direction buries the others: of a direction that
        # lags by a factor, relative errors grow by that factor. They need not average out: where
        # the growth is the same at every interval, they are.
        lag = np.zeros(finite.shape)
        for number in np.unique(layer):
            own = (layer == number) & ~infinite
            fastest = np.where(own, finite, -np.inf).max(axis=1, keepdims=True)
            lag += np.where(own, np.maximum(fastest, finite) - finite, 0.0)
        interval = qr_interval[:, np.newaxis]
        lost = epsilon * np.expm1(np.minimum(interval * lag, _ALL_LOST))
        self._rounding: FloatArray = (
            _ROUNDING * epsilon * math.sqrt(n_states) * size + np.minimum(lost, 1.0) / interval
        )
        self._rounding = np.where(self._known, cycle_error, self._rounding)

    @cached_property
    def error(self) -> MeanError:
        """Errors of the means, shape (B, m)."""
        found = error_of_means(self._growth, self._steps, self._rounding)
        # Also where one window leaves nothing to estimate an error from.
        return found._replace(
            standard_error=np.where(self._known, self._rounding, found.standard_error),
            autocorrelated=found.autocorrelated & ~self._known,
            drifting=found.drifting & ~self._known,
        )

    @cached_property
    def pooled(self) -> FloatArray:
        """Means over the sequences, shape (m,)."""
        pooled: FloatArray = self.means.mean(axis=0)
        return pooled

    @cached_property
    def pooled_error(self) -> MeanError:
        """Errors of the means over the sequences, shape (m,)."""
        return self.pooled_error_of(slice(None))

    def pooled_error_of(self, sequences: IntArray | slice) -> MeanError:
        """Errors of the means over some of the sequences, shape (m,)."""
        rounding = self._rounding[sequences].mean(axis=0)
        return pooled_error(self._growth[:, sequences], self._steps, rounding)

    @property
    def spread(self) -> FloatArray:
        """Standard deviation over the sequences, shape (m,)."""
        infinite = np.isneginf(self.means)
        spread = np.where(infinite, 0.0, self.means).std(axis=0, ddof=1)
        some = infinite.any(axis=0) & ~infinite.all(axis=0)
        return np.where(some, np.inf, spread)

    def error_half_width(self, level: float) -> FloatArray:
        """Half widths of the confidence intervals of the means."""
        return self.error.standard_error * _quantiles(self.error.degrees, level)

    def pooled_half_width(self, level: float) -> FloatArray:
        """Half widths of the confidence intervals of the pooled means."""
        return self.pooled_error.standard_error * _quantiles(self.pooled_error.degrees, level)

    @cached_property
    def sums(self) -> Combination:
        """Sum of the exponents; -inf where one of them is."""
        everything = np.ones(self.means.shape)
        own = self._weighted_error(everything)
        pooled = self._pooled_weighted_error(everything[0])
        infinite = np.isneginf(self.means).any(axis=1)
        return Combination(
            self.means.sum(axis=1),
            np.where(infinite, 0.0, own),
            float(self.pooled.sum()),
            0.0 if infinite.all() else math.inf if infinite.any() else pooled,
        )

    @cached_property
    def entropy(self) -> Combination:
        """Sum of the positive exponents."""
        reach = _above(self.means, self.error.standard_error)
        pooled_reach = _above(self.pooled, self.pooled_error.standard_error)
        return Combination(
            np.maximum(self.means, 0.0).sum(axis=1),
            self._weighted_error(reach),
            float(np.maximum(self.pooled, 0.0).sum()),
            self._pooled_weighted_error(pooled_reach),
        )

    @cached_property
    def dimension(self) -> Combination:
        """Kaplan-Yorke dimension."""
        own = [self._dimension(row) for row in self.means]
        pooled = self._dimension(self.pooled)
        values = np.array([value for value, _ in own])
        errors = self._weighted_error(np.array([derivatives for _, derivatives in own]))
        for index, row in enumerate(self.means):
            kink = self._error_at_kink(row, self.error.standard_error[index])
            errors[index] = max(errors[index], kink)
        pooled_error = max(
            self._pooled_weighted_error(pooled[1]),
            self._error_at_kink(self.pooled, self.pooled_error.standard_error),
        )
        return Combination(values, errors, pooled[0], pooled_error)

    @property
    def dimension_is_known(self) -> bool:
        """Whether the computed exponents suffice for the dimension of all sequences."""
        return all(
            kaplan_yorke(row, self._n_states) is not None for row in (*self.means, self.pooled)
        )

    def _dimension(self, exponents: FloatArray) -> tuple[float, FloatArray]:
        result = kaplan_yorke(exponents, self._n_states)
        if result is None:
            m = len(exponents)
            raise ValueError(
                f"the Kaplan-Yorke dimension needs more than the {m} largest exponents, whose sum "
                f"is not negative; compute more, up to n_exponents={self._n_states}"
            )
        return result

    def _error_at_kink(self, exponents: FloatArray, error: FloatArray) -> float:
        # Between integers the dimension is smooth; across one, derivatives say too little.
        ends = []
        for sign in (-1.0, 1.0):
            with np.errstate(invalid="ignore"):
                moved = exponents + sign * _REACH * error
            if not np.isfinite(moved[np.isfinite(exponents)]).all():
                return math.inf
            moved = -np.sort(-np.where(np.isneginf(exponents), -np.inf, moved))
            result = kaplan_yorke(moved, self._n_states)
            ends.append(float(len(exponents)) if result is None else result[0])
        low, high = ends
        return (high - low) / (2.0 * _REACH) if math.floor(low) != math.floor(high) else 0.0

    def _weighted_error(self, weights: FloatArray) -> FloatArray:
        """Errors of weighted sums of the exponents of each sequence, shape (B,)."""
        # Exponents of -inf have weight 0 or make the sum -inf: they never enter here.
        infinite = np.isneginf(self.means)
        growth = np.where(infinite, 0.0, self._growth)
        used = np.where(infinite, 0.0, weights)
        series = (growth * used).sum(axis=2)
        rounding: FloatArray = (np.abs(used) * self._rounding).sum(axis=1)
        error = error_of_means(series, self._steps, rounding).standard_error
        return np.where((used != 0.0).any(axis=1), error, 0.0)

    def _pooled_weighted_error(self, weights: FloatArray) -> float:
        """Error of a weighted sum of the pooled exponents."""
        infinite = np.isneginf(self.means)
        if (infinite.any(axis=0) & ~infinite.all(axis=0) & (weights != 0.0)).any():
            return math.inf
        used = np.where(infinite.all(axis=0), 0.0, weights)
        if not (used != 0.0).any():
            return 0.0
        growth = np.where(infinite, 0.0, self._growth)
        series = (growth * used).sum(axis=2)
        rounding = float((np.abs(used) * self._rounding).sum(axis=1).mean())
        return float(pooled_error(series, self._steps, rounding).standard_error)


def _above(exponents: FloatArray, errors: FloatArray) -> FloatArray:
    """Return 1 for exponents that may be positive within their errors, else 0; 0 for -inf."""
    finite = np.where(np.isneginf(exponents), 0.0, exponents)
    return ((finite + _REACH * errors > 0.0) & np.isfinite(exponents)).astype(np.float64)


def check_level(level: Any) -> float:
    """Return a confidence level."""
    try:
        number = float(level)
    except (TypeError, ValueError):
        raise TypeError(f"level must be a number, got {level!r} ({type(level).__name__})") from None
    if not 0.0 < number < 1.0:
        raise ValueError(f"level must be between 0 and 1, such as 0.95, got {level!r}")
    return number


def _quantiles(degrees: IntArray, level: float) -> FloatArray:
    unique, inverse = np.unique(degrees, return_inverse=True)
    values = np.array([student_quantile(0.5 * (1.0 + level), int(n)) for n in unique])
    quantiles: FloatArray = values[inverse].reshape(degrees.shape)
    return quantiles
