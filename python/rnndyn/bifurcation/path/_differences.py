"""Compare the branches of a path with searches at its models."""

from collections.abc import Iterator, Sequence

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._core import CanonicalMap
from rnndyn.bifurcation.path._columns import OUTCOME_NAMES
from rnndyn.bifurcation.path._node import AT_NODE, same_points
from rnndyn.bifurcation.path._piece import Piece, reaching
from rnndyn.bifurcation.path._starts import Found, UnitUse, key_of
from rnndyn.bifurcation.path.gap import Gap

_INFINITY = OUTCOME_NAMES.index("infinity")


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
        # A cycle at infinity here is some 1e13 away for a search, on either side of it.
        at_infinity = {
            key
            for piece, s in ((node - 1, 1.0), (node, 0.0))
            if 0 <= piece < len(pieces)
            for key in _diverging(pieces[piece], s, mask)
        }
        searched = {
            key: i
            for i, key in enumerate(key_of(bits, mask) for bits in here.itineraries)
            if key not in at_infinity
        }
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
                if key in branches:
                    continue
                if _is_on_branch(here.itineraries[i], pieces[piece], end, maps[piece : piece + 2]):
                    continue
                border = ", on a border" if here.on_border[i] else ""
                reason = f"a cycle of this model{border}, which no branch {side} it reaches"
                gaps.append(Gap(float(node), reason, here.itineraries[i]))
            for key, bits in branches.items():
                if key not in searched and key not in at_infinity and len(bits) in orders:
                    reason = f"a branch {side} this model reaches it, a search did not find it"
                    gaps.append(Gap(float(node), reason, bits))
    return gaps


def _diverging(piece: Piece, s: float, mask: BoolArray) -> Iterator[bytes]:
    """Yield the keys of the cycles of a piece that are at infinity at one of its ends."""
    events = piece.raw["events"]
    here = (events["outcome"] == _INFINITY) & (np.abs(events["s"] - s) <= AT_NODE)
    for index in events["itinerary"][here].tolist():
        yield key_of(piece.raw["itineraries"][index], mask)


def _is_on_branch(bits: BoolArray, piece: Piece, end: str, maps: Sequence[CanonicalMap]) -> bool:
    """Tell whether a cycle is a point of a branch that ends or changes there.

    On a border, or within rounding errors of it, several itineraries name the same cycle.
    """
    share = np.array([1.0 if end == "end" else 0.0])

    def points(itinerary: BoolArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.asarray(_core.cycle_on_path(maps[0], maps[1], itinerary, share)["points"][0])

    own = points(bits)
    return bool(np.isfinite(own).all()) and any(
        same_points(own, points(piece.raw["itineraries"][i]))
        for i in reaching(piece, end, with_events=True)
    )
