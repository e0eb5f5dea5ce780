"""Lyapunov exponents in PyTorch, written as well as eager torch allows: the version to beat.

One recurrent layer of ``torch.nn`` (tanh RNN, GRU, LSTM), driven by a batch of sequences. Tangent
vectors go through the analytic tangent map (no autograd, inference mode), QR after every step by
the batched `torch.linalg.qr`. Four layouts of the block of tangent vectors are offered, because
none is the fastest everywhere:

``columns``   block (B, n, m), one product of the weights per sequence (`torch.bmm`);
``stacked``   block (n, B, m), one product of the weights with all B m vectors at once;
``rows``      block (B, m, n), vectors as rows: one product with all B m vectors, and the block is
              in the column-major order in which LAPACK wants it;
``jacobian``  the gates' weights summed into one Jacobian per sequence first: fewer products for
              cells with gates when m is large, B n^2 more elementwise work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

N_GATES = {"rnn_tanh": 1, "gru": 3, "lstm": 4}
LAYOUTS = ("columns", "stacked", "rows", "jacobian")


class Cell(NamedTuple):
    """How the new tangent block depends on the gates' products and on the old block.

    ``h' = sum_g gates[g] * (W_g dh) + direct * dh + through * c'`` and, for the LSTM,
    ``c' = sum_g cell_gates[g] * (W_g dh) + forget * dc``. Coefficients (B, n); None is zero.
    """

    gates: tuple[torch.Tensor | None, ...]
    direct: torch.Tensor | None = None
    cell_gates: tuple[torch.Tensor | None, ...] = ()
    forget: torch.Tensor | None = None
    through: torch.Tensor | None = None


class TorchLyapunov:
    """A run that can be continued: ``run(n_steps)`` returns the growth of those steps."""

    def __init__(
        self,
        kind: str,
        parameters: Mapping[str, np.ndarray],
        inputs: np.ndarray,
        frame: np.ndarray,
        layout: str,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        weight_ih, weight_hh, bias_ih, bias_hh = (
            torch.as_tensor(parameters[name], dtype=dtype)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        self.kind, self.layout = kind, layout
        self.n_gates = N_GATES[kind]
        self.width = weight_hh.shape[1]
        self.n_batch = inputs.shape[0]
        self.weight_hh = weight_hh.contiguous()
        self.gate_weights = self.weight_hh.view(self.n_gates, self.width, self.width)
        # The gates' share of the inputs is known beforehand: one product for all times.
        driven = torch.as_tensor(inputs, dtype=dtype).transpose(0, 1) @ weight_ih.T + bias_ih
        self.driven = driven.contiguous()
        # The GRU multiplies W_hn h + b_hn by its reset gate, so that bias stays apart.
        self.bias_hh = bias_hh
        self.hidden = torch.zeros(self.n_batch, self.width, dtype=dtype)
        self.cell = torch.zeros_like(self.hidden) if kind == "lstm" else None
        self.time = 0
        self.block = self._arranged(torch.as_tensor(frame, dtype=dtype))

    @torch.inference_mode()
    def run(self, n_steps: int) -> np.ndarray:
        """Sum of ln |diag R| over the next ``n_steps`` steps, shape (B, m)."""
        total: torch.Tensor | None = None
        for _ in range(n_steps):
            coefficients = self._step()
            if self.layout == "jacobian":
                block = self._through_jacobian(coefficients)
            else:
                block = self._through_gates(coefficients)
            growth = self._orthonormalise(block).abs().log()
            total = growth if total is None else total.add_(growth)
        return total.double().numpy()

    def _step(self) -> Cell:
        """Advance the states; return the coefficients of the tangent map."""
        inputs = self.driven[self.time % len(self.driven)]
        self.time += 1
        recurrent = torch.addmm(self.bias_hh, self.hidden, self.weight_hh.T)
        if self.kind == "rnn_tanh":
            self.hidden = recurrent.add_(inputs).tanh_()
            return Cell((1.0 - self.hidden * self.hidden,))
        n = self.width
        if self.kind == "gru":
            gate_r, gate_z = torch.sigmoid(recurrent[:, : 2 * n] + inputs[:, : 2 * n]).chunk(2, 1)
            linear_n = recurrent[:, 2 * n :]
            new = torch.tanh(inputs[:, 2 * n :] + gate_r * linear_n)
            slope = (1.0 - gate_z) * (1.0 - new * new)
            coefficients = Cell(
                gates=(
                    slope * linear_n * gate_r * (1.0 - gate_r),
                    (self.hidden - new) * gate_z * (1.0 - gate_z),
                    slope * gate_r,
                ),
                direct=gate_z,
            )
            self.hidden = torch.lerp(new, self.hidden, gate_z)
            return coefficients
        total = recurrent.add_(inputs)
        gate_i, gate_f = torch.sigmoid(total[:, : 2 * n]).chunk(2, 1)
        gate_g, gate_o = torch.tanh(total[:, 2 * n : 3 * n]), torch.sigmoid(total[:, 3 * n :])
        old_cell = self.cell
        self.cell = torch.addcmul(gate_i * gate_g, gate_f, old_cell)
        squashed = torch.tanh(self.cell)
        self.hidden = gate_o * squashed
        return Cell(
            gates=(None, None, None, squashed * gate_o * (1.0 - gate_o)),
            cell_gates=(
                gate_g * gate_i * (1.0 - gate_i),
                old_cell * gate_f * (1.0 - gate_f),
                gate_i * (1.0 - gate_g * gate_g),
                None,
            ),
            forget=gate_f,
            through=gate_o * (1.0 - squashed * squashed),
        )

    # Layouts. `block` is (B, N, m), (N, B, m) or (B, m, N), N = 2 n for the LSTM, else n.

    def _arranged(self, frame: torch.Tensor) -> torch.Tensor:
        if self.layout == "columns":
            return frame.contiguous()
        if self.layout == "stacked":
            return frame.permute(1, 0, 2).contiguous()
        return frame.mT.contiguous()

    def _orthonormalise(self, block: torch.Tensor) -> torch.Tensor:
        """Replace the frame by Q of `block`; return the diagonal of R, (B, m)."""
        if self.layout == "columns":
            self.block, triangle = torch.linalg.qr(block)
        elif self.layout == "stacked":
            frame, triangle = torch.linalg.qr(block.permute(1, 0, 2))
            self.block = frame.permute(1, 0, 2).contiguous()
        else:
            frame, triangle = torch.linalg.qr(block.mT)
            self.block = frame.mT
        return triangle.diagonal(dim1=1, dim2=2)

    def _halves(self, block: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Views of the tangent block's h and c parts."""
        if self.cell is None:
            return block, None
        axis = {"columns": 1, "stacked": 0}.get(self.layout, 2)
        n = self.width
        return block.narrow(axis, 0, n), block.narrow(axis, n, n)

    def _products(self, hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """W_g dh for every gate g."""
        n_batch, n = self.n_batch, self.width
        if self.layout == "columns":
            weights = self.weight_hh.expand(n_batch, -1, -1)
            return torch.bmm(weights, hidden).split(n, dim=1)
        if self.layout == "stacked":
            products = self.weight_hh @ hidden.reshape(n, -1)
            return products.view(-1, n_batch, hidden.shape[2]).split(n, dim=0)
        products = hidden.reshape(-1, n) @ self.weight_hh.T
        return products.view(n_batch, hidden.shape[1], -1).split(n, dim=2)

    def _spread(self, coefficient: torch.Tensor) -> torch.Tensor:
        """Coefficients (B, n) in a shape that multiplies a block."""
        if self.layout == "columns":
            return coefficient[:, :, None]
        if self.layout == "stacked":
            return coefficient.T[:, :, None]
        return coefficient[:, None, :]

    def _through_gates(self, cell: Cell) -> torch.Tensor:
        hidden, memory = self._halves(self.block)
        products = self._products(hidden)
        if memory is None:
            if cell.direct is None:
                return products[0] * self._spread(cell.gates[0])
            new = hidden * self._spread(cell.direct)
            for gate, product in zip(cell.gates, products, strict=True):
                new.addcmul_(product, self._spread(gate))
            return new
        block = torch.empty_like(self.block)
        new_hidden, new_memory = self._halves(block)
        torch.mul(memory, self._spread(cell.forget), out=new_memory)
        for gate, product in zip(cell.cell_gates[:3], products[:3], strict=True):
            new_memory.addcmul_(product, self._spread(gate))
        torch.mul(new_memory, self._spread(cell.through), out=new_hidden)
        new_hidden.addcmul_(products[3], self._spread(cell.gates[3]))
        return block

    def _through_jacobian(self, cell: Cell) -> torch.Tensor:
        """Vectors as rows, so the transposed Jacobian multiplies from the right."""
        hidden, memory = self._halves(self.block)
        if memory is None:
            jacobian = self._summed(cell.gates)
            if cell.direct is not None:
                jacobian.diagonal(dim1=1, dim2=2).add_(cell.direct)
            return torch.bmm(hidden, jacobian.mT)
        block = torch.empty_like(self.block)
        new_hidden, new_memory = self._halves(block)
        product = torch.bmm(hidden, self._summed(cell.cell_gates).mT)
        torch.addcmul(product, memory, cell.forget[:, None, :], out=new_memory)
        product = torch.bmm(hidden, self._summed(cell.gates).mT)
        torch.addcmul(product, new_memory, cell.through[:, None, :], out=new_hidden)
        return block

    def _summed(self, gates: tuple[torch.Tensor | None, ...]) -> torch.Tensor:
        """Sum over gates of diag(coefficient) W_g, one (n, n) matrix per sequence."""
        total: torch.Tensor | None = None
        for gate, weight in zip(gates, self.gate_weights, strict=True):
            if gate is None:
                continue
            if total is None:
                total = gate[:, :, None] * weight
            else:
                total.addcmul_(gate[:, :, None], weight)
        return total
