"""Fixed points of tanh, GRU and LSTM networks against minimising the speed with Adam.

The three networks trained on the 3-bit flip-flop task that the tests use, each with 27 fixed points
at rest. The method of the published tool starts from 1,024 states of driven trajectories, with the
defaults of two of its versions; a point counts as found where one of those it reports lies within
1e-3 of it. This package starts from nothing. Both have one thread, so that processor time, which
neighbours on a busy machine hardly touch, is what is compared.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from bench.machine import print_machine
from bench.table import format_seconds, print_table

NAMES = ("flipflop_tanh", "flipflop_gru", "flipflop_lstm")
SEEDS, QUICK_SEEDS = 20, 3
#: How close a reported point has to be to a fixed point.
CLOSE = 1e-3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, help=f"searches per network (default: {SEEDS})")


def run(arguments: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    print_machine()
    print(f"torch {torch.__version__}, one thread")
    seeds = arguments.seeds or (QUICK_SEEDS if arguments.quick else SEEDS)
    rows = [row for name in NAMES for row in measure(name, seeds)]
    header = (
        "network", "method", "processor time", "reported", "true", "false", "of 27 found", "ratio",
    )  # fmt: skip
    print_table("All fixed points at rest", header, rows)


def driven_states(model: Any, n_states: int) -> np.ndarray:
    """States that the network visits on random pulses."""
    rng = np.random.default_rng(5)
    length = -(-n_states // 16)
    pulses = rng.random((16, length, model.n_inputs)) < 0.05
    inputs = pulses * rng.choice([-1.0, 1.0], pulses.shape)
    orbit = model.orbit(np.zeros((16, model.n_states)), inputs=inputs)
    return orbit.reshape(-1, model.n_states)[:n_states]


def measure(name: str, seeds: int) -> list[tuple[object, ...]]:
    """Time both on one network."""
    import rnndyn
    from bench.baselines import fixed_points_adam
    from smooth.cases import flip_flop

    model, inputs = flip_flop(name)
    rows: list[tuple[object, ...]] = []
    times, counts = [], []
    for seed in range(seeds):
        start = time.process_time()
        found = rnndyn.find_fixed_points(model, inputs=inputs, seed=seed, n_threads=1)
        times.append(time.process_time() - start)
        assert all(cycle.certified for cycle in found)
        counts.append(len(found))
    ours = float(np.median(times))
    exact = np.array([cycle.points[0] for cycle in found])
    rows.append(
        (
            name,
            f"rnndyn, {seeds} seeds",
            format_seconds(ours),
            max(counts),
            max(counts),
            0,
            min(counts),
            "",
        )
    )
    states = driven_states(model, fixed_points_adam.STARTS)
    step = torch_step(model, inputs)
    for schedule in fixed_points_adam.SCHEDULES:
        start = time.process_time()
        reported = fixed_points_adam.find_fixed_points(step, states, schedule)
        seconds = time.process_time() - start
        gaps = np.linalg.norm(reported[:, None] - exact[None], axis=2)
        n_true = int((gaps.min(1) < CLOSE).sum())
        rows.append(
            (
                name,
                f"Adam, rate {fixed_points_adam.FIRST_RATES[schedule]:g}, {schedule}",
                format_seconds(seconds),
                len(reported),
                n_true,
                len(reported) - n_true,
                int((gaps.min(0) < CLOSE).sum()),
                f"{seconds / ours:.0f}",
            )
        )
    return rows


def torch_step(model: Any, inputs: np.ndarray) -> Any:
    """The network in torch, float32, as one step from state vectors to state vectors."""
    import torch

    from recurrent_cases import torch_module

    module = torch_module(model).float()
    n = model.hidden_size
    constant = torch.tensor(inputs, dtype=torch.float32)

    def step(states: Any) -> Any:
        sequence = constant.expand(1, len(states), -1)
        if model.family == "LSTM":
            parts = (states[None, :, :n].contiguous(), states[None, :, n:].contiguous())
            return torch.cat([part[0] for part in module(sequence, parts)[1]], 1)
        return module(sequence, states[None])[1][0]

    return step
