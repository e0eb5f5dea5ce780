"""Time per solve, and how much of the machine's matrix product it reaches."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import package
from bench.baselines.scyfi_numpy import Scyfi
from bench.machine import dgemm_peak
from bench.systems import baseline, random_alrnn, random_plrnn, random_shallow_plrnn
from bench.table import format_seconds, print_table

#: (M, k) of the per-solve table of PLRNNs.
SHAPES = [(2, 4), (2, 16), (2, 64), (10, 1), (10, 10), (50, 1), (50, 10), (100, 10), (127, 10)]
QUICK_SHAPES = [(2, 16), (10, 10), (100, 10)]
#: (M, P) of ALRNNs and (M, H) of shallow PLRNNs, with the orders, at the sizes people train.
ALRNN_SHAPES = [((100, 10), (1, 10, 40)), ((25, 6), (1, 10, 38))]
SHALLOW_SHAPES = [
    ((3, 50), (1, 10)),
    ((20, 200), (1, 10, 40)),
    ((100, 1000), (1, 10)),
    ((500, 2000), (1, 10)),
]
LARGE_SHAPES = [(100, 1), (500, 1), (500, 10)]

#: What is measured: a name, how the network is drawn, and the order.
Row = tuple[str, Callable[[], Any], int]


def rows(quick: bool) -> list[Row]:
    """Return the rows of the table."""
    shapes = QUICK_SHAPES if quick else [*SHAPES, *LARGE_SHAPES]
    result: list[Row] = [
        (f"PLRNN {m}", lambda m=m: random_plrnn(m, gain=1.0, seed=1), k) for m, k in shapes
    ]
    for kind, draw, sizes in (
        ("ALRNN", random_alrnn, ALRNN_SHAPES),
        ("shallow", random_shallow_plrnn, SHALLOW_SHAPES),
    ):
        for (m, h), orders in sizes[: 1 if quick else None]:
            result += [
                (f"{kind} {m}, {h}", lambda draw=draw, m=m, h=h: draw(m, h, seed=1), k)
                for k in orders
            ]
    return result


@dataclass(frozen=True)
class Effort:
    """How long a search of the package is made; published restarts and iterations where None."""

    max_restarts: int
    max_iterations: int | None


def print_seconds_per_solve(quick: bool) -> None:
    """Print the table, a row as soon as it is measured."""
    table = []
    for name, draw, order in rows(quick):
        model = draw()
        search = baseline(model, seed=0)
        reference, one, speedup = _seconds_per_solve(model, search, order)
        share = _operations(search, order) / one / dgemm_peak()
        table.append(
            [
                name,
                order,
                format_seconds(reference),
                format_seconds(one),
                reference / one,
                speedup,
                f"{100 * share:.0f} %" if model.n_states >= 50 else "",
            ]
        )
    print_table(
        'Time per solve, method="scyfi" against Algorithm 1 in NumPy: same systems, one process,\n'
        "in turns, the least processor time of three. The speedup by a second thread is that of\n"
        "the time on the clock. Share of NumPy's dgemm peak: what Algorithm 1 computes for a\n"
        "candidate of dense matrices (2 M^2 H k to form the Jacobians where W2 is not I, 2 M^3\n"
        "(k - 1) to multiply them, 2/3 M^3 to solve) counts as the work, whatever is really done;\n"
        "units that are off, few changes and single precision lead to more than 100 %.",
        ["network", "k", "NumPy", "1 thread", "ratio", "2 threads", "of peak"],
        table,
    )


def _operations(search: Scyfi, order: int) -> float:
    m, h = search.n_states, search.n_units
    forming = 0.0 if search.plain_units else 2.0 * m * m * h * order
    return forming + 2.0 * m**3 * (order - 1) + 2.0 / 3.0 * m**3


def _seconds_per_solve(
    model: Any, search: Scyfi, order: int, seconds: float = 0.5
) -> tuple[float, float, float]:
    """NumPy, the package on one thread, and the speedup of the package by a second one."""
    search.search(order, max_restarts=1, max_iterations=3)  # warm-up
    effort = _effort(model, order, seconds)
    references, ones, speedups = [], [], []
    for _ in range(3):
        start = time.process_time()
        # Looked at before each candidate: the last of the solves is not made.
        log = search.search(order, max_restarts=10**9, time_limit=2.0 * seconds)
        references.append((time.process_time() - start) / max(1, log.n_solves - 1))
        one, on_clock = _package_seconds_per_solve(model, order, effort, 1)
        ones.append(one)
        speedups.append(on_clock / _package_seconds_per_solve(model, order, effort, 2)[1])
    return min(references), min(ones), max(speedups)


def _effort(model: Any, order: int, seconds: float) -> Effort:
    """Enough that what a search takes once, however short it is, counts little."""
    # The published number of iterations would take minutes of a restart of large systems.
    few = Effort(1, 20)
    start = time.process_time()
    one, _ = _package_seconds_per_solve(model, order, few, 1)
    least = time.process_time() - start
    effort = few if one > 1e-3 else Effort(1, None)
    while True:
        start = time.process_time()
        _package_seconds_per_solve(model, order, effort, 1)
        if time.process_time() - start > seconds + 5.0 * least:
            return effort
        effort = Effort(4 * effort.max_restarts, effort.max_iterations)


def _package_seconds_per_solve(
    model: Any, order: int, effort: Effort, n_threads: int
) -> tuple[float, float]:
    """Of the processor and on the clock."""
    start = time.process_time()
    run = package.search(
        model,
        order,
        method="scyfi",
        max_restarts=effort.max_restarts,
        max_iterations=effort.max_iterations,
        n_threads=n_threads,
    )
    return (time.process_time() - start) / run.n_solves, run.seconds / run.n_solves
