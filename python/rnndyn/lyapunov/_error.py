"""Standard errors of time averages by batch means.

The record of a run is a series of window sums of an autocorrelated quantity, the logarithmic
growth. Means of long enough batches of windows are nearly independent, so the spread of the batch
means tells the error of the overall mean (B. Schmeiser, "Batch size effects in the analysis of
simulation output", Operations Research 30 (1982) 556-568, who also shows that 10 to 30 batches are
enough). Whether batches are long enough is judged by the von Neumann ratio of their means
(J. von Neumann, Ann. Math. Statist. 12 (1941) 367-395; as a test for batch means: G. S. Fishman,
"Grouping observations in digital simulation", Management Science 24 (1978) 510-521).

The published procedures take the first batch length that passes the test. Its power is small, so
their intervals are too short whenever a weak correlation goes undetected. Here the batches go on
growing after the first pass, down to ten batches, the largest of the estimates counts, and the
intervals use the degrees of freedom of the fewest batches. Measured coverage of the 95 % intervals
is in ``docs/reference/lyapunov-spectrum-format.md``.

Batch means know nothing of a transient that the record begins with: it moves the mean in one
direction, while the spread of the batches takes it for noise that averages out. A drift that decays
is therefore looked for by itself.
"""

import math
from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray
from rnndyn._common.statistics import f_probability

#: Number of the longest batches (Schmeiser 1982: 10 to 30).
FEWEST_BATCHES = 10
#: 90 % quantile of the normal distribution: beyond it a von Neumann ratio counts as correlation.
_SIGNIFICANT = 1.2815515655446004
#: Correlation of the longest batches beyond which no estimate from ten of them says more.
_LARGEST_CORRELATION = 0.9
#: Standard deviations of its noise beyond which a difference between the first and the last third
#: of a record is no fluctuation, if the record comes to rest on the way.
_DRIFT = 4.0
#: Ratio of the change between later thirds to that between earlier ones beyond which nothing tells
#: where a drift will end.
_SLOWEST_DRIFT = 0.9
#: Median of the modulus of a standard normal number.
_NORMAL_MEDIAN = 0.6744897501960817
#: Probability of the F test that tells a real difference of sequences from their own errors.
_F_LEVEL = 0.95


class MeanError(NamedTuple):
    """Errors of time averages, each of the shape of the averages.

    Attributes
    ----------
    standard_error : ndarray of float64
        Infinite where fewer than two windows leave nothing to estimate it from.
    degrees : ndarray of int64
        Degrees of freedom of `standard_error`.
    autocorrelated : ndarray of bool
        True where the longest batches still correlate, or are too few to tell.
    drifting : ndarray of bool
        True where the record begins in a transient that its error has to include.
    """

    standard_error: FloatArray
    degrees: IntArray
    autocorrelated: BoolArray
    drifting: BoolArray


def error_of_means(growth: FloatArray, steps: IntArray, rounding: float | FloatArray) -> MeanError:
    """Estimate the error of means over time.

    Parameters
    ----------
    growth : (W, ...) array
        Sums over windows. A series with -inf has no error: its mean is -inf whatever follows.
    steps : (W,) array
        Steps of each window, all equal but for a shorter last one.
    rounding : float or array
        Error of rounding of a mean; no standard error is smaller.
    """
    shape = growth.shape[1:]
    annihilated: BoolArray = np.asarray(np.isneginf(growth).any(axis=0))
    means = np.where(annihilated, 0.0, growth) / steps.reshape(-1, *(1 for _ in shape))
    # A shorter last window varies more; it counts for the mean, not for its error.
    full = steps == steps[0]
    if full.sum() >= 2:
        means = means[full]
    n_windows = len(means)
    if n_windows < 2:
        error = np.where(annihilated, 0.0, np.inf)
        nothing = np.zeros(shape, dtype=np.bool_)
        return MeanError(error, np.ones(shape, dtype=np.int64), ~annihilated, nothing)

    window = float(steps[0])
    error = np.zeros(shape)
    accepted = np.zeros(shape, dtype=np.bool_)
    lengths = _batch_lengths(n_windows)
    for length in lengths:
        batches = _batches(means, length)
        spread, ratio = _spread(batches), _von_neumann(batches)
        # Two-sided: batches that alternate, as for bounded sums, would make the error too large.
        accepted |= np.abs(ratio) < _SIGNIFICANT
        last = length == lengths[-1]
        estimate = spread * math.sqrt(window * length / float(steps.sum()))
        error = np.where(accepted | last, np.maximum(error, estimate), error)
    too_few = n_windows < FEWEST_BATCHES
    autocorrelated = ~accepted & (ratio > 0.0) | too_few
    # A spread of the size of rounding errors says nothing about correlation.
    autocorrelated &= spread > rounding
    # If batches are a first-order autoregressive series, the variance of their mean is larger by
    # (1 + r) / (1 - r); r is estimated too small by (1 + 3 r) / k (M. G. Kendall, Biometrika 41
    # (1954) 403-404).
    k = len(batches)
    correlation = (k * _lag_one(batches) + 1.0) / (k - 3.0) if k > 3 else np.zeros(shape)
    correlation = np.clip(correlation, 0.0, _LARGEST_CORRELATION)
    error = np.where(autocorrelated, error * np.sqrt((1 + correlation) / (1 - correlation)), error)
    bias = _bias_of_drift(means, batches) if not too_few else np.zeros(shape)
    drifting = (bias > rounding) & ~annihilated
    error = np.maximum(error, bias)
    return MeanError(
        np.where(annihilated, 0.0, np.maximum(error, rounding)),
        np.full(shape, k - 1, dtype=np.int64),
        autocorrelated & ~annihilated,
        drifting,
    )


def pooled_error(growth: FloatArray, steps: IntArray, rounding: float | FloatArray) -> MeanError:
    """Estimate the error of means over time and sequences.

    Two estimates compete and the larger counts: the batch means of the growth averaged over the
    sequences, which knows of what the sequences share, such as a common input; and the spread of
    the sequences' own means, which knows of differences between them that no longer run would
    remove. If the second is significantly larger than the first (F test, 5 %), its few degrees of
    freedom count as well.

    Parameters
    ----------
    growth : (W, B, ...) array
        Sums over windows of B sequences.
    steps, rounding
        As for `error_of_means`.
    """
    n_sequences = growth.shape[1]
    annihilated = np.isneginf(growth).any(axis=0)
    finite = np.where(annihilated, 0.0, growth)
    within = error_of_means(finite.mean(axis=1), steps, rounding)
    error, degrees = within.standard_error.copy(), within.degrees.copy()
    if n_sequences > 1:
        means = finite.sum(axis=0) / steps.sum()
        between = means.std(axis=0, ddof=1) / math.sqrt(n_sequences)
        for index in np.ndindex(error.shape):
            ratio = (float(between[index]) / float(error[index])) ** 2
            if ratio > 1.0:
                probability = f_probability(ratio, n_sequences - 1, int(degrees[index]))
                if probability > _F_LEVEL:
                    degrees[index] = n_sequences - 1
                error[index] = between[index]
    # Where only some are annihilated, the mean is -inf without saying anything about the others.
    error = np.where(annihilated.all(axis=0), 0.0, np.where(annihilated.any(axis=0), np.inf, error))
    some = annihilated.any(axis=0)
    return MeanError(error, degrees, within.autocorrelated & ~some, within.drifting & ~some)


def _bias_of_drift(means: FloatArray, batches: FloatArray) -> FloatArray:
    """Return how far a transient keeps the mean of a record from where the record ends up.

    A transient that decays geometrically leaves differences of the means of successive thirds of
    the record in the ratio r, and the limit lies beyond the last by r / (1 - r) of the last
    difference (A. C. Aitken, Proc. R. Soc. Edinburgh 46 (1926) 289-305). Fluctuation does the same
    now and then; it is told apart by its size, of which the differences of neighbouring batches
    know whatever the drift. 0 where nothing shows.
    """
    third = len(means) // 3
    used = means[len(means) - 3 * third :]
    first, second, last = (used[i * third : (i + 1) * third].mean(axis=0) for i in range(3))
    noise = np.median(np.abs(np.diff(batches, axis=0)), axis=0) / (_NORMAL_MEDIAN * math.sqrt(2.0))
    noise_of_difference = noise * math.sqrt(2.0 * 3.0 / len(batches))
    before, after = first - second, second - last
    ratio = np.divide(after, before, out=np.full_like(before, -1.0), where=before != 0.0)
    significant = np.abs(first - last) > _DRIFT * noise_of_difference
    decays = significant & (ratio >= 0.0) & (ratio < 1.0)
    ratio = np.clip(ratio, 0.0, _SLOWEST_DRIFT)
    limit = last - after * ratio / (1.0 - ratio)
    bias: FloatArray = np.where(decays, np.abs(means.mean(axis=0) - limit), 0.0)
    return bias


def _batch_lengths(n_windows: int) -> list[int]:
    """Windows per batch, ascending: for every number of batches the length that loses least."""
    lengths: dict[int, int] = {}
    for length in range(1, max(n_windows // FEWEST_BATCHES, 1) + 1):
        lengths.setdefault(n_windows // length, length)
    return sorted(lengths.values())


def _batches(means: FloatArray, length: int) -> FloatArray:
    # What does not fill a batch is left out at the start, nearest to the transient.
    n_batches = len(means) // length
    used = means[len(means) - n_batches * length :]
    result: FloatArray = used.reshape(n_batches, length, *means.shape[1:]).mean(axis=1)
    return result


def _spread(batches: FloatArray) -> FloatArray:
    spread: FloatArray = batches.std(axis=0, ddof=1)
    return spread


def _lag_one(batches: FloatArray) -> FloatArray:
    """Lag-1 autocorrelation of the batch means; 0 where they do not vary."""
    deviation = batches - batches.mean(axis=0)
    squares = (deviation**2).sum(axis=0)
    products = (deviation[1:] * deviation[:-1]).sum(axis=0)
    correlation: FloatArray = np.divide(
        products, squares, out=np.zeros_like(squares), where=squares > 0.0
    )
    return correlation


def _von_neumann(batches: FloatArray) -> FloatArray:
    """Return 1 - (von Neumann ratio) / 2 in standard deviations from independence.

    The ratio is the sum of squared successive differences over the sum of squares; one minus half
    of it is the lag-1 autocorrelation with end corrections. For k independent normal batches it
    has mean 0 and variance (k - 2) / (k^2 - 1) (von Neumann 1941).
    """
    k = len(batches)
    deviation = batches - batches.mean(axis=0)
    squares = (deviation**2).sum(axis=0)
    differences = (np.diff(batches, axis=0) ** 2).sum(axis=0)
    half = np.divide(differences, 2.0 * squares, out=np.ones_like(squares), where=squares > 0.0)
    standard: FloatArray = (1.0 - half) / math.sqrt(max(k - 2, 1) / (k * k - 1))
    return standard
