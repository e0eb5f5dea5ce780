"""What a progress meter sees of the computation of a manifold."""

from typing import NamedTuple

from rnndyn._common.words import counted


class ManifoldProgress(NamedTuple):
    """State of a running computation of one or several manifolds, as a progress meter sees it.

    Attributes
    ----------
    n_pieces : int
        Pieces found so far.
    depth, max_depth : int
        Steps away from the cycle that are done, and all that were asked for.
    number, n_manifolds : int
        The manifold that is computed, counted from 0, and how many there are.
    """

    n_pieces: int
    depth: int
    max_depth: int
    number: int = 0
    n_manifolds: int = 1

    @property
    def fraction(self) -> float:
        """Share of the levels that are done, 0 to 1; the last ones usually take longest."""
        return (self.number + self.depth / max(self.max_depth, 1)) / self.n_manifolds

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        return f"depth {self.depth} of {self.max_depth}, {counted(self.n_pieces, 'piece')}"
