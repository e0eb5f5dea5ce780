"""Time per solve, and how much of the machine's matrix product it reaches."""

from collections.abc import Callable
from typing import Any

from bench import package
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


def print_seconds_per_solve(quick: bool) -> None:
    """Print the table, a row as soon as it is measured."""
    table = []
    for name, draw, order in rows(quick):
        model = draw()
        m = model.n_states
        reference = _baseline_seconds_per_solve(model, order)
        one, two = (_package_seconds_per_solve(model, order, n) for n in (1, 2))
        flops = 2.0 * m**3 * (order - 1) + 2.0 / 3.0 * m**3
        shares = [flops / one / dgemm_peak(), flops / two / (2 * dgemm_peak())]
        percent = [f"{100 * s:.0f} %" if m >= 50 and name[0] == "P" else "" for s in shares]
        table.append(
            [
                name,
                order,
                format_seconds(reference),
                format_seconds(one),
                format_seconds(two),
                reference / one,
                one / two,
                *percent,
            ]
        )
    print_table(
        'Time per solve, method="scyfi" against Algorithm 1 in NumPy: same systems, one process.\n'
        "Share of dgemm peak: 2 M^3 (k - 1) for the product of the Jacobians and 2/3 M^3 for the\n"
        "solve count as the work of one solve, whatever is really computed.",
        ["network", "k", "NumPy", "1 thread", "2 threads", "ratio", "speedup", "peak 1", "peak 2"],
        table,
    )


def _baseline_seconds_per_solve(model: object, order: int, seconds: float = 0.5) -> float:
    """The best of three searches that each take the given time."""
    search = baseline(model, seed=0)
    search.search(order, max_restarts=1, max_iterations=3)  # warm-up
    logs = [search.search(order, max_restarts=10**9, time_limit=seconds) for _ in range(3)]
    return min(log.seconds / log.n_solves for log in logs)


def _package_seconds_per_solve(
    model: object, order: int, n_threads: int, seconds: float = 0.5
) -> float:
    """The best of three searches that each take about the given time."""
    n_restarts = 16
    while True:
        run = package.search(
            model, order, method="scyfi", max_restarts=n_restarts, n_threads=n_threads
        )
        if run.seconds > seconds / 4:
            break
        n_restarts *= 4
    best = run.seconds / run.n_solves
    for _ in range(2):
        run = package.search(
            model, order, method="scyfi", max_restarts=n_restarts, n_threads=n_threads
        )
        best = min(best, run.seconds / run.n_solves)
    return best
