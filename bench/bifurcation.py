"""Bifurcations between networks: exact events against comparing cycles on a grid.

Random pairs of shallow networks: as close as two checkpoints, or drawn independently. The grid sees
the number of cycles of every order and their multipliers outside the unit circle. Many events are
border collisions at which the cycle goes on with another itinerary, which no count shows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rnndyn as rd
from bench.baselines.grid_comparison import (
    Arrays,
    Comparison,
    compare_by_listing,
    compare_by_search,
)
from bench.machine import print_machine
from bench.table import format_seconds, geometric_mean, print_table
from rnndyn import _core

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CHECKPOINTS = Path(__file__).parents[2] / "shared" / "data" / "shplrnn_150_checkpoints.mat"

#: Change of every weight from one checkpoint to the next, relative to its spread.
STEP = 0.05
GRIDS = (50, 200, 1000)

#: Grid points this close to an event are on either side of it by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Size:
    """Networks of one size, and how many pairs of them are measured.

    The published search takes 5 to 20 ms at a grid point, so only the first ``n_search`` pairs of
    distant networks are measured with it, on the coarsest grid.
    """

    n_states: int
    n_units: int
    orders: tuple[int, ...]
    n_steps: int
    n_far: int
    n_search: int
    listable: bool = True

    @property
    def name(self) -> list[object]:
        orders = "1" if self.orders == (1,) else f"1..{self.orders[-1]}"
        return [f"{self.n_states}, {self.n_units}", orders]


SIZES = (
    Size(2, 2, (1,), 200, 40, 10),
    Size(2, 2, (1, 2), 200, 40, 10),
    Size(3, 4, (1,), 200, 40, 10),
    Size(3, 4, (1, 2), 100, 20, 10),
    Size(5, 5, (1,), 200, 40, 10),
    Size(5, 5, (1, 2), 30, 10, 10),
    Size(8, 10, (1,), 15, 10, 10),
    Size(8, 10, (1, 2), 15, 10, 10, listable=False),
)
QUICK_SIZES = (
    Size(2, 2, (1, 2), 100, 10, 2),
    Size(3, 4, (1, 2), 20, 5, 2),
    Size(5, 5, (1,), 60, 10, 2),
    Size(5, 5, (1, 2), 5, 3, 2),
    Size(8, 10, (1,), 3, 3, 3),
    Size(8, 10, (1, 2), 3, 3, 3, listable=False),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="seed of the networks (default: 0)")


def run(arguments: argparse.Namespace) -> None:
    print_machine()
    rows, grid_rows = [], []
    for size in QUICK_SIZES if arguments.quick else SIZES:
        for kind, count in (("step", size.n_steps), ("far", size.n_far)):
            pairs = [Pair(size, kind, number, arguments.seed) for number in range(count)]
            exact = measure(pairs)
            rows.append(exact)
            if size.listable:
                grid_rows += [measure_grid(exact, "listing", n) for n in GRIDS]
            if kind == "far":
                grid_rows.append(measure_grid(exact.of_first(size.n_search), "search", GRIDS[0]))
    wrong = [problem for row in grid_rows for problem in row.problems]
    print_exact(rows)
    print_grids(grid_rows)
    print_targets(arguments.seed)
    if wrong:
        raise SystemExit("\n".join(["the grid and the events disagree:", *wrong]))


def random_network(n_states: int, n_units: int, rng: np.random.Generator) -> Any:
    """A shallow network with several cycles."""
    return rd.ShallowPLRNN(
        A=rng.uniform(-0.9, 0.9, n_states),
        W1=2.0 * rng.normal(size=(n_states, n_units)) / np.sqrt(n_units),
        W2=rng.normal(size=(n_units, n_states)) / np.sqrt(n_states),
        h1=rng.normal(size=n_states),
        h2=rng.normal(size=n_units),
    )


def stepped(model: Any, rng: np.random.Generator, size: float = STEP) -> Any:
    """The network with every weight changed a little, as between two checkpoints."""
    parameters = {
        name: value + size * max(float(np.std(value)), 0.1) * rng.normal(size=value.shape)
        for name in ("A", "W1", "W2", "h1", "h2")
        for value in [np.asarray(getattr(model, name))]
    }
    return rd.ShallowPLRNN(**parameters)


@dataclass(frozen=True)
class Pair:
    """Two networks, and the events between them."""

    size: Size
    kind: str
    number: int
    seed: int

    @property
    def text(self) -> str:
        return f"M, H = {self.size.name[0]}, orders {self.size.name[1]}, {self.kind} {self.number}"

    @cached_property
    def models(self) -> tuple[Any, Any]:
        size = self.size
        rng = np.random.default_rng(
            [self.seed, size.n_states, size.n_units, self.kind == "far", self.number]
        )
        first = random_network(size.n_states, size.n_units, rng)
        if self.kind == "step":
            return first, stepped(first, rng)
        return first, random_network(size.n_states, size.n_units, rng)

    @cached_property
    def arrays(self) -> tuple[Arrays, Arrays]:
        first, second = (model.canonical for model in self.models)
        return arrays_of(first), arrays_of(second)

    def follow(self, method: str) -> rd.BranchSet:
        return rd.continue_cycles(
            *self.models, orders=self.size.orders, method=method, n_threads=1, progress=False
        )

    @cached_property
    def by_search(self) -> rd.BranchSet:
        return self.follow("search")

    @cached_property
    def exact(self) -> rd.BranchSet:
        """All events where all itineraries can be listed, else what a search leads to."""
        return self.follow("exhaustive") if self.size.listable else self.by_search

    @cached_property
    def counted(self) -> BoolArray:
        return changes_counts(self.exact)

    def counts_at(self, grid: FloatArray) -> NDArray[np.int64]:
        """Cycles on a grid by order and number of multipliers outside, from the branches."""
        orders = self.size.orders
        counts = np.zeros((len(grid), len(orders), self.size.n_states + 1), dtype=np.int64)
        for branch in self.exact.branches:
            last = branch.s_end == 1.0
            inside = (branch.s_begin <= grid) & ((grid < branch.s_end) | last)
            if inside.any():
                values = self.exact.evaluate(branch.itinerary, grid[inside])
                column = orders.index(branch.order)
                np.add.at(counts, (np.flatnonzero(inside), column, values["n_unstable"]), 1)
        return counts


def arrays_of(map_: Any) -> Arrays:
    return (
        np.array(map_.A),
        np.array(map_.W1),
        np.array(map_.W2),
        np.array(map_.h1),
        np.array(map_.h2),
    )


def changes_counts(result: rd.BranchSet) -> BoolArray:
    """Which events change the number of cycles of an order, or of one stability.

    A border collision at which a cycle goes on with as many multipliers outside does not.
    """
    columns = result.event_columns
    outcome = np.array(result.events.outcomes, dtype=object)
    stays = np.isin(outcome, ["persistence", "stability_change", "none"])
    same_stability = columns["n_unstable_before"] == columns["n_unstable_after"]
    return ~(stays & same_stability & (columns["doubled"] < 0))


@dataclass(frozen=True)
class Row:
    """Seconds for every pair, and events of all pairs."""

    pairs: list[Pair]
    exhaustive: list[float]
    search: list[float]
    core: list[float]

    @property
    def n_events(self) -> int:
        return sum(len(pair.exact.events) for pair in self.pairs)

    @property
    def n_uncounted(self) -> int:
        return sum(int((~pair.counted).sum()) for pair in self.pairs)

    @property
    def n_gaps(self) -> int:
        return sum(len(pair.exact.gaps) for pair in self.pairs)

    @property
    def n_missed_by_search(self) -> int:
        """Events that continuation from the cycles of both networks does not meet."""
        return sum(n_missing(pair.exact, pair.by_search) for pair in self.pairs)

    def of_first(self, n: int) -> Row:
        """The row of the first n pairs."""
        return Row(self.pairs[:n], self.exhaustive[:n], self.search[:n], self.core[:n])


def measure(pairs: list[Pair]) -> Row:
    listable = pairs[0].size.listable
    return Row(
        pairs,
        exhaustive=[
            best_seconds(partial(pair.follow, "exhaustive")) if listable else np.nan
            for pair in pairs
        ],
        search=[best_seconds(partial(pair.follow, "search")) for pair in pairs],
        core=[core_seconds(pair.by_search) for pair in pairs],
    )


def core_seconds(result: rd.BranchSet, seconds: float = 0.02) -> float:
    """Seconds of the compiled core from the cycles of both models to all events between them."""
    columns = result.branch_columns
    at_ends = (columns["s_begin"] == 0.0) | (columns["s_end"] == 1.0)
    starts = [result.itineraries[i] for i in np.unique(columns["itinerary"][at_ends])]
    first, second = (model.canonical for model in result.models)
    order = max(result.run.orders)
    return best_seconds(
        lambda: _core.follow_cycles(first, second, starts, order, n_threads=1), seconds
    )


def n_missing(exact: rd.BranchSet, other: rd.BranchSet) -> int:
    """Events of one result that the other does not have."""
    places = other.events.s
    return sum(not (np.abs(places - s) < ROUNDING).any() for s in exact.events.s)


def best_seconds(run: Callable[[], object], seconds: float = 0.02) -> float:
    """The best of up to five runs, of fewer where they are long."""
    best, total, repetitions = np.inf, 0.0, 0
    while repetitions < 5 and (repetitions == 0 or total < seconds):
        start = time.perf_counter()
        run()
        elapsed = time.perf_counter() - start
        best, total, repetitions = min(best, elapsed), total + elapsed, repetitions + 1
    return best


@dataclass
class GridRow:
    """What comparing cycles on a grid found over all pairs, and seconds per pair.

    Attributes
    ----------
    exact : Row
        The events of the same pairs.
    method : {"listing", "search"}
        How cycles are found at a grid point.
    n : int
        Grid points.
    n_found : int
        Cells with a change that hold an event.
    n_shared : int
        Further events of such cells.
    n_cancelled : int
        Countable events in cells without a change.
    n_unmatched : int
        Cells with a change and no event.
    n_unknown : int
        Grid points with a cycle that the exact branches lack.
    """

    exact: Row
    method: str
    n: int
    seconds: float = 0.0
    n_found: int = 0
    n_shared: int = 0
    n_cancelled: int = 0
    n_unmatched: int = 0
    n_unknown: int = 0
    problems: Sequence[str] = ()


def measure_grid(exact: Row, method: str, n: int) -> GridRow:
    compare = compare_by_listing if method == "listing" else compare_by_search
    grid = np.linspace(0.0, 1.0, n)
    row = GridRow(exact, method, n)
    problems: list[str] = []
    for pair in exact.pairs:
        count = partial(compare, *pair.arrays, grid, pair.size.orders)
        comparison = count()
        # The same rule as for the package, so that neither side has the luckier runs.
        seconds = comparison.seconds
        if seconds < 0.02:
            seconds = min(seconds, best_seconds(count))
        row.seconds += seconds / len(exact.pairs)
        places = pair.exact.events.s[pair.counted]
        in_cell = np.histogram(places, bins=grid)[0]
        changed = comparison.changed
        row.n_found += int((changed & (in_cell > 0)).sum())
        row.n_shared += int((in_cell[changed] - 1).clip(min=0).sum())
        row.n_cancelled += int(in_cell[~changed].sum())
        row.n_unmatched += int((changed & (in_cell == 0)).sum())
        row.n_unknown += int((comparison.counts > pair.counts_at(grid)).any(axis=(1, 2)).sum())
        if method == "listing":
            problems += disagreements(pair, grid, comparison, in_cell)
    row.problems = problems
    return row


def disagreements(
    pair: Pair, grid: FloatArray, comparison: Comparison, in_cell: NDArray[np.int64]
) -> list[str]:
    """Where a full listing and the events cannot both be right."""
    near = np.abs(grid[:, None] - pair.exact.events.s).min(axis=1, initial=1.0) < ROUNDING
    certain = ~(near[1:] | near[:-1])
    changed = comparison.changed
    own = pair.counts_at(grid)
    differs = (own != comparison.counts).any(axis=(1, 2)) & ~near
    problems = []
    for text, cells in (
        ("a change without an event", changed & (in_cell == 0) & certain),
        ("one event without a change", ~changed & (in_cell == 1) & certain),
        ("other cycles than the branches", differs),
    ):
        if cells.any():
            where = ", ".join(f"{s:.6g}" for s in grid[: len(cells)][cells][:5])
            problems.append(f"{pair.text}, n = {len(grid)}: {text} at s = {where}")
    return problems


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def describe(pairs: list[Pair]) -> list[object]:
    return [*pairs[0].size.name, f"{len(pairs)} {pairs[0].kind}"]


def print_exact(rows: list[Row]) -> None:
    print_table(
        f"Exact events, over all pairs of networks: 'step' with weights changed by {STEP:.0%} of\n"
        "their spread, as from one checkpoint to another, 'far' drawn independently. no count:\n"
        "cycles go on as they were, so no count changes. Time per pair on one thread:\n"
        "continue_cycles from every itinerary (exhaustive), or from the cycles that it finds at\n"
        "both networks (search; its misses: cycles that are born and vanish on the way); and the\n"
        "core alone from known cycles.",
        ["M, H", "orders", "pairs", "events", "no count", "gaps", "exhaustive", "search",
         "search misses", "core"],
        [
            [
                *describe(row.pairs),
                row.n_events,
                row.n_uncounted,
                row.n_gaps,
                format_seconds(mean(row.exhaustive)),
                format_seconds(mean(row.search)),
                row.n_missed_by_search if row.pairs[0].size.listable else "-",
                format_seconds(mean(row.core)),
            ]
            for row in rows
        ],
    )  # fmt: skip


def print_grids(rows: list[GridRow]) -> None:
    print_table(
        "Comparing cycles at n grid points, where all itineraries are listed or the published\n"
        "search runs. found: cells with a change and an event, its place known to 1 / (n - 1).\n"
        "Missed events: those that share a cell with a found one (shared), those that cancel in\n"
        "their cell (cancelled), and those that show on no grid (no count). unmatched: changes\n"
        "where the exact list has no event. new: grid points with a cycle that the exact branches\n"
        "lack. Last columns: time over that of continue_cycles, exhaustive and search.",
        ["M, H", "orders", "pairs", "grid by", "n", "time", "events", "found", "shared",
         "cancelled", "no count", "unmatched", "new", "/exhaustive", "/search"],
        [
            [
                *describe(row.exact.pairs),
                row.method,
                row.n,
                format_seconds(row.seconds),
                row.exact.n_events,
                row.n_found,
                row.n_shared,
                row.n_cancelled,
                row.exact.n_uncounted,
                row.n_unmatched,
                row.n_unknown,
                row.seconds / mean(row.exact.exhaustive),
                row.seconds / mean(row.exact.search),
            ]
            for row in rows
        ],
    )  # fmt: skip
    for n in GRIDS:
        listed = [row for row in rows if row.n == n and row.method == "listing"]
        ratio = geometric_mean(row.seconds / mean(row.exact.exhaustive) for row in listed)
        events = sum(row.exact.n_events for row in listed)
        missed = events - sum(row.n_found for row in listed)
        print(
            f"n = {n}, listing: {missed} of {events} events missed, "
            f"time/exhaustive {ratio:.3g} (geometric mean)"
        )


@dataclass(frozen=True)
class Target:
    """Something that has to be fast."""

    name: str
    how: str
    n_events: int
    seconds: float
    limit: float


def print_targets(seed: int) -> None:
    """Fixed points between two checkpoints, and over training runs of 150."""
    targets = []
    for step in (STEP, 0.2 * STEP):
        rng = np.random.default_rng([seed, 150])
        checkpoints = [random_network(8, 10, rng)]
        for _ in range(149):
            checkpoints.append(stepped(checkpoints[-1], rng, step))
        name = f"M = 8, H = 10, steps of {step:.0%}"
        targets += interval_targets(f"one interval, {name}", checkpoints)
        targets += timeline_targets(f"150 checkpoints, {name}", checkpoints)
    if CHECKPOINTS.exists():
        trained = rd.load_checkpoints(CHECKPOINTS)
        size = f"M = {trained[0].n_states}, H = {trained[0].n_units}"
        targets += timeline_targets(f"{len(trained)} checkpoints, {size}, trained", trained)
    else:
        print(f"(no trained checkpoints: {CHECKPOINTS} is not there)")
    print_table(
        "All fixed points, one thread. one interval: mean over 149, events of all together.\n"
        "Targets hold for the core alone and for a timeline with everything.",
        ["fixed points", "how", "events", "time", "target", "met"],
        [
            [
                target.name,
                target.how,
                target.n_events,
                format_seconds(target.seconds),
                format_seconds(target.limit),
                "" if np.isnan(target.limit) else "yes" if target.seconds < target.limit else "no",
            ]
            for target in targets
        ],
    )


def interval_targets(name: str, checkpoints: list[Any]) -> list[Target]:
    """Times between two checkpoints: the core alone, and everything with both searches."""
    results = [
        rd.continue_cycles(*pair, max_order=1, method="search", n_threads=1, progress=False)
        for pair in pairwise(checkpoints)
    ]
    n_events = sum(len(result.events) for result in results)
    core = [core_seconds(result, seconds=1e-3) for result in results]
    whole = [
        best_seconds(
            lambda result=result: rd.continue_cycles(
                *result.models, max_order=1, method="search", n_threads=1, progress=False
            ),
            seconds=1e-3,
        )
        for result in results
    ]
    return [
        Target(name, "core, from those of both ends", n_events, mean(core), 1e-3),
        Target(f"{name}, slowest", "core, from those of both ends", n_events, max(core), 1e-3),
        Target(name, "search at both ends", n_events, mean(whole), np.nan),
    ]


def timeline_targets(name: str, checkpoints: list[Any]) -> list[Target]:
    """Times of whole timelines, with a search at every checkpoint or without."""
    ends = [
        rd.find_cycles(model, orders=[1], progress=False)
        for model in (checkpoints[0], checkpoints[-1])
    ]
    runs = (
        ("search at every checkpoint", rd.training_timeline, {"method": "search"}, 0.1),
        ("every itinerary", rd.training_timeline, {"method": "exhaustive"}, np.nan),
        ("from those of both ends", _follow_checkpoints, {"cycles": ends}, np.nan),
    )
    targets = []
    for how, function, options, limit in runs:
        timeline = partial(function, checkpoints, **options, n_threads=1, progress=False)
        targets.append(Target(name, how, len(timeline().events), best_seconds(timeline), limit))
    return targets


def _follow_checkpoints(checkpoints: list[Any], **options: Any) -> rd.BranchSet:
    return rd.continue_cycles(path=checkpoints, **options)
