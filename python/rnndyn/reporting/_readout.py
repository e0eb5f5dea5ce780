"""A linear readout of states, and the user's data beside it."""

from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.models import RecurrentNetwork


class Readout(NamedTuple):
    """Outputs ``weights @ state + bias``.

    Attributes
    ----------
    weights : ndarray of float64, shape (n, N)
        Its weights.
    bias : ndarray of float64, shape (n,)
        Its bias.
    """

    weights: FloatArray
    bias: FloatArray

    @property
    def n_outputs(self) -> int:
        """Number n of outputs."""
        return len(self.weights)

    def of(self, states: FloatArray) -> FloatArray:
        """Return the outputs (..., n) of states (..., N)."""
        return np.asarray(states @ self.weights.T + self.bias)

    def reads_one_layer(self, model: Any) -> bool:
        """Tell whether it reads no more than one layer, whose steps are all the same."""
        n_layers = int(getattr(model, "n_layers", 1))
        by_layer = self.weights.reshape(len(self.weights), n_layers, -1)
        return int((by_layer != 0.0).any(axis=(0, 2)).sum()) <= 1


def check_readout(value: Any, model: Any) -> Readout | None:
    """Return the readout that an argument means: weights, (weights, bias), or a linear layer."""
    if value is None:
        return None
    weights, bias = value, None
    if hasattr(value, "weight") and hasattr(value, "bias"):
        weights, bias = value.weight, value.bias
    elif isinstance(value, tuple) and len(value) == 2 and np.ndim(value[0]) == 2:
        weights, bias = value
    matrix = finite_numbers("readout", weights)
    n_states = int(model.n_states)
    last = _outputs_of_last_layer(model)
    if matrix.ndim != 2 or matrix.shape[1] not in (n_states, last.stop - last.start):
        raise ValueError(
            f"readout must be weights of shape (n, {n_states}), one column for each state, or "
            f"(weights, bias), got weights of shape {matrix.shape}"
        )
    if matrix.shape[1] != n_states:
        whole = np.zeros((len(matrix), n_states))
        whole[:, last] = matrix
        matrix = whole
    n = len(matrix)
    offset = np.zeros(n) if bias is None else finite_numbers("the bias of readout", bias, (n,))
    return Readout(matrix, offset)


def check_data(value: Any, model: Any, readout: Readout | None) -> tuple[FloatArray, ...]:
    """Return sequences of data, each (T, n): of outputs if there is a readout, else of states."""
    if value is None:
        return ()
    array = finite_numbers("data", value)
    n = int(model.n_states) if readout is None else readout.n_outputs
    if array.ndim not in (2, 3) or array.shape[-1] != n or array.size == 0:
        whose = (
            "one for each state; where they are outputs, give readout as well"
            if readout is None
            else "one for each output of readout"
        )
        raise ValueError(
            f"data must have shape (T, {n}) or (B, T, {n}), with {n} columns, {whose}; got shape "
            f"{array.shape}"
        )
    return tuple(array) if array.ndim == 3 else (array,)


def _outputs_of_last_layer(model: Any) -> slice:
    """Return which states a readout of torch sees: h of the last layer, after all others."""
    n_states = int(model.n_states)
    if not isinstance(model, RecurrentNetwork):
        return slice(0, n_states)
    size = int(model.hidden_size)
    first = n_states - size * model._states_per_unit
    return slice(first, first + size)
