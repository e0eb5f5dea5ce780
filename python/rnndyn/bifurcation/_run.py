"""How a continuation was made."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

StopReason = Literal["finished", "time_limit", "interrupt"]


@dataclass(frozen=True)
class ContinuationRun:
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
    n_threads: int
    n_pieces: int
    n_pieces_done: int
    seconds: float
    version: str
    stopped_by: StopReason

    @property
    def complete(self) -> bool:
        """Whether the whole path was followed."""
        return self.stopped_by == "finished"

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain numbers, lists and strings."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "orders": list(self.orders)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ContinuationRun":
        """Build a run from what `to_dict` returned."""
        return cls(**{**values, "orders": tuple(int(order) for order in values["orders"])})
