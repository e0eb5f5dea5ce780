"""Angles between covariant Lyapunov vectors, accurate also where they are tiny."""

import numpy as np

from rnndyn._common.arrays import FloatArray


def pairwise_angles(vectors: FloatArray) -> FloatArray:
    """Return the angles between the lines of all pairs of unit columns.

    2 atan2(|u - v|, |u + v|) keeps its digits for nearly parallel vectors, where the arc cosine
    loses half of them (W. Kahan, "How futile are mindless assessments of roundoff", 2006, sec. 12).

    Parameters
    ----------
    vectors : (..., N, m) array

    Returns
    -------
    (..., m, m) array
        In radians, 0 to pi/2.
    """
    m = vectors.shape[-1]
    angles = np.zeros((*vectors.shape[:-2], m, m))
    for i in range(m):
        for j in range(i):
            u, v = vectors[..., i], vectors[..., j]
            apart, together = np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1)
            # A vector and its opposite span one line.
            angle = 2.0 * np.arctan2(np.minimum(apart, together), np.maximum(apart, together))
            angles[..., i, j] = angles[..., j, i] = angle
    return angles


def smallest_principal_angle(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the smallest angle between the spans of two sets of columns, (...,) in radians.

    Its cosine is the largest singular value of the product of orthonormal bases, its sine the
    smallest singular value of what one basis leaves outside the other's span; the two together
    are accurate for every angle (Å. Björck and G. Golub, Math. Comp. 27 (1973) 579-594).
    """
    # The residual has full column rank only if it comes from the smaller span.
    if first.shape[-1] < second.shape[-1]:
        first, second = second, first
    basis, other = np.linalg.qr(first)[0], np.linalg.qr(second)[0]
    shared = np.swapaxes(basis, -1, -2) @ other
    cosine = np.linalg.svd(shared, compute_uv=False)[..., 0]
    sine = np.linalg.svd(other - basis @ shared, compute_uv=False)[..., -1]
    angle: FloatArray = np.arctan2(sine, cosine)
    return angle
