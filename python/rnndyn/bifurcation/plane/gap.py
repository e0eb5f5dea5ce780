"""What rows, columns and searches of a plane do not agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray, frozen, itinerary_text, short_itinerary
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Table


@dataclass(frozen=True, eq=False)
class PlaneGap(ByFields):
    """Something in a plane of two parameters that rows, columns and searches do not agree on.

    Attributes
    ----------
    x, y : float
        Where.
    reason : str
        What is not explained.
    itinerary : ndarray of bool, shape (k, H), or None
        The cycle concerned.
    """

    x: float
    y: float
    reason: str
    itinerary: BoolArray | None = None

    def __post_init__(self) -> None:
        if self.itinerary is not None:
            object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))

    def to_dict(self) -> dict[str, Any]:
        """Return the gap as plain numbers and strings."""
        text = None if self.itinerary is None else itinerary_text(self.itinerary)
        return {"x": self.x, "y": self.y, "reason": self.reason, "itinerary": text}

    def _shown(self) -> Table:
        rows = [("x", f"{self.x:.8g}"), ("y", f"{self.y:.8g}")]
        if self.itinerary is not None and self.itinerary.size:
            rows.append(("itinerary", short_itinerary(self.itinerary)))
        return Table(f"Gap: {self.reason}", ("what", "value"), rows, {"what", "value"})

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.x, self.y, self.reason))
