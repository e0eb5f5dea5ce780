"""Measures of a reconstruction on cases whose values are known."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import rnndyn as rd  # noqa: E402
from rnndyn import training  # noqa: E402

from .cases import circle, network  # noqa: E402

divergence = training.state_space_divergence
distance = training.power_spectrum_distance


def normal(mean, deviation, n=200_000, seed=0):
    return mean + deviation * np.random.default_rng(seed).normal(size=(n, 1))


def gaussian_kl(mean, deviation, other_mean, other_deviation):
    """The closed form of KL(N(mean, deviation^2) || N(other_mean, other_deviation^2))."""
    ratio = deviation / other_deviation
    return -math.log(ratio) + 0.5 * (ratio**2 + ((mean - other_mean) / other_deviation) ** 2 - 1.0)


def test_equal_points_have_no_divergence():
    data = circle()
    assert divergence(data, data) == 0.0
    assert divergence(data, data[::-1]) == 0.0
    assert divergence(data, data, method="gaussian_mixture") == 0.0


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.2), (0.3, 1.0), (-0.5, 1.5)])
def test_binned_gaussians_have_the_divergence_of_the_closed_form(mean, deviation):
    got = divergence(normal(0.0, 1.0, seed=1), normal(mean, deviation, seed=2), n_bins=60)
    assert got == pytest.approx(gaussian_kl(0.0, 1.0, mean, deviation), rel=0.05, abs=2e-3)


def test_the_divergence_adds_over_independent_variables():
    p = np.hstack([normal(0.0, 1.0, seed=seed) for seed in (1, 2)])
    q = np.hstack([normal(0.3, 1.0, seed=3), normal(0.0, 1.4, seed=4)])
    expected = gaussian_kl(0.0, 1.0, 0.3, 1.0) + gaussian_kl(0.0, 1.0, 0.0, 1.4)
    assert divergence(p, q, n_bins=25) == pytest.approx(expected, rel=0.05)


def test_binning_agrees_with_counting_by_hand():
    # With 2 bins over [-0.05, 1.05]: 3 and 1 points against 1 and 3.
    p, q = np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0], [1.0]])
    total = 4.0 + 3.0 * 1e-5
    shares = [(3.0 + 1e-5) / total, (1.0 + 1e-5) / total]
    expected = (shares[0] - shares[1]) * math.log(shares[0] / shares[1])
    assert divergence(p, q, n_bins=2) == pytest.approx(expected, rel=1e-12)


def test_points_outside_the_box_count():
    p = normal(0.0, 1.0, n=1000)
    half_gone = p.copy()
    half_gone[::2] = 1e6
    # Every cell loses about half of its points: log 2, up to the few points of rare cells.
    assert divergence(p, half_gone, n_bins=5) == pytest.approx(math.log(2.0), rel=0.1)
    all_gone = divergence(p, p + 1e6, n_bins=5)
    assert all_gone > 10.0
    assert math.isfinite(all_gone)


def test_many_variables_need_no_table_of_all_cells():
    p = np.random.default_rng(0).normal(size=(500, 40))
    assert divergence(p, p) == 0.0
    assert divergence(p, p[:250]) >= 0.0


def test_two_single_gaussians_have_the_divergence_of_the_closed_form():
    p, q, variance = np.zeros((1, 3)), np.array([[1.0, -2.0, 0.5]]), 0.7
    expected = float((q**2).sum()) / (2.0 * variance)
    got = divergence(p, q, method="gaussian_mixture", variance=variance, n_samples=200_000, seed=3)
    # log p - log q is linear in x: its standard deviation is |q| / sqrt(variance).
    error = 4.0 * math.sqrt(2.0 * expected / 200_000)
    assert got == pytest.approx(expected, abs=error)


def test_mixtures_of_many_gaussians_are_broad_gaussians():
    p, q = normal(0.0, 1.0, n=2000, seed=1), normal(1.0, 1.0, n=2000, seed=2)
    got = divergence(p, q, method="gaussian_mixture", variance=0.5, n_samples=4000)
    broad = math.sqrt(1.5)
    assert got == pytest.approx(gaussian_kl(0.0, broad, 1.0, broad), rel=0.15)


def test_equal_spectra_have_no_distance():
    data = np.random.default_rng(0).normal(size=(1000, 2))
    assert distance(data, data) == 0.0
    # Neither phase, nor mean, nor amplitude matter.
    assert distance(data, np.roll(data, 100, axis=0)) == pytest.approx(0.0, abs=1e-7)
    assert distance(data, 1e3 + 7.0 * data) == pytest.approx(0.0, abs=1e-7)
    assert distance(data, 1e200 * data) == pytest.approx(0.0, abs=1e-7)


def wave(frequency, n=1000):
    return np.cos(2.0 * np.pi * frequency * np.arange(n) / n)


def test_known_spectra_have_the_distance_of_the_closed_form():
    one, other = wave(50)[:, None], wave(120)[:, None]
    assert distance(one, other, smoothing=0.0) == pytest.approx(1.0, abs=1e-9)
    # Power 1/2 each against 1: H^2 = 1 - sqrt(1/2).
    both = one + other
    expected = math.sqrt(1.0 - math.sqrt(0.5))
    assert distance(both, one, smoothing=0.0) == pytest.approx(expected, abs=1e-9)
    # One variable of two differs.
    pair = np.hstack([one, other])
    assert distance(pair, np.hstack([one, one]), smoothing=0.0) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("gap", [0, 20, 60])
def test_smoothed_lines_are_gaussians(gap):
    # Gaussians of equal width s at a distance d: H^2 = 1 - exp(-d^2 / (8 s^2)).
    s = 20.0
    one, other = wave(300, 2000)[:, None], wave(300 + gap, 2000)[:, None]
    expected = math.sqrt(1.0 - math.exp(-(gap**2) / (8.0 * s**2)))
    # The Gaussians end at four standard deviations.
    assert distance(one, other, smoothing=s) == pytest.approx(expected, abs=4e-3)


def test_a_constant_has_no_spectrum():
    moving, still = wave(5)[:, None], np.full((1000, 1), 0.3)
    assert distance(moving, still) == distance(still, moving) == 1.0
    assert distance(still, 2.0 * still) == 0.0


def test_prediction_errors_are_those_of_a_loop():
    module = network("shallow", n_inputs=1, size=0.3)
    rng = np.random.default_rng(1)
    data, inputs = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    observation = training.AffineObservation(3, 2)
    got = training.prediction_error(
        module, data, 4, observation=observation, inputs=inputs, batch_size=7
    )
    errors = np.zeros((26, 4))
    for start in range(26):
        made = training.generate(
            module, data[start], 4, observation=observation, inputs=inputs[start : start + 4]
        )
        errors[start] = ((made - data[start : start + 5]) ** 2).mean(axis=1)[1:]
    np.testing.assert_allclose(got, errors.mean(axis=0), rtol=1e-10)


def test_a_perfect_network_predicts_without_error_and_a_shifted_one_with_its_shift():
    model = rd.PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, 0.1])
    orbit = model.orbit([1.0, 1.0], 60)
    assert training.prediction_error(training.to_trainable(model), orbit, 20).max() < 1e-25
    moved = training.to_trainable(rd.PLRNN([0.0], [[0.0]], [3.0]))
    np.testing.assert_array_equal(
        training.prediction_error(moved, np.ones((10, 1)), 3), [4.0, 4.0, 4.0]
    )


def test_a_prediction_that_overflows_says_so():
    module = training.to_trainable(rd.PLRNN([1e200], [[0.0]], [0.0]))
    with pytest.raises(OverflowError, match="float64 after 1 steps"):
        training.prediction_error(module, np.ones((10, 1)), 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: divergence(np.zeros(5), np.zeros((5, 1))), "reference must have shape"),
        (lambda: divergence(circle(), circle()[:, :1]), "as many variables, got 2 and 1"),
        (lambda: divergence(np.ones((5, 1)), np.zeros((5, 1))), "variable 0 is constant"),
        (lambda: divergence(circle(), circle(), method="voronoi"), "method must be"),
        (lambda: divergence(circle(), circle(), n_bins=0), "n_bins must be"),
        (lambda: divergence(circle(), circle() * np.nan), "generated must be finite"),
        (
            lambda: divergence(circle(), circle(), method="gaussian_mixture", variance=0.0),
            "variance must be",
        ),
        (lambda: distance(circle(), circle()[:10]), "equal length, got 400 and 10"),
        (lambda: distance(circle(), circle(), smoothing=-1.0), "smoothing must be"),
        (
            lambda: training.prediction_error(network("plrnn"), np.zeros((5, 3)), 5),
            "n_steps must be between 1 and 4",
        ),
        (
            lambda: training.prediction_error(network("plrnn"), np.zeros(5), 1),
            "data must have shape",
        ),
    ],
)
def test_messages_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
