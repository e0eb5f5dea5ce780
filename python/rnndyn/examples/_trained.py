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
        A=[0.5618, 0.5018],
        W1=[
            [
                0.6914, -0.2787, -1.2205, -1.0385, 0.4082, 0.8195, -0.3641, -0.9233,
                0.1087, -0.2964, 1.1036, -0.1944, 1.0887, -0.9832, -1.0766, -0.0323,
            ],
            [
                -0.3736, -0.0363, 0.1405, 0.0879, -0.1227, -0.0872, 0.0533, 0.4029,
                0.4672, -0.0567, 0.0177, -0.1787, 0.0305, -0.0879, -0.2172, -0.2797,
            ],
        ],
        W2=[
            [-0.375, 0.7975], [0.6522, 0.0007], [1.3338, 0.0007], [1.1551, 0.0008],
            [-0.8285, 0.5672], [-0.9911, 0.7492], [-0.5076, 0.3995], [0.9864, 0.0002],
            [0.6826, -1.082], [-0.5371, -0.4302], [1.747, 0.0673], [-0.6819, -0.5463],
            [-1.0188, -1.3636], [-1.5088, 0.0039], [-1.3973, 0.0035], [-0.7139, 0.6009],
        ],
        h1=[0.0986, 0.022],
        h2=[
            -0.2014, -0.0866, -0.1771, -0.1533, 0.5322, -0.0266, -0.2376, -0.131,
            0.0946, -0.1465, 0.4552, -0.1859, 0.3089, 0.1997, 0.1851, -0.3445,
        ],
    )  # fmt: skip
