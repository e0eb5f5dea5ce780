"""Units in which the numbers of a network are about 1.

Whether something is thinner than rounding can see, or out of reach, is decided relative to the size
of the states, but for states below 1 relative to 1: what lies at 0 has no size of its own. Squares
of very small or large numbers leave the range of floating-point numbers. A power of two changes no
digit, neither on the way there nor back.
"""

import math

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._core import CanonicalMap

#: Networks whose size is within these powers of two are left as they are, and so are hidden units
#: whose weights are.
_LOWEST, _HIGHEST = -6, 20
#: Units have an inverse, and numbers like 1e12 a quotient by them.
_MOST = 960


def unit_of(canonical: CanonicalMap, *states: FloatArray) -> float:
    """Return a power of two that states of the network, such as these, are about as large as."""
    lengths = _lengths(canonical.W2)
    borders = np.abs(canonical.h2[lengths > 0.0]) / lengths[lengths > 0.0]
    sizes = (*map(np.abs, states), np.abs(canonical.h1), borders)
    exponent = math.frexp(max(float(size.max(initial=0.0)) for size in sizes))[1]
    # Where all of it is 0, the states are 0 and all borders go through it: any unit will do.
    return 1.0 if _is_usual(exponent) else math.ldexp(1.0, min(max(exponent, -_MOST), _MOST))


def in_units(canonical: CanonicalMap, unit: float) -> CanonicalMap:
    """Return the map of the states divided by the unit, with hidden units of usual size."""
    c = canonical
    exponents = np.frexp(_lengths(c.W2))[1]
    shifts = np.where(_is_usual(exponents), 0, -exponents)
    if unit == 1.0 and not shifts.any():
        return canonical
    return CanonicalMap(
        c.A,
        np.ldexp(c.W1, -shifts),
        np.ldexp(c.W2, shifts[:, np.newaxis]),
        c.h1 / unit,
        np.ldexp(c.h2 / unit, shifts),
    )


def size_of(canonical: CanonicalMap, *states: FloatArray) -> float:
    """Return the largest number of the offsets of a map and of some states.

    That of a network of usual size is at least 1, so that most have one of its kind.
    """
    c = in_units(canonical, 1.0)
    largest = max(float(np.abs(array).max(initial=0.0)) for array in (*states, c.h1, c.h2))
    return largest if 0.0 < largest < math.ldexp(1.0, _LOWEST) else max(largest, 1.0)


def _is_usual(exponents: np.ndarray | int) -> np.ndarray | bool:
    return (exponents >= _LOWEST) & (exponents <= _HIGHEST)


def _lengths(rows: FloatArray) -> FloatArray:
    """Return the lengths of rows whose squares may be no floating-point numbers."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    scale = np.ldexp(1.0, np.frexp(largest)[1])
    return np.asarray(scale * np.linalg.norm(rows / scale[:, np.newaxis], axis=1))
