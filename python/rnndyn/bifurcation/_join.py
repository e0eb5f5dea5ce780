"""Join the straight pieces of a path at its models, and compare them with searches there."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnndyn._arrays import BoolArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation._columns import BRANCH_TYPES, EVENT_TYPES, PERSISTENCE, Columns
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._piece import Piece, reaching
from rnndyn.bifurcation._starts import Found, UnitUse, key_of


class Joined(NamedTuple):
    """Branches and events of the whole path, and what does not fit at its models."""

    itineraries: list[BoolArray]
    branches: Columns
    events: Columns
    gaps: list[Gap]


def join(pieces: Sequence[Piece]) -> Joined:
    """Join segments that reach a common node with the same itinerary to one branch."""
    itineraries: list[BoolArray] = []
    index_of: dict[bytes, int] = {}
    branch: dict[str, list[Any]] = {name: [] for name in BRANCH_TYPES if name != "lineage"}
    event_parts: list[Columns] = []
    gaps: list[Gap] = []
    n_events = 0
    open_branches: dict[bytes, int] = {}
    for j, piece in enumerate(pieces):
        raw = piece.raw
        table = []
        for bits in raw["itineraries"]:
            # The bits as the core gives them, in its own rotation: time_index counts from there.
            identity = bits.tobytes()
            if identity not in index_of:
                index_of[identity] = len(itineraries)
                itineraries.append(bits)
            table.append(index_of[identity])
        # The last entry stands for "none", which is -1 in the record.
        lookup = np.array([*table, -1], dtype=np.int64)
        event_parts.append(_shifted_events(raw["events"], j, lookup))
        gaps += _core_gaps(raw["gaps"], j)
        # Units that do not act on the state near the node cannot tell cycles apart there.
        left = pieces[j - 1].mask & piece.mask if j > 0 else piece.mask
        right = pieces[j + 1].mask & piece.mask if j + 1 < len(pieces) else piece.mask
        reached: dict[bytes, int] = {}
        segments = {name: column.tolist() for name, column in raw["segments"].items()}
        rows = zip(
            segments["itinerary"],
            segments["s_begin"],
            segments["s_end"],
            segments["begin_event"],
            segments["end_event"],
            strict=True,
        )
        for local, s_begin, s_end, begin_event, end_event in rows:
            bits = raw["itineraries"][local]
            number = None
            if j > 0 and begin_event < 0 and s_begin == 0.0:
                number = open_branches.pop(key_of(bits, left), None)
                if number is None:
                    gaps.append(Gap(float(j), "a branch begins at a model of the path", bits))
            if number is None:
                number = len(branch["itinerary"])
                branch["itinerary"].append(table[local])
                branch["s_begin"].append(j + s_begin)
                branch["begin_event"].append(begin_event + n_events if begin_event >= 0 else -1)
                branch["s_end"].append(0.0)
                branch["end_event"].append(-1)
            branch["s_end"][number] = j + s_end
            branch["end_event"][number] = end_event + n_events if end_event >= 0 else -1
            if end_event < 0 and s_end == 1.0:
                reached[key_of(bits, right)] = number
        gaps += [
            Gap(float(j), "a branch ends at a model of the path", itineraries[index])
            for index in (branch["itinerary"][number] for number in open_branches.values())
        ]
        open_branches = reached
        n_events += len(raw["events"]["s"])
    events = {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in event_parts)])
        for name, dtype in EVENT_TYPES.items()
    }
    branches: Columns = {name: np.asarray(branch[name], BRANCH_TYPES[name]) for name in branch}
    branches, events = _sorted(branches, events)
    branches["lineage"] = _lineages(branches, events)
    return Joined(itineraries, branches, events, gaps)


def _shifted_events(raw: dict[str, Any], j: int, lookup: np.ndarray[Any, Any]) -> Columns:
    """Return the events of piece j with their place on the whole path and their itineraries."""
    events = {name: np.asarray(raw[name]).astype(dtype) for name, dtype in EVENT_TYPES.items()}
    for name in ("s", "s_lower", "s_upper"):
        events[name] = events[name] + j
    for name in ("itinerary", "partner", "doubled"):
        events[name] = lookup[events[name]]
    return events


def _core_gaps(raw: Sequence[dict[str, Any]], j: int) -> list[Gap]:
    return [Gap(j + float(gap["s"]), str(gap["reason"]), gap["itinerary"]) for gap in raw]


def _lineages(branches: Columns, events: Columns) -> np.ndarray[Any, Any]:
    """Number the cycles that go on from branch to branch through persistence."""
    n = len(branches["itinerary"])
    parent = list(range(n))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[int, int] = {}
    persistent = events["outcome"] == PERSISTENCE
    for name in ("begin_event", "end_event"):
        for number, event in enumerate(branches[name].tolist()):
            if event >= 0 and persistent[event]:
                a, b = root(first.setdefault(event, number)), root(number)
                parent[max(a, b)] = min(a, b)
    names: dict[int, int] = {}
    return np.array([names.setdefault(root(i), len(names)) for i in range(n)], dtype=np.int64)


def _sorted(branches: Columns, events: Columns) -> tuple[Columns, Columns]:
    """Sort events and branches by where they are or begin: a path is read from left to right."""
    order = np.argsort(events["s"], kind="stable")
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order] = np.arange(len(order))
    place[-1] = -1
    sorted_events = {name: column[order] for name, column in events.items()}
    for name in ("begin_event", "end_event"):
        branches[name] = place[branches[name]]
    by_begin = np.argsort(branches["s_begin"], kind="stable")
    return {name: column[by_begin] for name, column in branches.items()}, sorted_events


def differences(
    pieces: Sequence[Piece],
    maps: Sequence[CanonicalMap],
    orders: Sequence[int],
    found: dict[int, Found],
) -> list[Gap]:
    """Compare the branches at every node with what a search finds there."""
    gaps = []
    for node in range(len(pieces) + 1 if pieces else 0):
        if node not in found:
            continue
        here = found[node]
        gaps += [
            Gap(float(node), "a continuum of cycles at this model, which no branch shows", bits)
            for bits in here.continua
        ]
        mask = UnitUse.of(maps[node]).relevant
        searched = {key_of(bits, mask): i for i, bits in enumerate(here.itineraries)}
        for piece, end in ((node - 1, "end"), (node, "begin")):
            if not 0 <= piece < len(pieces):
                continue
            raw = pieces[piece].raw
            branches = {
                key_of(raw["itineraries"][i], mask): raw["itineraries"][i]
                for i in reaching(pieces[piece], end)
            }
            side = "before" if end == "end" else "after"
            for key, i in searched.items():
                if key not in branches:
                    border = ", on a border" if here.on_border[i] else ""
                    reason = f"a cycle of this model{border}, which no branch {side} it reaches"
                    gaps.append(Gap(float(node), reason, here.itineraries[i]))
            for key, bits in branches.items():
                if key not in searched and len(bits) in orders:
                    reason = f"a branch {side} this model reaches it, a search did not find it"
                    gaps.append(Gap(float(node), reason, bits))
    return gaps
