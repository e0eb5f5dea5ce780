"""Enclosures of tanh and the logistic function against mpmath."""

from typing import Any

import mpmath
import numpy as np
import pytest

from draws import drawn
from rnndyn._core import _core
from smooth import double_double

FUNCTIONS: dict[str, Any] = {
    "tanh": (_core.tanh_bounds, mpmath.tanh),
    "tanh_slope": (_core.tanh_slope_bounds, lambda x: mpmath.sech(x) ** 2),
    "logistic": (_core.logistic_bounds, lambda x: 1 / (1 + mpmath.exp(-x))),
    "logistic_slope": (
        _core.logistic_slope_bounds,
        lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))),
    ),
}
#: Wider than this, relative to the value, an enclosure is worse than its theory says.
WIDTH = 2.0**-47


def arguments(n: int) -> np.ndarray[Any, Any]:
    """Of all sizes, with the ends, the places where the formulas change, and their neighbours."""
    rng = np.random.default_rng(1)
    sizes = np.concatenate(
        [
            np.exp(rng.uniform(np.log(1e-300), np.log(1e300), n // 4)),
            np.exp(rng.uniform(np.log(1e-8), np.log(1e3), n // 2)),
            rng.uniform(0.0, 40.0, n // 4),
        ]
    )
    values = rng.choice([-1.0, 1.0], sizes.size) * sizes
    half = float(mpmath.log(2) / 2)
    special = [
        0.0,
        half,
        half / 2,
        19.0,
        350.0,
        700.0,
        745.0,
        1e308,
        5e-324,
        2.2250738585072014e-308,
    ]
    special += [(k + 0.5) * 2.0 * half * factor for k in range(1008) for factor in (0.5, 1.0)]
    special += [np.nextafter(x, end) for x in special for end in (np.inf, 0.0)]
    return np.concatenate([values, special, np.negative(special)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bounds_hold_and_are_tight(name: str) -> None:
    bounds, exact = FUNCTIONS[name]
    x = arguments(8_000)
    lower, upper = bounds(x)
    assert np.all(lower <= upper)
    with mpmath.workdps(40):
        for number, low, high in zip(x, lower, upper, strict=True):
            value = exact(mpmath.mpf(float(number)))
            own = mpmath.mpf(10) ** -38 * value  # what mpmath may be off
            assert low - abs(own) <= value <= high + abs(own), float(number)
            # Where it vanishes below 1e-300 only the bound itself is promised.
            assert high - low <= WIDTH * abs(value) + 4e-301, float(number)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_pairs_of_numbers_are_as_exact_as_they_claim(name: str) -> None:
    x = np.random.default_rng(3).permutation(arguments(1_000))[:2_000]
    x = x[np.abs(x) <= double_double.LARGEST / 2.0]
    pair = getattr(double_double, name)(x)
    with mpmath.workdps(60):
        for number, high, low in zip(x, pair.high, pair.low, strict=True):
            value = FUNCTIONS[name][1](mpmath.mpf(float(number)))
            off = abs(mpmath.mpf(float(high)) + mpmath.mpf(float(low)) - value)
            # A thousandth of the claim.
            assert off <= double_double.ERROR * abs(value) / 1000 + double_double.SMALLEST, number


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bounds_hold_at_millions_of_points(name: str) -> None:
    """The whole enclosure of the reference lies within, no matter how it is off."""
    limit = 0.25 if name == "logistic_slope" else 1.0
    every = np.random.default_rng(5).permutation(arguments(drawn(100_000, 10_000_000)))
    for x in np.array_split(every, -(-every.size // 100_000)):
        lower, upper = FUNCTIONS[name][0](x)
        value = getattr(double_double, name)(x)
        error = double_double.ERROR * np.abs(value.high) + double_double.SMALLEST
        # Ends that are those of the range of the function are right whatever the argument.
        reaches = (upper == limit) | ((upper - value.high) - value.low >= error)
        begins = (lower == (-1.0 if name == "tanh" else 0.0)) | (
            (lower - value.high) - value.low <= -error
        )
        vanishes = np.zeros(x.size, dtype=bool)
        if name != "tanh":
            far = x if name == "logistic" else -np.abs(x)
            vanishes = far < -double_double.LARGEST / (2.0 if name == "tanh_slope" else 1.0)
            begins[vanishes] = lower[vanishes] == 0.0
        assert reaches.all(), x[~reaches]
        assert begins.all(), x[~begins]
        wide = upper - lower > WIDTH * np.abs(value.high) + 4e-301
        assert not wide.any(), x[wide]


def test_bounds_are_those_of_the_range() -> None:
    x = np.array([-1e308, -710.0, -30.0, 30.0, 710.0, 1e308])
    lower, upper = _core.tanh_bounds(x)
    assert lower.min() >= -1.0
    assert upper.max() <= 1.0
    for bounds, largest in ((_core.logistic_bounds, 1.0), (_core.tanh_slope_bounds, 1.0)):
        lower, upper = bounds(x)
        assert lower.min() >= 0.0
        assert upper.max() <= largest
