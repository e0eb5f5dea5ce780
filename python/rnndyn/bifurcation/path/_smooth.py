"""Follow the cycles of tanh, GRU and LSTM networks over every straight piece of a path.

At every model of the path the cycles are those of a search, and what curves bring there besides.
Curves set out from each of them, forwards first; what no curve from before has reached is followed
backwards, around folds where it has come out of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import FloatArray
from rnndyn._common.stopping import Deadline, StopReason
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.cycles._smooth import smooth_map
from rnndyn.cycles.result import CycleSet
from rnndyn.models import RecurrentNetwork

#: A curve that merges with one of half its order ends at a flip that is no further away than this.
AT_FLIP = 1e-2


@dataclass(eq=False)
class Known:
    """A cycle of a model of the path."""

    points: FloatArray
    ball: float
    index: int
    searched: bool  # a search has found it

    def rotation_of(self, points: FloatArray, error: float) -> int | None:
        """Return the shift of these points that is the same cycle, None where it is another."""
        if points.shape != self.points.shape:
            return None
        for shift in range(len(points)):
            distance = np.abs(np.roll(points, -shift, axis=0) - self.points).max()
            if distance + error <= self.ball:
                return shift
        return None


class Slot(NamedTuple):
    """Where a curve of a piece begins or ends at a model of the path."""

    node: int
    cycle: int


@dataclass(eq=False)
class Segment:
    """A curve within one piece of the path, from one end to the other."""

    piece: int
    arrays: dict[str, Any]  # those of the core, s counted from the begin of the piece
    events: list[dict[str, Any]]
    begin: Slot | None
    end: Slot | None
    rotations: tuple[int, int] = (0, 0)  # shifts by which the ends become the cycles of the slots
    merged: list[bool] = field(default_factory=lambda: [False, False])  # begin and end, at flips

    @property
    def order(self) -> int:
        return int(self.arrays["points"].shape[1])


class Start(NamedTuple):
    """What the core follows."""

    points: FloatArray
    s: float
    heading: FloatArray
    slot: Slot | None
    flip: tuple[Segment, dict[str, Any]] | None = None  # which a curve of twice the order leaves


class Follower:
    """All curves over a path.

    Parameters
    ----------
    models : sequence of RecurrentNetwork
        The models at s = 0, 1, ...
    inputs : ndarray of float64, shape (K,), or None
        Constant input.
    max_order : int
        Largest order that is followed.
    n_threads : int
        Number of threads.
    deadline : Deadline
        When to stop.
    """

    def __init__(
        self,
        models: Sequence[RecurrentNetwork],
        inputs: FloatArray | None,
        max_order: int,
        n_threads: int,
        deadline: Deadline,
    ) -> None:
        self.maps = [smooth_map(model, inputs) for model in models]
        self.paths = [
            _core.SmoothPath(first, last)
            for first, last in zip(self.maps[:-1], self.maps[1:], strict=True)
        ]
        self._max_order = max_order
        self._n_threads = n_threads
        self._deadline = deadline
        self.known: list[list[Known]] = [[] for _ in models]
        self.segments: list[Segment] = []
        self.gaps: list[Gap] = []
        self.stopped_by: StopReason = "finished"
        # Slots that curves of the piece before and of the piece after have reached.
        self._reached: tuple[set[Slot], set[Slot]] = (set(), set())
        # Of curves that set out from a slot of a piece and ended in a gap, and these gaps: where a
        # curve gets through from the other side, it takes their place.
        self._given_up: dict[tuple[int, Slot], tuple[Segment | None, list[Gap]]] = {}
        self._doubled: dict[int, dict[str, Any]] = {}  # flips, by their identity

    def add_cycles(self, node: int, cycles: CycleSet) -> None:
        """Take in what a search tells of a model."""
        for cycle in cycles:
            if cycle.order > self._max_order:
                continue
            if not cycle.certified:
                self.gaps.append(
                    Gap(float(node), "a cycle that is not certified, and so not followed")
                )
                continue
            self.add(node, cycle.points, searched=True)

    def add(self, node: int, points: FloatArray, searched: bool) -> int:
        """Return the number of a cycle at a model; add it where it is new."""
        record = _core.cycle_near(self.maps[node], np.ascontiguousarray(points))
        number, _ = self._lookup(node, record["points"], record["error_bound"])
        if number is not None:
            return number
        ball = max(record["ball"], 2.0 * record["error_bound"])
        self.known[node].append(Known(record["points"], ball, record["index"], searched))
        return len(self.known[node]) - 1

    def _lookup(self, node: int, points: FloatArray, error: float) -> tuple[int | None, int]:
        for number, known in enumerate(self.known[node]):
            shift = known.rotation_of(points, error)
            if shift is not None:
                return number, shift
        return None, 0

    def run(self, piece: int) -> bool:
        """Follow all cycles over a piece of the path, and what they meet or give birth to.

        Returns
        -------
        bool
            Whether anything was followed.
        """
        any_followed = False
        while self.stopped_by == "finished":
            for starts_of in (self._starts, self._doubled_starts, self._half_starts):
                if starts := starts_of(piece):
                    break
            else:
                return any_followed
            self._follow(piece, starts)
            any_followed = True
        return any_followed

    def drop(self, n_pieces: int) -> None:
        """Forget everything beyond the first pieces of the path."""
        self.segments = [segment for segment in self.segments if segment.piece < n_pieces]
        self.gaps = [gap for gap in self.gaps if gap.s <= n_pieces]

    # ---- Where curves set out ---------------------------------------------------------------

    def _starts(self, piece: int) -> list[Start]:
        """Return the cycles of the model before that no curve has reached, or those after."""
        for node, side, heading in ((piece, 1, 1.0), (piece + 1, 0, -1.0)):
            starts = [
                Start(known.points, float(node - piece), _along(known.points, heading), slot)
                for number, known in enumerate(self.known[node])
                if (slot := Slot(node, number)) not in self._reached[side]
            ]
            if starts:
                return starts
        return []

    def _doubled_starts(self, piece: int) -> list[Start]:
        """Return cycles of twice the order at flips which no curve has come to."""
        starts = []
        for segment in self.segments:
            if segment.piece != piece or 2 * segment.order > self._max_order:
                continue
            for event in segment.events:
                if event["kind"] != "flip" or id(event) in self._doubled:
                    continue
                self._doubled[id(event)] = event
                if self.merging(segment, event) is not None:
                    continue
                found = self.paths[piece].doubled_start(event["points"], event["s"])
                if found is None or not 0.0 < found[1] < 1.0:
                    reason = "the cycle of twice the order that a flip gives birth to is not found"
                    self.gaps.append(Gap(piece + event["s"], reason))
                else:
                    starts.append(Start(*found, None, (segment, event)))
        return starts

    def _half_starts(self, piece: int) -> list[Start]:
        """Return the cycles of half the order that curves merge with where no flip is known."""
        starts = []
        for segment in self.segments:
            if segment.piece != piece:
                continue
            for end in (0, -1):
                if not segment.merged[end] or self.flip_at(segment, end) is not None:
                    continue
                segment.merged[end] = False
                points = segment.arrays["points"][end]
                middle = 0.5 * (points[: len(points) // 2] + points[len(points) // 2 :])
                s = float(segment.arrays["s"][end])
                if self._is_followed(piece, middle, s):
                    reason = "a branch comes near one of half its order, of which no flip is known"
                    self.gaps.append(Gap(piece + s, reason))
                    continue
                segment.merged[end] = True
                starts.append(Start(middle, s, _along(middle, 1.0), None))
        return starts

    def _is_followed(self, piece: int, points: FloatArray, s: float) -> bool:
        return any(
            segment.piece == piece
            and segment.order == len(points)
            and any(
                _distance(points, own) < AT_FLIP
                for own, place in zip(segment.arrays["points"], segment.arrays["s"], strict=True)
                if abs(place - s) < AT_FLIP
            )
            for segment in self.segments
        )

    def merging(self, segment: Segment, event: dict[str, Any]) -> tuple[Segment, int] | None:
        """Return the curve of twice the order that ends at a flip, and which end it is."""
        for other in self.segments:
            if other.piece != segment.piece or other.order != 2 * segment.order:
                continue
            for end in (0, -1):
                if other.merged[end] and _is_at(other, end, event):
                    return other, end
        return None

    def flip_at(self, segment: Segment, end: int) -> tuple[Segment, dict[str, Any]] | None:
        """Return the flip at which an end of a curve is, and the curve that flips there."""
        for other in self.segments:
            if other.piece != segment.piece or 2 * other.order != segment.order:
                continue
            for event in other.events:
                if event["kind"] == "flip" and _is_at(segment, end, event):
                    return other, event
        return None

    # ---- What comes of them -----------------------------------------------------------------

    def _follow(self, piece: int, starts: Sequence[Start]) -> None:
        if not starts:
            return
        # From within a piece to both sides; from a flip only away from it.
        rows = [(np.ascontiguousarray(start.points), start.s, start.heading) for start in starts]
        both = [start.slot is None and start.heading[-1] != 0.0 for start in starts]
        back = [
            (row[0], row[1], -row[2]) for row, is_both in zip(rows, both, strict=True) if is_both
        ]
        try:
            curves = _core.follow_curves(
                self.paths[piece],
                rows + back,
                n_threads=self._n_threads,
                time_limit=self._deadline.seconds_left(),
            )
        except KeyboardInterrupt:
            self.stopped_by = "interrupt"
            return
        if any(curve["end"] == "stopped" for curve in curves):
            self.stopped_by = "time_limit" if self._deadline() else "interrupt"
            return
        backwards = iter(curves[len(rows) :])
        for start, curve, is_both in zip(starts, curves[: len(rows)], both, strict=True):
            self._file(piece, start, curve, next(backwards) if is_both else None)

    def _file(
        self, piece: int, start: Start, curve: dict[str, Any], back: dict[str, Any] | None
    ) -> None:
        if start.slot is not None and start.slot in self._reached[self._side(piece, start.slot)]:
            return  # another curve of the same round has come here
        if start.flip is not None and self.merging(*start.flip) is not None:
            return  # likewise
        if start.slot is not None:
            self._reached[self._side(piece, start.slot)].add(start.slot)
        if len(curve["s"]) < 2:
            gap = Gap(piece + start.s, "a cycle from which no branch can be proved to set out")
            self.gaps.append(gap)
            if start.slot is not None:
                self._given_up[piece, start.slot] = None, [gap]
            return
        gaps = self._note_unproved(piece, curve)
        begin, shift_begin = start.slot, 0
        if back is not None and len(back["s"]) >= 2:
            begin, shift_begin = self._arrive(piece, back)
            self._note_unproved(piece, back)
            curve = _joined(_reversed(back), curve)
        end, shift_end = self._arrive(piece, curve)
        segment = Segment(piece, curve, curve["events"], begin, end, (shift_begin, shift_end))
        segment.merged[1] = curve["end"] == "merged"
        segment.merged[0] = (back is not None and back["end"] == "merged") or (
            start.slot is None and back is None
        )
        self.segments.append(segment)
        if start.slot is not None and curve["end"] == "unproved":
            self._given_up[piece, start.slot] = segment, gaps

    @staticmethod
    def _side(piece: int, slot: Slot) -> int:
        return 1 if slot.node == piece else 0

    def _arrive(self, piece: int, curve: dict[str, Any]) -> tuple[Slot | None, int]:
        """Return the cycle of a model at which a curve has come to the end of the piece."""
        if curve["end"] not in ("first", "last"):
            return None, 0
        node = piece + (curve["end"] == "last")
        points, error = curve["points"][-1], float(curve["error_bounds"][-1])
        number, shift = self._lookup(node, points, error)
        if number is None:
            number = self.add(node, points, searched=False)
            number, shift = self._lookup(node, points, error)
        slot = None if number is None else Slot(node, number)
        if slot is not None and (piece, slot) in self._given_up:
            segment, gaps = self._given_up.pop((piece, slot))
            self.segments = [own for own in self.segments if own is not segment]
            self.gaps = [gap for gap in self.gaps if all(gap is not own for own in gaps)]
        elif slot is None or slot in self._reached[self._side(piece, slot)]:
            self.gaps.append(Gap(float(node), "two branches come to one cycle of this model"))
            return None, 0
        self._reached[self._side(piece, slot)].add(slot)
        return slot, shift

    def _note_unproved(self, piece: int, curve: dict[str, Any]) -> list[Gap]:
        """Add gaps for what is not proved of a curve, and return them."""
        gaps = []
        if curve["end"] == "unproved":
            reason = (
                f"a branch of order {curve['points'].shape[1]} cannot be proved to go on from "
                f"here, where the modulus of its largest multiplier is "
                f"{curve['spectral_radius'][-1]:.6g}; others may meet it"
            )
            gaps.append(Gap(piece + float(curve["s"][-1]), reason))
        for node in curve["unexplained"]:
            reason = "the stability of a branch changes here in a way that no event explains"
            gaps.append(Gap(piece + float(curve["s"][node]), reason))
        self.gaps += gaps
        return gaps

    def unreached(self) -> Iterator[tuple[int, Known]]:
        """Yield what curves have brought to models that were searched without finding it."""
        for node, members in enumerate(self.known):
            for known in members:
                if not known.searched:
                    yield node, known


def _along(points: FloatArray, heading: float) -> FloatArray:
    result = np.zeros(points.size + 1)
    result[-1] = heading
    return result


def _distance(a: FloatArray, b: FloatArray) -> float:
    return min(float(np.abs(np.roll(b, shift, axis=0) - a).max()) for shift in range(len(b)))


def _is_at(segment: Segment, end: int, event: dict[str, Any]) -> bool:
    """Tell whether an end of a curve of twice the order is at a flip."""
    points = segment.arrays["points"][end]
    middle = 0.5 * (points[: len(points) // 2] + points[len(points) // 2 :])
    near = abs(float(segment.arrays["s"][end]) - event["s"]) < AT_FLIP
    return near and _distance(middle, event["points"]) < AT_FLIP


_OF_NODES = ("s", "points", "error_bounds", "n_unstable", "spectral_radius")
_OF_TUBES = ("centres", "directions", "reaches", "sigma_begin", "sigma_end", "direction_of_s")


def _reversed(curve: dict[str, Any]) -> dict[str, Any]:
    """Return a curve in the other direction."""
    n_tubes, n_nodes = len(curve["sigma_begin"]), len(curve["s"])
    result = {name: curve[name][::-1] for name in (*_OF_NODES, *_OF_TUBES)}
    result["sigma_begin"], result["sigma_end"] = result["sigma_end"], result["sigma_begin"]
    result["events"] = [
        event
        | {
            "node": n_nodes - 1 - event["node"]
            if event["kind"] == "fold"
            else n_tubes - 1 - event["node"],
            "n_unstable_before": event["n_unstable_after"],
            "n_unstable_after": event["n_unstable_before"],
        }
        for event in reversed(curve["events"])
    ]
    return result | {"end": curve["end"], "unexplained": []}


def _joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return one curve of two, the second of which sets out where the first one ends."""
    result = {name: np.concatenate([first[name][:-1], second[name]]) for name in _OF_NODES} | {
        name: np.concatenate([first[name], second[name]]) for name in _OF_TUBES
    }
    shift = len(first["sigma_begin"])
    events = first["events"] + [
        event | {"node": event["node"] + shift} for event in second["events"]
    ]
    return result | {"events": events, "end": second["end"], "unexplained": []}
