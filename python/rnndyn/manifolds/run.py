"""How manifolds were computed."""

from dataclasses import dataclass
from typing import Literal

from rnndyn.results.run import Run

End = Literal["exhausted", "max_length", "depth", "max_pieces", "stopped"]

#: What is said about a tree of words that is not exhausted.
END_TEXTS: dict[End, str] = {
    "exhausted": "no word is longer",
    "max_length": "branches end at max_length, or where they leave the box or turn back",
    "depth": "the depth was reached",
    "max_pieces": "the limit max_pieces was reached",
    "stopped": "it was stopped",
}


def worst_end(first: End, second: End) -> End:
    """Return which of two ends leaves more out."""
    order = list(END_TEXTS)
    return max(first, second, key=order.index)


@dataclass(frozen=True, eq=False, kw_only=True)
class ManifoldRun(Run):
    """How a manifold, or those of all gates of a boundary, were computed.

    Attributes
    ----------
    depth : int
        Steps away from the cycle that were asked for.
    max_pieces : int
        Largest number of pieces that was asked for, of each manifold.
    lower, upper : tuple of float
        The box that orbits stay in on their way.
    bounded : bool
        Whether that box was asked for; else it stands for all of R^M.
    n_empty : int
        Words proved to have no piece.
    n_undecided : int
        Words whose piece would be too thin to be told from none.
    end : {"exhausted", "max_length", "depth", "max_pieces", "stopped"}
        Why there are no longer words.
    seed : int
        Seed of the states that ``sample`` draws.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    n_threads : int
        Number of threads.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    """

    depth: int
    max_pieces: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    bounded: bool
    n_empty: int
    n_undecided: int
    end: End
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end not in END_TEXTS:
            raise ValueError(f"end must be one of {', '.join(END_TEXTS)}, got {self.end!r}")

    @property
    def complete(self) -> bool:
        """Whether no piece is missing: no longer word has one, and none was too thin."""
        return self.finished and self.end == "exhausted" and self.n_undecided == 0
