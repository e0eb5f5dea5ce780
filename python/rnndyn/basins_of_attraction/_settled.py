"""The stable cycles that orbits have settled on."""

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn.basins_of_attraction._neighbourhoods import bordering_units
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.search import solve_cycle
from rnndyn.models import PiecewiseLinearModel

#: Longest part of an orbit in which a period is looked for, so that periods up to half of it show.
_LONGEST_TAIL = 4096


def settled_cycle(model: PiecewiseLinearModel, state: FloatArray, n_steps: int) -> Cycle | None:
    """Return the stable cycle whose regions the last part of an orbit goes round in, if any."""
    canonical = model.canonical
    n_tail = min(_LONGEST_TAIL, max(n_steps // 2, 2))
    for begin in range(0, n_steps, _LONGEST_TAIL):
        piece = canonical.orbit(state, min(_LONGEST_TAIL, n_steps - begin))
        state = piece[-1]
        if not np.isfinite(state).all():
            return None
    tail = canonical.orbit(state, n_tail - 1)
    if not np.isfinite(tail).all():
        return None
    regions = tail @ canonical.W2.T + canonical.h2 > 0.0
    period = _period(regions[:, bordering_units(canonical)])
    if period is None:
        return None
    cycle = solve_cycle(model, regions[-period:])
    if not isinstance(cycle, Cycle) or cycle.virtual or cycle.stability != "stable":
        return None
    return cycle


def _period(regions: BoolArray) -> int | None:
    """Return the smallest period of a sequence of regions that shows at least twice."""
    packed = np.packbits(regions, axis=1)
    again = np.flatnonzero((packed[:-1] == packed[-1]).all(axis=1))
    for last in again[::-1].tolist():
        period = len(packed) - 1 - last
        if 2 * period > len(packed):
            return None
        if (packed[period:] == packed[:-period]).all():
            return int(period)
    return None
