"""What happens to cycles exactly at a model between two straight pieces of a path.

Each piece sees only its own side of an event there. The sides belong together where the cycles are
the same points of the state space.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, ClassVar

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES
from rnndyn.bifurcation.path._piece import Piece
from rnndyn.bifurcation.path._record import Record
from rnndyn.bifurcation.path._starts import key_of
from rnndyn.bifurcation.path.gap import Gap

_BORDER, _INFINITE, _FLIP, _CENTER = range(len(KIND_NAMES))[:4]
_OUTCOME = {name: code for code, name in enumerate(OUTCOME_NAMES)}
#: Points of cycles at a node agree to this, relative to their size, where they are the same.
_SAME_POINT = 1e-7
#: Events of the pieces closer to a node than this may belong to what happens there.
AT_NODE = 1e-9
#: A multiplier that passes the unit circle at a node is this near to it.
_ON_CIRCLE = 1e-9


@dataclass(eq=False, slots=True)
class Strand:
    """A segment of one piece on its way to a branch of the path."""

    bits: BoolArray
    itinerary: int
    s_begin: float
    s_end: float
    begin_event: int
    end_event: int
    n_begin: int
    n_end: int
    merged_into: "Strand | None" = None
    dropped: bool = False

    def go_on_as(self, later: "Strand") -> None:
        """Take over what a strand of the next piece is from the node on."""
        self.s_end, self.end_event, self.n_end = later.s_end, later.end_event, later.n_end
        self.bits = later.bits
        later.merged_into = self

    #: Columns of the core that make one, in the order of the fields.
    columns: ClassVar[tuple[str, ...]] = (
        "itinerary",
        "s_begin",
        "s_end",
        "begin_event",
        "end_event",
        "n_unstable_begin",
        "n_unstable_end",
    )


@dataclass(eq=False, slots=True)
class _End:
    """The end of a strand at the node."""

    strand: Strand
    is_left: bool  # of the piece before the node
    event: int
    n_unstable: int
    points: FloatArray
    det_sign: int
    infinite: bool
    done: bool = False

    @property
    def order(self) -> int:
        return len(self.points)

    @property
    def contact(self) -> bool:
        """Whether the cycle is real at the node only."""
        return self.strand.s_begin == self.strand.s_end

    def event_now(self, s: int) -> int:
        """Return the event that the strand has at the node by now; -1 where it goes on."""
        if self.strand.dropped or self.strand.merged_into is not None:
            return -1
        if self.is_left:
            return self.strand.end_event if self.strand.s_end == s else -1
        return self.strand.begin_event


class Node:
    """One model between two pieces, and all that reaches it.

    Parameters
    ----------
    s : int
        Its place on the path.
    pieces : sequence of two Piece
        The pieces before and after.
    maps : sequence of three CanonicalMap
        The ends of these pieces.
    record : Record
        All events; those at the node are joined there.
    """

    def __init__(
        self, s: int, pieces: Sequence[Piece], maps: Sequence[CanonicalMap], record: Record
    ) -> None:
        self._s = s
        self._maps = maps
        self._record = record
        # Units that do not act on the state near the node cannot tell cycles apart there.
        self._mask = pieces[0].mask & pieces[1].mask
        self._gaps: list[Gap] = []
        self._taken: set[int] = set()  # events at the node that are settled

    def join(self, before: Sequence[Strand], after: Sequence[Strand]) -> list[Gap]:
        """Join the strands that end here with those that begin here; return what does not fit."""
        free = {}
        rest = []
        for strand in before:
            if strand.end_event < 0:
                free[key_of(strand.bits, self._mask)] = strand
            else:
                rest.append((strand, True))
        for strand in after:
            left = None
            if strand.begin_event < 0:
                left = free.pop(key_of(strand.bits, self._mask), None)
            if left is None:
                rest.append((strand, False))
            else:
                self._go_through(left, strand)
        rest += [(strand, True) for strand in free.values()]
        if rest:
            self._join_rest([self._end(strand, is_left) for strand, is_left in rest])
        return self._gaps

    def _end(self, strand: Strand, is_left: bool) -> _End:
        maps = self._maps[:2] if is_left else self._maps[1:]
        share = 1.0 if is_left else 0.0
        raw = _core.cycle_on_path(maps[0], maps[1], strand.bits, [share])
        points = raw["points"][0]
        event = strand.end_event if is_left else strand.begin_event
        # To rounding errors it may be somewhere far away.
        infinite = event >= 0 and self._record.row(event)["kind"] == _INFINITE
        return _End(
            strand,
            is_left,
            event,
            strand.n_end if is_left else strand.n_begin,
            points,
            int(raw["det_sign"][0]),
            infinite or not np.isfinite(points).all(),
        )

    def _go_through(self, left: Strand, right: Strand) -> None:
        """One branch; where its stability differs on the two sides, by an event at the node."""
        n_before, n_after = left.n_end, right.n_begin
        left.go_on_as(right)
        if n_before != n_after and min(n_before, n_after) >= 0:
            multipliers = self._multipliers(right.bits)
            on_circle = np.abs(np.abs(multipliers) - 1.0)
            nearest = multipliers[np.argmin(on_circle)]
            is_flip = nearest.real < 0.0 and abs(nearest.imag) <= 1e-6
            residual = abs(nearest + 1.0) if is_flip else float(on_circle.min())
            self._record.add(
                self._event(left.itinerary, _FLIP if is_flip else _CENTER, n_before, n_after)
                | {
                    "residual": residual,
                    "converged": residual <= _ON_CIRCLE,
                    "outcome": _OUTCOME["stability_change"],
                }
            )

    def _multipliers(self, bits: BoolArray) -> np.ndarray[Any, Any]:
        map_ = self._maps[1]
        jacobian = np.eye(len(map_.h1))
        for region in bits:
            jacobian = (map_.A + (map_.W1 * region) @ map_.W2) @ jacobian
        return np.linalg.eigvals(jacobian)

    def _event(self, itinerary: int, kind: int, n_before: int, n_after: int) -> dict[str, Any]:
        """Return an event at the node; that it lies there to rounding is left open."""
        return {
            "kind": kind,
            "s": float(self._s),
            "s_lower": float(self._s),
            "s_upper": float(self._s),
            "residual": 0.0,
            "converged": False,
            "itinerary": itinerary,
            "time_index": -1,
            "unit": -1,
            "partner": -1,
            "outcome": _OUTCOME["none"],
            "doubled": -1,
            "n_unstable_before": n_before,
            "n_unstable_after": n_after,
        }

    def _join_rest(self, ends: list[_End]) -> None:
        self._join_at_infinity([end for end in ends if end.infinite])
        groups: list[list[_End]] = []
        for end in (end for end in ends if not end.infinite):
            for group in groups:
                if same_points(group[0].points, end.points):
                    group.append(end)
                    break
            else:
                groups.append([end])
        for group in groups:
            self._join_group(group, groups)

    def _join_at_infinity(self, ends: list[_End]) -> None:
        for left, right in product(ends, ends):
            if not left.is_left or right.is_left or left.event < 0 or right.event < 0:
                continue
            same = key_of(left.strand.bits, self._mask) == key_of(right.strand.bits, self._mask)
            if same and not left.done and not right.done:
                left.done = right.done = True
                self._record.change(left.event, {"n_unstable_after": right.n_unstable})
                self._record.replace(right.event, left.event)
        for end in ends:
            if end.event < 0:
                self._report(end)

    def _join_group(self, group: list[_End], groups: list[list[_End]]) -> None:
        """Join ends at one point of the state space, as the core does it within a piece."""
        record = self._record
        base_order = min(end.order for end in group)
        crossing = [end for end in group if not end.contact]
        if any(end.order == base_order for end in crossing):
            contacts = [end for end in group if end.contact]
        else:
            # Real at the node only: one of the contacts stands for all.
            contacts = [end for end in group if end.contact][1:]
        for end in contacts:
            end.strand.dropped = end.done = True
        used = {end.event for end in group if end.event >= 0}
        base = -1
        for is_through, left, right in self._pairs(crossing):
            event = self._pair_event(left, right, is_through)
            if base < 0 and left.order == base_order:
                base = event
        for end in group:
            if end.done:
                continue
            if end.contact and base < 0:
                base = end.event
                end.done = True
                record.change(base, {"outcome": _OUTCOME["none"]})
            elif end.order > base_order and base >= 0:
                self._attach(end, base)
            elif not self._belongs_to_flip(end, groups):
                self._report(end)
        for end in group:
            if end.order > base_order and base >= 0:
                record.attach(base, end.strand.itinerary)
        kept = {end.event_now(self._s) for end in group}
        if base >= 0:
            for event in used - kept:
                record.replace(event, base)

    def _pairs(self, ends: list[_End]) -> list[tuple[bool, _End, _End]]:
        """Return (on both sides of the node, end, end), each end at most once, by order.

        What comes in and goes out with the same sign of det(I - J) goes on, first of all with the
        same itinerary; two on one side with opposite signs meet.
        """
        ends = sorted(ends, key=lambda end: end.order)
        pairs = []
        for is_through, same_key in ((True, True), (True, False), (False, False)):
            for a, b in combinations(ends, 2):
                if a.done or b.done or a.order != b.order or a.strand is b.strand:
                    continue
                if (a.is_left != b.is_left) != is_through:
                    continue
                if (a.det_sign == b.det_sign) != is_through:
                    continue
                keys = [key_of(end.strand.bits, self._mask) for end in (a, b)]
                if same_key and keys[0] != keys[1]:
                    continue
                a.done = b.done = True
                pairs.append((is_through, a, b) if a.is_left else (is_through, b, a))
        return sorted(pairs, key=lambda pair: pair[1].order)

    def _pair_event(self, first: _End, second: _End, is_through: bool) -> int:
        """Make one event of the sides that two ends have seen."""
        record = self._record
        left, right = first.strand, second.strand
        event = first.event if first.event >= 0 else second.event
        if not is_through and first.event == second.event >= 0:
            # The core has seen all of it.
            self._taken.add(event)
            return event
        touches = key_of(left.bits, self._mask) == key_of(right.bits, self._mask)
        values = {"n_unstable_before": first.n_unstable, "n_unstable_after": second.n_unstable}
        if touches:
            values["outcome"] = _OUTCOME["none"]
        else:
            values |= {
                "itinerary": left.itinerary,
                "partner": right.itinerary,
                "outcome": _OUTCOME["persistence" if is_through else "nonsmooth_fold"],
            }
            if first.event < 0:
                # Points are counted in the rotation of the itinerary that the event names.
                values |= self._flipped_bit(left.bits, right.bits)
        if event < 0:
            event = record.add(self._event(left.itinerary, _BORDER, -1, -1) | values)
        elif event in self._taken:
            # A pair that met on one side turns back at the node or goes on beyond it.
            if not touches:
                event = record.add(record.row(event) | values)
        elif touches and record.row(event)["partner"] >= 0:
            record.change(event, {"outcome": _OUTCOME["none"]})
        else:
            record.change(event, values)
        self._taken.add(event)
        if touches and is_through:
            left.go_on_as(right)
        elif is_through:
            left.end_event = right.begin_event = event
        elif first.is_left:
            left.end_event = right.end_event = event
        else:
            left.begin_event = right.begin_event = event
        return event

    def _flipped_bit(self, bits: BoolArray, other: BoolArray) -> dict[str, Any]:
        """Return point and unit of the first bit by which two itineraries differ."""
        rotations = [np.roll(other, shift, axis=0) for shift in range(len(other))]
        nearest = min(rotations, key=lambda rotated: int((rotated != bits).sum()))
        differing = np.argwhere((nearest != bits) & self._mask)
        if len(differing) == 0:
            return {}
        return {"time_index": int(differing[0][0]), "unit": int(differing[0][1])}

    def _attach(self, end: _End, event: int) -> None:
        end.done = True
        if end.is_left:
            end.strand.end_event = event
        else:
            end.strand.begin_event = event
        row = self._record.row(event)
        is_doubled = end.order == 2 * len(self._record.itineraries[row["itinerary"]])
        if row["doubled"] < 0 and is_doubled:
            self._record.change(event, {"doubled": end.strand.itinerary})

    def _belongs_to_flip(self, end: _End, groups: list[list[_End]]) -> bool:
        """Attach a cycle of twice the order to the cycle in its middle that flips here.

        At a degenerate flip there is a line of them, symmetric about the cycle that flips; what
        lives on is the end of the line.
        """
        half, odd = divmod(end.order, 2)
        if odd:
            return False
        middle = 0.5 * (end.points[:half] + end.points[half:])
        for event in self._record.near(float(self._s), _FLIP, AT_NODE):
            bits = self._record.itineraries[self._record.row(event)["itinerary"]]
            if len(bits) != half:
                continue
            points = _core.cycle_on_path(self._maps[1], self._maps[2], bits, [0.0])["points"][0]
            if same_points(points, middle):
                if end.event >= 0:
                    self._record.replace(end.event, event)
                self._attach(end, event)
                self._record.attach(event, end.strand.itinerary)
                return True
        return False

    def _report(self, end: _End) -> None:
        end.done = True
        verb = "ends" if end.is_left else "begins"
        reason = f"a branch {verb} at a model of the path"
        self._gaps.append(Gap(float(self._s), reason, end.strand.bits))
        if end.event >= 0 and not end.infinite:
            self._record.change(end.event, {"outcome": _OUTCOME["none"]})


def same_points(a: FloatArray, b: FloatArray) -> bool:
    """Tell whether all points of each are points of the other; never where one is at infinity."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    distance = np.abs(a[:, np.newaxis] - b).max(axis=2, initial=0.0)
    nearest = max(float(distance.min(axis=0).max()), float(distance.min(axis=1).max()))
    return nearest <= _SAME_POINT * (1.0 + float(np.abs(a).max(initial=0.0)))
