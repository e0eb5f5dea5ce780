"""What bifurcations do to the gradients of training: growth along cycles, and teacher forcing."""

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_integer
from rnndyn._core import CanonicalMap
from rnndyn.cycles.cycle import Cycle
from rnndyn.models import PiecewiseLinearMap, PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of

#: Longer horizons are typing errors: along a cycle nothing new happens after a few periods.
_LARGEST_HORIZON = 10_000_000
#: Entries of the products whose norms are taken together, a few MB.
_ENTRIES_AT_ONCE = 2**18


def forced(
    model: PiecewiseLinearModel, alpha: float, target: ArrayLike | None = None
) -> PiecewiseLinearMap:
    """Return the map of a network under generalised teacher forcing.

    Before every step the state z is moved the share `alpha` of the way to the data state d, to
    ``y = (1 - alpha) z + alpha d``, and the network F is applied to y. Seen in the forced state y
    this is the map ``y -> (1 - alpha) F(y) + alpha d``, which is returned for a constant d.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network F.
    alpha : float
        Strength of the forcing, 0 (none: F itself) to 1 (the state is replaced by the data).
    target : array_like of shape (M,), optional
        The data state d that the state is forced to. Default: zero.

    Returns
    -------
    PiecewiseLinearMap
        The forced map. Its states are the forced states y, its regions those of `model`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    In every region the Jacobian is ``(1 - alpha)`` times that of the network, whatever d is. So
    the cycle of an itinerary of order k has ``(1 - alpha)**k`` times the multipliers, but for
    other points: it may be real for one of the maps and virtual for the other. Where
    ``(1 - alpha) L < 1``, with L the largest norm of the Jacobians of all regions, the forced map
    contracts and has one fixed point, which is stable, and no other cycle.

    In training, d changes with time [1]_. Where the data are the points of a cycle of the network
    itself, the forced states are these points again, and a gradient along them is a product of
    the Jacobians of this map in their regions: ``gradient_growth(forced(model, alpha), cycle,
    horizon)``. The forcing damps it by ``(1 - alpha)`` per step, which is how it can avoid
    bifurcations in training [2]_.

    References
    ----------
    .. [1] F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for
       learning chaotic dynamics", ICML 2023.
    .. [2] L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in RNN
       training", NeurIPS 2023.

    Examples
    --------
    A chaotic tent map, forced so strongly that only a stable fixed point remains:

    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> [len(rd.find_cycles(tent, max_order=4).of_order(k)) for k in (1, 2, 3, 4)]
    [2, 1, 2, 3]
    >>> rd.find_cycles(rd.forced(tent, 0.75), max_order=4)[0].multipliers.real
    array([-0.5])
    """
    canonical = canonical_map_of(model)
    share = _check_alpha(alpha)
    goal = _check_target(target, canonical.n_states)
    rest = 1.0 - share
    return PiecewiseLinearMap(
        A=rest * canonical.A,
        W1=rest * canonical.W1,
        W2=canonical.W2,
        h1=rest * canonical.h1 + share * goal,
        h2=canonical.h2,
    )


def gradient_growth(model: PiecewiseLinearModel, cycle: Cycle, horizon: int) -> FloatArray:
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
    canonical = canonical_map_of(model)
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


def _check_alpha(alpha: Any) -> float:
    if isinstance(alpha, bool | np.bool_) or not isinstance(alpha, Real):
        raise TypeError(f"alpha must be a number from 0 to 1, got {alpha!r:.80}")
    share = float(alpha)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"alpha must be between 0 (no forcing) and 1, got {alpha!r}")
    return share


def _check_target(target: Any, n_states: int) -> FloatArray:
    if target is None:
        return np.zeros(n_states)
    try:
        goal = np.asarray(target)
    except ValueError:
        raise ValueError(
            f"target must have shape ({n_states},), got rows of different length"
        ) from None
    if goal.dtype.kind not in "iuf":
        raise TypeError(f"target must be real numbers, got {goal.dtype} entries")
    if goal.shape != (n_states,):
        raise ValueError(
            f"target must have shape ({n_states},), one number for every state, got {goal.shape}"
        )
    if not np.isfinite(goal).all():
        index = int(np.argmin(np.isfinite(goal)))
        raise ValueError(f"target must be finite, but target[{index}] is {goal[index]}")
    return goal.astype(np.float64)


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
