"""The reference itself: cells against torch's derivatives, growth against exact products."""

import numpy as np
import pytest
import torch

from reference.lyapunov import (
    exact_log_growth,
    lyapunov_spectrum,
    orbit_jacobians,
    random_frames,
)
from reference.lyapunov_systems import Layer, PiecewiseLinearSystem, RecurrentNetwork

MODULES = {
    "rnn_tanh": lambda **sizes: torch.nn.RNN(dtype=torch.float64, **sizes),
    "rnn_relu": lambda **sizes: torch.nn.RNN(dtype=torch.float64, nonlinearity="relu", **sizes),
    "gru": lambda **sizes: torch.nn.GRU(dtype=torch.float64, **sizes),
    "lstm": lambda **sizes: torch.nn.LSTM(dtype=torch.float64, **sizes),
}


def module_and_reference(kind, n_layers, bias):
    torch.manual_seed(3)
    module = MODULES[kind](input_size=3, hidden_size=5, num_layers=n_layers, bias=bias)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if bias else 2]
    layers = [
        Layer(*(getattr(module, f"{name}_l{layer}").detach().numpy() for name in names))
        for layer in range(n_layers)
    ]
    return module, RecurrentNetwork(kind, layers)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("kind", MODULES)
def test_cells_are_those_of_torch(kind, n_layers, bias):
    module, system = module_and_reference(kind, n_layers, bias)

    def step(state, x):
        if kind == "lstm":
            hidden, cell = state.view(n_layers, 2, 5).unbind(1)
            _, (hidden, cell) = module(x[None], (hidden.contiguous(), cell.contiguous()))
            return torch.stack([hidden, cell], dim=1).reshape(-1)
        return module(x[None], state.view(n_layers, 5))[1].reshape(-1)

    rng = np.random.default_rng(0)
    states = rng.normal(size=(3, sum(system.layer_sizes)))
    inputs = rng.normal(size=(3, 3))
    new, jacobians = system.step(states, inputs), system.jacobian(states, inputs)
    for z, x, new_z, jacobian in zip(states, inputs, new, jacobians, strict=True):
        z, x = torch.tensor(z), torch.tensor(x)
        np.testing.assert_allclose(new_z, step(z, x).detach().numpy(), rtol=0, atol=1e-14)
        expected = torch.autograd.functional.jacobian(lambda z, x=x: step(z, x), z).numpy()
        np.testing.assert_allclose(jacobian, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_reset_gate_before_the_weights(n_layers):
    _, plain = module_and_reference("gru", n_layers, True)
    system = RecurrentNetwork("gru_reset_before", plain.layers)

    def step(state, x):
        following = []
        for layer, h in zip(plain.layers, state.view(n_layers, 5), strict=True):
            W, U, b, d = (torch.tensor(array).chunk(3) for array in layer)
            r = torch.sigmoid(W[0] @ x + b[0] + U[0] @ h + d[0])
            z = torch.sigmoid(W[1] @ x + b[1] + U[1] @ h + d[1])
            x = (1 - z) * torch.tanh(W[2] @ x + b[2] + U[2] @ (r * h) + d[2]) + z * h
            following.append(x)
        return torch.cat(following)

    rng = np.random.default_rng(1)
    states, inputs = rng.normal(size=(3, 5 * n_layers)), rng.normal(size=(3, 3))
    new, jacobians = system.step(states, inputs), system.jacobian(states, inputs)
    for z, x, new_z, jacobian in zip(states, inputs, new, jacobians, strict=True):
        z, x = torch.tensor(z), torch.tensor(x)
        np.testing.assert_allclose(new_z, step(z, x).numpy(), rtol=0, atol=1e-14)
        expected = torch.autograd.functional.jacobian(lambda z, x=x: step(z, x), z).numpy()
        np.testing.assert_allclose(jacobian, expected, rtol=0, atol=1e-14)


def test_piecewise_linear_jacobian_is_the_difference_quotient_within_a_region():
    rng = np.random.default_rng(1)
    A, W1, W2, h1, h2, C1, C2 = (
        rng.normal(size=shape) for shape in [(3, 3), (3, 4), (4, 3), 3, 4, (3, 2), (4, 2)]
    )
    system = PiecewiseLinearSystem(A, W1, W2, h1, h2, C1, C2)
    states, inputs = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    jacobians = system.jacobian(states, inputs)
    assert np.ptp(jacobians, axis=0).max() > 0.1  # several regions
    for i, unit in enumerate(1e-7 * np.eye(3)):
        quotient = (system.step(states + unit, inputs) - system.step(states - unit, inputs)) / 2e-7
        np.testing.assert_allclose(jacobians[:, :, i], quotient, rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", MODULES)
def test_summed_growth_is_that_of_the_exact_product(kind):
    _, system = module_and_reference(kind, 1, bias=True)
    rng = np.random.default_rng(2)
    state, inputs = rng.normal(size=system.layer_sizes[0]), rng.normal(size=(30, 3))
    n_steps, n_exponents = 30, 4
    if kind == "rnn_relu":  # mostly live units, or nothing would be left to compare
        system.layers[0] = system.layers[0]._replace(bias_hh=np.ones(5))
        n_exponents = 2
    (frame,) = random_frames(rng, 1, system.layer_sizes, n_exponents)
    record = lyapunov_spectrum(
        system, state[None], inputs[None], [frame], n_steps=n_steps, window=n_steps
    )
    exact = exact_log_growth(orbit_jacobians(system, state, inputs, n_steps), frame[0])
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(record["log_growth"][0, 0], exact, rtol=0, atol=1e-12)


def test_joint_growth_of_stacked_layers_is_the_union_in_the_long_run():
    _, system = module_and_reference("rnn_tanh", 2, bias=True)
    rng = np.random.default_rng(4)
    states, inputs = rng.normal(size=(2, 10)), rng.normal(size=(2, 4000, 3))
    joint, union = (
        lyapunov_spectrum(
            system,
            states,
            inputs,
            random_frames(rng, 2, [10] if together else [5, 5], 10),
            n_warmup=500,
            n_steps=3500,
            window=3500,
            joint=together,
        )["log_growth"][:, 0]
        for together in (True, False)
    )
    np.testing.assert_allclose(np.sort(joint), np.sort(union), rtol=0, atol=35.0)  # 0.01 per step
