"""tanh, GRU and LSTM networks, their fixed points and cycles in any arithmetic, as plain as can be.

The step is written once, entry by entry, for floats, for numbers of mpmath of any precision and for
its intervals; derivatives come from dual numbers over these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@dataclass(frozen=True)
class Network:
    """Layers as (weight_ih, weight_hh, bias_ih, bias_hh), rows gate by gate as in torch."""

    kind: str
    layers: Sequence[tuple[Any, Any, Any, Any]]
    reset_after: bool = True

    @classmethod
    def of(cls, model: Any) -> "Network":
        """Take the parameters of a model of the package."""
        layers = []
        for layer in range(model.n_layers):
            n, rows = model.hidden_size, GATES[model.family] * model.hidden_size
            p = model.parameters
            below = model.n_inputs if layer == 0 else n
            layers.append(
                (
                    p.get(f"weight_ih_l{layer}", np.zeros((rows, below))),
                    p[f"weight_hh_l{layer}"],
                    p.get(f"bias_ih_l{layer}", np.zeros(rows)),
                    p.get(f"bias_hh_l{layer}", np.zeros(rows)),
                )
            )
        return cls(model.family, layers, getattr(model, "reset_after", True))

    @property
    def n_states(self) -> int:
        """Number of states."""
        units = sum(layer[1].shape[1] for layer in self.layers)
        return units * (2 if self.kind == "LSTM" else 1)


class Dual:
    """A number with its derivative along one direction."""

    def __init__(self, value: Any, slope: Any = 0) -> None:
        self.value, self.slope = value, slope

    def __add__(self, other: Any) -> "Dual":
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> "Dual":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Dual":
        return (-self) + other

    def __mul__(self, other: Any) -> "Dual":
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    __rmul__ = __mul__


def logistic(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    if isinstance(x, Dual):
        value = logistic(x.value)
        return Dual(value, x.slope * value * (1 - value))
    if isinstance(x, float):
        return 1.0 / (1.0 + np.exp(-x))
    context = mpmath.iv if isinstance(x, mpmath.iv.mpf) else mpmath.mp
    return 1 / (1 + context.exp(-x))


def tanh(x: Any) -> Any:
    """Return tanh x, by the logistic function for intervals, which have no tanh in mpmath."""
    if isinstance(x, Dual):
        value = tanh(x.value)
        return Dual(value, x.slope * (1 - value * value))
    if isinstance(x, float):
        return np.tanh(x)
    return 2 * logistic(2 * x) - 1


def _affine(weights: Any, values: Sequence[Any], bias: Any, convert: Any) -> list[Any]:
    sums = []
    for row, b in zip(weights, bias, strict=True):
        total = convert(b)
        for w, v in zip(row, values, strict=True):
            total = v * convert(w) + total  # the state first: mpmath does not know dual numbers
        sums.append(total)
    return sums


def step(
    network: Network, state: Sequence[Any], inputs: Sequence[float], convert: Any = float
) -> list[Any]:
    """Apply the network once; `convert` makes numbers of the arithmetic from floats."""
    following: list[Any] = []
    first = 0
    x: Sequence[Any] = [convert(value) for value in inputs]
    for weight_ih, weight_hh, bias_ih, bias_hh in network.layers:
        n = weight_hh.shape[1]
        h = state[first : first + n]
        from_input = _affine(weight_ih, x, bias_ih, convert)
        from_state = _affine(weight_hh, h, bias_hh, convert)
        both = [b + a for a, b in zip(from_input, from_state, strict=True)]
        if network.kind == "RNN":
            new = [tanh(p) for p in both]
            following += new
            first += n
        elif network.kind == "GRU":
            r = [logistic(p) for p in both[:n]]
            z = [logistic(p) for p in both[n : 2 * n]]
            hidden = from_state[2 * n :]
            if network.reset_after:
                sums = [g * b + a for a, g, b in zip(from_input[2 * n :], r, hidden, strict=True)]
            else:
                gated = [g * v for g, v in zip(r, h, strict=True)]
                inner = _affine(weight_hh[2 * n :], gated, bias_hh[2 * n :], convert)
                sums = [b + a for a, b in zip(from_input[2 * n :], inner, strict=True)]
            new = [
                (1 - gate) * tanh(p) + gate * old for gate, p, old in zip(z, sums, h, strict=True)
            ]
            following += new
            first += n
        else:
            c = state[first + n : first + 2 * n]
            i, f, o = ([logistic(p) for p in both[g * n : (g + 1) * n]] for g in (0, 1, 3))
            g = [tanh(p) for p in both[2 * n : 3 * n]]
            cells = [f[j] * c[j] + i[j] * g[j] for j in range(n)]
            new = [o[j] * tanh(cells[j]) for j in range(n)]
            following += new + cells
            first += 2 * n
        x = new
    return following


def jacobian(
    network: Network, state: Sequence[Any], inputs: Sequence[float], convert: Any = float
) -> list[list[Any]]:
    """Return the derivative of the step, row by row."""
    columns = []
    for j in range(len(state)):
        duals = [Dual(value, convert(float(i == j))) for i, value in enumerate(state)]
        columns.append([dual.slope for dual in step(network, duals, inputs, convert)])
    return [list(row) for row in zip(*columns, strict=True)]


def refined(
    network: Network,
    points: Any,
    inputs: Sequence[float],
    digits: int = 60,
    settled: int | None = None,
) -> list[list[Any]]:
    """Return the cycle next to computed points (k, N), by Newton's method with so many digits.

    It ends when all but the last four do not change any more, or so many as `settled` says.
    """
    wanted = digits - 4 if settled is None else settled
    with mpmath.workdps(digits):
        k, n = len(points), network.n_states
        z = [[mpmath.mpf(float(value)) for value in point] for point in points]
        for _ in range(12):
            matrix = mpmath.zeros(k * n, k * n)
            right = mpmath.zeros(k * n, 1)
            for t in range(k):
                image = step(network, z[t], inputs, mpmath.mpf)
                block = jacobian(network, z[t], inputs, mpmath.mpf)
                after = (t + 1) % k
                for i in range(n):
                    right[t * n + i] = z[after][i] - image[i]
                    matrix[t * n + i, after * n + i] -= 1
                    for j in range(n):
                        matrix[t * n + i, t * n + j] += block[i][j]
            correction = mpmath.lu_solve(matrix, right)
            for t in range(k):
                for i in range(n):
                    z[t][i] += correction[t * n + i]
            if mpmath.norm(correction, mpmath.inf) < mpmath.mpf(10) ** -wanted:
                return z
        raise ArithmeticError("Newton's method does not converge from the computed points")


def krawczyk(network: Network, point: Any, inputs: Sequence[float], radius: float) -> bool:
    """Whether exactly one fixed point lies within `radius` of a point: in mpmath's intervals."""
    iv = mpmath.iv
    n = network.n_states
    floats = [[float(v) for v in row] for row in jacobian(network, list(map(float, point)), inputs)]
    inverse = np.linalg.inv(np.array(floats) - np.eye(n))
    thin = [iv.mpf(float(value)) for value in point]
    box = [iv.mpf([float(value) - radius, float(value) + radius]) for value in point]
    image = step(network, thin, inputs, iv.mpf)
    derivative = jacobian(network, box, inputs, iv.mpf)
    gap = [image[i] - thin[i] for i in range(n)]
    for i in range(n):
        total = -sum((iv.mpf(float(inverse[i, j])) * gap[j] for j in range(n)), iv.mpf(0))
        for j in range(n):
            entry = iv.mpf(float(i == j))
            for m in range(n):
                own = derivative[m][j] - (1 if m == j else 0)
                entry -= iv.mpf(float(inverse[i, m])) * own
            total += entry * iv.mpf([-radius, radius])
        if not (total.a > -radius and total.b < radius):
            return False
    return True
