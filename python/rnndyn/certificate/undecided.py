"""Itineraries of which a proof could not say whether a cycle follows them, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from rnndyn._common.arrays import BoolArray, frozen, itinerary_text
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Shown

UndecidedReason = Literal["border", "singular", "unproved"]

#: The core and files count the reasons in this order.
REASONS: tuple[UndecidedReason, ...] = ("border", "singular", "unproved")


@dataclass(frozen=True, eq=False, repr=False)
class UndecidedItinerary(ByFields):
    """An itinerary of which the search could not decide whether a cycle follows it.

    Attributes
    ----------
    order : int
        Its length k.
    itinerary : ndarray of bool, shape (k, H)
        Regions; the bits of units that cannot change the map mean nothing.
    reason : {"border", "singular", "unproved"}
        ``border``: its candidate lies on a region border, or cannot be told from one that does.
        ``singular``: its equation is singular, or cannot be told from a singular one.
        ``unproved``: the error bounds of its candidate could not be verified.
    """

    order: int
    itinerary: BoolArray
    reason: UndecidedReason

    def __post_init__(self) -> None:
        object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))
        if self.reason not in REASONS:
            raise ValueError(f"reason must be one of {', '.join(REASONS)}, got {self.reason!r}")
        if self.itinerary.ndim != 2 or self.itinerary.shape[0] != self.order or self.order < 1:
            raise ValueError(
                f"an itinerary of order {self.order} must have shape ({self.order}, H), "
                f"got {self.itinerary.shape}"
            )

    def __repr__(self) -> str:
        return f"UndecidedItinerary({itinerary_text(self.itinerary)!r}, {self.reason!r})"


@dataclass(frozen=True, eq=False)
class UndecidedBlock(ByFields):
    """The undecided itineraries of one order, as columns; n is their number.

    Attributes
    ----------
    order : int
        The order k.
    itinerary : ndarray of bool, shape (n, k, H)
    reason : ndarray of int8, shape (n,)
        Numbers of the reasons in `REASONS`.
    """

    order: int
    itinerary: BoolArray
    reason: NDArray[np.int8]

    def __post_init__(self) -> None:
        object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))
        object.__setattr__(self, "reason", frozen(self.reason, np.int8))
        shape = self.itinerary.shape
        if self.order < 1 or len(shape) != 3 or shape[:2] != (*self.reason.shape, self.order):
            raise ValueError(f"the undecided itineraries of order {self.order} do not fit together")
        if np.any((self.reason < 0) | (self.reason >= len(REASONS))):
            raise ValueError(f"a reason must be a number from 0 to {len(REASONS) - 1}")

    def __len__(self) -> int:
        return int(self.reason.shape[0])

    def __getitem__(self, index: int) -> UndecidedItinerary:
        return UndecidedItinerary(
            self.order, self.itinerary[index], REASONS[int(self.reason[index])]
        )


class UndecidedItineraries(Shown, Sequence[UndecidedItinerary]):
    """A tuple of `UndecidedItinerary`, by ascending order, whose entries are made when asked for.

    Parameters
    ----------
    blocks : iterable of UndecidedBlock
        The columns, one block for each order.

    Attributes
    ----------
    blocks : tuple of UndecidedBlock
    """

    def __init__(self, blocks: Iterable[UndecidedBlock] = ()) -> None:
        self.blocks = tuple(
            sorted((block for block in blocks if len(block)), key=lambda block: block.order)
        )
        orders = [block.order for block in self.blocks]
        if len(set(orders)) != len(orders):
            raise ValueError("there must be one block of undecided itineraries for each order")

    @classmethod
    def of(cls, entries: Iterable[UndecidedItinerary]) -> UndecidedItineraries:
        """Collect single itineraries into columns; those of one order stay in their order."""
        if isinstance(entries, UndecidedItineraries):
            return entries
        by_order: dict[int, list[UndecidedItinerary]] = {}
        # Several leaves of a search tree may end at the same itinerary.
        once = {
            (entry.order, entry.itinerary.tobytes()): entry for entry in reversed(tuple(entries))
        }
        for entry in reversed(once.values()):
            by_order.setdefault(entry.order, []).append(entry)
        widths = {entry.itinerary.shape[1] for group in by_order.values() for entry in group}
        if len(widths) > 1:
            raise ValueError(f"all itineraries must have shape (k, {min(widths)})")
        return cls(
            UndecidedBlock(
                order,
                np.stack([entry.itinerary for entry in group]),
                np.array([REASONS.index(entry.reason) for entry in group], dtype=np.int8),
            )
            for order, group in by_order.items()
        )

    def count(self, value: Any) -> int:
        """Return how many have this reason, or how many equal this itinerary."""
        if value in REASONS:
            code = REASONS.index(value)
            return sum(int(np.count_nonzero(block.reason == code)) for block in self.blocks)
        return super().count(value)

    def orders(self, reason: UndecidedReason) -> set[int]:
        """Return the orders that have itineraries with this reason."""
        code = REASONS.index(reason)
        return {block.order for block in self.blocks if np.any(block.reason == code)}

    def of_orders(self, orders: Iterable[int]) -> UndecidedItineraries:
        """Return those of these orders."""
        wanted = set(orders)
        return UndecidedItineraries(block for block in self.blocks if block.order in wanted)

    def __len__(self) -> int:
        return sum(map(len, self.blocks))

    @overload
    def __getitem__(self, index: int) -> UndecidedItinerary: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[UndecidedItinerary, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        left = index + len(self) if index < 0 else index
        for block in self.blocks:
            if 0 <= left < len(block):
                return block[left]
            left -= len(block)
        raise IndexError(f"there are {len(self)} undecided itineraries, got index {index}")

    def __iter__(self) -> Iterator[UndecidedItinerary]:
        for block in self.blocks:
            for index in range(len(block)):
                yield block[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, UndecidedItineraries):
            return self.blocks == other.blocks
        if isinstance(other, tuple | list):
            return len(self) == len(other) and all(
                mine == its for mine, its in zip(self, other, strict=True)
            )
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return UndecidedItineraries, (self.blocks,)

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:8]))
        return f"({shown}{', ...' if len(self) > 8 else ''})"
