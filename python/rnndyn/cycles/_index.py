"""The index sum of piecewise-linear networks, where it holds.

A network that takes a box into its own interior has in it fixed points whose signs of
``det(I - J)`` sum up to 1 if none is degenerate (Lefschetz; a box is contractible), and so has
every iterate. Where no such box is found nothing is known, and of a network that expands at
infinity it is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnndyn import _core
from rnndyn._common.arrays import BoolArray
from rnndyn._common.stopping import StopReason
from rnndyn._common.words import counted
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints, continuum_from_record
from rnndyn.cycles.run import OrderStatistics

#: Signs are proved by elimination of all points of a cycle: so many operations at most, which take
#: about a tenth of a second.
_MOST_OPERATIONS = 3e8

#: A search goes on until so many times the restarts that it has made bring nothing new.
_PATIENCE = 4
_RESTRICTED = "the search was restricted to a box"


class Found(NamedTuple):
    """What a search of a piecewise-linear network found, and how sure that is."""

    blocks: tuple[CycleBlock, ...]
    continua: tuple[ContinuumOfFixedPoints, ...]
    orders: tuple[OrderStatistics, ...]
    stopped_by: StopReason


def with_index_sums(
    raw: Mapping[str, Any], canonical: _core.CanonicalMap, *, restricted: bool
) -> Found:
    """Take the record of a search, with index sums or the reason why not in its statistics."""
    blocks = tuple(CycleBlock.from_record(record) for record in raw["blocks"])
    continua = tuple(continuum_from_record(record, canonical) for record in raw["continua"])
    orders = tuple(OrderStatistics.from_record(record) for record in raw["statistics"])
    if restricted:
        orders = tuple(replace(record, index_unknown=_RESTRICTED) for record in orders)
    else:
        orders = _with_sums(orders, canonical, blocks, continua)
    return Found(blocks, continua, orders, raw["stopped_by"])


def searched_on(
    found: Found,
    canonical: _core.CanonicalMap,
    again: Callable[[int, int], Mapping[str, Any]],
) -> Found:
    """Search on at the orders of which the index sum tells that a cycle is missing.

    `again` searches an order, and ends it after so many restarts in a row without a new cycle. It
    makes the restarts that were made, and further ones.
    """
    for record in found.orders:
        if found.stopped_by != "finished" or not record.n_missing or record.method != "search":
            continue
        raw = again(record.order, _PATIENCE * record.n_restarts)
        found = found._replace(stopped_by=raw["stopped_by"])
        more = [CycleBlock.from_record(block) for block in raw["blocks"]]
        old = sum(len(block) for block in found.blocks if block.order == record.order)
        if raw["continua"] or sum(map(len, more)) <= old:
            continue
        others = [block for block in found.blocks if block.order != record.order]
        blocks = tuple(sorted([*others, *more], key=lambda block: block.order))
        searched = OrderStatistics.from_record(raw["statistics"][0])
        orders = [searched if one.order == record.order else one for one in found.orders]
        bare = [replace(one, index_sum=None, index_expected=None) for one in orders]
        sums = _with_sums(bare, canonical, blocks, found.continua)
        found = found._replace(blocks=blocks, orders=sums)
    return found


def _with_sums(
    orders: Sequence[OrderStatistics],
    canonical: _core.CanonicalMap,
    blocks: Sequence[CycleBlock],
    continua: Sequence[ContinuumOfFixedPoints],
) -> tuple[OrderStatistics, ...]:
    """Return the statistics as they are where no box is found that the network maps into itself."""
    n_states = canonical.n_states
    points = [block.points.reshape(-1, n_states) for block in blocks]
    points += [continuum.points for continuum in continua]
    box = _core.piecewise_invariant_box(
        canonical, np.ascontiguousarray(np.concatenate([np.empty((0, n_states)), *points]))
    )
    if box is None:
        return tuple(orders)
    sums = _Sums(canonical, blocks, continua, [record.order for record in orders])
    return tuple(sums.added_to(record) for record in orders)


class _Sums:
    """Index sums of the orders of a search, all of whose cycles lie in a box as above."""

    def __init__(
        self,
        canonical: _core.CanonicalMap,
        blocks: Sequence[CycleBlock],
        continua: Sequence[ContinuumOfFixedPoints],
        searched: Sequence[int],
    ) -> None:
        self._canonical = canonical
        self._blocks = {block.order: block for block in blocks if len(block)}
        self._continua = continua
        self._searched = set(searched)
        self._signs: dict[int, NDArray[np.int8]] = {}
        self._left = _MOST_OPERATIONS

    def added_to(self, record: OrderStatistics) -> OrderStatistics:
        """Return the statistics of an order with its index sum."""
        order = record.order
        divisors = [d for d in range(1, order + 1) if order % d == 0]
        if reason := self._unknown(order, divisors):
            return replace(record, index_unknown=reason)
        total = 0
        for d in divisors:
            if d not in self._blocks:
                continue
            signs = self._signs[d].astype(np.int64)
            # I - P**m has the sign of I - P for odd m and of (I - P)(I + P) for even m: all other
            # factors come in complex pairs.
            values = signs[:, 0] if order // d % 2 else signs[:, 0] * signs[:, 1]
            if not values.all():
                reason = "rounding errors leave the sign of an index open"
                return replace(record, index_unknown=reason)
            total += d * int(values.sum())
        return replace(record, index_sum=total, index_expected=1)

    def _unknown(self, order: int, divisors: list[int]) -> str | None:
        """Return why the sum of an order is not known; None if it is."""
        if missing := [d for d in divisors if d not in self._searched]:
            return f"order {missing[0]} was not searched, whose cycles count as well"
        if any(order % continuum.order == 0 for continuum in self._continua):
            return "a continuum of fixed points or cycles is degenerate"
        for d in divisors:
            block = self._blocks.get(d)
            if block is None:
                continue
            if n := int(block.on_border.sum()):
                verb = "has" if n == 1 else "have"
                return f"{counted(n, 'cycle')} of order {d} on a border {verb} no index"
            if n := int((~block.certified).sum()):
                return f"{counted(n, 'cycle')} of order {d} could not be certified"
            if d not in self._signs:
                cost = 4.0 * len(block) * (d * self._canonical.n_states) ** 3
                if cost > self._left:
                    return f"the cycles of order {d} are too many or too long for their signs"
                self._left -= cost
                regions: BoolArray = np.ascontiguousarray(block.itinerary)
                self._signs[d] = _core.index_signs(self._canonical, regions)
        return None
