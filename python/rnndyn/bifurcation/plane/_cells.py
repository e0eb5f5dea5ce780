"""Boundary curves within cells of a grid, between the places where they cross its lines."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._common.stopping import NEVER, Deadline
from rnndyn.bifurcation.plane._lines import attached_to
from rnndyn.bifurcation.plane._plane import Plane
from rnndyn.scale_out import ChunkStoppedError, Record, pack_itineraries, raise_if_cancelled

#: A piece of a curve is straight enough where its middle deviates from its chord by no more than
#: this share of the cell; the deviation falls by about four with every halving.
_FLAT = 0.02
#: Chords shorter than this share of the cell, at its corners, need no middle.
_TINY = 1e-6
#: Crossings this close to a corner of a cell, as shares of the ranges, count as on the corner.
AT_CORNER = 1e-12
#: Cuts reach this share of their length beyond the box that they cut.
_BEYOND = 1e-3
#: Cells are halved this often around places where curves end or meet: to 1/128 of their sides.
_HALVINGS = 14
#: Boxes of one cell that a curve is looked for in: around its ends, some 14 each. Where a network
#: is degenerate, events happen on areas, and every box has some: these are no curves. The second
#: number is for all curves of a cell together.
_MOST_BOXES = 400, 4000


class CurveKey(NamedTuple):
    """What is the same along one boundary curve.

    Attributes
    ----------
    kind, outcome : int
        As the compiled core counts them.
    itinerary, partner : bytes
        The bits, with the shape in front; of a pair of border-colliding cycles, whose names change
        with the direction, the smaller is the first. `partner` is empty where there is none.
    unit, time_index : int
        The unit whose pre-activation vanishes, and when in the cycle of `itinerary`; or -1.
    attached : tuple of bytes
        Cycles of larger order that are born on the curve, sorted.
    """

    kind: int
    outcome: int
    itinerary: bytes
    partner: bytes
    unit: int
    time_index: int
    attached: tuple[bytes, ...]


class Crossing(NamedTuple):
    """A place where a boundary curve crosses a line.

    Attributes
    ----------
    u, v : float
        The place, as shares of the two ranges.
    residual : float
        Of the equation that defines the curve.
    name : int
        Number among the crossings of the grid, or -1 and less within a cell.
    """

    u: float
    v: float
    residual: float
    name: int


class Cell(NamedTuple):
    """A cell of the grid with the curves that cross its edges.

    Attributes
    ----------
    box : tuple of float
        Least and largest u, least and largest v.
    crossings : dict of CurveKey to tuple of Crossing
    """

    box: tuple[float, float, float, float]
    crossings: dict[CurveKey, tuple[Crossing, ...]]


@dataclass(frozen=True)
class CellTask:
    """Draw the curves through cells."""

    plane: Plane
    max_order: int
    deadline: Deadline = NEVER

    def __call__(self, cells: Sequence[Cell]) -> Record:
        """Return the pieces of curves of all cells, packed."""
        pieces: list[tuple[CurveKey, list[Crossing]]] = []
        unclear: list[tuple[float, float]] = []
        filled: list[tuple[float, float]] = []
        for cell in cells:
            raise_if_cancelled()
            tracer = _Tracer(self.plane, self.max_order, cell, self.deadline)
            tracer.run()
            if tracer.filled:
                u0, u1, v0, v1 = cell.box
                filled.append((0.5 * (u0 + u1), 0.5 * (v0 + v1)))
            for key, crossings in cell.crossings.items():
                if key in tracer.filled:
                    continue
                links = tracer.links[key]
                # A curve that ends next to the line it crosses is this one point.
                linked = {crossing.name for link in links for crossing in link}
                pieces += [(key, [lone]) for lone in crossings if lone.name not in linked]
            for key, links in tracer.links.items():
                if key not in tracer.filled:
                    pieces += [(key, chain) for chain in _chains(links)]
            unclear += tracer.unclear
        return _packed(pieces, unclear, filled, self.plane.n_units)


def curve_keys(
    events: dict[str, np.ndarray[Any, Any]],
    attached: Sequence[Sequence[int]],
    itineraries: Sequence[BoolArray],
) -> Iterator[CurveKey]:
    """Name the curve that each event of a line lies on."""
    names = ("kind", "outcome", "itinerary", "partner", "unit", "time_index")
    rows = zip(*(events[name].tolist() for name in names), attached, strict=True)
    for kind, outcome, own, other, unit, time_index, larger in rows:
        bits = itineraries[own]
        first, second = coded(bits), b""
        if other >= 0:
            second = coded(itineraries[other])
            if second < first:
                time_index = _time_index_of_partner(bits, itineraries[other], unit, time_index)
                first, second = second, first
        born = tuple(sorted(coded(itineraries[number]) for number in larger))
        yield CurveKey(kind, outcome, first, second, unit, time_index, born)


def coded(bits: BoolArray) -> bytes:
    """Return an itinerary as bytes that know its shape."""
    return len(bits).to_bytes(4, "big") + np.packbits(bits).tobytes()


def decoded(code: bytes, n_units: int) -> BoolArray:
    """Return the itinerary of `coded`."""
    order = int.from_bytes(code[:4], "big")
    flat = np.unpackbits(np.frombuffer(code[4:], np.uint8), count=order * n_units)
    return flat.astype(np.bool_).reshape(order, n_units)


def _time_index_of_partner(bits: BoolArray, partner: BoolArray, unit: int, time_index: int) -> int:
    """Return when the border is met, counted in the cycle of the partner."""
    if len(bits) != len(partner) or unit < 0:
        return -1
    flipped = bits.copy()
    flipped[time_index, unit] ^= True
    for shift in range(len(bits)):
        if np.array_equal(np.roll(flipped, -shift, axis=0), partner):
            return (time_index - shift) % len(bits)
    return -1


class _Tracer:
    """Draws the curves of one cell, halving it where they bend, end or meet."""

    def __init__(self, plane: Plane, max_order: int, cell: Cell, deadline: Deadline) -> None:
        self._plane = plane
        self._deadline = deadline
        self._max_order = max_order
        self._cell = cell
        u0, u1, v0, v1 = cell.box
        self._size = (u1 - u0, v1 - v0)
        self._n_inner = 0
        self.links: dict[CurveKey, list[tuple[Crossing, Crossing]]] = defaultdict(list)
        self.unclear: list[tuple[float, float]] = []
        self._n_boxes: dict[CurveKey, int] = defaultdict(int)
        self._n_looks = 0
        #: What no curve explains.
        self.filled: set[CurveKey] = set()

    def run(self) -> None:
        """Draw all curves."""
        odd = {}
        for key, crossings in self._cell.crossings.items():
            if len(crossings) == 2:
                self._connect(key, self._cell.box, *crossings, _HALVINGS)
            else:
                odd[key] = crossings
        if odd:
            self._divide(self._cell.box, odd, _HALVINGS, others=True)

    def _connect(
        self,
        key: CurveKey,
        box: tuple[float, float, float, float],
        start: Crossing,
        end: Crossing,
        halvings: int,
    ) -> None:
        """Join two crossings of the edges of a box, if the curve goes from one to the other."""
        du = abs(end.u - start.u) / self._size[0]
        dv = abs(end.v - start.v) / self._size[1]
        if max(du, dv) <= _TINY or halvings == 0:
            self.links[key].append((start, end))
            return
        if self._is_filled(key):
            return
        along_u = du >= dv
        at = 0.5 * (start.u + end.u) if along_u else 0.5 * (start.v + end.v)
        found = self._cut(box, "u" if along_u else "v", at, [key]).get(key, ())
        if len(found) != 1:
            # The curve ends inside, twice, or comes back.
            self._divide(box, {key: (start, end)}, halvings, others=False)
            return
        middle = found[0]
        deviation = (
            abs(middle.v - 0.5 * (start.v + end.v)) / self._size[1]
            if along_u
            else abs(middle.u - 0.5 * (start.u + end.u)) / self._size[0]
        )
        if deviation <= _FLAT:
            self.links[key] += [(start, middle), (middle, end)]
            return
        for half in _halves(box, "u" if along_u else "v", at):
            outer = start if _inside(half, start) else end
            self._connect(key, half, outer, middle, halvings - 1)

    def _divide(
        self,
        box: tuple[float, float, float, float],
        crossings: dict[CurveKey, tuple[Crossing, ...]],
        halvings: int,
        others: bool,
    ) -> None:
        """Halve a box in which curves end or meet, and go on in both halves.

        With `others`, curves that only live within the cell are drawn where a cut meets them.
        """
        if halvings == 0:
            self._finish(crossings)
            return
        crossings = {key: found for key, found in crossings.items() if not self._is_filled(key)}
        if not crossings:
            return
        u0, u1, v0, v1 = box
        axis = "u" if (u1 - u0) / self._size[0] >= (v1 - v0) / self._size[1] else "v"
        at = 0.5 * (u0 + u1) if axis == "u" else 0.5 * (v0 + v1)
        on_cut = self._cut(box, axis, at, list(crossings))
        if not others:
            on_cut = {key: found for key, found in on_cut.items() if key in crossings}
        for half in _halves(box, axis, at):
            odd = {}
            for key in {**crossings, **on_cut}:
                inside = tuple(c for c in crossings.get(key, ()) if _inside(half, c))
                inside += on_cut.get(key, ())
                if len(inside) == 2:
                    self._connect(key, half, inside[0], inside[1], halvings - 1)
                elif inside:
                    odd[key] = inside
            if odd:
                self._divide(half, odd, halvings - 1, others)

    def _is_filled(self, key: CurveKey) -> bool:
        """Count one more box of a curve; tell whether it has more than any curve would have."""
        self._n_boxes[key] += 1
        self._n_looks += 1
        if self._n_boxes[key] > _MOST_BOXES[0] or self._n_looks > _MOST_BOXES[1]:
            self.filled.add(key)
        return key in self.filled

    def _finish(self, crossings: dict[CurveKey, tuple[Crossing, ...]]) -> None:
        """Join what is left in a box too small to matter: one crossing is an end."""
        for key, found in crossings.items():
            if len(found) > 2:
                self.unclear.append((found[0].u, found[0].v))
            for start, end in zip(found[::2], found[1::2], strict=False):
                self.links[key].append((start, end))

    def _cut(
        self,
        box: tuple[float, float, float, float],
        axis: str,
        at: float,
        keys: Sequence[CurveKey],
    ) -> dict[CurveKey, tuple[Crossing, ...]]:
        """Follow the cycles of some curves along a line across a box; return what it crosses.

        Curves that cross the cell's edges, but are not among `keys`, are drawn elsewhere.
        """
        u0, u1, v0, v1 = box
        low, high = (v0, v1) if axis == "u" else (u0, u1)
        raise_if_cancelled()
        # A little longer than the box, so that a curve along its edge is crossed, not touched.
        start, end = low - _BEYOND * (high - low), high + _BEYOND * (high - low)
        ends = ((at, start), (at, end)) if axis == "u" else ((start, at), (end, at))
        n_units = self._plane.n_units
        codes = {
            code for key in keys for code in (key.itinerary, key.partner, *key.attached) if code
        }
        starts = [decoded(code, n_units) for code in sorted(codes)]
        raw = _core.follow_cycles(
            self._plane.map_at(*ends[0]),
            self._plane.map_at(*ends[1]),
            starts,
            self._max_order,
            n_threads=1,
            observer=raise_if_cancelled,
            time_limit=self._deadline.seconds_left(),
        )
        if raw["stopped_by"] != "finished":
            raise ChunkStoppedError(raw["stopped_by"])
        elsewhere = (self._cell.crossings.keys() - set(keys)) | self.filled
        crossings: dict[CurveKey, list[Crossing]] = defaultdict(list)
        places = zip(raw["events"]["s"].tolist(), raw["events"]["residual"].tolist(), strict=True)
        attached = attached_to(raw["attached"], len(raw["events"]["s"]))
        names = curve_keys(raw["events"], attached, raw["itineraries"])
        for key, (s, residual) in zip(names, places, strict=True):
            if key in elsewhere:
                continue
            place = start + s * (end - start)
            if not low - AT_CORNER <= place <= high + AT_CORNER:
                continue
            u, v = (at, place) if axis == "u" else (place, at)
            self._n_inner += 1
            crossings[key].append(Crossing(u, v, residual, -self._n_inner))
        return {key: tuple(found) for key, found in crossings.items()}


def _halves(
    box: tuple[float, float, float, float], axis: str, at: float
) -> tuple[tuple[float, float, float, float], tuple[float, float, float, float]]:
    u0, u1, v0, v1 = box
    if axis == "u":
        return (u0, at, v0, v1), (at, u1, v0, v1)
    return (u0, u1, v0, at), (u0, u1, at, v1)


def _inside(box: tuple[float, float, float, float], crossing: Crossing) -> bool:
    u0, u1, v0, v1 = box
    return (
        u0 - AT_CORNER <= crossing.u <= u1 + AT_CORNER
        and v0 - AT_CORNER <= crossing.v <= v1 + AT_CORNER
    )


def _chains(links: Sequence[tuple[Crossing, Crossing]]) -> Iterator[list[Crossing]]:
    """Yield the links as chains of crossings, as long as they go."""
    neighbours: dict[int, list[int]] = defaultdict(list)
    crossing_of: dict[int, Crossing] = {}
    for number, (start, end) in enumerate(links):
        for crossing in (start, end):
            crossing_of[crossing.name] = crossing
            neighbours[crossing.name].append(number)
    used = [False] * len(links)

    def walk(name: int) -> list[Crossing]:
        chain = [crossing_of[name]]
        while True:
            ahead = [number for number in neighbours[name] if not used[number]]
            if not ahead:
                return chain
            used[ahead[0]] = True
            start, end = links[ahead[0]]
            name = end.name if start.name == name else start.name
            chain.append(crossing_of[name])

    # Ends first; what is left are loops.
    for only_ends in (True, False):
        for name, numbers in neighbours.items():
            while any(not used[number] for number in numbers):
                if only_ends and len(numbers) == 2:
                    break
                yield walk(name)


def _packed(
    pieces: Sequence[tuple[CurveKey, list[Crossing]]],
    unclear: Sequence[tuple[float, float]],
    filled: Sequence[tuple[float, float]],
    n_units: int,
) -> Record:
    points = [crossing for _, chain in pieces for crossing in chain]
    bits, orders = pack_itineraries([decoded(key.itinerary, n_units) for key, _ in pieces], n_units)
    partner_bits, partner_orders = pack_itineraries(
        [
            decoded(key.partner, n_units) if key.partner else np.zeros((0, n_units), np.bool_)
            for key, _ in pieces
        ],
        n_units,
    )
    attached_bits, attached_orders = pack_itineraries(
        [decoded(code, n_units) for key, _ in pieces for code in key.attached], n_units
    )
    return {
        "u": np.array([c.u for c in points], dtype=np.float64),
        "v": np.array([c.v for c in points], dtype=np.float64),
        "residual": np.array([c.residual for c in points], dtype=np.float64),
        "name": np.array([c.name for c in points], dtype=np.int64),
        "length": np.array([len(chain) for _, chain in pieces], dtype=np.int64),
        "labels": np.array(
            [(key.kind, key.outcome, key.unit, key.time_index) for key, _ in pieces],
            dtype=np.int64,
        ).reshape(-1, 4),
        "bits": bits,
        "orders": orders,
        "partner_bits": partner_bits,
        "partner_orders": partner_orders,
        "attached_bits": attached_bits,
        "attached_orders": attached_orders,
        "n_attached": np.array([len(key.attached) for key, _ in pieces], dtype=np.int64),
        "unclear": np.array(unclear, dtype=np.float64).reshape(-1, 2),
        "filled": np.array(filled, dtype=np.float64).reshape(-1, 2),
    }
