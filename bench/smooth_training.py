"""Train small recurrent networks of torch on standard tasks, for measurements of their analysis.

``python -m bench.smooth_training FOLDER --n 210`` writes one ``.npz`` file per network: its
state dict, and under ``_`` what it is. The tasks are those that such analyses are published for:
flip-flops of 1 to 4 bits, sines whose frequency an input sets, and context-dependent
integration.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

KINDS = ("RNN", "GRU", "LSTM")
TASKS = ("flipflop1", "flipflop2", "flipflop3", "flipflop4", "sine", "context")
SIZES = (4, 8, 16, 32, 64, 128)


def flipflop(n_bits, batch, length, generator):
    """Pulses on each channel set a bit that is to be kept."""
    drawn = torch.rand(batch, length, n_bits, generator=generator)
    inputs = (drawn < 0.06).float() - (drawn > 0.94).float()
    target = torch.zeros(batch, n_bits)
    outputs = []
    for t in range(length):
        target = torch.where(inputs[:, t] != 0, inputs[:, t], target)
        outputs.append(target)
    return inputs, torch.stack(outputs, 1)


def sine(batch, length, generator):
    """A constant input sets the frequency of a sine that starts after a cue."""
    frequency = 0.1 + 0.4 * torch.rand(batch, 1, 1, generator=generator)
    inputs = torch.zeros(batch, length, 2)
    inputs[:, :, 0:1] = frequency
    inputs[:, 0, 1] = 1.0
    return inputs, torch.sin(frequency * torch.arange(length).reshape(1, -1, 1))


def context(batch, length, generator):
    """Integrate the one of two noisy inputs that a constant input points at."""
    chosen = torch.randint(0, 2, (batch,), generator=generator)
    drift = 0.1 * torch.randn(batch, 1, 2, generator=generator)
    noisy = drift + 0.1 * torch.randn(batch, length, 2, generator=generator)
    flag = torch.nn.functional.one_hot(chosen, 2).float()[:, None].expand(-1, length, -1)
    total = noisy.cumsum(1)[torch.arange(batch), :, chosen][:, :, None] * 0.3
    return torch.cat([noisy, flag], 2), torch.tanh(total)


def batch_of(task, batch, length, generator):
    """Return inputs and targets of a task."""
    if task.startswith("flipflop"):
        return flipflop(int(task[-1]), batch, length, generator)
    return {"sine": sine, "context": context}[task](batch, length, generator)


def train(kind, task, size, n_layers, seed, n_iterations, batch=16, length=25):
    """Return the state dict of a trained network and its loss."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = batch_of(task, 2, length, generator)
    network = getattr(torch.nn, kind)(inputs.shape[2], size, num_layers=n_layers, batch_first=True)
    readout = torch.nn.Linear(size, targets.shape[2])
    parameters = [*network.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=5e-3)
    loss = torch.tensor(0.0)
    for _ in range(n_iterations):
        inputs, targets = batch_of(task, batch, length, generator)
        loss = ((readout(network(inputs)[0]) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    state = {name: value.detach().double().numpy() for name, value in network.state_dict().items()}
    return state, float(loss)


def resting_input(task, n_inputs, seed):
    """Return the constant input under which the fixed points are asked for."""
    values = np.zeros(n_inputs)
    if task == "sine":
        values[0] = 0.1 + 0.1 * (seed % 4)
    if task == "context":
        values[2 + seed % 2] = 1.0
    return values


def main():
    """Train a cross-section of kinds, tasks, sizes and numbers of layers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=210)
    parser.add_argument("--iterations", type=int, default=400)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for number in range(arguments.n):
        kind, task = KINDS[number % 3], TASKS[number // 3 % 6]
        size, n_layers = SIZES[number // 18 % 6], 1 + number // 9 % 2
        path = arguments.folder / f"{number:03d}_{kind}_{task}_{size}_{n_layers}.npz"
        if path.exists():
            continue
        state, loss = train(kind, task, size, n_layers, number, arguments.iterations)
        about = {"kind": kind, "task": task, "size": size, "layers": n_layers, "loss": loss}
        constant = resting_input(task, state["weight_ih_l0"].shape[1], number)
        about["input"] = constant.tolist()
        np.savez(path, _=json.dumps(about), **state)


if __name__ == "__main__":
    main()
