"""What a progress meter sees of a continuation."""

from typing import NamedTuple


class PathProgress(NamedTuple):
    """State of a running continuation, as a progress meter sees it.

    Attributes
    ----------
    n_done : int
        Straight pieces from the beginning of the path that are done: what an interrupt keeps.
    n_pieces : int
        Straight pieces in all.
    share : float
        What is done of the others, in pieces; with one thread it is that of the next, 0 to 1.
    """

    n_done: int
    n_pieces: int
    share: float = 0.0

    @property
    def fraction(self) -> float:
        """Share of the path that is done, roughly."""
        return min((self.n_done + self.share) / self.n_pieces, 1.0)

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        return f"{self.n_done:,} of {self.n_pieces:,} pieces"
