"""What a progress meter sees of a stability diagram."""

from typing import NamedTuple


class PlaneProgress(NamedTuple):
    """State of a running stability diagram, as a progress meter sees it.

    Attributes
    ----------
    stage : str
        What is being done.
    n_done, n_chunks : int
        Parts of this stage that are done, and all.
    """

    stage: str
    n_done: int
    n_chunks: int

    @property
    def fraction(self) -> float:
        """Share of this stage that is done."""
        return self.n_done / max(self.n_chunks, 1)

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        return f"{self.stage}: {self.n_done:,} of {self.n_chunks:,}"
