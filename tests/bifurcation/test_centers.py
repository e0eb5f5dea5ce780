"""Complex pairs of multipliers that pass the unit circle."""

import numpy as np
import pytest

from bifurcation.core_paths import (
    CENTER,
    follow,
)


def linear(matrix):
    """Return z -> matrix z + 1 without any units."""
    n = len(matrix)
    return matrix, np.zeros((n, 0)), np.zeros((0, n)), np.ones(n), np.zeros(0)


def centers_of(start, end):
    """Return where pairs of the fixed point of a linear map pass the unit circle."""
    followed = follow(linear(start), linear(end), [np.zeros((1, 0))], 1)
    return followed["events"]["s"][followed["events"]["kind"] == CENTER]


@pytest.mark.parametrize("n_states", [6, 10, 11, 12, 16, 20])
@pytest.mark.parametrize("width", [0.1, 0.01, 1e-3, 1e-4])
def test_a_pair_that_is_inside_the_circle_for_a_short_while(n_states, width):
    # Multipliers x +- i y on a straight line of the complex plane, of length 1.4, which enters the
    # unit disc for `width` of the path; the other multipliers stay inside.
    rng = np.random.default_rng([24, n_states, round(1.0 / width)])
    length = 1.4
    distance = np.sqrt(1.0 - (0.5 * width * length) ** 2)
    middle = rng.uniform(0.2, 0.8)
    basis = np.linalg.qr(rng.normal(size=(n_states, n_states)))[0]
    rest = rng.normal(size=(n_states - 2, n_states - 2)) / np.sqrt(n_states)
    rest *= 0.9 / np.abs(np.linalg.eigvals(rest)).max()
    turn = np.exp(1j * rng.uniform(1.0, 2.0))

    def at(s):
        mu = turn * (distance + 1j * length * (s - middle))
        matrix = np.zeros((n_states, n_states))
        matrix[:2, :2] = [[mu.real, -mu.imag], [mu.imag, mu.real]]
        matrix[2:, 2:] = rest
        return basis @ matrix @ basis.T

    expected = [middle - 0.5 * width, middle + 0.5 * width]
    np.testing.assert_allclose(centers_of(at(0.0), at(1.0)), expected, rtol=0, atol=1e-9)


def test_centers_of_many_states_are_those_of_a_fine_scan():
    rng = np.random.default_rng(25)
    n_centers = n_close = 0
    for trial in range(24):
        n = int(rng.integers(12, 21))
        start, end = rng.uniform(0.8, 1.15) * rng.normal(size=(2, n, n)) / np.sqrt(n)
        if trial % 2:
            end = start + 0.1 * (end - start)
        own = centers_of(start, end)
        s = np.linspace(0.0, 1.0, 2001)[:, np.newaxis, np.newaxis]
        mu = np.linalg.eigvals((1.0 - s) * start + s * end)
        is_real = np.abs(mu.imag) <= 1e-9 * np.abs(mu)
        outside = np.abs(mu) > 1.0
        pairs, reals = (outside & ~is_real).sum(axis=1), (outside & is_real).sum(axis=1)
        # Pairs also come and go where two real ones meet outside.
        passed = (np.diff(pairs) != 0) & (np.diff(reals) == 0)
        scanned = (s[1:, 0, 0] + s[:-1, 0, 0])[passed] / 2.0
        assert len(own) == len(scanned)
        np.testing.assert_allclose(own, scanned, rtol=0, atol=5e-4)
        n_centers += len(own)
        n_close += int((np.diff(own) < 1.0 / 16.0).sum())
    assert n_centers > 15
    assert n_close > 0
