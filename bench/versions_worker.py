"""Measures one version of the package, row by row, as the other end of `bench.versions` asks.

A process of its own, started with the folder of a checkout (whose ``bench`` says how a row is
measured) and the folder its package is installed in. It reads the number of a row, does that row's
work once and answers with the seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Work = Callable[[], object]
#: Table, row, and a function that prepares the row's work.
Row = tuple[str, str, Callable[[], Work]]


def rows() -> Iterator[Row]:
    """Return the rows of all tables, in the same order for every version."""
    yield from search_rows()
    yield from complete_rows()
    yield from lyapunov_rows()
    yield from bifurcation_rows()
    yield from basins_rows()


def search_rows() -> Iterator[Row]:
    from bench import package
    from bench.per_solve import SHAPES
    from bench.systems import lozi_systems, published_systems, random_plrnn

    def solves(n_states: int, order: int) -> Callable[[], Work]:
        def prepare() -> Work:
            model = random_plrnn(n_states, gain=1.0, seed=1)
            run = package.search(model, order, method="scyfi", max_restarts=16, n_threads=1)
            restarts = max(16, int(16 * 0.15 / max(run.seconds, 1e-5)))

            def work() -> float:
                again = package.search(
                    model, order, method="scyfi", max_restarts=restarts, n_threads=1
                )
                return again.seconds / again.n_solves

            return work

        return prepare

    def found(system: Any) -> Callable[[], Work]:
        def prepare() -> Work:
            def work() -> None:
                for seed in range(3):
                    package.until_found(
                        system.model, system.order, system.n_cycles, method="auto", seed=seed
                    )

            return work

        return prepare

    for n_states, order in SHAPES:
        yield "search", f"a solve, M={n_states}, k={order}", solves(n_states, order)
    for system in [*published_systems(), *lozi_systems()]:
        yield "search", f"{system.name}, k={system.order}", found(system)


def complete_rows() -> Iterator[Row]:
    import rnndyn as rd
    from bench.complete import QUESTIONS, _load

    def proof(name: str, order: int, **options: Any) -> Callable[[], Work]:
        def prepare() -> Work:
            model, _ = _load(name, order)
            return lambda: rd.find_cycles(
                model, orders=[order], method="complete", n_threads=1, progress=False,
                time_limit=60.0, **options,
            )  # fmt: skip

        return prepare

    for name, order, radius, _ in QUESTIONS:
        for text, options in (
            ("box", {"box": radius}),
            ("box, fast", {"box": radius, "rigorous": False}),
            ("R^M", {}),
        ):
            yield "complete", f"{name}, k={order}, {text}", proof(name, order, **options)


def lyapunov_rows() -> Iterator[Row]:
    from bench.lyapunov import NAMES, Package, Problem

    def steps(problem: Problem) -> Callable[[], Work]:
        def prepare() -> Work:
            package = Package(problem)
            n_steps = 16
            package.run(n_steps)
            start = time.perf_counter()
            package.run(n_steps)
            pace = (time.perf_counter() - start) / n_steps
            n_steps = max(4, int(0.15 / pace))

            def work() -> float:
                start = time.process_time()
                package.run(n_steps)
                return (time.process_time() - start) / n_steps

            return work

        return prepare

    for dtype in ("float64", "float32"):
        for width in (32, 64, 128, 256):
            for kind in NAMES:
                for n_batch in (1, 10):
                    for everything in (True, False):
                        problem = Problem(kind, width, n_batch, everything, dtype)
                        text = f"{NAMES[kind]} {width}, {'all' if everything else 'top 10'}"
                        yield "lyapunov", f"{text}, batch {n_batch}, {dtype}", steps(problem)


def bifurcation_rows() -> Iterator[Row]:
    from bench.bifurcation import SIZES, Pair

    def follow(size: Any, kind: str, method: str) -> Callable[[], Work]:
        def prepare() -> Work:
            pairs = [Pair(size, kind, number, 0) for number in range(3)]
            for pair in pairs:
                pair.models  # noqa: B018 - made here, not in what is measured
            return lambda: [pair.follow(method) for pair in pairs]

        return prepare

    for size in SIZES:
        for kind in ("step", "far"):
            for method in ("exhaustive", "search"):
                if method == "exhaustive" and not size.listable:
                    continue
                states, orders = size.name
                text = f"M, H = {states}, orders {orders}, {kind}, {method}"
                yield "bifurcation", text, follow(size, kind, method)


def basins_rows() -> Iterator[Row]:
    import rnndyn as rd
    from bench.basins import networks

    def plane(number: int) -> Callable[[], Work]:
        def prepare() -> Work:
            cycles = networks()[number][1]
            return lambda: rd.basins(
                cycles, resolution=60, dims=(0, 1), max_steps=2000, progress=False, n_threads=1
            )

        return prepare

    for number in range(5):
        yield "basins", f"network {number}", plane(number)


def main() -> None:
    root, site = sys.argv[1:3]
    sys.path[:0] = [root, f"{root}/tests", site]
    all_rows = list(rows())
    np.seterr(all="ignore")
    print(json.dumps([row[:2] for row in all_rows]), flush=True)
    prepared: dict[int, Work] = {}
    for line in sys.stdin:
        number = int(line)
        if number not in prepared:
            prepared.clear()
            prepared[number] = all_rows[number][2]()
            prepared[number]()
        start = time.process_time()
        answer = prepared[number]()
        seconds = time.process_time() - start
        print(answer if isinstance(answer, float) else seconds, flush=True)


main()
