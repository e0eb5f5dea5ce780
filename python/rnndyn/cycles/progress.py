"""What a progress meter sees of a search."""

from typing import NamedTuple

from rnndyn._common.words import counted


class SearchProgress(NamedTuple):
    """State of a running search, as a progress meter sees it.

    Attributes
    ----------
    order : int
        Order being searched.
    n_cycles : int
        Cycles found so far, over all orders.
    n_restarts : int
        Restarts made so far.
    n_solves : int
        Linear systems solved so far.
    fraction : float
        Rough share of the requested work that is done, 0 to 1.
    n_nodes : int
        Nodes of the tree of a complete search that were visited; 0 in other searches.
    n_open : int
        Its subtrees that wait.
    share : float
        Share of the tree that is done, by depth, 0 to 1.
    """

    order: int
    n_cycles: int
    n_restarts: int
    n_solves: int
    fraction: float
    n_nodes: int = 0
    n_open: int = 0
    share: float = 0.0

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        cycles = counted(self.n_cycles, "cycle")
        if self.n_nodes:
            return f"order {self.order}, {cycles}, {self.n_nodes:,} nodes, {self.n_open:,} open"
        rate = self.n_solves / seconds if seconds > 0.0 else 0.0
        return f"order {self.order}, {cycles}, {self.n_restarts:,} restarts, {rate:,.0f} solves/s"
