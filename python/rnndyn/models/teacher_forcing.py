"""A network under teacher forcing is a network again."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import finite_numbers
from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of, piecewise_linear
from rnndyn.models._layers_apart import refuse_stacked
from rnndyn.models.piecewise_linear_map import PiecewiseLinearMap


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
    refuse_stacked(model, "alpha", "forces all layers at the same step")
    canonical = canonical_map_of(piecewise_linear(model))
    share = _check_alpha(alpha)
    m = canonical.n_states
    goal = np.zeros(m) if target is None else finite_numbers("target", target, (m,))
    rest = 1.0 - share
    return PiecewiseLinearMap(
        A=rest * canonical.A,
        W1=rest * canonical.W1,
        W2=canonical.W2,
        h1=rest * canonical.h1 + share * goal,
        h2=canonical.h2,
    )


def _check_alpha(alpha: Any) -> float:
    if isinstance(alpha, bool | np.bool_) or not isinstance(alpha, Real):
        raise TypeError(f"alpha must be a number from 0 to 1, got {alpha!r:.80}")
    share = float(alpha)
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"alpha must be between 0 (no forcing) and 1, got {alpha!r}")
    return share
