"""Handwritten digits read row by row, a classification task for recurrent networks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn._common.checks import check_integer
from rnndyn._common.optional import import_optional


class SequentialDigits(NamedTuple):
    """Digits as sequences of rows, split at random.

    Attributes
    ----------
    train, test : ndarray of float64, shape (n, 8, 8)
        Images with entries from 0 to 1: eight time steps, top row first, of eight inputs.
    train_labels, test_labels : ndarray of int64, shape (n,)
        The digits.
    """

    train: FloatArray
    train_labels: IntArray
    test: FloatArray
    test_labels: IntArray


def sequential_digits(test_share: float = 0.2, *, seed: int = 0) -> SequentialDigits:
    """Return the 1,797 digits of 8 x 8 pixels that come with scikit-learn.

    Parameters
    ----------
    test_share : float
        Share of the images that are kept for testing, between 0 and 1.
    seed : int
        Seed of the random split.

    Returns
    -------
    SequentialDigits

    Raises
    ------
    MissingPackageError
        If scikit-learn is not installed.

    References
    ----------
    E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
    Repository, 1998.

    Examples
    --------
    >>> from rnndyn.training import datasets
    >>> digits = datasets.sequential_digits()
    >>> digits.train.shape, digits.test.shape
    ((1438, 8, 8), (359, 8, 8))
    """
    if not 0.0 < test_share < 1.0:
        raise ValueError(f"test_share must be between 0 and 1, got {test_share!r}")
    rng = np.random.default_rng(check_integer("seed", seed, 0, 2**64 - 1))
    purpose = "rnndyn.training.datasets.sequential_digits()"
    source: Any = import_optional("sklearn.datasets", purpose).load_digits()
    order = rng.permutation(len(source.target))
    n_test = round(test_share * len(order))
    images = np.asarray(source.images, dtype=np.float64)[order] / 16.0
    labels = np.asarray(source.target, dtype=np.int64)[order]
    return SequentialDigits(
        frozen(images[n_test:], np.float64),
        frozen(labels[n_test:], np.int64),
        frozen(images[:n_test], np.float64),
        frozen(labels[:n_test], np.int64),
    )
