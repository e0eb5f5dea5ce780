"""Units of the states in which the numbers of a network are about 1.

Whether a piece is thinner than rounding can see is decided relative to the size of its states, but
for states below 1 relative to 1: what lies at 0 has no size of its own. A power of two changes no
digit, neither on the way there nor back.
"""

import math

import numpy as np

from rnndyn._core import CanonicalMap
from rnndyn.cycles.cycle import Cycle

#: Networks whose size is within these powers of two are left as they are.
_LOWEST, _HIGHEST = -6, 20


def unit_of(canonical: CanonicalMap, cycle: Cycle) -> float:
    """Return a power of two that states of the network are about as large as."""
    lengths = np.linalg.norm(canonical.W2, axis=1)
    borders = np.abs(canonical.h2[lengths > 0.0]) / lengths[lengths > 0.0]
    sizes = (np.abs(cycle.points), np.abs(canonical.h1), borders)
    exponent = math.frexp(max(float(size.max(initial=0.0)) for size in sizes))[1]
    # Where all of it is 0, the cycle is 0 and all borders go through it: any unit will do.
    return 1.0 if _LOWEST <= exponent <= _HIGHEST else math.ldexp(1.0, exponent)


def in_units(canonical: CanonicalMap, unit: float) -> CanonicalMap:
    """Return the map of the states divided by the unit."""
    if unit == 1.0:
        return canonical
    c = canonical
    return CanonicalMap(c.A, c.W1, c.W2, c.h1 / unit, c.h2 / unit)
