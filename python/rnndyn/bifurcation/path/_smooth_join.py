"""The branches of a smooth network: its curves cut at folds and joined at the models of a path."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray
from rnndyn.bifurcation.path._columns import (
    ATTACHED_TYPES,
    BRANCH_TYPES,
    EVENT_TYPES,
    KIND_NAMES,
    OUTCOME_NAMES,
    Columns,
)
from rnndyn.bifurcation.path._smooth import Follower, Segment, Slot
from rnndyn.bifurcation.path.curve import ARRAYS, Curve
from rnndyn.bifurcation.path.gap import Gap

_OF_NODES = [name for name, (_, dimensions) in ARRAYS.items() if dimensions[0] == "+"]
_OF_TUBES = [name for name, (_, dimensions) in ARRAYS.items() if dimensions[0] == "n"]


class Joined(NamedTuple):
    """Branches and events over the whole path."""

    itineraries: list[BoolArray]
    branches: Columns
    events: Columns
    attached: Columns
    curves: list[Curve]
    gaps: list[Gap]


@dataclass(eq=False)
class _Part:
    """A curve over one piece of the path along which s ascends."""

    arrays: dict[str, Any]
    slots: list[Slot | None]  # where it begins and ends at models of the path
    shifts: list[int]
    folds: list[int]  # numbers of the folds at its ends, -1 for none
    flips: list[int]  # numbers of the flips from which it comes or to which it goes
    events: list[dict[str, Any]]

    @property
    def order(self) -> int:
        return int(self.arrays["points"].shape[1])


def join(follower: Follower) -> Joined:
    """Return the branches that the curves of all pieces are."""
    return _Joiner(follower).run()


class _Joiner:
    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._rows: list[dict[str, Any]] = []  # of the events
        self._ends_of_fold: dict[int, list[_Part]] = {}
        self._flip_of: dict[tuple[int, int], int] = {}
        self._gaps: list[Gap] = []

    def run(self) -> Joined:
        segments = self._follower.segments
        ends = [[self._add_merging(segment, end) for end in (0, -1)] for segment in segments]
        parts = [
            part
            for segment, flips in zip(segments, ends, strict=True)
            for part in self._parts(segment, flips)
        ]
        chains = sorted(self._chains(parts), key=_sorting_key)
        numbers = {id(part): number for number, chain in enumerate(chains) for part in chain}
        for number, chain in enumerate(chains):
            for part in chain:
                for event in part.events:
                    self._rows[event["row"]]["itinerary"] = number
        for row, members in self._ends_of_fold.items():
            self._name_fold(row, [numbers[id(part)] for part in members])
        self._name_doubled(parts, numbers)
        order = sorted(range(len(self._rows)), key=lambda i: (self._rows[i]["s"], i))
        place = {row: new for new, row in enumerate(order)} | {-1: -1}
        curves = [_curve(chain) for chain in chains]
        return Joined(
            [np.zeros((curve.order, 0), dtype=np.bool_) for curve in curves],
            self._branch_columns(chains, curves, place),
            {
                name: np.array([self._rows[i][name] for i in order], dtype)
                for name, dtype in EVENT_TYPES.items()
            },
            self._attached(order),
            curves,
            self._gaps,
        )

    # ---- Parts ------------------------------------------------------------------------------

    def _add_merging(self, segment: Segment, end: int) -> int:
        """Return the number of the flip at which a curve of doubled order ends; -1 for none."""
        if not segment.merged[end]:
            return -1
        s = segment.piece + float(segment.arrays["s"][end])
        found = self._follower.flip_at(segment, end)
        if found is None:
            reason = "a branch comes near one of half its order, of which no flip is known"
            self._gaps.append(Gap(s, reason))
            return -1
        owner, event = found
        key = (id(owner), id(event))
        if key not in self._flip_of:
            self._flip_of[key] = self._add_row(owner.piece, event)
        self._gaps.append(
            Gap(
                owner.piece + event["s"],
                f"a branch of order {segment.order} is proved from s = {s:.12g} on; that it comes "
                "from, or ends in, the flip here is not",
            )
        )
        return self._flip_of[key]

    def _add_row(self, piece: int, event: dict[str, Any]) -> int:
        outcome = "fold" if event["kind"] == "fold" else "stability_change"
        self._rows.append(
            {
                "kind": KIND_NAMES.index(event["kind"]),
                **{name: piece + event[name] for name in ("s", "s_lower", "s_upper")},
                "residual": event["residual"],
                "converged": event["confirmed"],
                "itinerary": -1,
                "time_index": -1,
                "unit": -1,
                "partner": -1,
                "outcome": OUTCOME_NAMES.index(outcome),
                "doubled": -1,
                "n_unstable_before": event["n_unstable_before"],
                "n_unstable_after": event["n_unstable_after"],
            }
        )
        return len(self._rows) - 1

    def _parts(self, segment: Segment, flips: list[int]) -> list[_Part]:
        """Cut a curve at its folds."""
        folds = {event["node"]: event for event in segment.events if event["kind"] == "fold"}
        rows = {node: self._add_row(segment.piece, event) for node, event in folds.items()}
        last = len(segment.arrays["s"]) - 1
        cuts = [0, *sorted(folds), last]
        parts = []
        for a, b in pairwise(cuts):
            arrays = {name: segment.arrays[name][a : b + 1] for name in _OF_NODES} | {
                name: segment.arrays[name][a:b] for name in _OF_TUBES
            }
            part = _Part(
                arrays,
                [segment.begin if a == 0 else None, segment.end if b == last else None],
                [segment.rotations[0], segment.rotations[1]],
                [rows.get(a, -1), rows.get(b, -1)],
                [flips[0] if a == 0 else -1, flips[1] if b == last else -1],
                [],
            )
            is_back = arrays["s"][-1] < arrays["s"][0]
            for event in segment.events:
                if event["kind"] != "fold" and a <= event["node"] < b:
                    part.events.append(self._own_event(segment, event, is_back))
            if is_back:
                _turn(part)
            part.arrays["s"] = segment.piece + np.maximum.accumulate(part.arrays["s"])
            for row in set(part.folds) - {-1}:
                self._ends_of_fold.setdefault(row, []).append(part)
            parts.append(part)
        return parts

    def _own_event(self, segment: Segment, event: dict[str, Any], is_back: bool) -> dict[str, Any]:
        key = (id(segment), id(event))
        row = self._flip_of.get(key, -1)
        if row < 0:
            row = self._flip_of[key] = self._add_row(segment.piece, event)
        if is_back:
            own = self._rows[row]
            own["n_unstable_before"], own["n_unstable_after"] = (
                own["n_unstable_after"],
                own["n_unstable_before"],
            )
        return {"row": row}

    # ---- Branches ---------------------------------------------------------------------------

    @staticmethod
    def _chains(parts: list[_Part]) -> list[list[_Part]]:
        """Join parts where one ends and another begins at the same cycle of a model."""
        begins = {part.slots[0]: part for part in parts if part.slots[0] is not None}
        ends = {part.slots[1] for part in parts if part.slots[1] is not None}
        chains = []
        for part in parts:
            if part.slots[0] is not None and part.slots[0] in ends:
                continue
            chain = [part]
            while chain[-1].slots[1] in begins:
                after = begins[chain[-1].slots[1]]
                _turn_cycle(after, chain[-1].shifts[1] - after.shifts[0])
                chain.append(after)
            chains.append(chain)
        return chains

    def _name_fold(self, row: int, members: list[int]) -> None:
        """Name the two branches of a fold, the one with fewer unstable directions first."""
        own = self._rows[row]
        counts = [own["n_unstable_before"], own["n_unstable_after"]]
        first, second = (members * 2)[:2]
        if counts[0] > counts[1]:
            first, second, counts = second, first, counts[::-1]
        own |= {
            "itinerary": first,
            "partner": second,
            "n_unstable_before": counts[0],
            "n_unstable_after": counts[1],
        }

    def _name_doubled(self, parts: list[_Part], numbers: dict[int, int]) -> None:
        for part in parts:
            for row in part.flips:
                if row >= 0:
                    self._rows[row]["doubled"] = numbers[id(part)]

    def _branch_columns(
        self, chains: list[list[_Part]], curves: list[Curve], place: dict[int, int]
    ) -> Columns:
        n = len(chains)
        begin = [max(chain[0].folds[0], chain[0].flips[0]) for chain in chains]
        end = [max(chain[-1].folds[1], chain[-1].flips[1]) for chain in chains]
        columns = {
            "itinerary": np.arange(n),
            "s_begin": [curve.s[0] for curve in curves],
            "s_end": [curve.s[-1] for curve in curves],
            "begin_event": [place[row] for row in begin],
            "end_event": [place[row] for row in end],
            "lineage": np.arange(n),
        }
        return {name: np.array(columns[name], dtype) for name, dtype in BRANCH_TYPES.items()}

    def _attached(self, order: list[int]) -> Columns:
        pairs = [
            (event, self._rows[row]["doubled"])
            for event, row in enumerate(order)
            if self._rows[row]["doubled"] >= 0
        ]
        values = {"event": [pair[0] for pair in pairs], "itinerary": [pair[1] for pair in pairs]}
        return {name: np.array(values[name], dtype) for name, dtype in ATTACHED_TYPES.items()}


def _turn(part: _Part) -> None:
    """Let s ascend."""
    part.arrays = {name: array[::-1] for name, array in part.arrays.items()}
    own = part.arrays
    own["sigma_begin"], own["sigma_end"] = own["sigma_end"], own["sigma_begin"]
    for pair in (part.slots, part.shifts, part.folds, part.flips):
        pair.reverse()


def _turn_cycle(part: _Part, shift: int) -> None:
    """Begin the cycle with another of its points."""
    _, order, size = part.arrays["points"].shape
    shift %= order
    if not shift:
        return
    part.arrays["points"] = np.roll(part.arrays["points"], shift, axis=1)
    for name in ("centres", "directions", "reaches"):
        array = part.arrays[name].copy()
        blocks = array[:, :-1].reshape(-1, order, size)
        array[:, :-1] = np.roll(blocks, shift, axis=1).reshape(len(array), -1)
        part.arrays[name] = array
    part.shifts = [(own + shift) % order for own in part.shifts]


def _curve(chain: list[_Part]) -> Curve:
    """Return the curve of a branch; each part begins where the one before ends."""
    values = {
        name: np.concatenate(
            [chain[0].arrays[name], *(part.arrays[name][1:] for part in chain[1:])]
        )
        for name in _OF_NODES
    } | {name: np.concatenate([part.arrays[name] for part in chain]) for name in _OF_TUBES}
    return Curve(**values)


def _sorting_key(chain: list[_Part]) -> tuple[Any, ...]:
    first = chain[0]
    return (float(first.arrays["s"][0]), first.order, first.arrays["points"][0].ravel().tolist())
