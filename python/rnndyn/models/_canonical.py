"""The canonical form F(z) = A z + W1 relu(W2 z + h2) + h1 as arrays, before the core gets it."""

from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray


class CanonicalForm(NamedTuple):
    """The five arrays of the canonical map; M states and H hidden units.

    Attributes
    ----------
    A : (M, M) array
    W1 : (M, H) array
    W2 : (H, M) array
    h1 : (M,) array
    h2 : (H,) array
    """

    A: FloatArray
    W1: FloatArray
    W2: FloatArray
    h1: FloatArray
    h2: FloatArray


def as_matrix(A: FloatArray) -> FloatArray:
    """Return `A` as a matrix: a vector is the diagonal of a diagonal matrix."""
    return np.diag(A) if A.ndim == 1 else A


def with_negative_slope(form: CanonicalForm, slope: FloatArray) -> CanonicalForm:
    """Give every unit the slope `slope` instead of 0 where its pre-activation is negative.

    Uses ``phi(p) = a p + (1 - a) relu(p)``, which holds for every real slope a: the linear part
    joins A and h1, the rest stays with the ReLU.

    Parameters
    ----------
    form : CanonicalForm
        The map with ordinary ReLU units.
    slope : () or (H,) array
        One slope for all units, or one for each.

    Returns
    -------
    CanonicalForm
    """
    scaled = form.W1 * slope
    return form._replace(
        A=form.A + scaled @ form.W2,
        h1=form.h1 + scaled @ form.h2,
        W1=form.W1 * (1.0 - slope),
    )
