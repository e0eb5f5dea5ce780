"""tanh, the logistic function and their slopes in pairs of numbers, for millions of arguments.

A pair (a, b) stands for the unevaluated sum a + b with |b| <= ulp(a) / 2: about 106 bits (Dekker,
Numerische Mathematik 18, 224, 1971; Joldes, Muller, Popescu, ACM TOMS 44, 15, 2017). A sum or
product is off by a few 2^-104, and of those below no result passes through more than a hundred, so
that `ERROR` leaves room; the test compares with mpmath what it claims.
"""

from typing import Any, NamedTuple

import mpmath
import numpy as np

Array = np.ndarray[Any, Any]

#: Error of the values below, relative and, as lower parts may underflow, absolute: far less than
#: the width 2^-48 of an enclosure.
ERROR, SMALLEST = 2.0**-90, 1e-320
#: exp(-t) is taken at no larger t: slopes, and logistic(-t), are those there or less.
LARGEST = 700.0
_SPLITTER = 134217729.0  # 2^27 + 1
_HALVINGS = 8
_N_TERMS = 12


class Pair(NamedTuple):
    high: Array
    low: Array


def _quick_sum(a: Array, b: Array) -> Pair:
    s = a + b
    return Pair(s, b - (s - a))


def _exact_sum(a: Array, b: Array) -> Pair:
    s = a + b
    v = s - a
    return Pair(s, (a - (s - v)) + (b - v))


def _exact_product(a: Array, b: Array) -> Pair:
    p = a * b
    x, y = _SPLITTER * a, _SPLITTER * b
    a1, b1 = x - (x - a), y - (y - b)
    a2, b2 = a - a1, b - b1
    return Pair(p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2)


def _plus(x: Pair, y: Pair) -> Pair:
    s, t = _exact_sum(x.high, y.high), _exact_sum(x.low, y.low)
    u = _quick_sum(s.high, s.low + t.high)
    return _quick_sum(u.high, u.low + t.low)


def _times(x: Pair, y: Pair) -> Pair:
    p = _exact_product(x.high, y.high)
    return _quick_sum(p.high, p.low + (x.high * y.low + x.low * y.high))


def _negative(x: Pair) -> Pair:
    return Pair(-x.high, -x.low)


def _over(x: Pair, y: Pair) -> Pair:
    q = x.high / y.high
    rest = _plus(x, _negative(_times(y, _number(q))))
    r = rest.high / y.high
    rest = _plus(rest, _negative(_times(y, _number(r))))
    s = _quick_sum(q, r)
    return _plus(s, _number(rest.high / y.high))


def _number(a: Array) -> Pair:
    return Pair(a, np.zeros_like(a))


def _constant(value: mpmath.mpf, like: Array) -> Pair:
    high = float(value)
    return Pair(np.full_like(like, high), np.full_like(like, float(value - mpmath.mpf(high))))


def _small_expm1(r: Pair) -> Pair:
    """Taylor's series at r / 2^8, and eight times m (2 + m) for (1 + m)^2 - 1: nothing cancels."""
    scale = 2.0**-_HALVINGS
    r = Pair(r.high * scale, r.low * scale)
    with mpmath.workdps(60):
        m = _constant(1 / mpmath.factorial(_N_TERMS), r.high)
        for n in range(_N_TERMS - 1, 0, -1):
            m = _plus(_times(m, r), _constant(1 / mpmath.factorial(n), r.high))
    m = _times(m, r)
    two = _number(np.full_like(r.high, 2.0))
    for _ in range(_HALVINGS):
        m = _times(m, _plus(two, m))
    return m


def _exp_minus(t: Array) -> Pair:
    t = np.minimum(t, LARGEST)
    with mpmath.workdps(80):
        # Three parts of ln 2; k times the first, of 32 bits, and the second is exact.
        parts, rest = [], mpmath.log(2)
        for _ in range(3):
            mantissa, exponent = mpmath.frexp(rest)
            part = mpmath.ldexp(mpmath.floor(mpmath.ldexp(mantissa, 32)), exponent - 32)
            parts.append(float(part))
            rest -= part
        last = float(rest)
    k = np.rint(t / np.log(2.0))
    r = _exact_sum(k * parts[0], -t)
    for part in (parts[1], parts[2]):
        r = _plus(r, _number(k * part))
    r = _plus(r, _exact_product(k, np.full_like(k, last)))
    e = _plus(_number(np.ones_like(t)), _small_expm1(r))
    power = -k.astype(np.int64)
    return Pair(np.ldexp(e.high, power), np.ldexp(e.low, power))


def _expm1_minus(t: Array) -> Pair:
    """exp(-t) - 1, with its own digits where t is small."""
    far = _plus(_exp_minus(t), _number(np.full_like(t, -1.0)))
    near = _small_expm1(_number(-np.minimum(t, 1.0)))
    return Pair(*(np.where(t < 0.5, a, b) for a, b in zip(near, far, strict=True)))


def tanh(x: Array) -> Pair:
    # Where x^2 / 3 is below the error x is as good, and its lower parts would underflow.
    tiny = np.abs(x) < 2.0**-60
    m = _expm1_minus(np.where(tiny, 1.0, 2.0 * np.minimum(np.abs(x), LARGEST)))
    two = _number(np.full_like(x, 2.0))
    value = _over(_negative(m), _plus(two, m))
    sign = np.copysign(1.0, x)
    return Pair(np.where(tiny, x, sign * value.high), np.where(tiny, 0.0, sign * value.low))


def logistic(x: Array) -> Pair:
    e = _exp_minus(np.abs(x))
    one = _number(np.ones_like(x))
    top = Pair(np.where(x < 0.0, e.high, 1.0), np.where(x < 0.0, e.low, 0.0))
    return _over(top, _plus(one, e))


def logistic_slope(x: Array) -> Pair:
    e = _exp_minus(np.abs(x))
    d = _plus(_number(np.ones_like(x)), e)
    return _over(_over(e, d), d)


def tanh_slope(x: Array) -> Pair:
    slope = logistic_slope(2.0 * np.clip(x, -LARGEST, LARGEST))
    return Pair(4.0 * slope.high, 4.0 * slope.low)
