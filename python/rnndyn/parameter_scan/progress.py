"""What a progress meter sees of a scan."""

from typing import NamedTuple


class ScanProgress(NamedTuple):
    """State of a running scan, as a progress meter sees it.

    Attributes
    ----------
    n_done, n_points : int
        Points of the grid that are done, and all.
    """

    n_done: int
    n_points: int

    @property
    def fraction(self) -> float:
        """Share of the points that is done, 0 to 1."""
        return self.n_done / self.n_points

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        return f"{self.n_done:,} of {self.n_points:,} points"
