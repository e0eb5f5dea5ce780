"""What a certificate of a composition lists of one order, against what is proved of its chain.

Fixed points of the chain are cycles of the network, its states side by side. A cycle of several
rounds is one fixed point for each round that it can begin with; a cycle of fewer rounds, gone round
several times, is one as well, and belongs to the order of that many rounds.

Everything listed must be proved of the chain, and everything that its proof leaves to its lists,
such as cycles on borders, continua and undecided itineraries, must be listed.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from rnndyn.verify._claims import Claims
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._linear import implies
from rnndyn.verify._orbits import OrbitSet, exact_box, real_orbits, solve_word
from rnndyn.verify._verdict import RefusedError

#: The bits of each round, as one integer.
Bits = tuple[int, ...]


class Layout(NamedTuple):
    """Where the rounds of a network are in its chain."""

    n_rounds: int
    #: States and units of one round.
    n_states: int
    n_units: int
    #: Where the states of the steps of all rounds are.
    places: Sequence[range]


class _Entry(NamedTuple):
    """A listed fixed point of a chain, or cycle of the network."""

    bits: Bits
    points: tuple[tuple[float, ...], ...]
    error_bound: float
    certified: bool
    on_border: bool


def check_lists(
    certificate: Claims, chain: Claims, order: int, map_: ExactMap, layout: Layout
) -> None:
    """Refuse if the lists of one order are not those of its chain, which is verified."""
    _Lists(certificate, chain, order, map_, layout).check()


class _Lists:
    def __init__(
        self,
        certificate: Claims,
        chain: Claims,
        order: int,
        map_: ExactMap,
        layout: Layout,
    ) -> None:
        self.map, self.layout = map_, layout
        self.box, self.own_box = exact_box(chain.box), exact_box(certificate.box)
        self.points = [
            self._entry(e, [[e.points[0][i] for i in place] for place in layout.places])
            for e in _listed(chain, 1)
        ]
        self.cycles = [self._entry(e, e.points) for e in _listed(certificate, order)]
        self.own_undecided = {
            turned
            for entry in certificate.undecided
            if entry.order == order
            for turned in _rotations(self._bits(entry.itinerary.tolist()))
        }
        self.own_continua = [
            self._bits(i.tolist()) for i in certificate.continua if len(i) == order
        ]
        self.undecided = {self._bits(entry.itinerary.tolist()) for entry in chain.undecided}
        self.continua = [self._bits(i.tolist()) for i in chain.continua if len(i) == 1]

    def check(self) -> None:
        """Compare what is listed with what is proved, and the other way round."""
        accounted, on_borders = self._check_cycles()
        self._check_points(accounted, on_borders)
        if self.undecided - self.own_undecided:
            raise RefusedError("an undecided itinerary of its chain is not listed as undecided")
        self._check_continua()

    def _check_cycles(self) -> tuple[set[Bits], set[tuple[Fraction, ...]]]:
        """Return itineraries of what is listed, and exact points of it on borders."""
        accounted: set[Bits] = set()
        on_borders: set[tuple[Fraction, ...]] = set()
        proved: dict[Bits, list[_Entry]] = {}
        for point in self.points:
            for turned in self._turned(point):
                proved.setdefault(turned.bits, []).append(turned)
        for cycle in self.cycles:
            if not cycle.certified and cycle.bits in self.own_undecided:
                # Nothing is claimed about it.
                continue
            kind = "certified cycle" if cycle.certified else "cycle"
            if not any(_is_within(point, cycle) for point in proved.get(cycle.bits, ())):
                raise RefusedError(f"a {kind} is no {kind[:-5]}fixed point of its chain")
            if self._is_outside(cycle):
                raise RefusedError(f"a {kind} lies outside the box")
            if cycle.bits in accounted:
                raise RefusedError(f"a {kind} is listed twice")
            rotations = _rotations(cycle.bits)
            accounted.update(rotations)
            shorter = cycle.bits in rotations[1:]
            if cycle.on_border:
                exact = self._exact(cycle.bits)
                if exact in on_borders:
                    raise RefusedError("a cycle is listed twice, with different itineraries")
                others = self._exact_rotations(exact)
                on_borders.update(others)
                shorter = exact in others[1:]
            if shorter:
                raise RefusedError(f"a {kind} has a lower minimal period")
        return accounted, on_borders

    def _check_points(self, accounted: set[Bits], on_borders: set[tuple[Fraction, ...]]) -> None:
        for point in self.points:
            if point.bits in accounted or (not point.certified and point.bits in self.undecided):
                continue
            if point.certified:
                shorter = point.bits in _rotations(point.bits)[1:]
            else:
                exact = self._exact(point.bits)
                shorter = exact in on_borders or exact in self._exact_rotations(exact)[1:]
            if not shorter and not self._is_outside(point):
                kind = "certified fixed point" if point.certified else "fixed point on a border"
                raise RefusedError(f"a {kind} of its chain is a cycle that is not listed")

    def _check_continua(self) -> None:
        proved = {turned for bits in self.continua for turned in _rotations(bits)}
        listed: set[Bits] = set()
        for bits in self.own_continua:
            if bits not in proved and bits not in self.own_undecided:
                raise RefusedError("a continuum of cycles is no continuum of its chain")
            listed.update(_rotations(bits))
        for bits in self.continua:
            if bits not in listed | self.own_undecided and not self._is_of_fewer_rounds(bits):
                raise RefusedError("a continuum of its chain is not listed")

    def _is_outside(self, entry: _Entry) -> bool:
        """Whether its states cannot all lie in the box of the certificate."""
        if self.own_box is None:
            return False
        lower, upper, scale = self.own_box
        bound = Fraction(entry.error_bound)
        return any(
            (Fraction(value) + bound) * scale < low or (Fraction(value) - bound) * scale > high
            for point in entry.points
            for value, low, high in zip(point, lower, upper, strict=True)
        )

    def _entry(self, entry: _Entry, points: Sequence[Sequence[float]]) -> _Entry:
        bits = self._bits([[bit] for bit in entry.bits])
        return entry._replace(bits=bits, points=tuple(tuple(point) for point in points))

    def _bits(self, itinerary: Sequence[Sequence[int]]) -> Bits:
        """Return an itinerary of the network, or of one step of the chain, by rounds."""
        flat = [bool(bit) for region in itinerary for bit in region]
        word = sum(1 << unit for unit, bit in enumerate(flat) if bit) & self.map.relevant_mask
        width = self.layout.n_units
        return tuple(
            word >> start & ((1 << width) - 1)
            for start in range(0, width * self.layout.n_rounds, width)
        )

    def _turned(self, point: _Entry) -> Iterator[_Entry]:
        steps = len(point.points) // self.layout.n_rounds
        for shift, bits in enumerate(_rotations(point.bits)):
            start = shift * steps
            yield point._replace(bits=bits, points=point.points[start:] + point.points[:start])

    def _solved(self, bits: Bits) -> OrbitSet | None:
        width = self.layout.n_units
        return solve_word(self.map, (sum(b << (t * width) for t, b in enumerate(bits)),))

    def _exact(self, bits: Bits) -> tuple[Fraction, ...]:
        orbits = self._solved(bits)
        # The chain is verified: the fixed point exists.
        assert orbits is not None
        return orbits.points()[0]

    def _exact_rotations(self, point: tuple[Fraction, ...]) -> list[tuple[Fraction, ...]]:
        width = self.layout.n_states
        return [point[start:] + point[:start] for start in range(0, len(point), width)]

    def _is_of_fewer_rounds(self, bits: Bits) -> bool:
        """Whether all fixed points of a set come back after a number of rounds that is smaller."""
        orbits = self._solved(bits)
        real = None if orbits is None else real_orbits(orbits, self.box)
        if orbits is None or real is None:
            return True
        columns, width = orbits.steps[0][0], self.layout.n_states
        for shift in range(1, self.layout.n_rounds):
            if self.layout.n_rounds % shift:
                continue
            moved = [c[shift * width :] + c[: shift * width] for c in columns]
            forms = [
                [b[i] - a[i] for a, b in zip(columns, moved, strict=True)]
                for i in range(self.map.n_states)
            ]
            if all(
                implies(real.forms, [sign * value for value in form], orbits.dimension)
                for form in forms
                for sign in (1, -1)
            ):
                return True
        return False


def _listed(claims: Claims, order: int) -> Iterator[_Entry]:
    for listed in claims.cycles:
        if listed.order != order:
            continue
        for index in range(len(listed)):
            entry = _Entry(
                tuple(bit for region in listed.itinerary[index].tolist() for bit in region),
                tuple(map(tuple, listed.points[index].tolist())),
                float(listed.error_bound[index]),
                bool(listed.certified[index]),
                bool(listed.on_border[index]),
            )
            yield entry


def _rotations(bits: Bits) -> list[Bits]:
    """Return the rotations by whole rounds, itself first."""
    return [bits[shift:] + bits[:shift] for shift in range(len(bits))]


def _is_within(point: _Entry, cycle: _Entry) -> bool:
    """Whether the cycle says no more than the point, of which it is proved."""
    return (
        point.points == cycle.points
        and (point.certified, point.on_border) == (cycle.certified, cycle.on_border)
        and point.error_bound <= cycle.error_bound
        and math.isfinite(cycle.error_bound)
    )
