"""How basins were computed."""

from dataclasses import dataclass
from typing import ClassVar

from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class BasinsRun(Run):
    """How basins were computed.

    Attributes
    ----------
    n_points : int
        First states.
    n_points_done : int
        Those whose orbits were followed before it was stopped.
    n_given : int
        How many of the attractors were given; the others were found where orbits settled.
    max_steps : int
        An orbit that has not arrived after this many steps is undecided.
    escape_radius : float
        An orbit with a coordinate beyond this is called unbounded.
    seed : int
        Seed of the choice of the orbits that are followed first.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    _ADDED: ClassVar = frozenset({"seed"})

    n_points: int
    n_points_done: int
    n_given: int
    max_steps: int
    escape_radius: float
    seed: int = 0

    @property
    def complete(self) -> bool:
        """Whether every point was reached."""
        return self.n_points_done == self.n_points
