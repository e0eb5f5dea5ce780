"""Piecewise-linear maps of the textbooks."""

from rnndyn.models import PLRNN, PiecewiseLinearMap


def tent_map(slope: float = 2.0) -> PLRNN:
    """Return the tent map ``x -> 1 - slope |x|`` as a network of one unit.

    Parameters
    ----------
    slope : float, default 2.0
        Slope of the two sides. 2 is the full tent map: chaotic on [-1, 1], with 2**k points of
        period dividing k.

    Returns
    -------
    PLRNN
        With A = slope, W = -2 slope and h = 1, because ``|x| = 2 relu(x) - x``.

    References
    ----------
    P. Collet, J.-P. Eckmann, "Iterated maps on the interval as dynamical systems", Birkhäuser,
    1980.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.tent_map().orbit([0.25], 3).ravel()
    array([0.25, 0.5 , 0.  , 1.  ])
    """
    return PLRNN(A=[slope], W=[[-2.0 * slope]], h=[1.0])


def lozi_map(a: float = 1.7, b: float = 0.5) -> PiecewiseLinearMap:
    """Return the Lozi map ``x -> 1 - a |x| + y, y -> b x``.

    Parameters
    ----------
    a : float, default 1.7
        Slope of the two sides.
    b : float, default 0.5
        Minus the determinant of the Jacobian. The defaults are the chaotic case of the source.

    Returns
    -------
    PiecewiseLinearMap
        Two states and one hidden unit, because ``|x| = 2 relu(x) - x``.

    References
    ----------
    R. Lozi, "Un attracteur étrange (?) du type attracteur de Hénon", Journal de Physique Colloques
    39 (C5), 1978.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.lozi_map().step([1.0, 0.0])
    array([-0.7,  0.5])
    """
    return PiecewiseLinearMap(
        A=[[a, 1.0], [b, 0.0]],
        W1=[[-2.0 * a], [0.0]],
        W2=[[1.0, 0.0]],
        h1=[1.0, 0.0],
        h2=[0.0],
    )
