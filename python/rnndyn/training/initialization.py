"""Starting values of the parameters, as the literature on piecewise-linear networks draws them.

Every function takes a NumPy generator, so that a network depends on its seed and on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count


def normalized_positive_definite(n: int, rng: np.random.Generator) -> FloatArray:
    """Draw a symmetric positive definite matrix whose largest eigenvalue is 1.

    Parameters
    ----------
    n : int
        Number of rows.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of float64, shape (n, n)

    Notes
    -----
    With R of standard normal entries, ``R^T R / n + I`` over its largest eigenvalue: all
    directions but one decay, and none grows [1]_.

    References
    ----------
    .. [1] S. S. Talathi, A. Vartak, "Improving performance of recurrent neural network with ReLU
       nonlinearity", arXiv:1511.03771.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import normalized_positive_definite
    >>> matrix = normalized_positive_definite(4, np.random.default_rng(0))
    >>> round(float(np.linalg.eigvalsh(matrix).max()), 12)
    1.0
    """
    n = check_count("n", n)
    factor = rng.normal(size=(n, n))
    matrix = factor.T @ factor / n + np.eye(n)
    return np.asarray(matrix / np.linalg.eigvalsh(matrix)[-1])


def uniform_fan_in(shape: Sequence[int], rng: np.random.Generator) -> FloatArray:
    """Draw weights from the uniform distribution over ``±1 / sqrt(number of incoming weights)``.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights; its last entry is the number of incoming weights.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of float64

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller, "Efficient BackProp", in Neural Networks: Tricks
    of the Trade, Springer 1998.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import uniform_fan_in
    >>> bool(np.abs(uniform_fan_in((3, 25), np.random.default_rng(0))).max() < 0.2)
    True
    """
    bound = 1.0 / np.sqrt(max(shape[-1], 1))
    return rng.uniform(-bound, bound, size=tuple(shape))


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw weights from the uniform distribution over ``±sqrt(6 / (rows + columns))``.

    Parameters
    ----------
    shape : tuple of two int
        Shape of the weights.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of float64

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import glorot_uniform
    >>> glorot_uniform((3, 2), np.random.default_rng(0)).shape
    (3, 2)
    """
    bound = np.sqrt(6.0 / sum(shape))
    return rng.uniform(-bound, bound, size=shape)


def kaiming_normal(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw weights from the normal distribution with variance ``2 / number of incoming weights``.

    Parameters
    ----------
    shape : tuple of two int
        Shape of the weights; its last entry is the number of incoming weights.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    ndarray of float64

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level
    performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import kaiming_normal
    >>> kaiming_normal((3, 2), np.random.default_rng(0)).shape
    (3, 2)
    """
    return rng.normal(scale=np.sqrt(2.0 / shape[-1]), size=shape)
