"""Networks and maps as their equations say, with the Jacobian of the whole state written out.

Every system works on a batch: states (B, N), inputs (B, K). The state of a network is layer by
layer; an LSTM layer contributes its hidden state and then its cell state. Nothing is fused, scaled
or reused: each matrix stands where the derivative of the equation has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Layer(NamedTuple):
    """Weights of one layer in the order of `torch.nn`; a bias that is None is zero."""

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array | None = None
    bias_hh: Array | None = None


class ReferenceSystem(Protocol):
    """A driven map with its Jacobian."""

    layer_sizes: list[int]
    n_inputs: int

    def step(self, states: Array, inputs: Array) -> Array:
        """New states, (B, N)."""
        ...

    def jacobian(self, states: Array, inputs: Array) -> Array:
        """Derivative of the new states by the old ones, (B, N, N)."""
        ...


class CellStep(NamedTuple):
    """One layer's new state and its derivatives by its own state and by its input."""

    state: Array
    by_state: Array
    by_input: Array


class RecurrentNetwork:
    """Stacked layers of one kind: "rnn_tanh", "rnn_relu", "gru", "gru_reset_before" or "lstm"."""

    def __init__(self, kind: str, layers: Sequence[Layer]) -> None:
        self.kind = kind
        self.layers = list(layers)
        self.widths = [layer.weight_hh.shape[1] for layer in layers]
        self.layer_sizes = [width * (2 if kind == "lstm" else 1) for width in self.widths]
        self.n_inputs = layers[0].weight_ih.shape[1]

    def step(self, states: Array, inputs: Array) -> Array:
        return np.concatenate([cell.state for cell in self._cells(states, inputs)], axis=1)

    def jacobian(self, states: Array, inputs: Array) -> Array:
        n_batch, n_states = states.shape
        result = np.zeros((n_batch, n_states, n_states))
        first = 0
        below = None  # rows of the layer below that hold its new hidden state
        cells = self._cells(states, inputs)
        for cell, size, width in zip(cells, self.layer_sizes, self.widths, strict=True):
            rows = slice(first, first + size)
            if below is not None:
                result[:, rows] = cell.by_input @ result[:, below]
            result[:, rows, rows] = cell.by_state
            below = slice(first, first + width)
            first += size
        return result

    def _cells(self, states: Array, inputs: Array) -> list[CellStep]:
        cells = []
        first = 0
        for layer, size, width in zip(self.layers, self.layer_sizes, self.widths, strict=True):
            cell = _CELLS[self.kind](layer, states[:, first : first + size], inputs)
            cells.append(cell)
            inputs = cell.state[:, :width]
            first += size
        return cells


def _bias(bias: Array | None) -> Array | float:
    return 0.0 if bias is None else bias


def _sigmoid(x: Array) -> Array:
    # Two forms, so that neither overflows.
    small = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, small) / (1.0 + small)


def _sigmoid_slope(x: Array) -> Array:
    # s(x) s(-x): 1 - s(x) would lose every digit of a saturated unit.
    return _sigmoid(x) * _sigmoid(-x)


def _tanh_slope(x: Array) -> Array:
    # tanh'(x) = 4 s'(2 x), for the same reason.
    return 4.0 * _sigmoid_slope(2.0 * x)


def _rows(factors: Array, matrix: Array) -> Array:
    """diag(factors) matrix, for a batch of factors or of both."""
    return factors[:, :, None] * matrix


def _tanh_cell(layer: Layer, h: Array, x: Array) -> CellStep:
    argument = (
        x @ layer.weight_ih.T + _bias(layer.bias_ih) + h @ layer.weight_hh.T + _bias(layer.bias_hh)
    )
    slope = _tanh_slope(argument)
    return CellStep(np.tanh(argument), _rows(slope, layer.weight_hh), _rows(slope, layer.weight_ih))


def _relu_cell(layer: Layer, h: Array, x: Array) -> CellStep:
    argument = (
        x @ layer.weight_ih.T + _bias(layer.bias_ih) + h @ layer.weight_hh.T + _bias(layer.bias_hh)
    )
    slope = np.where(argument > 0.0, 1.0, 0.0)
    return CellStep(slope * argument, _rows(slope, layer.weight_hh), _rows(slope, layer.weight_ih))


def _gru_cell(layer: Layer, h: Array, x: Array) -> CellStep:
    n = h.shape[1]
    from_input = x @ layer.weight_ih.T + _bias(layer.bias_ih)
    from_state = h @ layer.weight_hh.T + _bias(layer.bias_hh)
    to_reset = from_input[:, :n] + from_state[:, :n]
    to_update = from_input[:, n : 2 * n] + from_state[:, n : 2 * n]
    inner = from_state[:, 2 * n :]
    reset, update = _sigmoid(to_reset), _sigmoid(to_update)
    to_new = from_input[:, 2 * n :] + reset * inner
    new, keep_new = np.tanh(to_new), _sigmoid(-to_update)  # 1 - update
    state = keep_new * new + update * h

    reset_slope = _sigmoid_slope(to_reset)
    update_slope = _sigmoid_slope(to_update)
    new_slope = _tanh_slope(to_new)

    def derivative(weight: Array, weight_of_inner: Array | None, direct: Array) -> Array:
        """By h (the new gate's weights act inside the reset) or by x (outside)."""
        by_reset = _rows(reset_slope, weight[:n])
        by_update = _rows(update_slope, weight[n : 2 * n])
        argument = _rows(inner, by_reset)
        if weight_of_inner is None:
            argument = argument + weight[2 * n :]
        else:
            argument = argument + _rows(reset, weight_of_inner)
        by_new = _rows(new_slope, argument)
        return _rows(keep_new, by_new) + _rows(h - new, by_update) + direct

    return CellStep(
        state,
        derivative(layer.weight_hh, layer.weight_hh[2 * n :], _rows(update, np.eye(n))),
        derivative(layer.weight_ih, None, np.zeros((1, n, 1))),
    )


def _gru_reset_before_cell(layer: Layer, h: Array, x: Array) -> CellStep:
    """The reset gate multiplies h, before the weights of the new gate."""
    n = h.shape[1]
    from_input = x @ layer.weight_ih.T + _bias(layer.bias_ih) + _bias(layer.bias_hh)
    to_reset = from_input[:, :n] + h @ layer.weight_hh[:n].T
    to_update = from_input[:, n : 2 * n] + h @ layer.weight_hh[n : 2 * n].T
    reset, update = _sigmoid(to_reset), _sigmoid(to_update)
    to_new = from_input[:, 2 * n :] + (reset * h) @ layer.weight_hh[2 * n :].T
    new, keep_new = np.tanh(to_new), _sigmoid(-to_update)  # 1 - update
    state = keep_new * new + update * h

    def derivative(weight: Array, of_gated: Array, of_new: Array, direct: Array) -> Array:
        """By h or by x; `of_gated`: what reset * h has besides the part through the gate."""
        by_gated = _rows(h * _sigmoid_slope(to_reset), weight[:n]) + of_gated
        by_new = _rows(_tanh_slope(to_new), layer.weight_hh[2 * n :] @ by_gated + of_new)
        by_update = _rows(_sigmoid_slope(to_update), weight[n : 2 * n])
        return _rows(keep_new, by_new) + _rows(h - new, by_update) + direct

    nothing = np.zeros((1, n, 1))
    return CellStep(
        state,
        derivative(layer.weight_hh, _rows(reset, np.eye(n)), nothing, _rows(update, np.eye(n))),
        derivative(layer.weight_ih, nothing, layer.weight_ih[2 * n :], nothing),
    )


def _lstm_cell(layer: Layer, state: Array, x: Array) -> CellStep:
    n = state.shape[1] // 2
    h, c = state[:, :n], state[:, n:]
    argument = (
        x @ layer.weight_ih.T + _bias(layer.bias_ih) + h @ layer.weight_hh.T + _bias(layer.bias_hh)
    )
    to_input, to_forget, to_candidate, to_output = np.split(argument, 4, axis=1)
    input_gate, forget_gate, output_gate = map(_sigmoid, (to_input, to_forget, to_output))
    candidate = np.tanh(to_candidate)
    new_c = forget_gate * c + input_gate * candidate
    squashed = np.tanh(new_c)
    new_h = output_gate * squashed
    h_by_new_c = output_gate * _tanh_slope(new_c)

    def derivative(weight: Array) -> tuple[Array, Array]:
        """Of the new h and the new c by what the weights multiply."""
        by_input = _rows(_sigmoid_slope(to_input), weight[:n])
        by_forget = _rows(_sigmoid_slope(to_forget), weight[n : 2 * n])
        by_candidate = _rows(_tanh_slope(to_candidate), weight[2 * n : 3 * n])
        by_output = _rows(_sigmoid_slope(to_output), weight[3 * n :])
        of_c = _rows(c, by_forget) + _rows(candidate, by_input) + _rows(input_gate, by_candidate)
        of_h = _rows(squashed, by_output) + _rows(h_by_new_c, of_c)
        return of_h, of_c

    h_by_h, c_by_h = derivative(layer.weight_hh)
    c_by_c = _rows(forget_gate, np.eye(n))
    h_by_c = _rows(h_by_new_c, c_by_c)
    by_state = np.block([[h_by_h, h_by_c], [c_by_h, c_by_c]])
    return CellStep(
        np.concatenate([new_h, new_c], axis=1),
        by_state,
        np.concatenate(derivative(layer.weight_ih), axis=1),
    )


_CELLS: dict[str, Callable[[Layer, Array, Array], CellStep]] = {
    "rnn_tanh": _tanh_cell,
    "rnn_relu": _relu_cell,
    "gru": _gru_cell,
    "gru_reset_before": _gru_reset_before_cell,
    "lstm": _lstm_cell,
}


class PiecewiseLinearSystem:
    """z' = A z + W1 relu(W2 z + h2 + C2 x) + h1 + C1 x."""

    def __init__(
        self,
        A: Array,
        W1: Array,
        W2: Array,
        h1: Array,
        h2: Array,
        C1: Array | None = None,
        C2: Array | None = None,
    ) -> None:
        self.A, self.W1, self.W2, self.h1, self.h2, self.C1, self.C2 = A, W1, W2, h1, h2, C1, C2
        self.layer_sizes = [len(A)]
        self.n_inputs = next((C.shape[1] for C in (C1, C2) if C is not None), 0)

    def _argument(self, states: Array, inputs: Array) -> Array:
        driven = 0.0 if self.C2 is None else inputs @ self.C2.T
        return states @ self.W2.T + self.h2 + driven

    def step(self, states: Array, inputs: Array) -> Array:
        driven = 0.0 if self.C1 is None else inputs @ self.C1.T
        positive = np.maximum(self._argument(states, inputs), 0.0)
        return states @ self.A.T + positive @ self.W1.T + self.h1 + driven

    def jacobian(self, states: Array, inputs: Array) -> Array:
        slope = np.where(self._argument(states, inputs) > 0.0, 1.0, 0.0)
        return self.A + self.W1 @ _rows(slope, self.W2)


class UserMap:
    """A map from two functions of a batch of states."""

    n_inputs = 0

    def __init__(
        self, n_states: int, step: Callable[[Array], Array], jacobian: Callable[[Array], Array]
    ) -> None:
        self.layer_sizes = [n_states]
        self.step_function, self.jacobian_function = step, jacobian

    def step(self, states: Array, inputs: Array) -> Array:
        del inputs
        return self.step_function(states)

    def jacobian(self, states: Array, inputs: Array) -> Array:
        del inputs
        return self.jacobian_function(states)
