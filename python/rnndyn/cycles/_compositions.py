"""The search in compositions of piecewise-linear maps: as fixed points of one map for each order.

The states of a cycle, one after another, are a fixed point of the map that takes each of them to
the next (`cyclic_chain`), which the exact methods search as any other. Every rotation of a cycle by
a whole round is a fixed point of its own, and so are the repetitions of shorter cycles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.options import Options
from rnndyn._common.stopping import StopReason
from rnndyn.certificate.composition import CompositionCertificate
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._conditions import SharedMeter
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import METHODS, OrderStatistics, SearchStatistics, random_coverage
from rnndyn.models import PiecewiseLinearMap, PiecewiseLinearModel
from rnndyn.models._composition import (
    Composition,
    applied,
    bounds_after,
    cyclic_chain,
)

#: Rounds after which an orbit is taken to be near an attractor.
_LONG_ORBIT = 400
#: A direction comes back as itself if it does up to this; the other way it would be -1.
_SAME_DIRECTION = 1e-6

#: Searches the chain of an order for fixed points, in a box, from states.
Search = Callable[
    [PiecewiseLinearModel, int, tuple[FloatArray, FloatArray] | None, FloatArray, Options],
    CycleSet,
]


def orders_of(network: Composition, orders: list[int], *, all_up_to: bool) -> list[int]:
    """Return those orders that cycles of the network can have.

    Raises
    ------
    ValueError
        If there is none, or one of them, unless these are all up to an order, is not possible.
    """
    period = network.steps_per_round
    possible = [order for order in orders if order % period == 0]
    if all_up_to and not possible:
        raise ValueError(
            f"max_order must be at least the period {period} of inputs, of which the order of a "
            f"cycle is a multiple, got {orders[-1]}"
        )
    if not all_up_to and len(possible) < len(orders):
        wrong = next(order for order in orders if order % period)
        raise ValueError(
            f"orders must be multiples of the period {period} of inputs, such as {period} and "
            f"{2 * period}, got {wrong}: a state comes back only together with the input"
        )
    return possible


def search_composition(
    network: Composition,
    orders: list[int],
    search: Search,
    *,
    ends: tuple[FloatArray, FloatArray] | None,
    starts: FloatArray | None,
    record: dict[str, Any],
    options: Options,
) -> CycleSet:
    """Search the orders, one after another.

    Parameters
    ----------
    network, orders
        What to search, and the possible orders.
    search : callable
        The search for fixed points of a piecewise-linear map.
    ends : (ndarray, ndarray), optional
        Lower and upper bounds of the region of interest for the states of the network.
    starts : (S, M) array, optional
        States at the beginning of a round from which to begin.
    record : dict
        Options of the call, for the statistics.
    options
        The options of every long computation.
    """
    if record["method"] not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {record['method']!r}")
    begin = time.perf_counter()
    meter = SharedMeter(options.meter, len(orders), "find_cycles")
    how = options._replace(meter=meter)
    blocks, continua, statistics = [], [], []
    chains: dict[int, Certificate] = {}
    stopped_by: StopReason = "finished"
    meter.begin()
    try:
        for order in orders:
            if stopped_by != "finished":
                statistics.append(_not_reached(order, record["method"]))
                continue
            chain = _Chain(network, order // network.steps_per_round)
            found = search(chain.model, order, chain.box(ends), chain.starts(starts), how)
            stopped_by = found.search.stopped_by
            own = chain.cycles(found)
            if own:
                blocks.append(_block(order, own, listed=bool(found.search.listed_orders)))
            continua += chain.continua(found)
            if found.certificate is not None:
                chains[order] = found.certificate
            statistics.append(_statistics(order, found))
            meter.next()
    finally:
        meter.end()
    return CycleSet(
        network,
        tuple(blocks),
        tuple(continua),
        SearchStatistics(
            orders=tuple(statistics),
            stopped_by=stopped_by,
            seconds=time.perf_counter() - begin,
            n_threads=options.n_threads,
            seed=options.seed,
            options={
                **record,
                "orders": orders,
                "box": None if ends is None else [end.tolist() for end in ends],
                "time_limit": options.time_limit,
                **({} if starts is None else {"n_states_given": len(starts)}),
            },
        ),
        _certificate(network, orders, chains, ends, blocks, continua, statistics, stopped_by),
    )


def _certificate(
    network: Composition,
    orders: list[int],
    chains: dict[int, Certificate],
    box: tuple[FloatArray, FloatArray] | None,
    blocks: list[CycleBlock],
    continua: list[ContinuumOfFixedPoints],
    statistics: list[OrderStatistics],
    stopped_by: StopReason,
) -> CompositionCertificate | None:
    if not chains:
        return None
    return CompositionCertificate.of_chains(
        chains,
        network,
        orders,
        box=box,
        blocks=blocks,
        continua=continua,
        coverage=random_coverage(statistics),
        stopped=stopped_by != "finished",
    )


@dataclass(frozen=True)
class _Found:
    """A fixed point of the chain as a cycle of the network, before it is known which rotation."""

    cycle: Cycle
    points: FloatArray  # of all steps
    bits: BoolArray  # of all steps


class _Chain:
    """The map whose fixed points are the cycles that close after so many rounds."""

    def __init__(self, network: Composition, n_rounds: int) -> None:
        self._network = network
        self._n_rounds = n_rounds
        self._forms = network.forms * n_rounds
        self.model = PiecewiseLinearMap(*cyclic_chain(self._forms))
        widths = [form.A.shape[1] for form in self._forms]
        starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
        #: Maps that make up one time step.
        self._each = len(network.forms) // network.steps_per_round
        m = network.n_states
        self._places = [slice(start, start + m) for start in starts[:: self._each]]
        chain = self.model.canonical
        #: Units that can change the map, by step. Bits of the others say nothing about a cycle,
        #: and may differ from one rotation to the next.
        relevant = chain.W1.any(axis=0) & (chain.W2.any(axis=1) | (chain.h2 > 0.0))
        self._relevant = self._bits(relevant)

    def box(
        self, ends: tuple[FloatArray, FloatArray] | None
    ) -> tuple[FloatArray, FloatArray] | None:
        """Return bounds of the states of the chain where the states of all steps have bounds."""
        if ends is None:
            return None
        lows, highs = [], []
        low, high = ends
        for number, form in enumerate(self._forms):
            if number % self._each == 0:
                low, high = ends
            lows.append(low)
            highs.append(high)
            low, high = bounds_after(form, low, high)
            # What is inside of a step is bounded by these, and needs room for rounding errors.
            room = 1e-9 * (1.0 + np.abs(low) + np.abs(high))
            low, high = low - room, high + room
        return np.concatenate(lows), np.concatenate(highs)

    def starts(self, states: FloatArray | None) -> FloatArray:
        """Return states of the chain where orbits from states of the network go.

        Among them is where an orbit from 0 is in the end. Orbits that leave the range of numbers
        are left out.
        """
        given = np.empty((0, self._network.n_states)) if states is None else states
        rows = np.concatenate([given, self._end_of_orbit()])
        with np.errstate(over="ignore", invalid="ignore"):
            parts = []
            for form in self._forms:
                parts.append(rows)
                rows = applied(form, rows)
        joined = np.concatenate(parts, axis=1)
        return np.ascontiguousarray(joined[np.isfinite(joined).all(axis=1)])

    def _end_of_orbit(self) -> FloatArray:
        state = np.zeros((1, self._network.n_states))
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_LONG_ORBIT):
                for form in self._network.forms:
                    state = applied(form, state)
        return state if np.isfinite(state).all() else state[:0]

    def cycles(self, found: CycleSet) -> list[Cycle]:
        """Return the cycles that fixed points of the chain are, each once, by their itineraries."""
        chosen: dict[bytes, _Found] = {}
        for point in found:
            one = self._taken_apart(point)
            if self._repeats(one):
                continue
            one = self._turned(one)
            key = self._key(one.bits)
            known = chosen.get(key) or self._same_on_border(one, chosen.values())
            if known is None:
                chosen[key] = one
            else:
                hits = known.cycle.hits + one.cycle.hits
                chosen[self._key(known.bits)] = replace(
                    known, cycle=replace(known.cycle, hits=hits)
                )
        return [self._finished(chosen[key]) for key in sorted(chosen)]

    def continua(self, found: CycleSet) -> list[ContinuumOfFixedPoints]:
        """Return the continua of the chain as those of cycles, each once.

        Without those of fewer rounds. Of the rotations that were found the first one is taken: not
        all of them have to be there, as one set may belong to several itineraries.
        """
        chosen: dict[bytes, tuple[bytes, ContinuumOfFixedPoints]] = {}
        for one in found.continua:
            bits = self._bits(one.itinerary)
            key = self._key(self._first_rotation(bits)[0])
            entry = (bits.tobytes(), one)
            chosen[key] = min(chosen.get(key, entry), entry, key=lambda pair: pair[0])
        own = [self._continuum(one) for _, one in chosen.values()]
        return [one for one in own if one is not None]

    def _continuum(self, found: ContinuumOfFixedPoints) -> ContinuumOfFixedPoints | None:
        """Return a continuum of the chain as one of cycles; None if it is one of fewer rounds."""
        bits = self._bits(found.itinerary)
        first = self._places[0]
        basis, triangle = np.linalg.qr(found.basis[first])
        if self._is_of_fewer_rounds(bits, basis):
            return None
        # Coordinates c of the chain are coordinates R c of its first state.
        inverse = np.linalg.inv(triangle)
        normals = found.normals @ inverse
        jacobians = self._network.jacobian(region=bits)
        known = _core.multipliers([np.ascontiguousarray(J) for J in jacobians])
        return ContinuumOfFixedPoints(
            order=self._n_steps,
            points=np.stack([found.points[0][place] for place in self._places]),
            itinerary=bits,
            basis=basis,
            extent=_extent(normals, found.offsets),
            multipliers=known["multipliers"],
            log_moduli=known["log_moduli"],
            spectral_radius=known["spectral_radius"],
            residual=found.residual,
            on_border=found.on_border,
            normals=normals,
            offsets=found.offsets,
            hits=found.hits,
        )

    def _is_of_fewer_rounds(self, bits: BoolArray, basis: FloatArray) -> bool:
        """Whether the first states come back after fewer rounds, in all directions of a set."""
        rounds = self._rounds(bits & self._relevant)
        for shift in range(1, self._n_rounds):
            if self._n_rounds % shift or not (np.roll(rounds, shift, axis=0) == rounds).all():
                continue
            moved = basis
            for jacobian in self._network.jacobian(region=np.concatenate(rounds[:shift])):
                moved = jacobian @ moved
            if np.abs(moved - basis).max() < _SAME_DIRECTION:
                return True
        return False

    @property
    def _n_steps(self) -> int:
        return len(self._places)

    def _taken_apart(self, point: Cycle) -> _Found:
        points = np.stack([point.points[0][place] for place in self._places])
        return _Found(point, points, self._bits(point.itinerary))

    def _bits(self, itinerary: BoolArray) -> BoolArray:
        return itinerary.reshape(self._n_steps, -1)

    def _key(self, bits: BoolArray) -> bytes:
        return (bits & self._relevant).tobytes()

    def _rounds(self, values: Any) -> Any:
        return values.reshape(self._n_rounds, self._n_steps // self._n_rounds, -1)

    def _repeats(self, one: _Found) -> bool:
        """Whether it is a cycle of fewer rounds, gone round several times."""
        bits, points = self._rounds(one.bits & self._relevant), self._rounds(one.points)
        for shift in range(1, self._n_rounds):
            if self._n_rounds % shift:
                continue
            if one.cycle.on_border:
                distance = np.abs(np.roll(points, shift, axis=0) - points).max(initial=0.0)
                if distance <= _apart(one.cycle):
                    return True
            elif (np.roll(bits, shift, axis=0) == bits).all():
                return True
        return False

    def _first_rotation(self, bits: BoolArray) -> tuple[BoolArray, int]:
        turned = [
            np.roll(self._rounds(bits), -shift, axis=0).reshape(bits.shape)
            for shift in range(self._n_rounds)
        ]
        best = min(range(self._n_rounds), key=lambda shift: (self._key(turned[shift]), shift))
        return turned[best], best

    def _turned(self, one: _Found) -> _Found:
        """Return the rotation, by whole rounds, whose itinerary comes first."""
        bits, shift = self._first_rotation(one.bits)
        points = np.roll(self._rounds(one.points), -shift, axis=0).reshape(one.points.shape)
        return _Found(one.cycle, points, bits)

    def _same_on_border(self, one: _Found, known: Iterable[_Found]) -> _Found | None:
        """Return the same cycle with other bits of its borders, if it is known."""
        if not one.cycle.on_border:
            return None
        for other in known:
            if not other.cycle.on_border:
                continue
            for shift in range(self._n_rounds):
                turned = np.roll(self._rounds(one.points), -shift, axis=0)
                apart = np.abs(turned - self._rounds(other.points)).max(initial=0.0)
                if apart <= _apart(one.cycle) + _apart(other.cycle):
                    return other
        return None

    def _finished(self, one: _Found) -> Cycle:
        jacobians = self._network.jacobian(region=one.bits)
        known = _core.multipliers([np.ascontiguousarray(jacobian) for jacobian in jacobians])
        stability = STABILITY_NAMES[known["stability"]]
        return replace(
            one.cycle,
            order=self._n_steps,
            points=one.points,
            itinerary=one.bits,
            multipliers=known["multipliers"],
            log_moduli=known["log_moduli"],
            spectral_radius=known["spectral_radius"],
            # On a border two maps meet, and neither one's multipliers decide.
            stability="nonhyperbolic" if one.cycle.on_border else stability,
        )


def _apart(cycle: Cycle) -> float:
    """Return the distance below which points of cycles on a border are the same."""
    size = float(np.abs(cycle.points).max(initial=1.0))
    return 2.0 * cycle.error_bound if np.isfinite(cycle.error_bound) else 1e-9 * size


def _extent(normals: FloatArray, offsets: FloatArray) -> FloatArray:
    """Return the least and greatest coordinates in the set ``normals @ c <= offsets``."""
    units = np.eye(normals.shape[1])
    slack = np.maximum(offsets, 0.0)
    reach = [
        [_core.maximize(side * unit, normals, slack) for side in (-1.0, 1.0)] for unit in units
    ]
    return np.array(reach).reshape(-1, 2) * (-1.0, 1.0)


def _block(order: int, cycles: Sequence[Cycle], *, listed: bool) -> CycleBlock:
    names = [name for name in CycleBlock.__dataclass_fields__ if name not in ("order", "stability")]
    columns: dict[str, Any] = {
        name: np.array([getattr(cycle, name) for cycle in cycles]) for name in names
    }
    columns["stability"] = np.array(
        [STABILITY_NAMES.index(cycle.stability) for cycle in cycles], np.int8
    )
    if listed:
        # Of a list every rotation is one hit.
        columns["hits"] = np.ones(len(cycles), np.int64)
    return CycleBlock.from_record({"order": order, **columns})


def _statistics(order: int, found: CycleSet) -> OrderStatistics:
    """Return what the search of the chain did as that of an order.

    Its coverage is that of fixed points of the chain: where a cycle has several rotations, less
    than that of cycles.
    """
    own = found.search.orders[0]
    undecided = 0 if found.certificate is None else len(found.certificate.undecided)
    return replace(own, order=order, n_undecided=max(own.n_undecided, undecided))


def _not_reached(order: int, method: str) -> OrderStatistics:
    return OrderStatistics.from_record(
        {
            **dict.fromkeys(("n_restarts", "n_solves", "n_hits", "n_singletons"), 0),
            **dict.fromkeys(("n_itineraries", "n_solves_at_last_new"), 0),
            **dict.fromkeys(("seconds", "seconds_at_last_new"), 0.0),
            "order": order,
            "method": method,
            "coverage": None,
            "finished": False,
        }
    )
