"""Random models of every family, and the comparison of a model with its family's own equation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn import models

Array = NDArray[np.float64]


@dataclass
class Draw:
    """Sizes and numbers of one random model."""

    rng: np.random.Generator
    n_states: int
    n_hidden: int
    diagonal: bool
    driven: bool

    def array(self, *shape: int) -> Array:
        return self.rng.normal(size=shape)

    def state_matrix(self) -> Array:
        """A as a vector or a matrix."""
        return self.array(*[self.n_states] * (1 if self.diagonal else 2))

    def external_input(self) -> dict[str, Array]:
        """C and s, or nothing."""
        if not self.driven:
            return {}
        n_inputs = int(self.rng.integers(1, 4))
        return {"C": self.array(self.n_states, n_inputs), "s": self.array(n_inputs)}

    def slope(self, n_units: int) -> Array:
        """One slope or one for each unit, also outside [0, 1]."""
        return self.array(n_units) if self.rng.random() < 0.5 else self.array()


def draws(count: int = 40, seed: int = 0) -> Iterator[Draw]:
    """Random sizes; the smallest ones come first."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        largest = 1 if number < 8 else 9
        yield Draw(
            rng,
            n_states=int(rng.integers(1, largest + 1)),
            n_hidden=int(rng.integers(0, largest + 1)),
            diagonal=number % 2 == 0,
            driven=number % 4 < 2,
        )


def dense(A: Array) -> Array:
    """A as a matrix, written out."""
    if A.ndim == 2:
        return A
    matrix = np.zeros((A.size, A.size))
    for i, value in enumerate(A):
        matrix[i, i] = value
    return matrix


def input_of(values: dict[str, Any]) -> Array | float:
    """C s, or 0 where there is none."""
    return values["C"] @ values["s"] if "C" in values else 0.0


def assert_is_the_map(
    model: models.PiecewiseLinearModel,
    values: dict[str, Any],
    equation: Callable[[dict[str, Any], Array], Array],
    preactivation: Callable[[dict[str, Any], Array], Array],
    rng: np.random.Generator,
) -> None:
    """Compare steps, regions and Jacobians with a family's own equation at random states."""
    states = 3.0 * rng.normal(size=(20, model.n_states))
    expected = np.array([equation(values, z) for z in states])
    scale = 1.0 + np.abs(expected).max()
    np.testing.assert_allclose(model.step(states), expected, rtol=0, atol=1e-12 * scale)

    arguments = np.array([preactivation(values, z) for z in states]).reshape(len(states), -1)
    np.testing.assert_allclose(model.preactivation(states), arguments, rtol=0, atol=1e-12 * scale)
    np.testing.assert_array_equal(model.region(states), arguments > 0.0)
    assert model.n_units == arguments.shape[1]

    # Inside a region the map is affine, so a difference quotient has no truncation error.
    offset = 1e-3
    n_inside = 0
    for z, p in zip(states, arguments, strict=True):
        if np.abs(p).min(initial=np.inf) < 1e-2 * (1.0 + np.abs(model.canonical.W2).max(initial=0)):
            continue
        n_inside += 1
        quotient = np.array(
            [
                (equation(values, z + offset * unit) - equation(values, z - offset * unit))
                / (2.0 * offset)
                for unit in np.eye(z.size)
            ]
        ).T
        np.testing.assert_allclose(model.jacobian(z), quotient, rtol=0, atol=1e-9 * scale)
    assert n_inside > 0


def _plrnn_arrays(draw: Draw) -> dict[str, Any]:
    m = draw.n_states
    return {
        "A": draw.state_matrix(),
        "W": draw.array(m, m),
        "h": draw.array(m),
        **draw.external_input(),
    }


def _shallow_arrays(draw: Draw) -> dict[str, Any]:
    m, n = draw.n_states, draw.n_hidden
    return {
        "A": draw.state_matrix(),
        "W1": draw.array(m, n),
        "W2": draw.array(n, m),
        "h1": draw.array(m),
        "h2": draw.array(n),
        **draw.external_input(),
    }


def _relu_arrays(draw: Draw) -> dict[str, Any]:
    m = draw.n_states
    return {"W_hh": draw.array(m, m), "b": draw.array(m), **draw.external_input()}


def _dendritic_values(draw: Draw) -> dict[str, Any]:
    n_branches = int(draw.rng.integers(1, 5))
    return {
        **_plrnn_arrays(draw),
        "alpha": draw.array(n_branches),
        "thresholds": draw.array(n_branches, draw.n_states),
        "clipped": bool(draw.rng.integers(2)),
    }


def _low_rank_arrays(draw: Draw) -> dict[str, Any]:
    rank, n = draw.n_states, draw.n_hidden + 1
    values = {
        "m": draw.array(n, rank),
        "n": draw.array(rank, n),
        "h": draw.array(n),
        "A": draw.array(rank) if draw.diagonal else draw.array(),
        "clipped": bool(draw.rng.integers(2)),
    }
    if draw.driven:
        n_inputs = int(draw.rng.integers(1, 4))
        values |= {"C": draw.array(n, n_inputs), "s": draw.array(n_inputs)}
    return values


def _map_arrays(draw: Draw) -> dict[str, Any]:
    draw.driven = False
    return _shallow_arrays(draw)


def _recurrent_arrays(draw: Draw, n_gates: int) -> dict[str, Any]:
    """One to three layers, with and without input and biases; one layer also without lists."""
    n, rows = draw.n_states, n_gates * draw.n_states
    n_layers = int(draw.rng.integers(1, 4))
    first = draw.array(rows, int(draw.rng.integers(1, 4))) if draw.driven else None
    arguments: dict[str, Any] = {
        "weight_ih": [first, *(draw.array(rows, n) for _ in range(n_layers - 1))],
        "weight_hh": [draw.array(rows, n) for _ in range(n_layers)],
    }
    if draw.diagonal:
        for name in ("bias_ih", "bias_hh"):
            arguments[name] = [draw.array(rows) for _ in range(n_layers)]
    if n_layers == 1:
        arguments = {name: layers[0] for name, layers in arguments.items()}
    return arguments


def _rnn_arguments(draw: Draw) -> dict[str, Any]:
    nonlinearity = str(draw.rng.choice(["tanh", "relu"]))
    return {**_recurrent_arrays(draw, 1), "nonlinearity": nonlinearity}


def _deep_arrays(draw: Draw) -> dict[str, Any]:
    sizes = [draw.n_states, draw.n_hidden + 1, 2, draw.n_states]
    layers = list(zip(sizes[1:], sizes, strict=False))
    return {
        "A": draw.state_matrix(),
        "weights": [draw.array(*shape) for shape in layers],
        "biases": [draw.array(size) for size, _ in layers],
    }


def _driven_arguments(draw: Draw) -> dict[str, Any]:
    m, k = draw.n_states, int(draw.rng.integers(1, 4))
    W, b, C = draw.array(m, m), draw.array(m), draw.array(m, k)
    model = models.ReLURNN(W, b, C=C, s=draw.array(k))
    return {"model": model, "inputs": draw.array(int(draw.rng.integers(1, 5)), k)}


#: Random constructor arguments by family.
ARGUMENTS: dict[str, Callable[[Draw], dict[str, Any]]] = {
    "PLRNN": _plrnn_arrays,
    "MeanCenteredPLRNN": _plrnn_arrays,
    "ALRNN": lambda draw: {
        **_plrnn_arrays(draw),
        "n_relu": int(draw.rng.integers(draw.n_states + 1)),
    },
    "DendriticPLRNN": _dendritic_values,
    "ShallowPLRNN": _shallow_arrays,
    "ClippedShallowPLRNN": _shallow_arrays,
    "ReLURNN": _relu_arrays,
    "LeakyPLRNN": lambda draw: {**_plrnn_arrays(draw), "slope": draw.slope(draw.n_states)},
    "LeakyShallowPLRNN": lambda draw: {**_shallow_arrays(draw), "slope": draw.slope(draw.n_hidden)},
    "LeakyReLURNN": lambda draw: {**_relu_arrays(draw), "slope": draw.slope(draw.n_states)},
    "LowRankRNN": _low_rank_arrays,
    "PiecewiseLinearMap": _map_arrays,
    "DeepPLRNN": _deep_arrays,
    "PeriodicallyDriven": _driven_arguments,
    "RNN": _rnn_arguments,
    "GRU": lambda draw: _recurrent_arrays(draw, 3),
    "LSTM": lambda draw: _recurrent_arrays(draw, 4),
}


def random_model(family: str, draw: Draw) -> Any:
    """A random model of a family, built by its constructor."""
    return models.FAMILIES[family](**ARGUMENTS[family](draw))
