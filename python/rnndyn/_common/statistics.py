"""Quantiles of Student's t and probabilities of the F distribution, for confidence intervals.

Both are the regularised incomplete beta function, which is evaluated by its continued fraction
(NIST Digital Library of Mathematical Functions, 8.17.22) with the modified Lentz method.
"""

import functools
import math

_MAX_TERMS = 10_000
_TINY = 1e-300


@functools.lru_cache(maxsize=256)
def student_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution for a probability from 1/2 to 1.

    Raises
    ------
    ValueError
        If the probability is not in [1/2, 1) or there are no degrees of freedom.
    """
    if not (0.5 <= probability < 1.0 and degrees >= 1):
        raise ValueError(
            "a quantile needs a probability from 0.5 to below 1 and at least one degree of "
            f"freedom, got {probability} and {degrees}"
        )
    # P(T > t) = I_x(degrees / 2, 1/2) / 2 with x = degrees / (degrees + t^2), which grows with x.
    tail = 2.0 * (1.0 - probability)
    low, high = 0.0, 1.0
    # Bisection in x to the last bit: 1 - x would lose digits for small t, so solve for it there.
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if 1.0 - _incomplete_beta(middle, 0.5, 0.5 * degrees) > tail:
            low = middle
        else:
            high = middle
    return math.sqrt(degrees * low / (1.0 - low))


def f_probability(ratio: float, degrees: int, other_degrees: int) -> float:
    """Return P(F <= ratio) for a ratio of two estimates of the same variance."""
    if ratio <= 0.0:
        return 0.0
    if math.isinf(ratio):
        return 1.0
    x = degrees * ratio / (degrees * ratio + other_degrees)
    return _incomplete_beta(x, 0.5 * degrees, 0.5 * other_degrees)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) for 0 <= x <= 1."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    # The fraction converges fast only on this side of the mean; I_x(a, b) = 1 - I_{1-x}(b, a).
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _incomplete_beta(1.0 - x, b, a)
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    return math.exp(log_front) / (a * _fraction(x, a, b))


def _fraction(x: float, a: float, b: float) -> float:
    value = numerator = 1.0
    denominator = 0.0
    for term in range(1, _MAX_TERMS):
        m = term // 2
        if term % 2 == 0:
            d = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            d = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        denominator = 1.0 / _away_from_zero(1.0 + d * denominator)
        numerator = _away_from_zero(1.0 + d / numerator)
        change = numerator * denominator
        value *= change
        if abs(change - 1.0) < 1e-15:
            return value
    raise ArithmeticError(f"the incomplete beta function did not converge at {x}, {a}, {b}")


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
