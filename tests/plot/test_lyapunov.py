"""What the figures of spectra show: read back from the axes that the functions return."""

import numpy as np
import pytest

import rnndyn as rd
from lyapunov_records import random_growth, spectrum_of

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

FUNCTIONS = (rd.plot.lyapunov, rd.plot.lyapunov_convergence, rd.plot.finite_time_exponents)


@pytest.fixture
def spectrum():
    """Two sequences; exponents positive, zero, negative and, in both, -inf."""
    growth = random_growth([0.4, 0.0, -1.0, -2.0])
    growth[..., 3] = -np.inf
    return spectrum_of(growth)


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(ax):
    """Data of the markers of the error bars by legend label."""
    return {
        container.get_label(): container.lines[0].get_xydata()
        for container in ax.containers
        if container.get_label() and not container.get_label().startswith("_")
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_draws_on_the_axes_it_is_given(spectrum, function):
    _, ax = pyplot.subplots()
    assert function(spectrum, ax) is ax
    assert function(spectrum) is not ax


def test_a_spectrum_has_a_mark_for_each_exponent(spectrum):
    ax = rd.plot.lyapunov(spectrum)
    marks = drawn(ax)
    np.testing.assert_allclose(marks["positive"], [[1, spectrum.pooled[0]]])
    np.testing.assert_allclose(marks["zero within its interval"], [[2, spectrum.pooled[1]]])
    np.testing.assert_allclose(marks["negative"], [[3, spectrum.pooled[2]]])
    assert "−∞" in legend_texts(ax)
    (infinite,) = [line for line in ax.lines if line.get_label() == "−∞"]
    assert infinite.get_xdata().tolist() == [4]
    assert "range of 2 sequences" in legend_texts(ax)
    assert ax.get_ylabel() == "Lyapunov exponent (nats per step)"


def test_error_bars_are_the_intervals(spectrum):
    ax = rd.plot.lyapunov(spectrum.in_units(dt=0.1, base=2))
    lower, upper = spectrum.in_units(dt=0.1, base=2).pooled_interval()
    (positive,) = [c for c in ax.containers if c.get_label() == "positive"]
    (bar,) = positive.lines[2]
    (segment,) = bar.get_segments()
    np.testing.assert_allclose(segment[:, 1], [lower[0], upper[0]])
    assert ax.get_ylabel() == "Lyapunov exponent (bits per second)"


def test_convergence_ends_at_the_exponents(spectrum):
    ax = rd.plot.lyapunov_convergence(spectrum)
    means = [line.get_xydata() for line in ax.lines if line.get_linewidth() == 1.4]
    curves = [data for data in means if len(data) == len(spectrum.running_steps)]
    # The one that is -inf in both sequences has no curve.
    assert len(curves) == 3
    for curve, value in zip(curves, spectrum.pooled, strict=False):
        np.testing.assert_allclose(curve[-1], [spectrum.n_steps, value])
    single = [line for line in ax.lines if line.get_linewidth() == 0.5]
    assert len(single) == 3 * spectrum.n_sequences


def test_histograms_count_every_piece(spectrum):
    ax = rd.plot.finite_time_exponents(spectrum, steps=20)
    assert legend_texts(ax) == [r"$\lambda_{1}$", r"$\lambda_{2}$", r"$\lambda_{3}$"]
    for bars in ax.containers:
        assert sum(bar.get_height() for bar in bars) == 50 * spectrum.n_sequences
    assert ax.get_xlabel() == "exponent of 20 steps (nats per step)"


def test_chosen_exponents(spectrum):
    ax = rd.plot.finite_time_exponents(spectrum, exponents=[2])
    assert legend_texts(ax) == [r"$\lambda_{3}$"]
    for function in FUNCTIONS[1:]:
        with pytest.raises(ValueError, match="exponents must be between 0 and 3"):
            function(spectrum, exponents=[4])


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "growth",
    [
        np.full((1, 20, 1), np.log(2.0)),
        np.full((2, 20, 3), -np.inf),
        random_growth([0.1], n_sequences=1, n_windows=1),
        random_growth(np.linspace(0.5, -5.0, 60)),
    ],
    ids=["constant", "annihilated", "one window", "many"],
)
def test_unusual_spectra_can_be_drawn(function, growth):
    ax = function(spectrum_of(growth))
    assert np.all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]))
    ax.figure.canvas.draw()
