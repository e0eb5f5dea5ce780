"""Fixed points by listing the cells of the arrangement of borders, as published for low-rank RNNs.

The enumeration of M. Pals et al., NeurIPS 2024, written from its description: every R borders meet
in a vertex; the cells around all vertices are all cells of an arrangement in general position that
has at least R borders; in each cell one linear system is solved. Unbounded cells have vertices too.
"""

from __future__ import annotations

from itertools import combinations, product
from math import comb

import numpy as np


def n_solves(n_units: int, rank: int) -> tuple[int, int]:
    """Return the numbers of vertices and of cells: one linear system is solved for each."""
    return comb(n_units, rank), sum(comb(n_units, k) for k in range(rank + 1))


def fixed_points(
    A: np.ndarray, W1: np.ndarray, W2: np.ndarray, h1: np.ndarray, h2: np.ndarray
) -> list[np.ndarray]:
    """Return the fixed points of ``A z + W1 relu(W2 z + h2) + h1``."""
    n_units, rank = W2.shape
    corners = np.array(list(combinations(range(n_units), rank)))
    vertices = np.linalg.solve(W2[corners], -h2[corners][..., None])[..., 0]
    signs = (vertices @ W2.T + h2 > 0.0)[:, None].repeat(2**rank, axis=1)
    rows = np.arange(len(corners))[:, None]
    for number, bits in enumerate(product((False, True), repeat=rank)):
        signs[rows, number, corners] = bits
    cells = np.unique(signs.reshape(-1, n_units), axis=0)
    found = []
    for on in cells:
        matrix = np.eye(rank) - A - W1[:, on] @ W2[on]
        point = np.linalg.solve(matrix, h1 + W1[:, on] @ h2[on])
        if np.array_equal(W2 @ point + h2 > 0.0, on):
            found.append(point)
    return found
