"""How a continuation was made."""

from dataclasses import dataclass

from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class ContinuationRun(Run):
    """What a continuation did, and how sure its answer is.

    Attributes
    ----------
    orders : tuple of int
        Orders that were asked for.
    method : {"exhaustive", "search", "given"}
        Where the branches start: every itinerary of the orders (then nothing is missed), the
        cycles that a search finds at every model of the path, or cycles that were given.
    searched_completely : bool
        Whether those searches listed every itinerary of their orders or proved that nothing is
        missing, so that every cycle of every model of the path is known. Pairs that are born and
        vanish between two models may still be missed unless `method` is ``"exhaustive"``.
    seed : int
        Seed of the searches.
    n_threads : int
        Number of threads.
    n_pieces : int
        Straight pieces of the path.
    n_pieces_done : int
        Pieces that were followed; less than `n_pieces` only after an interrupt or a time limit.
    seconds : float
        Wall time.
    version : str
        Version of rnndyn.
    stopped_by : {"finished", "time_limit", "interrupt"}
        Why it ended.
    """

    orders: tuple[int, ...]
    method: str
    searched_completely: bool
    seed: int
    n_pieces: int
    n_pieces_done: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "orders", tuple(map(int, self.orders)))

    @property
    def complete(self) -> bool:
        """Whether no cycle is missing but what gaps tell of: every itinerary was followed."""
        return self.finished and self.method == "exhaustive"
