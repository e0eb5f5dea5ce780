"""Batches of subsequences of time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray, finite_numbers, frozen
from rnndyn._common.checks import check_count


class Batch(NamedTuple):
    """Subsequences of the data.

    Attributes
    ----------
    x : ndarray of float64, shape (B, T + 1, N)
        Data at the times 0 to T.
    inputs : ndarray of float64, shape (B, T, K), or None
        External inputs of the T steps between them.
    series, starts : ndarray of int64, shape (B,)
        Which series each subsequence is from, and where it begins there.
    """

    x: FloatArray
    inputs: FloatArray | None
    series: IntArray
    starts: IntArray


class SubsequenceSampler:
    """Draws batches of subsequences of equal length, uniformly over all places.

    Parameters
    ----------
    data : array_like, shape (T_total, N), or sequence of such
        One time series or several.
    length : int
        Number of steps T of a subsequence, which has T + 1 data points.
    batch_size : int
        Number B of subsequences in a batch.
    inputs : array_like, shape (T_total, K), or sequence of such, optional
        External inputs, as many as data; row t acts on the step from time t to t + 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import SubsequenceSampler
    >>> sampler = SubsequenceSampler(np.zeros((1000, 3)), length=50, batch_size=16)
    >>> sampler.draw(np.random.default_rng(0)).x.shape
    (16, 51, 3)
    """

    def __init__(
        self,
        data: ArrayLike | Sequence[ArrayLike],
        length: int,
        batch_size: int,
        inputs: ArrayLike | Sequence[ArrayLike] | None = None,
    ) -> None:
        self.length = check_count("length", length)
        self.batch_size = check_count("batch_size", batch_size)
        self.data = _as_series("data", data)
        self.inputs = None if inputs is None else _as_series("inputs", inputs)
        lengths = [len(series) for series in self.data]
        if self.inputs is not None and [len(series) for series in self.inputs] != lengths:
            raise ValueError(
                f"inputs must be as long as data, {lengths}, got "
                f"{[len(series) for series in self.inputs]}"
            )
        places = np.maximum(np.array(lengths) - self.length, 0)
        if not places.any():
            raise ValueError(
                f"length = {self.length} steps need {self.length + 1} data points, but the longest "
                f"series has {max(lengths)}"
            )
        self._ends = np.cumsum(places)

    @property
    def n_variables(self) -> int:
        """Number N of variables."""
        return int(self.data[0].shape[1])

    @property
    def n_inputs(self) -> int:
        """Number K of external inputs; 0 where none were given."""
        return 0 if self.inputs is None else int(self.inputs[0].shape[1])

    def draw(self, rng: np.random.Generator) -> Batch:
        """Draw a batch; every place of every series is equally likely.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where the randomness comes from.

        Returns
        -------
        Batch
        """
        numbers = rng.integers(self._ends[-1], size=self.batch_size)
        series = np.searchsorted(self._ends, numbers, side="right")
        starts = numbers - np.concatenate([[0], self._ends])[series]
        pairs = list(zip(series.tolist(), starts.tolist(), strict=True))
        x = np.stack([self.data[i][start : start + self.length + 1] for i, start in pairs])
        inputs = None
        if self.inputs is not None:
            inputs = np.stack([self.inputs[i][start : start + self.length] for i, start in pairs])
        return Batch(x, inputs, series, starts)

    def __repr__(self) -> str:
        return (
            f"SubsequenceSampler({len(self.data)} series, {self.n_variables} variables, "
            f"length={self.length}, batch_size={self.batch_size})"
        )


def _as_series(name: str, value: Any) -> list[FloatArray]:
    several = isinstance(value, list | tuple) and all(np.ndim(entry) == 2 for entry in value)
    series = [finite_numbers(name, entry) for entry in (value if several else [value])]
    for array in series:
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(
                f"{name} must have shape (T, N), or be a list of such arrays, got {array.shape}"
            )
        if array.shape[1] != series[0].shape[1]:
            raise ValueError(
                f"{name} must have as many columns in every series, got "
                f"{series[0].shape[1]} and {array.shape[1]}"
            )
    if not series:
        raise ValueError(f"{name} must hold at least one series, got none")
    return [frozen(array, np.float64) for array in series]
