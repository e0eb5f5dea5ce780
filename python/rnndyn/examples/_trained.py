"""Networks that were trained for this package."""

from rnndyn.models import ShallowPLRNN


def lorenz_maxima() -> ShallowPLRNN:
    """Return a chaotic network, trained on the maxima of the Lorenz system.

    Its states are a maximum of the third variable of the Lorenz system and the one before it,
    standardised; it predicts the next ones, and `rnndyn.prove_chaos` proves that it is chaotic. The
    script ``docs/gallery/proof_of_chaos.py`` of the source repository trained it, in seven seconds.

    Returns
    -------
    ShallowPLRNN
        Two states and 16 hidden units; the weights have four digits.

    References
    ----------
    E. N. Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20 (1963).

    Examples
    --------
    >>> import rnndyn as rd
    >>> cycles = rd.find_cycles(rd.examples.lorenz_maxima(), max_order=6, method="search")
    >>> proof = rd.prove_chaos(cycles)
    >>> proof.verify().confirmed
    True
    """
    return ShallowPLRNN(
        A=[0.679, 0.6396],
        W1=[
            [
                0.3796, -0.1232, -0.7436, -0.5739, 0.2736, 0.6218, -0.3905, -0.7867,
                -0.1877, -0.2906, 0.3328, -0.1959, 0.7792, -0.5972, -0.8116, -0.1468,
            ],
            [
                -0.4273, -0.0485, 0.2676, 0.2217, -0.1141, -0.2444, 0.047, 0.4182,
                0.263, 0.0549, -0.0503, -0.0828, 0.0509, -0.1073, -0.2591, -0.3207,
            ],
        ],
        W2=[
            [-0.2093, 0.7807], [0.5267, -0.0082], [0.8856, 0.0361], [0.6638, 0.0257],
            [-0.3003, 0.7746], [-0.3662, 0.2212], [-0.4829, 0.4118], [0.8613, 0.0297],
            [0.6709, -0.6064], [-0.3829, -0.4721], [-0.2544, 0.4699], [-0.5743, -0.5685],
            [-0.3986, -1.0167], [-1.0917, -0.0131], [-1.0645, -0.0161], [-0.8499, 0.7812],
        ],
        h1=[0.3315, 0.2981],
        h2=[
            0.2447, -0.1271, -0.1875, -0.1405, 0.2832, 0.5201, -0.2288, -0.1818,
            0.2219, -0.1531, 0.1102, -0.164, 0.65, 0.2127, 0.2053, -0.2002,
        ],
    )  # fmt: skip
