"""Events of all pieces of a path in one table that can still be changed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray
from rnndyn.bifurcation.path._columns import ATTACHED_TYPES, EVENT_TYPES, Columns


class Record:
    """Itineraries, events and attachments of the records of several pieces.

    Parameters
    ----------
    raws : sequence of dict
        What the compiled core says of the pieces.

    Attributes
    ----------
    itineraries : list of (k, H) arrays
        All of them, each once.
    numbers : list of list of int
        For every piece the numbers of its itineraries.
    first_event : list of int
        Number of the first event of every piece.
    """

    def __init__(self, raws: Sequence[dict[str, Any]]) -> None:
        self.itineraries: list[BoolArray] = []
        self.numbers: list[list[int]] = []
        self.first_event: list[int] = []
        # The bits as the core gives them, in its own rotation: time_index counts from there.
        index_of: dict[bytes, int] = {}
        events: list[Columns] = []
        attached: list[Columns] = []
        n_events = 0
        for j, raw in enumerate(raws):
            numbers = []
            for bits in raw["itineraries"]:
                identity = bits.tobytes()
                if identity not in index_of:
                    index_of[identity] = len(self.itineraries)
                    self.itineraries.append(bits)
                numbers.append(index_of[identity])
            self.numbers.append(numbers)
            self.first_event.append(n_events)
            # The last entry stands for "none", which is -1 in the record.
            lookup = np.array([*numbers, -1], dtype=np.int64)
            events.append(_shifted_events(raw["events"], j, lookup))
            attached.append(
                {
                    "event": np.asarray(raw["attached"]["event"], np.int64) + n_events,
                    "itinerary": lookup[raw["attached"]["itinerary"]],
                }
            )
            n_events += len(raw["events"]["s"])
        self.events = _stacked(events, EVENT_TYPES)
        self._attached = _stacked(attached, ATTACHED_TYPES)
        self._more_attached: list[tuple[int, int]] = []
        self._added: list[dict[str, Any]] = []
        self._replaced: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.events["s"]) + len(self._added)

    def row(self, event: int) -> dict[str, Any]:
        """Return one event by the names of the columns."""
        n = len(self.events["s"])
        if event >= n:
            return dict(self._added[event - n])
        return {name: column[event].item() for name, column in self.events.items()}

    def change(self, event: int, values: dict[str, Any]) -> None:
        """Change columns of one event."""
        n = len(self.events["s"])
        if event >= n:
            self._added[event - n] |= values
            return
        for name, value in values.items():
            self.events[name][event] = value

    def add(self, values: dict[str, Any]) -> int:
        """Add an event and return its number."""
        self._added.append(dict(values))
        return len(self) - 1

    def near(self, s: float, kind: int, distance: float) -> list[int]:
        """Return the events of a kind near a place."""
        known = (np.abs(self.events["s"] - s) <= distance) & (self.events["kind"] == kind)
        n = len(self.events["s"])
        return np.flatnonzero(known).tolist() + [
            n + i
            for i, row in enumerate(self._added)
            if abs(row["s"] - s) <= distance and row["kind"] == kind
        ]

    def replace(self, event: int, by: int) -> None:
        """Remove an event; what belonged to it belongs to another one."""
        if event != by:
            self._replaced[event] = by

    def attach(self, event: int, itinerary: int) -> None:
        """Attach a cycle of larger order to an event."""
        self._more_attached.append((event, itinerary))

    def current(self, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the events that stand for those of the numbers; -1 for none stays."""
        if not self._replaced:
            return numbers
        lookup = np.arange(-1, len(self))
        for event, by in self._replaced.items():
            while by in self._replaced:
                by = self._replaced[by]
            lookup[event + 1] = by
        return np.asarray(lookup[numbers + 1], dtype=np.int64)

    def columns(self) -> tuple[Columns, Columns, np.ndarray[Any, Any]]:
        """Return events and attachments sorted, and the new places of the numbers of events."""
        events = self.events
        if self._added:
            added = {
                name: np.array([row[name] for row in self._added], dtype)
                for name, dtype in EVENT_TYPES.items()
            }
            events = _stacked([events, added], EVENT_TYPES)
        alive = np.ones(len(self), dtype=np.bool_)
        alive[list(self._replaced)] = False
        order = np.flatnonzero(alive)
        order = order[np.argsort(events["s"][order], kind="stable")]
        # The last entry stands for "none".
        place = np.full(len(self) + 1, -1, dtype=np.int64)
        place[order] = np.arange(len(order))
        pairs = np.stack([self._attached["event"], self._attached["itinerary"]], axis=1)
        if self._more_attached:
            pairs = np.concatenate([pairs, np.array(self._more_attached, dtype=np.int64)])
        pairs[:, 0] = place[self.current(pairs[:, 0])]
        pairs = np.unique(pairs, axis=0)
        return (
            {name: column[order] for name, column in events.items()},
            {"event": pairs[:, 0].copy(), "itinerary": pairs[:, 1].copy()},
            place,
        )


def _stacked(parts: Sequence[Columns], types: dict[str, Any]) -> Columns:
    return {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)])
        for name, dtype in types.items()
    }


def _shifted_events(raw: dict[str, Any], j: int, lookup: np.ndarray[Any, Any]) -> Columns:
    """Return the events of piece j with their place on the whole path and their itineraries."""
    events = {name: np.asarray(raw[name]).astype(dtype) for name, dtype in EVENT_TYPES.items()}
    for name in ("s", "s_lower", "s_upper"):
        events[name] = events[name] + j
    for name in ("itinerary", "partner", "doubled"):
        events[name] = lookup[events[name]]
    return events
