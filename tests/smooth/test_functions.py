"""Enclosures of tanh and the logistic function against mpmath."""

from typing import Any

import mpmath
import numpy as np
import pytest

from draws import drawn
from rnndyn._core import _core

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
    x = arguments(drawn(8_000, 10_000_000))
    lower, upper = bounds(x)
    assert np.all(lower <= upper)
    with mpmath.workdps(40):
        for number, low, high in zip(x, lower, upper, strict=True):
            value = exact(mpmath.mpf(float(number)))
            own = mpmath.mpf(10) ** -38 * value  # what mpmath may be off
            assert low - abs(own) <= value <= high + abs(own), float(number)
            # Where it vanishes below 1e-300 only the bound itself is promised.
            assert high - low <= WIDTH * abs(value) + 4e-301, float(number)


def test_bounds_are_those_of_the_range() -> None:
    x = np.array([-1e308, -710.0, -30.0, 30.0, 710.0, 1e308])
    lower, upper = _core.tanh_bounds(x)
    assert lower.min() >= -1.0
    assert upper.max() <= 1.0
    for bounds, largest in ((_core.logistic_bounds, 1.0), (_core.tanh_slope_bounds, 1.0)):
        lower, upper = bounds(x)
        assert lower.min() >= 0.0
        assert upper.max() <= largest
