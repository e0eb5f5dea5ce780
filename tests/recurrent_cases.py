"""Random recurrent networks, and their comparison with torch and with difference quotients."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnndyn.models import FAMILIES, RecurrentNetwork

Array = NDArray[np.float64]

N_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
LAYERS = pytest.mark.parametrize("n_layers", [1, 2, 3])
BIASES = pytest.mark.parametrize("bias", [True, False])


def random_network(
    family: str, n_layers: int, bias: bool, *, n_units: int = 4, n_inputs: int = 3, **options: Any
) -> Any:
    """A network whose weights and biases are uniform between -1 and 1."""
    rng = np.random.default_rng([n_layers, bias, n_units, n_inputs])
    n, rows = n_units, n_units * N_GATES[family]
    widths = [n_inputs, *[n] * (n_layers - 1)]
    arguments: dict[str, Any] = {
        "weight_ih": [rng.uniform(-1, 1, (rows, k)) for k in widths],
        "weight_hh": [rng.uniform(-1, 1, (rows, n)) for _ in range(n_layers)],
    }
    if bias:
        for name in ("bias_ih", "bias_hh"):
            arguments[name] = [rng.uniform(-1, 1, rows) for _ in range(n_layers)]
    return FAMILIES[family](**arguments, **options)


def states_and_inputs(model: RecurrentNetwork, count: int = 6) -> tuple[Array, Array]:
    rng = np.random.default_rng([model.n_states, model.n_inputs])
    states = rng.normal(size=(count, model.n_states))
    return states, rng.normal(size=(count, model.n_inputs))


def torch_module(model: RecurrentNetwork) -> Any:
    """The network in torch, in float64."""
    torch = pytest.importorskip("torch")
    options = {"dtype": torch.float64, "num_layers": model.n_layers, **model.options}
    bias = "bias_ih_l0" in model.parameters
    make = getattr(torch.nn, model.family)
    module = make(model.n_inputs, model.hidden_size, bias=bias, **options)
    tensors = {name: torch.tensor(array) for name, array in model.parameters.items()}
    module.load_state_dict(tensors, strict=True)
    return module


def torch_step(model: RecurrentNetwork, module: Any, state: Any, inputs: Any) -> Any:
    """One step of torch from and to a state vector; written without `join_states`."""
    import torch

    layers = state.reshape(model.n_layers, -1)
    n = model.hidden_size
    if model.family == "LSTM":
        first = (layers[:, :n].contiguous(), layers[:, n:].contiguous())
        _, (h, c) = module(inputs[None], first)
        return torch.cat([h, c], dim=1).reshape(-1)
    _, h = module(inputs[None], layers.contiguous())
    return h.reshape(-1)


def assert_is_torch(model: RecurrentNetwork) -> None:
    """Compare states and Jacobians with torch and its automatic differentiation."""
    torch = pytest.importorskip("torch")
    module = torch_module(model)
    states, inputs = states_and_inputs(model)
    following, jacobians = model.step(states, inputs), model.jacobian(states, inputs)
    rng = np.random.default_rng(1)
    block = rng.normal(size=(len(states), model.n_states, 3))
    tangents = model._system().tangent(states, inputs, block)
    for number, (state, drive) in enumerate(zip(states, inputs, strict=True)):
        z, x = torch.tensor(state), torch.tensor(drive)

        def step(z: Any, x: Any = x) -> Any:
            return torch_step(model, module, z, x)

        expected = step(z).detach().numpy()
        np.testing.assert_allclose(following[number], expected, rtol=0, atol=1e-12)
        derivative = torch.autograd.functional.jacobian(step, z).numpy()
        np.testing.assert_allclose(jacobians[number], derivative, rtol=0, atol=1e-12)
        moved = derivative @ block[number]
        np.testing.assert_allclose(tangents[number], moved, rtol=0, atol=1e-12)


def assert_jacobian_is_a_difference_quotient(model: RecurrentNetwork) -> None:
    states, inputs = states_and_inputs(model)
    offset = 1e-5
    units = offset * np.eye(model.n_states)
    ahead = model.step(states[:, None] + units, inputs[:, None])
    behind = model.step(states[:, None] - units, inputs[:, None])
    quotients = np.swapaxes((ahead - behind) / (2.0 * offset), 1, 2)
    np.testing.assert_allclose(model.jacobian(states, inputs), quotients, rtol=0, atol=2e-9)


def logistic(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))
