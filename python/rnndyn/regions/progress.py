"""What a progress meter sees of the computation of a graph of regions."""

from typing import NamedTuple

from rnndyn._common.words import counted


class RegionGraphProgress(NamedTuple):
    """State of a running computation of a graph of regions, as a progress meter sees it.

    Attributes
    ----------
    n_done, n_regions : int
        Regions whose transitions are computed, and all that are known so far.
    """

    n_done: int
    n_regions: int

    @property
    def fraction(self) -> float:
        """Share of the regions that are done, 0 to 1; more may come."""
        return self.n_done / max(self.n_regions, 1)

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        return f"{self.n_done:,} of {counted(self.n_regions, 'region')}"
