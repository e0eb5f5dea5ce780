"""Events on a path: what happens to a cycle, where, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, overload

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, frozen, itinerary_text
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Shown
from rnndyn._common.words import counted
from rnndyn.bifurcation.path._columns import (
    KIND_NAMES,
    OUTCOME_NAMES,
    Columns,
    EventKind,
    Outcome,
    changes_dynamics,
)
from rnndyn.results.table import Table, table_of


@dataclass(frozen=True, eq=False, repr=False)
class BifurcationEvent(ByFields):
    """A bifurcation of a cycle on a path of parameters.

    Attributes
    ----------
    kind : str
        ``"border_collision"``: a pre-activation of the cycle is 0.
        ``"degenerate_transcritical"``: a multiplier is +1 and the cycle is at infinity.
        ``"degenerate_flip"``: a multiplier is -1. ``"center"``: a complex pair of multipliers is
        on the unit circle. Of tanh, GRU and LSTM networks: ``"fold"``, where a multiplier is +1
        and the branch turns back, ``"flip"``, where one is -1 and a cycle of twice the order is
        born or vanishes, and ``"neimark_sacker"``, where a complex pair is on the unit circle.
    s : float
        Where on the path; the models of the path are at s = 0, 1, 2, ...
    value : float
        The same place on the axis of the path: the value of a named parameter, or an epoch.
    axis : str
        Name of that axis; ``"s"`` where it has none of its own.
    bracket : tuple of float
        Bounds of s. Proved for folds and flips of smooth networks, of which an odd number lies
        within 0.0002 of the branch around the event, one of them in the bracket.
    residual : float
        What remains of the quantity that vanishes: ``|p|`` or the distance of the multiplier.
    status : {"converged", "guess"}
        Whether the bracket was confirmed to rounding errors; of a Neimark-Sacker bifurcation by
        the estimated errors of the multipliers at its ends.
    itinerary : ndarray of bool, shape (k, H)
        The cycle before the event, or the one that is born. Smooth networks have no regions:
        shape (k, 0), as all others here.
    time_index : int or None
        Point of the cycle that collides, a row of `itinerary`.
    unit : int or None
        Hidden unit whose pre-activation vanishes.
    partner : ndarray of bool, shape (k, H), or None
        The cycle that it goes on as (persistence), or that it meets (nonsmooth fold).
    outcome : str
        ``"persistence"``: the cycle goes on as `partner`. ``"nonsmooth_fold"``: the cycle and
        `partner` vanish together or are born together. ``"infinity"``: the cycle goes to
        infinity or comes from there. ``"stability_change"``: the cycle goes on and only its
        multipliers pass the unit circle. ``"fold"``: the cycle and `partner` are born or vanish
        together. ``"none"``: the cycle only touches
        the border, or the gaps of the path say what is not explained.
    doubled : ndarray of bool, shape (2 k, H), or None
        A cycle of twice the order that begins or ends here.
    n_unstable_before, n_unstable_after : int or None
        Number of multipliers outside the unit circle just before and after, where there is a
        cycle. At a fold, smooth or not: those of the cycle and of its partner.
    points : ndarray of float64, shape (k, M), or None
        The cycle at the event; None where it is at infinity.
    attached : tuple of ndarray of bool, shape (m k, H)
        All cycles of larger order, up to the largest that was followed, whose points run
        together into those of the cycle here: they begin or end at this event [1]_.

    See Also
    --------
    rnndyn.continue_cycles, rnndyn.training_timeline

    References
    ----------
    .. [1] M. di Bernardo, M. I. Feigin, S. J. Hogan, M. E. Homer, "Local analysis of
       C-bifurcations in n-dimensional piecewise-smooth dynamical systems", Chaos, Solitons &
       Fractals 10 (1999) 1881-1908.
    """

    kind: EventKind
    s: float
    value: float
    axis: str
    bracket: tuple[float, float]
    residual: float
    status: Literal["converged", "guess"]
    itinerary: BoolArray
    time_index: int | None
    unit: int | None
    partner: BoolArray | None
    outcome: Outcome
    doubled: BoolArray | None
    n_unstable_before: int | None
    n_unstable_after: int | None
    points: FloatArray | None
    attached: tuple[BoolArray, ...] = ()

    def __post_init__(self) -> None:
        for name in ("itinerary", "partner", "doubled"):
            bits = getattr(self, name)
            if bits is not None:
                object.__setattr__(self, name, frozen(bits, np.bool_))
        attached = tuple(frozen(bits, np.bool_) for bits in self.attached)
        object.__setattr__(self, "attached", attached)
        if self.points is not None:
            object.__setattr__(self, "points", frozen(self.points, np.float64))

    @property
    def order(self) -> int:
        """Order k of the cycle."""
        return int(self.itinerary.shape[0])

    @property
    def changes_dynamics(self) -> bool:
        """Whether cycles are created, destroyed or destabilised; not where one only persists."""
        numbers = {
            "outcome": OUTCOME_NAMES.index(self.outcome),
            "doubled": -1 if self.doubled is None else 0,
            "n_unstable_before": -1 if self.n_unstable_before is None else self.n_unstable_before,
            "n_unstable_after": -1 if self.n_unstable_after is None else self.n_unstable_after,
        }
        return bool(changes_dynamics({name: np.array(n) for name, n in numbers.items()}))

    @property
    def epoch(self) -> float | None:
        """Fractional epoch of an event of a training timeline; None on other paths."""
        return self.value if self.axis == "epoch" else None

    def to_dict(self) -> dict[str, Any]:
        """Return the event as plain numbers, lists and strings, ready for JSON."""
        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("itinerary", "partner", "doubled"):
            if values[name] is not None:
                values[name] = itinerary_text(values[name])
        values["attached"] = [itinerary_text(bits) for bits in self.attached]
        values["bracket"] = list(self.bracket)
        values["points"] = None if self.points is None else self.points.tolist()
        return values

    def _shown(self) -> Table:
        return table_of(self)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.kind, self.s, self.itinerary.tobytes()))

    def __repr__(self) -> str:
        place = f"{self.axis}={self.value:.8g}"
        where = "" if self.unit is None else f", unit={self.unit}, time_index={self.time_index}"
        return (
            f"BifurcationEvent({self.kind!r}, {place}, outcome={self.outcome!r}, "
            f"order={self.order}{where})"
        )


class BifurcationEvents(Shown, Sequence[BifurcationEvent]):
    """The events of a path, sorted by s: a sequence of `BifurcationEvent`.

    They are held as columns; `BifurcationEvent` objects are made when asked for.
    """

    def __init__(self, columns: Columns, make: Callable[[int], BifurcationEvent]) -> None:
        self._columns = columns
        self._make = make

    @property
    def s(self) -> FloatArray:
        """Places of all events on the path, ascending."""
        return self._columns["s"]

    @property
    def kinds(self) -> list[EventKind]:
        """Kinds of all events."""
        return [KIND_NAMES[code] for code in self._columns["kind"].tolist()]

    @property
    def outcomes(self) -> list[Outcome]:
        """Outcomes of all events."""
        return [OUTCOME_NAMES[code] for code in self._columns["outcome"].tolist()]

    @property
    def changes_dynamics(self) -> BoolArray:
        """Which of the events create, destroy or destabilise cycles."""
        return changes_dynamics(self._columns)

    def of_kind(self, kind: EventKind) -> list[BifurcationEvent]:
        """Return the events of one kind."""
        if kind not in KIND_NAMES:
            raise ValueError(f"kind must be one of {', '.join(KIND_NAMES)}, got {kind!r}")
        code = KIND_NAMES.index(kind)
        return [self._make(i) for i in np.flatnonzero(self._columns["kind"] == code).tolist()]

    def __len__(self) -> int:
        return len(self._columns["s"])

    @overload
    def __getitem__(self, index: int) -> BifurcationEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[BifurcationEvent]: ...
    def __getitem__(self, index: int | slice) -> BifurcationEvent | list[BifurcationEvent]:
        n = len(self)
        if isinstance(index, slice):
            return [self._make(i) for i in range(n)[index]]
        return self._make(range(n)[index])

    def __iter__(self) -> Iterator[BifurcationEvent]:
        return (self._make(i) for i in range(len(self)))

    def _shown(self) -> Table:
        return table_of(self)

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'event')}>"
