"""How far a tree of pieces has grown, which is what it takes to go on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rnndyn.manifolds.run import END_TEXTS, End


class TreeState(NamedTuple):
    """How far the tree of words of one manifold has grown.

    Attributes
    ----------
    n_expanded : int
        So many of its pieces, from the first on, have all of their children among the pieces.
    n_empty : int
        Words proved to have no piece.
    n_undecided : int
        Words whose piece would be too thin to be told from none.
    end : {"exhausted", "max_length", "depth", "max_pieces", "stopped"}
        Why there are no longer words.
    """

    n_expanded: int
    n_empty: int
    n_undecided: int
    end: End

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TreeState:
        """Build it from a dictionary with its entries, and maybe others."""
        found = cls(**{name: values[name] for name in cls._fields})
        counts = found[:3]
        if any(type(count) is not int or count < 0 for count in counts):
            raise ValueError(f"the counts of a tree must be integers from 0 on, got {counts}")
        if found.end not in END_TEXTS:
            raise ValueError(f"end must be one of {', '.join(END_TEXTS)}, got {found.end!r}")
        return found
