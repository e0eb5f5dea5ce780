"""The record of the compiled core for one straight piece of a path."""

from typing import Any, NamedTuple

from rnndyn._arrays import BoolArray


class Piece(NamedTuple):
    """The record of the compiled core for one piece, and its itineraries by their keys."""

    raw: dict[str, Any]
    mask: BoolArray
    keys: list[bytes]


def reaching(piece: Piece, end: str) -> list[int]:
    """Return the itineraries of the segments that reach s = 1 (end) or s = 0 (begin)."""
    segments = piece.raw["segments"]
    free = segments[f"{end}_event"] < 0
    at_node = segments[f"s_{end}"] == (1.0 if end == "end" else 0.0)
    indices: list[int] = segments["itinerary"][free & at_node].tolist()
    return indices
