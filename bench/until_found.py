"""How long, and how many solves, until all known cycles of a system are found."""

from dataclasses import dataclass
from statistics import median

from bench import package
from bench.baselines.scyfi_numpy import SearchLog
from bench.systems import System, baseline


@dataclass(frozen=True)
class Effort:
    """Median over seeds; at least that much where a seed ran into the cap."""

    solves: float
    seconds: float
    capped: bool = False

    def text(self, value: str) -> str:
        return f">={value}" if self.capped else value


def package_effort(system: System, seeds: range, method: str = "auto") -> Effort | None:
    """The package's effort, or None where it does not find all cycles in ten seconds."""
    runs = [
        package.until_found(system.model, system.order, system.n_cycles, method=method, seed=seed)
        for seed in seeds
    ]
    found = [run for run in runs if run is not None]
    if len(found) < len(runs):
        return None
    return Effort(
        solves=median(max(run.solves_until_last, 1) for run in found),
        seconds=median(run.seconds_until_last for run in found),
    )


def baseline_effort(system: System, seeds: range, cap: float) -> Effort:
    """Algorithm 1's effort. A search that ends too early starts again, its effort added.

    ``cap`` limits the seconds of every seed.
    """
    logs = []
    for seed in seeds:
        search = baseline(system.model, seed)
        log = SearchLog(system.order)
        while len(log.cycles) < system.n_cycles and log.seconds <= cap:
            search.search(system.order, n_wanted=system.n_cycles, time_limit=cap, log=log)
        logs.append(log)
    return Effort(
        solves=median(log.n_solves for log in logs),
        seconds=median(log.seconds for log in logs),
        # Half of the seeds at the cap make the median a lower bound.
        capped=2 * sum(len(log.cycles) < system.n_cycles for log in logs) >= len(logs),
    )


def package_effort_in_turn(system: System, seeds: range) -> Effort | None:
    """The package's effort for the orders 1 to k, the last one only until all is found."""
    last = package_effort(system, seeds)
    if last is None:
        return None
    lower = [
        package.search(system.model, order, seed=seed)
        for seed in seeds
        for order in range(1, system.order)
    ]
    return Effort(
        solves=last.solves + sum(run.n_solves for run in lower) / len(seeds),
        seconds=last.seconds + sum(run.seconds for run in lower) / len(seeds),
    )


def baseline_effort_in_turn(system: System, cap: float, seed: int = 0) -> Effort:
    """Algorithm 1's effort for the orders 1 to k, the last one only until all is found."""
    search = baseline(system.model, seed)
    solves, seconds = 0, 0.0
    for order in range(1, system.order + 1):
        log = SearchLog(order)
        n_wanted = system.n_cycles if order == system.order else None
        while True:
            search.search(order, n_wanted=n_wanted, time_limit=cap - seconds, log=log)
            out_of_time = log.seconds > cap - seconds
            if out_of_time or n_wanted is None or len(log.cycles) >= n_wanted:
                break
        solves, seconds = solves + log.n_solves, seconds + log.seconds
        if out_of_time:
            return Effort(solves, seconds, capped=True)
    return Effort(solves, seconds)
