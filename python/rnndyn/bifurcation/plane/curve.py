"""Boundary curves in a plane of two parameters, put together from the pieces in the cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, frozen, itinerary_text
from rnndyn._common.compare import ByFields
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES, EventKind, Outcome
from rnndyn.bifurcation.plane._cells import AT_CORNER
from rnndyn.scale_out import Record, unpack_itineraries


@dataclass(frozen=True, eq=False, repr=False)
class BoundaryCurve(ByFields):
    """A curve in a plane of two parameters on which a cycle goes through a bifurcation.

    Attributes
    ----------
    kind : str
        ``"border_collision"``, ``"degenerate_transcritical"``, ``"degenerate_flip"`` or
        ``"center"``, as of `rnndyn.bifurcation.BifurcationEvent`.
    outcome : str
        What becomes of the cycle, as of `rnndyn.bifurcation.BifurcationEvent`.
    itinerary : ndarray of bool, shape (k, H)
        Regions of the cycle on one side of the curve.
    partner : ndarray of bool, shape (k, H), or None
        Of a border collision: the cycle on the other side (persistence), or the one it vanishes
        with (nonsmooth fold).
    unit, time_index : int or None
        Of a border collision: the unit whose pre-activation vanishes, and when in `itinerary`.
    attached : tuple of ndarray of bool, shape (k, H)
        Cycles of larger order that are born on the curve, out of the border point of the cycle or
        by its change of stability.
    points : ndarray of float64, shape (n, 2)
        x and y along the curve. They lie on it exactly, but for rounding.
    residuals : ndarray of float64, shape (n,)
        How far each point fails the equation of the curve: the pre-activation, the distance of a
        multiplier from +1 or -1, or of its modulus from 1.
    is_closed : bool
        Whether the last point is the first.
    """

    kind: EventKind
    outcome: Outcome
    itinerary: BoolArray
    partner: BoolArray | None
    unit: int | None
    time_index: int | None
    attached: tuple[BoolArray, ...]
    points: FloatArray
    residuals: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))
        if self.partner is not None:
            object.__setattr__(self, "partner", frozen(self.partner, np.bool_))
        frozen_bits = tuple(frozen(bits, np.bool_) for bits in self.attached)
        object.__setattr__(self, "attached", frozen_bits)
        object.__setattr__(self, "points", frozen(self.points, np.float64))
        object.__setattr__(self, "residuals", frozen(self.residuals, np.float64))

    @property
    def order(self) -> int:
        """Order k of the cycle."""
        return len(self.itinerary)

    @property
    def is_closed(self) -> bool:
        """Whether the last point is the first."""
        return len(self.points) > 2 and bool(np.array_equal(self.points[0], self.points[-1]))

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain numbers, lists and strings, ready for JSON."""
        return {
            "kind": self.kind,
            "outcome": self.outcome,
            "order": self.order,
            "itinerary": itinerary_text(self.itinerary),
            "partner": None if self.partner is None else itinerary_text(self.partner),
            "unit": self.unit,
            "time_index": self.time_index,
            "attached": [itinerary_text(bits) for bits in self.attached],
            "points": self.points.tolist(),
            "residuals": self.residuals.tolist(),
        }

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.kind, self.outcome, self.points.tobytes()))

    def __repr__(self) -> str:
        return (
            f"BoundaryCurve({self.kind!r}, outcome={self.outcome!r}, order={self.order}, "
            f"{len(self.points)} points)"
        )


def joined(records: Iterable[Record], n_units: int) -> list[tuple[dict[str, Any], Any]]:
    """Join the pieces of all cells; return the label of each curve and its (u, v, residual)."""
    groups: dict[tuple[Any, ...], list[tuple[Any, list[int]]]] = defaultdict(list)
    labels: dict[tuple[Any, ...], dict[str, Any]] = {}
    on_lines: set[tuple[Any, ...]] = set()
    for record in records:
        itineraries = unpack_itineraries(record["bits"], record["orders"])
        partners = unpack_itineraries(record["partner_bits"], record["partner_orders"])
        born = unpack_itineraries(record["attached_bits"], record["attached_orders"])
        born_ends = np.cumsum(record["n_attached"]).tolist()
        ends = np.cumsum(record["length"])
        places = np.column_stack([record[name] for name in ("u", "v", "residual")])
        for i, (stop, label) in enumerate(
            zip(ends.tolist(), record["labels"].tolist(), strict=True)
        ):
            start = stop - int(record["length"][i])
            attached = tuple(born[born_ends[i] - int(record["n_attached"][i]) : born_ends[i]])
            names_of = [bits.tobytes() for bits in (itineraries[i], partners[i], *attached)]
            key = (*label, *names_of)
            kind, outcome, unit, time_index = label
            labels[key] = {
                "kind": KIND_NAMES[kind],
                "outcome": OUTCOME_NAMES[outcome],
                "itinerary": itineraries[i],
                "partner": partners[i] if len(partners[i]) else None,
                "unit": None if unit < 0 else unit,
                "time_index": None if time_index < 0 else time_index,
                "attached": attached,
            }
            names = record["name"][[start, stop - 1]].tolist()
            along_line = (np.ptp(places[start:stop, :2], axis=0) <= AT_CORNER).any()
            if along_line and stop - start > 1:
                # A curve along a line of the grid is drawn in the cells on both sides.
                if (key, *sorted(names)) in on_lines:
                    continue
                on_lines.add((key, *sorted(names)))
            groups[key].append((places[start:stop], names))
    curves = []
    for key in sorted(groups, key=lambda key: (len(labels[key]["itinerary"]), key)):
        curves += [(labels[key], points) for points in _chains(groups[key])]
    return curves


def _chains(pieces: list[tuple[Any, list[int]]]) -> list[Any]:
    """Join pieces that end at the same crossing of the grid."""
    # A lone crossing is a curve of its own only where nothing else begins at it.
    longer = {name for places, names in pieces if len(places) > 1 for name in names}
    lone = {names[0]: places for places, names in pieces if len(places) == 1}
    pieces = [piece for piece in pieces if len(piece[0]) > 1]
    pieces += [(places, [name, name]) for name, places in lone.items() if name not in longer]
    at: dict[int, list[int]] = defaultdict(list)
    for number, (_, names) in enumerate(pieces):
        for name in names:
            if name >= 0:
                at[name].append(number)
    used = [False] * len(pieces)

    def extended(points: list[Any], name: int) -> int:
        """Append pieces behind the last point; return the name of the last point."""
        while name >= 0:
            ahead = [number for number in at[name] if not used[number]]
            if not ahead:
                break
            used[ahead[0]] = True
            places, names = pieces[ahead[0]]
            if names[0] != name:
                places, names = places[::-1], names[::-1]
            points.append(places[1:])
            name = names[1]
        return name

    chains = []
    for number, (places, names) in enumerate(pieces):
        if used[number]:
            continue
        used[number] = True
        ahead = [places]
        extended(ahead, names[1])
        back = [places[:1]]
        extended(back, names[0])
        behind = np.concatenate(back)[::-1][:-1]
        chains.append(np.concatenate([behind, *ahead]))
    return chains
