"""Maps whose cycles can be found by hand."""

from types import SimpleNamespace

import numpy as np
from numpy.typing import ArrayLike

from reference.enumeration import Truth, enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries


def plrnn(A: ArrayLike, W: ArrayLike, h: ArrayLike) -> SimpleNamespace:
    """z' = A z + W relu(z) + h in canonical parameters."""
    n = np.size(h)
    return SimpleNamespace(
        A=np.atleast_2d(A).astype(float),
        W1=np.atleast_2d(W).astype(float),
        W2=np.eye(n),
        h1=np.asarray(h, dtype=float),
        h2=np.zeros(n),
    )


def corner(W1: ArrayLike) -> SimpleNamespace:
    """z' = A z + W1 relu((z_1, -z_2)) with a line of solutions z_1 = z_2 while both units rest."""
    return SimpleNamespace(
        A=np.full((2, 2), 0.5),
        W1=np.array(W1, dtype=float),
        W2=np.array([[1.0, 0.0], [0.0, -1.0]]),
        h1=np.zeros(2),
        h2=np.zeros(2),
    )


def truth_of(map_: SimpleNamespace, order: int) -> Truth:
    """By all itineraries, without the filter in floating point."""
    return enumerate_cycles(ExactMap.of(map_), order, all_itineraries(map_, order))


TENT = plrnn([[2.0]], [[-4.0]], [1.0])  # 1 - 2|z|: conjugate to the full tent map
RELU = plrnn([[0.0]], [[1.0]], [0.0])
IDENTITY = plrnn([[1.0]], [[0.0]], [0.0])
FLIP = plrnn([[-1.0]], [[0.0]], [1.0])  # z' = 1 - z: every point has period 2 but 1/2
BENT_FLIP = plrnn([[-1.0]], [[-1.0]], [-1.0])  # slope -1 for z < 0, -2 for z > 0
PLANE = plrnn(np.zeros((2, 2)), np.eye(2), [0, 0])  # z' = relu(z)
