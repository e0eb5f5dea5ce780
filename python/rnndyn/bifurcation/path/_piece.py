"""The record of the compiled core for one straight piece of a path."""

from typing import Any, NamedTuple

from rnndyn._common.arrays import BoolArray


class Piece(NamedTuple):
    """The record of the compiled core for one piece, and its itineraries by their keys."""

    raw: dict[str, Any]
    mask: BoolArray
    keys: list[bytes]


def reaching(piece: Piece, end: str, with_events: bool = False) -> list[int]:
    """Return the itineraries of the segments that reach s = 1 (end) or s = 0 (begin).

    Those that end or change exactly there, by an event, only on demand.
    """
    segments = piece.raw["segments"]
    at_node = segments[f"s_{end}"] == (1.0 if end == "end" else 0.0)
    if not with_events:
        at_node = at_node & (segments[f"{end}_event"] < 0)
    indices: list[int] = segments["itinerary"][at_node].tolist()
    return indices
