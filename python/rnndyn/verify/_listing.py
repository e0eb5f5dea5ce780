"""The cycles, continua and undecided itineraries that a certificate lists."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rnndyn.verify._claims import Claims
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._orbits import (
    Box,
    OrbitSet,
    RealOrbits,
    Word,
    canonical,
    has_one_orbit,
    primitive_period,
    real_orbits,
    rotations,
    solve_word,
)
from rnndyn.verify._verdict import Counts, RefusedError

#: Beyond so many states of all steps of an itinerary its equations take too long in exact numbers.
_MAX_UNKNOWNS = 50_000


@dataclass
class Listing:
    """What is listed, by canonical itinerary, and the check that an itinerary hides no cycle."""

    map: ExactMap
    box: Box | None
    counts: Counts
    #: Itineraries of certified cycles.
    certified: set[Word] = field(default_factory=set)
    #: Itineraries of cycles on borders, of continua, and undecided ones: what follows them, in the
    #: sense of closed regions, is accounted for.
    closed: dict[int, set[Word]] = field(default_factory=dict)
    undecided: set[Word] = field(default_factory=set)
    _settled: set[Word] = field(default_factory=set)

    def word_of(self, itinerary: Iterable[Iterable[Any]]) -> Word:
        """Return an itinerary with the bits of relevant units only."""
        return tuple(
            sum(1 << unit for unit, bit in enumerate(region) if bit) & self.map.relevant_mask
            for region in itinerary
        )

    def solve(self, word: Word) -> OrbitSet | None:
        """Solve the cyclic system of an itinerary."""
        self.counts.n_itineraries += 1
        return solve_word(self.map, word)

    def settle(self, word: Word) -> None:
        """Refuse unless every cycle that follows the itinerary and lies in the box is listed.

        Cycles of a minimal period below the length of the itinerary are a matter of that period.
        """
        period = primitive_period(word)
        self.settle_repeated(word[:period], len(word) // period)

    def settle_repeated(self, word: Word, times: int) -> None:
        """Settle an itinerary that repeats a shorter one so many times.

        Where I - J^times is regular, J the Jacobian of the shorter one, the only solution is that
        of the shorter one run through so many times, and no cycle of the whole length. The time
        that this takes hardly depends on how many times.
        """
        if times > 1 and has_one_orbit(self.map, word, times):
            return
        order = times * len(word)
        if order * self.map.n_states > _MAX_UNKNOWNS:
            raise RefusedError(f"an itinerary of order {order} has too many unknowns to be solved")
        word = canonical(word * times)
        if word in self._settled or word in self.certified or word in self.closed.get(order, set()):
            return
        orbits = self.solve(word)
        real = None if orbits is None else real_orbits(orbits, self.box)
        if real is not None and not real.have_lower_period() and not self._accounts_for(real):
            what = "a cycle" if real.orbits.dimension == 0 else "a continuum of cycles"
            raise RefusedError(
                f"{what} of order {order} follows the itinerary {self.text(word)} but is "
                "neither listed nor undecided"
            )
        self._settled.add(word)

    def _accounts_for(self, real: RealOrbits) -> bool:
        """Whether cycles on borders, or continua, follow a listed itinerary as well."""
        closed = self.closed.get(len(real.orbits.word), set())
        return any(real.follow(rotated) for other in closed for rotated in rotations(other))

    def text(self, word: Word) -> str:
        """Write an itinerary as bits."""
        units = range(self.map.n_units)
        return " ".join("".join(str(region >> unit & 1) for unit in units) for region in word)


def check_listing(certificate: Claims, map_: ExactMap, box: Box | None, counts: Counts) -> Listing:
    """Verify that nothing listed is false, and return it."""
    listing = Listing(map_, box, counts)
    for entry in certificate.undecided:
        listing.undecided.add(canonical(listing.word_of(entry.itinerary.tolist())))
    for word in listing.undecided:
        listing.closed.setdefault(len(word), set()).add(word)
    proved = set(certificate.proved_orders)
    seen: set[Word] = set()
    orbits_seen: set[tuple[tuple[Fraction, ...], ...]] = set()
    for cycles in certificate.cycles:
        for index in range(len(cycles)):
            name = f"cycle {index} of order {cycles.order}"
            word = listing.word_of(cycles.itinerary[index].tolist())
            own = canonical(word)
            if own in seen:
                raise RefusedError(f"{name} is listed twice")
            seen.add(own)
            certified = bool(cycles.certified[index])
            on_border = bool(cycles.on_border[index])
            if certified and on_border:
                raise RefusedError(f"{name} is said to be certified and to lie on a border")
            if not certified and (own in listing.undecided or cycles.order not in proved):
                # Nothing is claimed about it.
                continue
            if not certified and not on_border:
                raise RefusedError(
                    f"{name} is neither certified, nor said to lie on a border, nor undecided"
                )
            points = _check_cycle(
                listing,
                name,
                word,
                certified,
                cycles.points[index].tolist(),
                float(cycles.error_bound[index]),
            )
            least = min(points[start:] + points[:start] for start in range(len(points)))
            if least in orbits_seen:
                raise RefusedError(f"{name} is listed twice, with different itineraries")
            orbits_seen.add(least)
            if certified:
                listing.certified.add(own)
                counts.n_cycles += 1
            else:
                listing.closed.setdefault(len(own), set()).add(own)
    for number, itinerary in enumerate(certificate.continua):
        word = canonical(listing.word_of(itinerary.tolist()))
        if word not in listing.undecided and len(word) in proved:
            _check_continuum(listing, f"continuum {number}", word)
        listing.closed.setdefault(len(word), set()).add(word)
    return listing


def _check_cycle(
    listing: Listing,
    name: str,
    word: Word,
    certified: bool,
    points: list[list[float]],
    error_bound: float,
) -> tuple[tuple[Fraction, ...], ...]:
    """Verify that a cycle exists where it is said to be; return its exact points."""
    if certified and primitive_period(word) < len(word):
        raise RefusedError(f"{name} is no cycle of that order: its itinerary repeats a shorter one")
    orbits = listing.solve(word)
    if orbits is None or orbits.dimension > 0:
        raise RefusedError(f"{name}: the cyclic system of its itinerary has no single solution")
    touches = False
    for form in orbits.region_forms(word):
        if form[0] < 0 or (certified and form[0] == 0):
            what = "virtual" if form[0] < 0 else "on a border and cannot be certified"
            raise RefusedError(f"{name} is {what}: solved exactly, it leaves its regions")
        touches = touches or form[0] == 0
    if not certified and not touches:
        raise RefusedError(f"{name} is said to lie on a border: solved exactly, it does not")
    exact = orbits.points()
    if any(exact[m] == exact[0] for m in range(1, len(exact))):
        raise RefusedError(f"{name} has a lower minimal period")
    values = [value for point in points for value in point]
    if not all(map(math.isfinite, (*values, error_bound))) or error_bound < 0.0:
        raise RefusedError(f"{name} has a point or an error bound that is no finite number")
    bound = Fraction(error_bound)
    for point, exact_point in zip(points, exact, strict=True):
        for value, exact_value in zip(point, exact_point, strict=True):
            if abs(Fraction(value) - exact_value) > bound:
                raise RefusedError(
                    f"{name}: its point {value!r} is further than the error bound {error_bound!r} "
                    f"from the exact one, about {float(exact_value)!r}"
                )
    if listing.box is not None:
        lower, upper, scale = listing.box
        for exact_point in exact:
            for coordinate, low, high in zip(exact_point, lower, upper, strict=True):
                if not low <= (coordinate + bound) * scale or (coordinate - bound) * scale > high:
                    raise RefusedError(f"{name} lies outside the box")
    return exact


def _check_continuum(listing: Listing, name: str, word: Word) -> None:
    """Verify that cycles fill a set of dimension 1 or more."""
    orbits = listing.solve(word)
    if orbits is None or orbits.dimension == 0:
        raise RefusedError(
            f"{name}: the cyclic system of its itinerary is not singular and solvable"
        )
    if real_orbits(orbits, None) is None:
        raise RefusedError(f"{name} is virtual: solved exactly, it misses its regions")
