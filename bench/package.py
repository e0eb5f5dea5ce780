"""The package under measurement, asked for the numbers that the result objects do not carry."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnndyn import _core


@dataclass(frozen=True)
class Run:
    """One search of one order."""

    n_cycles: int
    n_solves: int
    seconds: float
    solves_until_last: int
    seconds_until_last: float


def search(
    model: Any,
    order: int,
    *,
    method: str = "auto",
    seed: int = 0,
    max_restarts: int | None = None,
    max_iterations: int | None = None,
    n_threads: int = 1,
    time_limit: float | None = None,
) -> Run:
    """Search one order and say how much work it took until its last cycle appeared."""
    start = time.perf_counter()
    raw = _core.find_cycles(
        model.canonical,
        [order],
        method,
        seed,
        max_restarts=max_restarts,
        max_iterations=max_iterations,
        n_threads=n_threads,
        time_limit=time_limit,
    )
    seconds = time.perf_counter() - start
    (statistics,) = raw["statistics"]
    return Run(
        n_cycles=sum(len(block["points"]) for block in raw["blocks"] if block["order"] == order),
        n_solves=statistics["n_solves"],
        seconds=seconds,
        solves_until_last=statistics["n_solves_at_last_new"],
        seconds_until_last=statistics["seconds_at_last_new"],
    )


def until_found(
    model: Any,
    order: int,
    n_wanted: int,
    *,
    method: str = "auto",
    seed: int = 0,
    time_limit: float = 10.0,
) -> Run | None:
    """Search with more and more restarts until ``n_wanted`` cycles are found.

    What the searches before the last one did is counted in full. None after ``time_limit``.
    """
    spent_solves, spent_seconds = 0, 0.0
    for attempt in range(30):
        run = search(
            model,
            order,
            method=method,
            seed=seed + 1000 * attempt,
            time_limit=time_limit - spent_seconds,
        )
        if run.n_cycles >= n_wanted:
            return Run(
                n_cycles=run.n_cycles,
                n_solves=spent_solves + run.n_solves,
                seconds=spent_seconds + run.seconds,
                solves_until_last=spent_solves + run.solves_until_last,
                seconds_until_last=spent_seconds + run.seconds_until_last,
            )
        spent_solves += run.n_solves
        spent_seconds += run.seconds
        if spent_seconds >= time_limit:
            return None
    return None


def most_cycles(model: Any, order: int, seeds: Sequence[int]) -> int:
    """The largest number of cycles that several thorough searches agree on or exceed.

    A thousand restarts in a network of 500 states and 2,000 hidden units take minutes.
    """
    canonical = model.canonical
    is_large = canonical.n_states * max(canonical.n_units, canonical.n_states) > 50_000
    restarts = 100 if is_large else 2000
    return max(search(model, order, seed=seed, max_restarts=restarts).n_cycles for seed in seeds)
