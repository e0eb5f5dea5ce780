"""Orbits that are followed until no more attractors turn up."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from rnndyn._common.arrays import FloatArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import StopReason
from rnndyn.basins_of_attraction._fates import Fates
from rnndyn.basins_of_attraction._settled import settled_cycle
from rnndyn.basins_of_attraction.progress import BasinsProgress
from rnndyn.basins_of_attraction.run import BasinsRun
from rnndyn.cycles.cycle import Cycle
from rnndyn.models import PiecewiseLinearModel

#: Orbits that did not settle and are examined in one round.
N_SUSPECTS = 16


class Work(ABC):
    """Where the orbits of first states go.

    Attributes
    ----------
    fates : Fates
        The attractors.
    n : int
        Number of orbits.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    """

    def __init__(
        self,
        model: PiecewiseLinearModel,
        n: int,
        max_steps: int,
        escape_radius: float,
        options: Options,
    ) -> None:
        self.model, self.max_steps, self.escape_radius = model, max_steps, escape_radius
        self.options = options
        self.fates = Fates(model, (), max_steps, escape_radius)
        self.n = n
        self.stopped_by: StopReason = "finished"

    def do(self, stable: Iterable[Cycle], title: str) -> BasinsRun:
        """Follow all orbits to these stable cycles and those that turn up; return how it went."""
        start = time.perf_counter()
        n_given = 0
        self.options.meter.init(title)
        try:
            for cycle in stable:
                n_given += self.fates.add(cycle)
            self.follow_all()
        except KeyboardInterrupt:
            # In Python's own part of the work; the core says it itself.
            self.stopped_by = "interrupt"
        finally:
            self.options.meter.close()
        return BasinsRun(
            n_points=self.n,
            n_points_done=self.n_done(),
            n_given=n_given,
            max_steps=self.max_steps,
            escape_radius=self.escape_radius,
            stopped_by=self.stopped_by,
            seed=self.options.seed,
            n_threads=self.options.n_threads,
            seconds=time.perf_counter() - start,
        )

    @abstractmethod
    def follow_all(self) -> None:
        """Label all orbits."""

    @abstractmethod
    def n_done(self) -> int:
        """Return how many orbits have a label."""

    def observer(self, n_before: int) -> Callable[[int], None]:
        """Return what shows how many orbits are done, after those before."""

        def observe(n_done: int) -> None:
            done = min(n_before + n_done, self.n)
            self.options.meter.step(BasinsProgress(done, self.n, len(self.fates.attractors)))

        return observe

    def find_more(self, states: Iterable[FloatArray]) -> bool:
        """Look for stable cycles that some orbits have settled on; tell whether to follow more."""
        before = len(self.fates.attractors)
        for state in states:
            if self.options.deadline():
                self.stopped_by = "time_limit"
                break
            cycle = settled_cycle(self.model, state, self.max_steps)
            if cycle is not None:
                self.fates.add(cycle)
        return len(self.fates.attractors) > before and self.stopped_by == "finished"
