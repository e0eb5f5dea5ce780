"""What the branches do not explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray, frozen, itinerary_text
from rnndyn._common.compare import ByFields
from rnndyn.results.table import Table, table_of


@dataclass(frozen=True, eq=False)
class Gap(ByFields):
    """Something about a path that its branches and events do not explain.

    Attributes
    ----------
    s : float
        Where on the path.
    reason : str
        What is not explained.
    itinerary : ndarray of bool, shape (k, H), or None
        The cycle concerned.
    """

    s: float
    reason: str
    itinerary: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.itinerary is not None:
            object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain numbers and strings."""
        text = None if self.itinerary is None else itinerary_text(self.itinerary)
        return {"s": self.s, "reason": self.reason, "itinerary": text}

    def _shown(self) -> Table:
        return table_of(self)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.s, self.reason))
