"""The Kaplan-Yorke dimension and how it changes with the exponents."""

import numpy as np

from rnndyn._common.arrays import FloatArray


def kaplan_yorke(exponents: FloatArray, n_states: int) -> tuple[float, FloatArray] | None:
    """Return the Kaplan-Yorke dimension and its derivatives by the exponents.

    With S_j the sum of the j largest exponents and j the last with S_j >= 0, the dimension is
    j + S_j / |exponent j + 1| (J. Kaplan and J. Yorke, Lecture Notes in Mathematics 730 (1979)
    204-227; P. Frederickson et al., J. Differ. Equ. 49 (1983) 185-207).

    Parameters
    ----------
    exponents : (m,) array
        The largest exponents, descending; may end in -inf.
    n_states : int
        How many exponents there are in all.

    Returns
    -------
    (dimension, derivatives) or None
        None where the exponents at hand are too few: all their sums are at least 0.
    """
    m = len(exponents)
    sums = np.cumsum(exponents)
    below = np.flatnonzero(sums < 0.0)
    derivatives = np.zeros(m)
    if len(below) == 0:
        return (float(n_states), derivatives) if m == n_states else None
    j = int(below[0])
    if j == 0:
        return 0.0, derivatives
    total, following = float(sums[j - 1]), float(exponents[j])
    if np.isneginf(following):
        return float(j), derivatives
    derivatives[:j] = -1.0 / following
    derivatives[j] = total / following**2
    return j - total / following, derivatives
