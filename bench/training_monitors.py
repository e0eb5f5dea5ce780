"""What the monitors cost during training, as a share of the time of the updates themselves."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import print_machine
from bench.table import format_seconds, print_table

LORENZ = Path(__file__).parents[2] / "shared" / "data" / "lorenz63.npy"

#: States, hidden units and steps of a subsequence.
SIZES = ((3, 12, 50), (3, 50, 200), (10, 50, 50), (10, 50, 200))
EVERY = 10


class Timed:
    """Adds up the time that a monitor takes."""

    def __init__(self, monitor: Any) -> None:
        self.monitor = monitor
        self.seconds = 0.0

    def step(self, *arguments: Any) -> None:
        start = time.perf_counter()
        self.monitor.step(*arguments)
        self.seconds += time.perf_counter() - start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--updates", type=int, default=2000, help="updates (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default: 0)")


def run(arguments: argparse.Namespace) -> None:
    # Here, so that the other benchmarks start without torch.
    import torch

    from rnndyn.training import BifurcationMonitor, LyapunovMonitor, datasets

    torch.set_num_threads(1)
    print_machine()
    n_updates = 300 if arguments.quick else arguments.updates
    data = np.load(LORENZ) if LORENZ.exists() else datasets.lorenz63().x
    monitors: dict[str, Callable[[], Any]] = {
        "bifurcations, order 1": lambda: BifurcationMonitor(1, every=EVERY),
        "bifurcations, orders 1..2": lambda: BifurcationMonitor(2, every=EVERY),
        "Lyapunov, 1,000 steps": lambda: LyapunovMonitor(every=EVERY, seed=0),
    }
    rows = [
        measure(data, *size, name, make(), n_updates, arguments.seed)
        for size in SIZES
        for name, make in monitors.items()
    ]
    print_table(
        f"Monitors every {EVERY} updates of a ShallowPLRNN, batches of 16, {n_updates:,} updates",
        ["M", "H", "T", "monitor", "updates", "monitor time", "share", "events", "timeline()"],
        rows,
    )


def measure(
    data: Any, M: int, H: int, T: int, name: str, monitor: Any, n_updates: int, seed: int
) -> list[object]:
    from rnndyn.training import TrainableShallowPLRNN, Trainer

    timed = Timed(monitor)
    trainer = Trainer(
        TrainableShallowPLRNN(M, H, seed=seed),
        data,
        forcing=0.15,
        sequence_length=T,
        max_gradient_norm=10.0,
        monitors=[timed],
        seed=seed,
    )
    start = time.perf_counter()
    trainer.fit(n_updates, progress=False)
    training = time.perf_counter() - start - timed.seconds
    events: object = ""
    afterwards = ""
    if hasattr(monitor, "timeline"):
        events = len(monitor.events)
        start = time.perf_counter()
        monitor.timeline()
        afterwards = format_seconds(time.perf_counter() - start)
    return [
        M, H, T, name, format_seconds(training), format_seconds(timed.seconds),
        f"{timed.seconds / training:.1%}", events, afterwards,
    ]  # fmt: skip
