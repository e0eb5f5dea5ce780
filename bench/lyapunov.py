"""Lyapunov spectra of driven recurrent networks: seconds per step against torch and NumPy.

One layer with torch's default initialisation, driven by standard normal inputs. Time is that of one
step of the whole batch, in runs so long that start and warm-up vanish or cancel in a difference.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.machine import print_machine
from bench.table import format_seconds, geometric_mean, print_table
from rnndyn import ShallowPLRNN, _core, lyapunov_spectrum

Array = NDArray[np.float64]

NAMES = {"rnn_tanh": "RNN", "gru": "GRU", "lstm": "LSTM"}
N_GATES = {"rnn_tanh": 1, "gru": 3, "lstm": 4}
WIDTHS, QUICK_WIDTHS = (32, 64, 128, 256, 512), (32, 128)
N_INPUTS, PERIOD, N_TOP = 16, 64, 10

#: Seconds per step from which on few steps must do: there the start is nothing beside a step.
SLOW = 0.1

#: How far exponents per step may differ before a row counts as wrong. The smallest exponents of
#: single precision carry eps times the condition of one step, and that of H = 128 is 1e5.
AGREEMENT = {"float64": 1e-7, "float32": 0.1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--widths", type=int, nargs="+", help="H (default: 32 to 512)")
    parser.add_argument(
        "--seconds", type=float, help="length of one measurement (default: 0.15, quick 0.04)"
    )


def run(arguments: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    print_machine()
    print(f"torch {torch.__version__}, one thread")
    widths = arguments.widths or (QUICK_WIDTHS if arguments.quick else WIDTHS)
    seconds = arguments.seconds or (0.04 if arguments.quick else 0.15)
    wrong: list[str] = []
    for dtype in ("float64", "float32"):
        rows = [
            measure(Problem(kind, width, n_batch, everything, dtype), seconds)
            for width in widths
            for kind in NAMES
            for n_batch in (1, 10)
            for everything in (True, False)
        ]
        print_rows(dtype, rows)
        wrong += [row.complaint for row in rows if row.complaint]
    print_two_threads(widths, seconds)
    print_busy_machine(1_000 if arguments.quick else 10_000)
    if wrong:
        raise SystemExit("\n".join(["wrong exponents:", *wrong]))


@dataclass(frozen=True)
class Problem:
    """One row of the table."""

    kind: str
    width: int
    n_batch: int
    everything: bool
    dtype: str

    @property
    def n_states(self) -> int:
        return self.width * (2 if self.kind == "lstm" else 1)

    @property
    def n_exponents(self) -> int:
        return self.n_states if self.everything else min(N_TOP, self.n_states)

    @property
    def parameters(self) -> dict[str, Array]:
        return torch_parameters(self.kind, self.width)

    def inputs(self) -> Array:
        rng = np.random.default_rng(self.width)
        return rng.normal(size=(self.n_batch, PERIOD, N_INPUTS))

    def frame(self) -> Array:
        rng = np.random.default_rng(1)
        shape = (self.n_batch, self.n_states, self.n_exponents)
        return np.linalg.qr(rng.normal(size=shape))[0]


@cache
def torch_parameters(kind: str, width: int) -> dict[str, Array]:
    """Weights and biases of `torch.nn`'s default initialisation."""
    import torch

    torch.manual_seed(0)
    module = {"rnn_tanh": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind]
    layer = module(N_INPUTS, width, dtype=torch.float64)
    return {
        name.removesuffix("_l0"): value.detach().numpy() for name, value in layer.named_parameters()
    }


class Package:
    """The compiled core; keeps states and frames between runs like the other versions."""

    def __init__(self, problem: Problem, n_threads: int = 1) -> None:
        parameters = problem.parameters
        layer = tuple(parameters[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        self.problem, self.n_threads = problem, n_threads
        self.system = _core.recurrent_network(problem.kind, [layer])
        self.inputs = problem.inputs()
        self.states = np.zeros((problem.n_batch, problem.n_states))
        self.frames = [problem.frame()]
        self.time = 0
        self.qr_interval = 1.0

    def run(self, n_steps: int) -> Array:
        # The core counts from the first input, so turn the inputs to where the last run stopped.
        record = _core.lyapunov_spectrum(
            self.system,
            self.states,
            np.roll(self.inputs, -self.time, axis=1),
            self.frames,
            n_settle=0,
            n_warmup=0,
            n_steps=n_steps,
            n_exponents=self.problem.n_exponents,
            window=n_steps,
            qr_interval=0,
            joint=False,
            single_precision=self.problem.dtype == "float32",
            n_covariant=0,
            seed=0,
            n_threads=self.n_threads,
            time_limit=None,
            observer=None,
        )
        self.time = (self.time + n_steps) % PERIOD
        self.states, self.frames = record["states"], record["frames"]
        self.qr_interval = float(np.mean(record["qr_interval"]))
        return record["log_growth"].sum(axis=1)


def torch_version(problem: Problem, layout: str) -> Any:
    import torch

    from bench.baselines.lyapunov_torch import TorchLyapunov

    return TorchLyapunov(
        problem.kind,
        problem.parameters,
        problem.inputs(),
        problem.frame(),
        layout,
        getattr(torch, problem.dtype),
    )


def numpy_version(problem: Problem) -> Any:
    from bench.baselines.lyapunov_numpy import NumpyLyapunov

    return NumpyLyapunov(
        problem.kind,
        problem.parameters,
        problem.inputs(),
        problem.frame(),
        getattr(np, problem.dtype),
    )


@dataclass
class Row:
    """Seconds per step of the whole batch, for each version."""

    problem: Problem
    package: float
    torch: float
    layout: str
    numpy: float
    limit: float
    qr_interval: float
    disagreement: float
    complaint: str


def measure(problem: Problem, seconds: float) -> Row:
    from bench.baselines.lyapunov_torch import LAYOUTS

    package, plain = Package(problem), numpy_version(problem)
    versions = {layout: torch_version(problem, layout) for layout in LAYOUTS}
    # The same steps from the same frame first: whoever is fast must also be right.
    n_steps = 40 if problem.n_states <= 128 else 12 if problem.n_exponents < 500 else 2
    start = time.perf_counter()
    expected = plain.run(n_steps) / n_steps
    pace = (time.perf_counter() - start) / n_steps
    growths = {"package": package.run(n_steps) / n_steps}
    trials = {}
    for layout, version in versions.items():
        start = time.perf_counter()
        growths[layout] = version.run(n_steps) / n_steps
        trials[layout] = (time.perf_counter() - start) / n_steps
        if trials[layout] < SLOW:
            trials[layout] = best_seconds(version.run, seconds, pace, repetitions=1)
    off = {name: float(np.abs(growth - expected).max()) for name, growth in growths.items()}
    disagreement = max(off.values())
    complaint = ""
    if not disagreement < AGREEMENT[problem.dtype]:
        complaint = f"{problem}: exponents per step differ from NumPy's by {off}"
    layout = min(trials, key=lambda name: trials[name])
    # A run of a few steps is mostly start; let the package find its interval first.
    slow = trials[layout] > SLOW
    if not slow:
        package.run(max(n_steps, 8))
    clocks = [
        Clock(package.run, seconds, trials[layout] / 4.0, adapts=True),
        Clock(versions[layout].run, seconds, trials[layout]),
        Clock(plain.run, seconds, pace),
    ]
    # In turns, so that whatever else the machine does meets all of them.
    for _ in range(2 if slow else 3):
        for clock in clocks:
            clock.measure()
    own, best, numpy_seconds = (clock.seconds_per_step for clock in clocks)
    return Row(
        problem,
        package=own,
        torch=min(best, trials[layout]),
        layout=layout,
        numpy=numpy_seconds,
        limit=flop_limit(problem, package.qr_interval),
        qr_interval=package.qr_interval,
        disagreement=disagreement,
        complaint=complaint,
    )


class Clock:
    """The best of several measurements of about ``seconds`` each.

    ``pace`` is a guess of the answer. A version that needs some steps to find its pace
    (``adapts``) is measured by the difference of two runs, if one run would only be a few steps.
    """

    def __init__(
        self, run: Callable[[int], object], seconds: float, pace: float, adapts: bool = False
    ) -> None:
        n_steps = max(1, int(seconds / pace))
        self.run = run
        self.lengths = [n_steps]
        if adapts and n_steps < 500:
            first = 16 if pace < SLOW else 2
            self.lengths = [first, first + max(first, n_steps)]
        self.best = dict.fromkeys(self.lengths, np.inf)

    def measure(self) -> None:
        for length in self.lengths:
            start = time.perf_counter()
            self.run(length)
            self.best[length] = min(self.best[length], time.perf_counter() - start)

    @property
    def seconds_per_step(self) -> float:
        if len(self.lengths) == 1:
            return self.best[self.lengths[0]] / self.lengths[0]
        short, long = self.lengths
        # Never less than what the long run would give without its short start.
        return max(
            (self.best[long] - self.best[short]) / (long - short), 0.5 * self.best[long] / long
        )


def best_seconds(
    run: Callable[[int], object],
    seconds: float,
    pace: float,
    repetitions: int,
) -> float:
    """Seconds per step of ``run`` alone."""
    clock = Clock(run, seconds, pace)
    for _ in range(repetitions):
        clock.measure()
    return clock.seconds_per_step


def flop_limit(problem: Problem, qr_interval: float) -> float:
    """Seconds of the products alone, at the rates at which NumPy does them.

    Per step the cheaper of two: one product of the recurrent weights with all tangent vectors of
    the batch; or the gates' weights summed into the Jacobian of each sequence (2 flops per weight)
    and its product with the sequence's tangent vectors, which gated cells need fewer flops for
    where m is large. Once per orthonormalisation the 2 N m^2 flops of a factorisation per sequence,
    at the rate of the Gram product of that size.
    """
    n, m, n_batch, dtype = problem.width, problem.n_exponents, problem.n_batch, problem.dtype
    rows = N_GATES[problem.kind] * n
    by_gate = 2.0 * rows * n * n_batch * m / product_rate(rows, n, n_batch * m, dtype)
    # The LSTM's c' and h' each depend on h through a matrix of their own.
    jacobian_rows = problem.n_states
    by_jacobian = n_batch * 2.0 * (rows * n + jacobian_rows * n * m)
    by_jacobian /= product_rate(jacobian_rows, n, m, dtype)
    factorisation = n_batch * 2.0 * problem.n_states * m * m
    factorisation /= product_rate(m, problem.n_states, m, dtype)
    return min(by_gate, by_jacobian) + factorisation / qr_interval


@cache
def product_rate(rows: int, inner: int, columns: int, dtype: str, seconds: float = 0.03) -> float:
    """Flops per second of NumPy's product (rows, inner) times (inner, columns), best of five."""
    rng = np.random.default_rng(0)
    left = rng.normal(size=(rows, inner)).astype(dtype)
    right = rng.normal(size=(inner, columns)).astype(dtype)
    out = np.empty((rows, columns), dtype=dtype)

    def repeat(n: int) -> None:
        for _ in range(n):
            np.matmul(left, right, out=out)

    flops = 2.0 * rows * inner * columns
    repeat(1)
    return flops / best_seconds(repeat, seconds, pace=flops / 2e10, repetitions=5)


def print_rows(dtype: str, rows: list[Row]) -> None:
    worst = max(row.disagreement for row in rows)
    print(f"\n{dtype}: the exponents per step of all versions agree to {worst:.1e}")
    print_table(
        f"Time per step of the whole batch, {dtype}, one thread. rnndyn orthonormalises when it\n"
        "must (every: its interval), torch in the fastest of four layouts and NumPy after every\n"
        "step; limit: the products alone.",
        [
            *("cell", "H", "batch", "exponents", "rnndyn", "every", "torch", "layout", "NumPy"),
            *("limit", "torch/rnndyn", "NumPy/rnndyn", "rnndyn/limit"),
        ],
        [
            [
                *describe(row.problem),
                format_seconds(row.package),
                row.qr_interval,
                format_seconds(row.torch),
                row.layout,
                format_seconds(row.numpy),
                format_seconds(row.limit),
                row.torch / row.package,
                row.numpy / row.package,
                row.package / row.limit,
            ]
            for row in rows
        ],
    )
    for everything, name in ((True, "all"), (False, f"top {N_TOP}")):
        ratio = geometric_mean(
            row.torch / row.package for row in rows if row.problem.everything == everything
        )
        print(f"{dtype}, {name} exponents: torch/rnndyn {ratio:.2f} (geometric mean)")


def describe(problem: Problem) -> list[object]:
    exponents = "all" if problem.everything else f"top {problem.n_exponents}"
    return [NAMES[problem.kind], problem.width, problem.n_batch, exponents]


def print_two_threads(widths: tuple[int, ...], seconds: float) -> None:
    problems = [
        Problem(kind, width, n_batch, everything, "float64")
        for width in sorted({sorted(widths)[len(widths) // 2], max(widths)})
        for kind in NAMES
        for n_batch in (1, 10)
        for everything in (True, False)
    ]
    rows = []
    for problem in problems:
        one, two = _seconds_with_threads(problem, seconds)
        rows.append([*describe(problem), format_seconds(one), format_seconds(two), one / two])
    print_table(
        "Time per step with one and two threads, float64.",
        ["cell", "H", "batch", "exponents", "1 thread", "2 threads", "speedup"],
        rows,
    )


def _seconds_with_threads(problem: Problem, seconds: float) -> list[float]:
    versions = [Package(problem, n_threads) for n_threads in (1, 2)]
    paces = []
    for package in versions:
        start = time.perf_counter()
        package.run(8)
        paces.append((time.perf_counter() - start) / 8)
    # The same number of steps for both.
    clocks = [Clock(package.run, seconds, min(paces), adapts=True) for package in versions]
    for _ in range(2 if min(paces) > SLOW else 3):
        for clock in clocks:
            clock.measure()
    return [clock.seconds_per_step for clock in clocks]


@contextmanager
def busy_processors() -> Iterator[None]:
    """A process that computes without end for every processor."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def print_busy_machine(n_steps: int) -> None:
    """Whoever waits for threads at every step waits for their turn on a busy machine."""
    rng = np.random.default_rng(0)
    network = ShallowPLRNN(
        [0.5, 0.4, 0.3],
        0.02 * rng.normal(size=(3, 60)),
        rng.normal(size=(60, 3)),
        rng.normal(size=3),
        rng.normal(size=60),
    )
    several = max(2, os.cpu_count() or 1)
    rows: list[list[object]] = []
    with busy_processors():
        for n_sequences in (1, 10):
            for n_threads in (1, several):
                best = (np.inf, np.inf)
                for _ in range(3):
                    wall, used = time.perf_counter(), time.process_time()
                    lyapunov_spectrum(
                        network,
                        n_steps=n_steps,
                        n_sequences=n_sequences,
                        n_threads=n_threads,
                        progress=False,
                    )
                    spent = time.process_time() - used, time.perf_counter() - wall
                    best = min(best, spent)
                rows.append([n_sequences, n_threads, *map(format_seconds, best)])
    print_table(
        f"A network of 3 states and 60 units, {n_steps:,} steps, beside a busy loop on every\n"
        "processor: threads may not cost more than one.",
        ["sequences", "threads", "processor time", "wall time"],
        rows,
    )
