"""How the graph of regions was made."""

from dataclasses import dataclass
from typing import Literal

from rnndyn.results.run import Run

End = Literal["exhausted", "max_regions", "stopped"]

#: What is said about a graph whose end was not reached.
END_TEXTS: dict[End, str] = {
    "exhausted": "no region is left",
    "max_regions": "the limit max_regions was reached",
    "stopped": "it was stopped",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionGraphRun(Run):
    """How the graph of regions was made.

    Attributes
    ----------
    max_regions : int
        Largest number of regions that was asked for.
    n_expanded : int
        Regions of which the transitions were computed; 0 without a box.
    n_empty : int
        Linear programs that were proved to have no solution.
    end : {"exhausted", "max_regions", "stopped"}
        Why there are no more regions.
    seed : int
        Kept with the result, as everywhere; nothing is drawn at random.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    max_regions: int
    n_expanded: int
    n_empty: int
    end: End
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end not in END_TEXTS:
            raise ValueError(f"end must be one of {', '.join(END_TEXTS)}, got {self.end!r}")

    @property
    def complete(self) -> bool:
        """Whether no region and no transition is missing."""
        return self.finished and self.end == "exhausted"
