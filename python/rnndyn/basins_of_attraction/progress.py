"""What a progress meter sees of a computation of basins."""

from typing import NamedTuple

from rnndyn._common.words import counted


class BasinsProgress(NamedTuple):
    """State of a running computation of basins, as a progress meter sees it.

    Attributes
    ----------
    n_done, n_points : int
        First states whose orbits are done, and all.
    n_attractors : int
        Attractors known so far.
    """

    n_done: int
    n_points: int
    n_attractors: int

    @property
    def fraction(self) -> float:
        """Share of the orbits that are done, 0 to 1."""
        return self.n_done / self.n_points

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        attractors = counted(self.n_attractors, "attractor")
        return f"{self.n_done:,} of {self.n_points:,} orbits, {attractors}"
