"""How loss gradients grow or vanish along cycles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_integer
from rnndyn._core import CanonicalMap
from rnndyn.cycles.cycle import Cycle
from rnndyn.io._as_model import NetworkLike, as_model, as_piecewise_linear
from rnndyn.models._canonical_map_of import canonical_map_of
from rnndyn.models._layers_apart import refuse_stacked

#: Longer horizons are typing errors: along a cycle nothing new happens after a few periods.
_LARGEST_HORIZON = 10_000_000
#: Entries of the products whose norms are taken together, a few MB.
_ENTRIES_AT_ONCE = 2**18


def gradient_growth(model: NetworkLike, cycle: Cycle, horizon: int) -> FloatArray:
    """Return how a loss gradient grows or vanishes with time while the orbit stays at a cycle.

    The gradient of a loss at time n with respect to the state at time 0 is the gradient with
    respect to the state at time n times the product of the Jacobians between. At a cycle this
    product is ``J_n ... J_2 J_1`` with the Jacobians at its points in turn, from the first one on.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network, or what `rnndyn.forced` makes of it for the gradient under teacher forcing.
    cycle : Cycle
        The cycle. Only its itinerary is used: ``J_t`` is the Jacobian of the region of point
        t - 1, also on a border and where the cycle is virtual.
    horizon : int
        Number of steps, from 1.

    Returns
    -------
    ndarray of float64, shape (horizon,)
        Entry n - 1 is the natural logarithm of the spectral norm of ``J_n ... J_1``; ``-inf``
        where that product is zero. No product overflows or underflows.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.forced : The same network under teacher forcing.

    Notes
    -----
    Divided by n, the values tend to ``cycle.log_spectral_radius / cycle.order`` of the cycle that
    `model` has for this itinerary (Gelfand's formula): the norms grow without bound where a
    multiplier is outside the unit circle, and vanish where all are inside, so that loss gradients
    explode or vanish [1]_. For small n the norms can grow also along a stable cycle, as far as its
    Jacobians are not normal.

    The products are computed one factor at a time and rescaled by powers of 2, which rounds
    nothing; each factor adds an error of rounding relative to the product of the norms of the two
    matrices. Where the true norms fall below that by cancellation, as for a nilpotent Jacobian that
    is not triangular, rounding remains in their place.

    References
    ----------
    .. [1] L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in RNN
       training", NeurIPS 2023.

    Examples
    --------
    Along any cycle of this tent map a gradient doubles at every step, and is halved under forcing:

    >>> import numpy as np
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> cycle = rd.find_cycles(tent, max_order=2)[2]
    >>> np.exp(rd.gradient_growth(tent, cycle, 4)).round(9)
    array([ 2.,  4.,  8., 16.])
    >>> np.exp(rd.gradient_growth(rd.forced(tent, 0.75), cycle, 4)).round(9)
    array([0.5   , 0.25  , 0.125 , 0.0625])
    """
    refuse_stacked(as_model(model), "horizon", "counts steps of the Jacobians of model")
    canonical = canonical_map_of(as_piecewise_linear(model))
    factors, exponents = _scaled_jacobians(canonical, _check_cycle(cycle, canonical))
    n_steps = check_integer("horizon", horizon, 1, _LARGEST_HORIZON)
    order, n_states = len(factors), canonical.n_states
    result = np.empty(n_steps)
    n_at_once = max(_ENTRIES_AT_ONCE // n_states**2, 1)
    product, exponent = np.eye(n_states), 0
    for start in range(0, n_steps, n_at_once):
        n = min(n_at_once, n_steps - start)
        products = np.empty((n, n_states, n_states))
        shifts = np.empty(n)
        for i in range(n):
            t = (start + i) % order
            product, shift = _scaled(factors[t] @ product)
            exponent += exponents[t] + shift
            products[i], shifts[i] = product, exponent
        norms = np.linalg.norm(products, 2, axis=(1, 2))
        with np.errstate(divide="ignore"):
            result[start : start + n] = np.log(norms) + shifts * math.log(2.0)
    return result


def _scaled_jacobians(
    canonical: CanonicalMap, itinerary: np.ndarray[Any, np.dtype[np.bool_]]
) -> tuple[list[FloatArray], list[int]]:
    """Return the Jacobians of the regions as matrices with entries below 1 and powers of 2."""
    pairs: list[tuple[FloatArray, int]] = []
    for t, region in enumerate(itinerary):
        jacobian = canonical.jacobian(region)
        if not np.isfinite(jacobian).all():
            raise ValueError(
                f"the parameters of model are so large that its Jacobian at point {t} of the "
                "cycle overflows float64"
            )
        pairs.append(_scaled(jacobian))
    return [matrix for matrix, _ in pairs], [exponent for _, exponent in pairs]


def _scaled(matrix: FloatArray) -> tuple[FloatArray, int]:
    """Return the matrix divided by a power of 2, so that its largest modulus is 1/2 to 1."""
    exponent = math.frexp(float(np.abs(matrix).max()))[1]
    return np.ldexp(matrix, -exponent), exponent


def _check_cycle(cycle: Any, canonical: CanonicalMap) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not isinstance(cycle, Cycle):
        raise TypeError(
            "cycle must be a Cycle, such as find_cycles(model, max_order=2)[0], "
            f"got {type(cycle).__name__}"
        )
    own = (cycle.points.shape[1], cycle.itinerary.shape[1])
    if own != (canonical.n_states, canonical.n_units):
        raise ValueError(
            f"cycle must be one of a network with {canonical.n_states} states and "
            f"{canonical.n_units} units, as model has, got one with {own[0]} and {own[1]}"
        )
    return cycle.itinerary
