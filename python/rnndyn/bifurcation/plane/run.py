"""How a stability diagram was made, and how sure it is that nothing is missing."""

from dataclasses import dataclass
from typing import ClassVar

from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class StabilityRun(Run):
    """How a stability diagram was made, and how sure it is that nothing is missing.

    Attributes
    ----------
    orders : tuple of int
        Orders that were asked for.
    listed_orders : tuple of int
        Of these, the orders of which every itinerary was followed along every line of the grid:
        no cycle of theirs that exists anywhere on a line is missing.
    n_points : int
        Points of the grid.
    n_searched : int
        Points that were searched for cycles of the other orders.
    n_searched_completely : int
        Points at which the search proved that none is missing.
    n_lines, n_lines_done : int
        Rows and columns of the grid, and how many of them were followed before it was stopped.
    seed : int
        Seed of the searches.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    _ADDED: ClassVar = frozenset({"stopped_by", "n_lines", "n_lines_done"})

    orders: tuple[int, ...]
    listed_orders: tuple[int, ...]
    n_points: int
    n_searched: int
    n_searched_completely: int
    n_lines: int = 0
    n_lines_done: int = 0
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("orders", "listed_orders"):
            object.__setattr__(self, name, tuple(map(int, getattr(self, name))))

    @property
    def complete(self) -> bool:
        """Whether no cycle is missing at any point of the grid."""
        everywhere = self.n_searched_completely == self.n_points
        return self.finished and (self.orders == self.listed_orders or everywhere)
