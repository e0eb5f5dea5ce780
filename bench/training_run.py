"""A training run of our own: bifurcations over its checkpoints, against a search at every one.

A shallow network is trained on the Lorenz system with generalised teacher forcing, and its
parameters are kept every few updates. The timeline follows its cycles from checkpoint to
checkpoint; at every checkpoint they are compared with a list that is proved to be complete.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import rnndyn as rd
from bench.machine import print_machine
from bench.table import format_seconds, print_table

if TYPE_CHECKING:
    from rnndyn.training import TrainableShallowPLRNN, Trainer

LORENZ = Path(__file__).parents[2] / "shared" / "data" / "lorenz63.npy"


class Recorder:
    """Keeps the network every few updates, with the loss of the batches since the last time."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.models: list[Any] = []
        self.losses: list[float] = []
        self.gradient_norms: list[float] = []
        self._recent: list[tuple[float, float]] = []

    def step(
        self,
        module: TrainableShallowPLRNN,
        loss: float | None = None,
        gradient_norm: float | None = None,
    ) -> None:
        self._recent.append((loss or 0.0, gradient_norm or 0.0))
        if len(self._recent) == self.every:
            self.models.append(module.to_model())
            loss, norm = np.mean(self._recent, axis=0).tolist()
            self.losses.append(loss)
            self.gradient_norms.append(norm)
            self._recent.clear()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="seed of the run (default: 0)")
    parser.add_argument("--units", type=int, default=12, help="hidden units (default: 12)")
    parser.add_argument("--checkpoints", type=int, default=600, help="number (default: 600)")
    parser.add_argument("--every", type=int, default=20, help="updates between (default: 20)")
    parser.add_argument("--alpha", type=float, default=0.15, help="forcing (default: 0.15)")
    parser.add_argument("--max-order", type=int, default=2, help="of cycles (default: 2)")
    parser.add_argument("--figure", type=Path, help="write the timeline of order 1 as a picture")


def run(arguments: argparse.Namespace) -> None:
    # Here, so that the other benchmarks start without torch.
    import torch

    from rnndyn.training import TrainableShallowPLRNN, Trainer, datasets, exponential_decay

    torch.set_num_threads(1)
    print_machine()
    if arguments.quick:
        arguments.checkpoints, arguments.every, arguments.max_order = 60, 5, 1
    data = np.load(LORENZ) if LORENZ.exists() else datasets.lorenz63().x
    train, test = data[: len(data) // 2], data[len(data) // 2 :]
    n_updates = arguments.checkpoints * arguments.every
    recorder = Recorder(arguments.every)
    trainer = Trainer(
        TrainableShallowPLRNN(3, arguments.units, seed=arguments.seed),
        train,
        forcing=arguments.alpha,
        sequence_length=50,
        learning_rate=exponential_decay(5e-3, 1e-4, n_updates),
        max_gradient_norm=10.0,
        monitors=[recorder],
        seed=arguments.seed,
    )
    start = time.perf_counter()
    trainer.fit(n_updates, progress=False)
    seconds = time.perf_counter() - start
    print_run(arguments, trainer, recorder, seconds, test)
    rows, timelines = [], []
    for max_order in range(1, arguments.max_order + 1):
        timelines.append(measure(recorder, max_order, arguments.every))
        rows.append(timelines[-1].row)
    print_agreement(rows)
    for measured in timelines:
        print_events(measured)
    if arguments.figure is not None:
        draw(timelines[0].timeline, arguments.figure)


def print_run(
    arguments: argparse.Namespace, trainer: Trainer, recorder: Recorder, seconds: float, test: Any
) -> None:
    from rnndyn.training import generate, power_spectrum_distance, state_space_divergence

    n_steps = min(10_000, len(test) - 1)
    generated = generate(trainer.module, test[0], n_steps)
    divergence = state_space_divergence(test[: n_steps + 1], generated)
    spectra = power_spectrum_distance(test[: n_steps + 1], generated)
    print_table(
        "The training run: ShallowPLRNN on the Lorenz system",
        ["M", "H", "alpha", "updates", "time", "checkpoints", "first loss", "last loss",
         "D_stsp", "D_H"],
        [[
            3, arguments.units, arguments.alpha, trainer.n_updates, format_seconds(seconds),
            len(recorder.models), recorder.losses[0], recorder.losses[-1], divergence, spectra,
        ]],
    )  # fmt: skip


class Measured:
    """A timeline and how it compares with the complete lists."""

    def __init__(self, timeline: rd.Timeline, max_order: int, row: list[object]) -> None:
        self.timeline = timeline
        self.max_order = max_order
        self.row = row


def measure(recorder: Recorder, max_order: int, every: int) -> Measured:
    epochs = every * np.arange(1, len(recorder.models) + 1)
    start = time.perf_counter()
    timeline = rd.training_timeline(
        recorder.models,
        recorder.losses,
        epochs,
        max_order=max_order,
        gradient_norms=recorder.gradient_norms,
        n_threads=1,
        progress=False,
    )
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    n_equal = n_proved = n_cycles = 0
    for index, model in enumerate(recorder.models):
        listed = rd.find_cycles(
            model, max_order=max_order, method="complete", n_threads=1, progress=False
        )
        n_proved += all(entry.finished for entry in listed.search.orders)
        own = timeline.branch_set.at(float(index))
        n_equal += canonical(listed) == canonical(own)
        n_cycles += len(listed)
    listing = time.perf_counter() - start
    run = timeline.branch_set.run
    row = [
        f"1..{max_order}" if max_order > 1 else "1", run.method, format_seconds(seconds),
        len(recorder.models), n_proved, n_equal, n_cycles, len(timeline.events),
        len(timeline.branches), len(timeline.gaps), format_seconds(listing),
    ]  # fmt: skip
    return Measured(timeline, max_order, row)


def canonical(cycles: Any) -> list[bytes]:
    """Itineraries of cycles, each rotated to its smallest form, in order."""
    return sorted(
        min(np.roll(cycle.itinerary, -shift, axis=0).tobytes() for shift in range(cycle.order))
        for cycle in cycles
    )


def print_agreement(rows: list[list[object]]) -> None:
    print_table(
        "The timeline against a complete list of the cycles at every checkpoint",
        ["orders", "method", "time", "checkpoints", "lists proved", "equal sets", "cycles listed",
         "events", "branches", "gaps", "time of lists"],
        rows,
    )  # fmt: skip


def print_events(measured: Measured) -> None:
    events = measured.timeline.events
    kinds = Counter(zip(events.kinds, events.outcomes, strict=True))
    print_table(
        f"Events of the orders up to {measured.max_order}",
        ["kind", "outcome", "number"],
        [[kind, outcome, count] for (kind, outcome), count in sorted(kinds.items())],
    )
    # The loss itself changes fastest at the start, where its scale is large.
    rows = []
    for name, losses in (
        ("loss", measured.timeline.losses),
        ("logarithm of the loss", np.log(measured.timeline.losses)),
    ):
        found = rd.Timeline(measured.timeline.branch_set, losses).coincidence()
        rows.append([name, found.n_jumps, found.n_with_event, found.expected, found.p_value])
    print_table(
        "Jumps: intervals over which the change has a modified z-score beyond 3.5",
        ["of the", "jumps", "with an event", "expected", "p"],
        rows,
    )


def draw(timeline: rd.Timeline, path: Path) -> None:
    axes = rd.plot.training_timeline(timeline)
    figure = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()[0].figure
    figure.savefig(path, dpi=150, bbox_inches="tight")
    print(f"wrote {path}")
