"""One set of exponents for each attractor, and none over a mixture of basins."""

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.lyapunov import exponents_by_attractor

#: Slope 1/2 left of -1, 3/2 up to 1, 0.3 beyond: fixed points with multipliers 1/2 and 0.3.
UNEQUAL = rd.PiecewiseLinearMap([[0.5]], [[1.0, -1.2]], [[1.0], [1.0]], [-1.0], [1.0, -1.0])


def test_the_exponents_of_two_fixed_points():
    starts = [[-1.0], [0.4], [2.0], [-0.5], [3.0]]
    spectrum = rd.lyapunov_spectrum(UNEQUAL, z0=starts, n_steps=500, progress=False)
    first, second = exponents_by_attractor(UNEQUAL, spectrum)
    assert first.sequences.tolist() == [1, 2, 4]
    assert second.sequences.tolist() == [0, 3]
    np.testing.assert_allclose(first.exponents, np.log(0.3), atol=1e-12)
    np.testing.assert_allclose(second.exponents, np.log(0.5), atol=1e-12)
    assert first.exact
    assert first.period == 1
    # The mean over both basins is that of neither.
    assert np.log(0.3) + 0.1 < spectrum.pooled[0] < np.log(0.5) - 0.1


def test_phases_of_one_cycle_are_one_attractor():
    flip = rd.PLRNN([[0.5]], [[-2.2]], [1.0])
    spectrum = rd.lyapunov_spectrum(
        flip, z0=np.linspace(-1.0, 1.0, 6)[:, np.newaxis], n_steps=501, progress=False
    )
    (only,) = exponents_by_attractor(flip, spectrum)
    assert only.period == 2
    assert only.sequences.tolist() == list(range(6))
    np.testing.assert_allclose(only.exponents, 0.5 * np.log(0.5 * 1.7), atol=1e-12)


def test_chaotic_orbits_are_told_from_others():
    """Two maps side by side: a chaotic tent map, or a fixed point, by the sign of the start."""
    # Right of 0 a tent with slopes 1.8 on [0, 1]; left of 0 the fixed point -2.
    one = rd.PiecewiseLinearMap(
        A=[[0.5]], W1=[[1.3, -3.6]], W2=[[1.0], [1.0]], h1=[0.0], h2=[0.0, -0.5]
    )
    assert one.step([0.25])[0] == pytest.approx(0.45)
    spectrum = rd.lyapunov_spectrum(
        one, z0=[[-1.0], [0.3], [0.2], [-2.0]], n_steps=20_000, progress=False
    )
    groups = exponents_by_attractor(one, spectrum)
    assert sorted(group.sequences.tolist() for group in groups) == [[0, 3], [1, 2]]
    by_start = {group.sequences[0]: group for group in groups}
    assert by_start[0].exact
    np.testing.assert_allclose(by_start[0].exponents, np.log(0.5))
    assert not by_start[1].exact
    assert by_start[1].period == 0
    np.testing.assert_allclose(by_start[1].exponents, np.log(1.8), atol=1e-9)


def test_orbits_without_an_attractor():
    line = rd.PLRNN(A=[[1.05]], W=[[-0.6]], h=[1.0])
    spectrum = rd.lyapunov_spectrum(line, z0=[[-30.0], [0.0]], n_steps=300, progress=False)
    groups = {
        group.period: group.sequences.tolist() for group in exponents_by_attractor(line, spectrum)
    }
    assert groups == {-1: [0], 1: [1]}


def test_a_network_with_a_constant_input():
    bit = rd.RNN([[1.0]], [[2.0]])
    spectrum = rd.lyapunov_spectrum(
        bit, np.full((4, 300, 1), 0.1), z0=[[-1.0], [1.0], [0.9], [-0.8]], progress=False
    )
    groups = exponents_by_attractor(bit, spectrum, [0.1])
    assert sorted(group.sequences.tolist() for group in groups) == [[0, 3], [1, 2]]


def test_phases_of_a_cycle_under_a_constant_input_are_one_attractor():
    """Without the input the points of the cycle would be others."""
    driven = rd.PLRNN([[0.5]], [[-2.2]], [0.0], C=[[1.0]], s=[0.0])
    spectrum = rd.lyapunov_spectrum(
        driven, [1.0], z0=[[-1.0], [0.4], [2.0]], n_steps=500, progress=False
    )
    (only,) = exponents_by_attractor(driven, spectrum, [1.0])
    assert only.period == 2
    assert only.sequences.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"inputs must have shape \(K,\) with K = 1"):
        exponents_by_attractor(driven, spectrum, [[1.0]])


def test_the_error_of_a_chaotic_attractor_is_that_of_the_sequences_together(lozi):
    starts = np.random.default_rng(1).uniform(-0.1, 0.1, (6, 2))
    spectrum = rd.lyapunov_spectrum(lozi, z0=starts, n_steps=5000, progress=False)
    (only,) = exponents_by_attractor(lozi, spectrum)
    np.testing.assert_array_equal(only.standard_error, spectrum.pooled_standard_error)
    np.testing.assert_allclose(only.exponents, spectrum.pooled, rtol=1e-12)


def test_orbits_of_one_window_are_not_told_apart():
    """Their errors are infinite, and must not overflow."""
    turn = rd.PiecewiseLinearMap(
        [[0.6, -0.8], [0.8, 0.6]], np.zeros((2, 1)), np.ones((1, 2)), np.zeros(2), np.zeros(1)
    )
    spectrum = rd.lyapunov_spectrum(turn, z0=[[1.0, 0.0], [2.0, 0.0]], n_steps=1, progress=False)
    assert np.isinf(spectrum.standard_error).all()
    (only,) = exponents_by_attractor(turn, spectrum)
    assert np.isinf(only.standard_error).all()


def test_what_is_no_spectrum_of_the_network_is_refused():
    with pytest.raises(TypeError, match="spectrum must be a LyapunovSpectrum"):
        exponents_by_attractor(UNEQUAL, UNEQUAL)
    spectrum = rd.lyapunov_spectrum(UNEQUAL, z0=[1.0], n_steps=50, progress=False)
    with pytest.raises(ValueError, match="a network with 2 states, got 1"):
        exponents_by_attractor(rd.examples.lozi_map(), spectrum)
