"""Lyapunov exponents in plain NumPy: the tangent map gate by gate, `numpy.linalg.qr` every step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class NumpyLyapunov:
    """One layer of ``torch.nn``, driven; ``run(n_steps)`` returns the growth of those steps.

    Parameters
    ----------
    kind : {"rnn_tanh", "gru", "lstm"}
    parameters : mapping
        ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` as `torch.nn` orders their rows.
    inputs : (B, T, K) array
        Used again from the start after T steps.
    frame : (B, N, m) array
        N is twice the width for the LSTM: h, then c.
    dtype : NumPy dtype
    """

    def __init__(
        self,
        kind: str,
        parameters: Mapping[str, Array],
        inputs: Array,
        frame: Array,
        dtype: type = np.float64,
    ) -> None:
        self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh = (
            np.asarray(parameters[name], dtype=dtype)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        self.inputs = np.asarray(inputs, dtype=dtype)
        self.frame = np.asarray(frame, dtype=dtype)
        self.width = self.weight_hh.shape[1]
        self.hidden = np.zeros((len(inputs), self.width), dtype=dtype)
        self.cell = np.zeros_like(self.hidden)
        self.time = 0
        self.advance = getattr(self, f"_{kind}")

    def run(self, n_steps: int) -> Array:
        """Sum of ln |diag R| over the next ``n_steps`` steps, shape (B, m)."""
        total = np.zeros((len(self.frame), self.frame.shape[2]))
        for _ in range(n_steps):
            x = self.inputs[:, self.time % self.inputs.shape[1]]
            self.time += 1
            from_input = x @ self.weight_ih.T + self.bias_ih
            from_state = self.hidden @ self.weight_hh.T + self.bias_hh
            products = self.weight_hh @ self.frame[:, : self.width]
            self.frame, triangle = np.linalg.qr(self.advance(from_input, from_state, products))
            total += np.log(np.abs(np.diagonal(triangle, axis1=1, axis2=2)))
        return total

    def _rnn_tanh(self, from_input: Array, from_state: Array, products: Array) -> Array:
        self.hidden = np.tanh(from_input + from_state)
        return _scaled(1.0 - self.hidden**2, products)

    def _gru(self, from_input: Array, from_state: Array, products: Array) -> Array:
        n = self.width
        gates = _sigmoid(from_input[:, : 2 * n] + from_state[:, : 2 * n])
        reset, update = gates[:, :n], gates[:, n:]
        inner = from_state[:, 2 * n :]
        new = np.tanh(from_input[:, 2 * n :] + reset * inner)
        slope = (1.0 - update) * (1.0 - new**2)
        tangent = (
            _scaled(slope * inner * reset * (1.0 - reset), products[:, :n])
            + _scaled((self.hidden - new) * update * (1.0 - update), products[:, n : 2 * n])
            + _scaled(slope * reset, products[:, 2 * n :])
            + _scaled(update, self.frame)
        )
        self.hidden = (1.0 - update) * new + update * self.hidden
        return tangent

    def _lstm(self, from_input: Array, from_state: Array, products: Array) -> Array:
        n = self.width
        total = from_input + from_state
        gates = _sigmoid(total)
        of_input, forget, output = gates[:, :n], gates[:, n : 2 * n], gates[:, 3 * n :]
        candidate = np.tanh(total[:, 2 * n : 3 * n])
        new_cell = forget * self.cell + of_input * candidate
        squashed = np.tanh(new_cell)
        cell_tangent = (
            _scaled(candidate * of_input * (1.0 - of_input), products[:, :n])
            + _scaled(self.cell * forget * (1.0 - forget), products[:, n : 2 * n])
            + _scaled(of_input * (1.0 - candidate**2), products[:, 2 * n : 3 * n])
            + _scaled(forget, self.frame[:, n:])
        )
        hidden_tangent = _scaled(
            squashed * output * (1.0 - output), products[:, 3 * n :]
        ) + _scaled(output * (1.0 - squashed**2), cell_tangent)
        self.cell, self.hidden = new_cell, output * squashed
        return np.concatenate([hidden_tangent, cell_tangent], axis=1)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _scaled(factors: Array, block: Array) -> Array:
    return factors[:, :, None] * block
