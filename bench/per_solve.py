"""Time per solve, and how much of the machine's matrix product it reaches."""

from bench import package
from bench.machine import dgemm_peak
from bench.systems import baseline, random_plrnn
from bench.table import format_seconds, print_table

#: (M, k) of the per-solve table.
SHAPES = [(2, 4), (2, 16), (2, 64), (10, 1), (10, 10), (50, 1), (50, 10), (100, 10), (127, 10)]
QUICK_SHAPES = [(2, 16), (10, 10), (100, 10)]


def print_seconds_per_solve(shapes: list[tuple[int, int]]) -> None:
    rows = []
    for n_states, order in shapes:
        model = random_plrnn(n_states, gain=1.0, seed=1)
        reference = _baseline_seconds_per_solve(model, order)
        one, two = (_package_seconds_per_solve(model, order, n) for n in (1, 2))
        flops = 2.0 * n_states**3 * (order - 1) + 2.0 / 3.0 * n_states**3
        shares = [flops / one / dgemm_peak(), flops / two / (2 * dgemm_peak())]
        rows.append(
            [
                n_states,
                order,
                format_seconds(reference),
                format_seconds(one),
                format_seconds(two),
                reference / one,
                one / two,
                *(f"{100 * share:.0f} %" if n_states >= 50 else "" for share in shares),
            ]
        )
    print_table(
        'Time per solve, method="scyfi" against Algorithm 1 in NumPy: same systems, one process.\n'
        "Share of dgemm peak: 2 M^3 (k - 1) for the product of the Jacobians and 2/3 M^3 for the\n"
        "solve count as the work of one solve, whatever is really computed.",
        ["M", "k", "NumPy", "1 thread", "2 threads", "ratio", "speedup", "peak 1", "peak 2"],
        rows,
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
