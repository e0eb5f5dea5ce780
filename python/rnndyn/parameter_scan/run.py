"""How a scan was made."""

from dataclasses import dataclass

from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class ScanRun(Run):
    """How a scan was made.

    Attributes
    ----------
    measures : tuple of str
        Names of the measures.
    n_points : int
        Points of the grid.
    n_points_done : int
        Points that were reached before it was stopped.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_steps : int
        Steps that a Lyapunov exponent is averaged over.
    transient : int or None
        Steps before that; None for the default of `rnndyn.lyapunov_spectrum`.
    seed : int
        Seed of the first states.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    measures: tuple[str, ...]
    n_points: int
    n_points_done: int
    n_steps: int
    transient: int | None
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "measures", tuple(map(str, self.measures)))

    @property
    def complete(self) -> bool:
        """Whether every point was reached."""
        return self.n_points_done == self.n_points
