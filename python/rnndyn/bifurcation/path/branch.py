"""A branch: one cycle over the part of a path on which it is real."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import (
    BoolArray,
    ComplexArray,
    FloatArray,
    IntArray,
    finite_numbers,
    itinerary_text,
)
from rnndyn._common.table import Shown
from rnndyn._common.words import counted
from rnndyn.bifurcation.path._columns import Columns
from rnndyn.bifurcation.path.events import BifurcationEvent
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, Stability
from rnndyn.results.table import Table, table_of


class Source(Protocol):
    """What a branch reads of the set that it belongs to: `rnndyn.BranchSet` says what it is."""

    @property
    def models(self) -> tuple[Any, ...]: ...
    @property
    def itineraries(self) -> tuple[BoolArray, ...]: ...
    @property
    def branch_columns(self) -> Columns: ...
    @property
    def event_columns(self) -> Columns: ...
    @property
    def events(self) -> Sequence[BifurcationEvent]: ...
    def solve_number(self, number: int, s: float) -> Cycle: ...
    def evaluate_number(self, number: int, s: FloatArray) -> Columns: ...


class Branch(Shown):
    """One cycle over a largest interval of a path.

    Of a piecewise-linear network it has one itinerary, and the interval is where its cycle is real.
    Of a tanh, GRU or LSTM network it is a curve of which every piece is proved; it ends where the
    curve turns back at a fold.

    Attributes
    ----------
    index : int
        Number of the branch in its set.
    itinerary : ndarray of bool, shape (k, H)
        Regions of the cycle; of tanh, GRU and LSTM networks, which have none, shape (k, 0).
    order : int
        Minimal period k.
    s_begin, s_end : float
        The interval.
    begin_event, end_event : BifurcationEvent or None
        What happens at its ends; None at the ends of the path.
    lineage : int
        Branches of one cycle, that go on from one to the next through persistence border
        collisions, have the same number. Of smooth networks every branch has its own.
    """

    __slots__ = ("_set", "index")

    def __init__(self, branch_set: Source, index: int) -> None:
        self._set = branch_set
        self.index = index

    def _value(self, name: str) -> Any:
        return self._set.branch_columns[name][self.index].item()

    @property
    def itinerary(self) -> BoolArray:
        """Regions of the cycle."""
        index: int = self._value("itinerary")
        return self._set.itineraries[index]

    @property
    def order(self) -> int:
        """Minimal period k."""
        return len(self.itinerary)

    @property
    def s_begin(self) -> float:
        """Where the branch begins."""
        return float(self._value("s_begin"))

    @property
    def s_end(self) -> float:
        """Where the branch ends."""
        return float(self._value("s_end"))

    @property
    def begin_event(self) -> BifurcationEvent | None:
        """The event at its begin; None at the begin of the path."""
        number = self._value("begin_event")
        return None if number < 0 else self._set.events[number]

    @property
    def end_event(self) -> BifurcationEvent | None:
        """The event at its end; None at the end of the path."""
        number = self._value("end_event")
        return None if number < 0 else self._set.events[number]

    @property
    def lineage(self) -> int:
        """Number of the cycle that goes on through persistence."""
        return int(self._value("lineage"))

    @property
    def events(self) -> list[BifurcationEvent]:
        """All events of the branch, those at its ends and the changes of stability between."""
        numbers = {self._value("begin_event"), self._value("end_event")} - {-1}
        columns = self._set.event_columns
        own = columns["itinerary"] == self._value("itinerary")
        inside = (columns["s"] > self.s_begin) & (columns["s"] < self.s_end)
        numbers |= set(np.flatnonzero(own & inside).tolist())
        return [self._set.events[number] for number in sorted(numbers)]

    def sample(self, n: int = 50) -> FloatArray:
        """Return places on the branch, evenly spaced, with its ends moved in a little.

        At the ends themselves the cycle may be at infinity.
        """
        share = np.linspace(0.0, 1.0, n + 2)[1:-1] if n < 3 else np.linspace(1e-9, 1.0 - 1e-9, n)
        return self.s_begin + share * (self.s_end - self.s_begin)

    def points(self, s: ArrayLike) -> FloatArray:
        """Return the points of the cycle.

        Parameters
        ----------
        s : float or array_like of shape (n,)
            Places on the path, within the branch.

        Returns
        -------
        ndarray of float64, shape (k, M) or (n, k, M)

        Raises
        ------
        ValueError
            If a place is not within the branch.
        """
        return np.asarray(self._evaluate("points", s), dtype=np.float64)

    def spectral_radius(self, s: ArrayLike) -> FloatArray:
        """Return the modulus of the largest multiplier, shape () or (n,) (see `points`)."""
        return np.asarray(self._evaluate("spectral_radius", s), dtype=np.float64)

    def n_unstable(self, s: ArrayLike) -> IntArray:
        """Return the number of multipliers outside the unit circle (see `points`)."""
        return np.asarray(self._evaluate("n_unstable", s), dtype=np.int64)

    def stability(self, s: float) -> Stability:
        """Return the stability at a place of the branch."""
        return self.cycle(s).stability

    def multipliers(self, s: ArrayLike) -> ComplexArray:
        """Return the multipliers by decreasing modulus, shape (M,) or (n, M) (see `points`)."""
        places = self._check(s)
        rows = [self.cycle(place).multipliers for place in places.ravel().tolist()]
        n_states = self._set.models[0].n_states
        return np.array(rows, dtype=np.complex128).reshape(*places.shape, n_states)

    def cycle(self, s: float) -> Cycle:
        """Return the cycle at a place of the branch, with everything known about it."""
        (place,) = self._check([s]).tolist()
        return self._set.solve_number(self._value("itinerary"), place)

    def _check(self, s: ArrayLike) -> FloatArray:
        places = finite_numbers("s", s)
        inside = (places >= self.s_begin) & (places <= self.s_end)
        if places.ndim > 1 or not inside.all():
            raise ValueError(
                f"s must be a number or a vector within the branch, {self.s_begin:.17g} to "
                f"{self.s_end:.17g}, got {s!r:.80}"
            )
        return places

    def _evaluate(self, name: str, s: ArrayLike) -> Any:
        places = self._check(s)
        values = self._set.evaluate_number(self._value("itinerary"), np.atleast_1d(places))[name]
        return values[0] if places.ndim == 0 else values

    def to_dict(self) -> dict[str, Any]:
        """Return the branch as plain numbers and strings."""
        row = {name: column[self.index].item() for name, column in self._set.branch_columns.items()}
        return {**row, "itinerary": itinerary_text(self.itinerary), "order": self.order}

    def _shown(self) -> Table:
        return table_of(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Branch):
            return NotImplemented
        return self.index == other.index and self._set == other._set

    def __hash__(self) -> int:
        return hash((self.index, self.s_begin, self.s_end))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._set, self.index)

    def __repr__(self) -> str:
        bits = f"itinerary={itinerary_text(self.itinerary)!r}, " if self.itinerary.size else ""
        return (
            f"Branch(order={self.order}, s={self.s_begin:.8g} to {self.s_end:.8g}, "
            f"{bits}lineage={self.lineage})"
        )


class Branches(Shown, Sequence[Branch]):
    """The branches of a path, by where they begin: a sequence of `Branch`, made when asked for."""

    def __init__(self, n: int, make: Callable[[int], Branch]) -> None:
        self._n = n
        self._make = make

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Branch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Branch]: ...
    def __getitem__(self, index: int | slice) -> Branch | list[Branch]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(self._n)[index]]
        return self._make(range(self._n)[index])

    def __iter__(self) -> Iterator[Branch]:
        return (self._make(i) for i in range(self._n))

    def _shown(self) -> Table:
        return table_of(self)

    def __repr__(self) -> str:
        return f"<{counted(self._n, 'branch', 'branches')}>"


def stability_code(n_unstable: IntArray, n_states: int) -> IntArray:
    """Return the number of the stability in `STABILITY_NAMES` for counts of unstable directions."""
    stable, saddle, unstable = (STABILITY_NAMES.index(n) for n in ("stable", "saddle", "unstable"))
    return np.where(
        n_unstable == 0, stable, np.where(n_unstable == n_states, unstable, saddle)
    ).astype(np.int64)
