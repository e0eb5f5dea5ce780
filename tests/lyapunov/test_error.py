"""Standard errors: they cover the truth, notice correlation, and never are NaN."""

import math

import numpy as np
import pytest
import scipy.stats

from lyapunov_records import henon_windows
from rnndyn._common.statistics import f_probability, student_quantile
from rnndyn.lyapunov._error import error_of_means, pooled_error

ROUNDING = 1e-14


@pytest.mark.parametrize("degrees", [1, 2, 5, 9, 99, 10_000])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.975, 0.9999])
def test_student_quantiles_are_those_of_scipy(degrees, probability):
    expected = scipy.stats.t.ppf(probability, degrees)
    assert student_quantile(probability, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("degrees", [(1, 9), (3, 2), (9, 90), (1000, 5)])
@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 5.0, 100.0])
def test_f_probabilities_are_those_of_scipy(degrees, ratio):
    assert f_probability(ratio, *degrees) == pytest.approx(
        scipy.stats.f.cdf(ratio, *degrees), abs=1e-12
    )


def test_quantiles_without_sense_are_refused():
    for probability, degrees in [(1.0, 5), (0.4, 5), (0.9, 0)]:
        with pytest.raises(ValueError, match="a quantile needs a probability"):
            student_quantile(probability, degrees)
    assert f_probability(math.inf, 1, 9) == 1.0
    assert f_probability(0.0, 1, 9) == 0.0


def coverage(sums, steps, truth):
    """Share of the 95 % intervals that hold the truth, of window sums (W, B)."""
    error = error_of_means(sums, np.full(len(sums), steps), ROUNDING)
    half = error.standard_error * student_quantile(0.975, int(error.degrees[0]))
    return np.mean(np.abs(sums.sum(axis=0) / (len(sums) * steps) - truth) <= half)


@pytest.mark.parametrize(("n_windows", "steps"), [(63, 16), (100, 50)])
def test_intervals_cover_the_exponent_of_the_henon_map(n_windows, steps):
    assert coverage(henon_windows(400, n_windows, steps, seed=3), steps, 0.419217) >= 0.96


def autoregressive_windows(correlation, n_windows, steps, n_series, seed):
    """Window sums of first-order autoregressive series with mean 0 and variance of noise 1."""
    rng = np.random.default_rng(seed)
    value = rng.standard_normal(n_series) / math.sqrt(1.0 - correlation**2)
    sums = np.zeros((n_windows, n_series))
    for step in range(n_windows * steps):
        value = correlation * value + rng.standard_normal(n_series)
        sums[step // steps] += value
    return sums


def test_intervals_cover_where_windows_correlate():
    # Neighbouring windows of 10 steps correlate by 0.4: batch means of the windows alone hold the
    # truth in 80 % of the cases.
    sums = autoregressive_windows(0.9, 100, 10, 400, seed=5)
    assert coverage(sums, 10, 0.0) >= 0.95
    naive = sums.std(axis=0, ddof=1) / math.sqrt(100) / 10
    assert np.mean(np.abs(sums.mean(axis=0) / 10) <= 1.984 * naive) < 0.9


def test_independent_windows_have_the_textbook_error():
    rng = np.random.default_rng(1)
    sums = rng.standard_normal((100, 500))
    error = error_of_means(sums, np.full(100, 4), ROUNDING)
    # The spread of a sum of 400 steps, per step; a little more since the largest estimate counts.
    ratio = error.standard_error / (math.sqrt(100) / 400)
    assert 1.0 < np.mean(ratio) < 1.3
    assert np.all(error.degrees == 9)
    assert np.mean(error.autocorrelated) < 0.01


def test_correlation_over_the_whole_run_is_noticed():
    drift = np.linspace(1.0, 0.0, 100)[:, np.newaxis]
    sums = drift + 0.01 * np.random.default_rng(2).standard_normal((100, 1))
    error = error_of_means(sums, np.full(100, 1), ROUNDING)
    assert error.autocorrelated[0]
    # Ten batches of a ramp from 1 to 0 spread by 0.3; their error is enlarged, not 0.3 / sqrt(10).
    assert error.standard_error[0] > 0.15


def test_equal_growth_has_an_error_of_rounding():
    error = error_of_means(np.full((100, 1), math.log(2.0)), np.full(100, 1), ROUNDING)
    assert error.standard_error[0] == ROUNDING
    assert not error.autocorrelated[0]


def test_alternating_windows_do_not_shrink_the_error_to_nothing():
    # Bounded sums, as of a zero exponent: the true error is of order 1 / n.
    sums = np.where(np.arange(100) % 2 == 0, 1.0, -1.0)[:, np.newaxis]
    error = error_of_means(sums, np.full(100, 1), ROUNDING)
    assert not error.autocorrelated[0]
    assert ROUNDING <= error.standard_error[0] <= 0.1


def test_a_shorter_last_window_counts_for_no_error():
    rng = np.random.default_rng(3)
    sums = rng.standard_normal((41, 1))
    sums[-1] = 1e6
    steps = np.array([10] * 40 + [1])
    assert error_of_means(sums, steps, ROUNDING).standard_error[0] < 0.1


@pytest.mark.parametrize("n_windows", [1, 2, 3, 5, 9])
def test_few_windows_are_never_trusted(n_windows):
    sums = np.random.default_rng(4).standard_normal((n_windows, 3))
    error = error_of_means(sums, np.full(n_windows, 1), ROUNDING)
    assert np.all(error.autocorrelated)
    assert np.all(np.isfinite(error.standard_error) == (n_windows > 1))
    assert np.all(error.standard_error > 0.0)


def test_annihilated_directions_have_no_error():
    sums = np.zeros((20, 2))
    sums[3, 1] = -np.inf
    error = error_of_means(sums, np.full(20, 1), ROUNDING)
    assert error.standard_error.tolist() == [ROUNDING, 0.0]
    assert not error.autocorrelated.any()


def test_the_pooled_error_knows_what_sequences_share():
    common = np.random.default_rng(5).standard_normal((100, 1, 1))
    alone = error_of_means(common[:, 0], np.full(100, 1), ROUNDING)
    pooled = pooled_error(np.tile(common, (1, 10, 1)), np.full(100, 1), ROUNDING)
    assert pooled.standard_error == pytest.approx(alone.standard_error)


def test_the_pooled_error_knows_how_sequences_differ():
    rng = np.random.default_rng(6)
    means = np.array([0.0, 1.0, 2.0, 3.0])
    sums = means[:, np.newaxis] + 0.01 * rng.standard_normal((100, 4, 1))
    pooled = pooled_error(sums, np.full(100, 1), ROUNDING)
    assert pooled.standard_error[0] == pytest.approx(means.std(ddof=1) / 2.0, rel=0.01)
    assert pooled.degrees[0] == 3


def test_the_pooled_error_of_independent_sequences_covers():
    sums = henon_windows(400, 63, 16, seed=8).reshape(63, 40, 10).transpose(0, 2, 1)
    pooled = pooled_error(sums, np.full(63, 16), ROUNDING)
    quantiles = [student_quantile(0.975, int(degrees)) for degrees in pooled.degrees]
    means = sums.sum(axis=(0, 1)) / (63 * 16 * 10)
    inside = np.abs(means - 0.419217) <= pooled.standard_error * quantiles
    assert inside.sum() >= 38


def test_where_some_sequences_are_annihilated_nothing_is_known_of_the_mean():
    sums = np.zeros((20, 2, 2))
    sums[5, 0, 0] = -np.inf
    sums[5, :, 1] = -np.inf
    pooled = pooled_error(sums, np.full(20, 1), ROUNDING)
    assert pooled.standard_error.tolist() == [np.inf, 0.0]


@pytest.mark.parametrize("memory", [8.0, 20.0, 40.0])
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.05])
def test_a_transient_is_no_noise(memory, noise):
    """Records of 100 windows that begin off by 1 and come to rest; batch means hold 0 in few."""
    rng = np.random.default_rng(2)
    decay = np.exp(-np.arange(100) / memory)[:, np.newaxis]
    sums = rng.choice([-1.0, 1.0], 400) * decay + noise * rng.standard_normal((100, 400))
    assert coverage(sums, 1, 0.0) >= 0.95
    if noise < 0.01:
        assert error_of_means(sums, np.full(100, 1), ROUNDING).drifting.all()


def test_fluctuation_is_no_transient():
    rng = np.random.default_rng(4)
    sums = rng.standard_normal((100, 2000))
    assert error_of_means(sums, np.full(100, 1), ROUNDING).drifting.mean() < 0.02
    correlated = autoregressive_windows(0.9, 100, 10, 1000, seed=6)
    assert error_of_means(correlated, np.full(100, 10), ROUNDING).drifting.mean() < 0.02
