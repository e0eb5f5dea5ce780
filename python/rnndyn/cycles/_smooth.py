"""The search in tanh, GRU and LSTM networks: checks what is special to it and calls the core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count
from rnndyn._common.options import Options
from rnndyn.cycles._conditions import search_each
from rnndyn.cycles._starts import starting_states
from rnndyn.cycles.block import COLUMNS, CycleBlock
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import OrderStatistics, SearchStatistics
from rnndyn.models import RecurrentNetwork
from rnndyn.models._canonical_map_of import check_inputs

METHODS = ("auto", "search", "complete")


#: ``auto`` tries proofs of so many unknowns at most, and gives them up after so many boxes: about
#: 20 ms for each order.
_FEW_UNKNOWNS = 6
_FEW_BOXES = 2_000
_NO_LIMIT = 2**62


def check_method(model: RecurrentNetwork, method: str, refused: dict[str, Any]) -> None:
    """Complain about a method, or options given, that need linear regions."""
    if method not in METHODS:
        raise ValueError(
            f"method must be one of {', '.join(METHODS)} for a {model.family}, which has no linear "
            f"regions, got {method!r}"
        )
    for name, is_given in refused.items():
        if is_given:
            raise ValueError(
                f"{name} is for piecewise-linear networks; leave it out for a {model.family}"
            )


def search_smooth(
    model: RecurrentNetwork,
    orders: list[int],
    *,
    inputs: ArrayLike | None,
    states: ArrayLike | None,
    drive: ArrayLike | None,
    method: str,
    max_restarts: int | None,
    options: Options,
) -> CycleSet | CyclesByInput:
    """Search the orders, with a proof where `method` says so."""
    constant = check_inputs(model, inputs)
    starts = starting_states(model, states, drive)
    if max_restarts is not None:
        max_restarts = check_count("max_restarts", max_restarts)

    def under(
        row: FloatArray | None, points: list[FloatArray], how: Options, *, quick: bool
    ) -> CycleSet:
        if quick:
            return _search_one(model, orders, row, None, points, "search", 1, how)
        return _search_one(model, orders, row, starts, points, method, max_restarts, how)

    if constant is None or constant.ndim == 1:
        return under(constant, [], options, quick=False)
    sets = search_each(constant, under, options, exchange=True)
    return CyclesByInput(model, constant, sets)


def _search_one(
    model: RecurrentNetwork,
    orders: list[int],
    constant: FloatArray | None,
    starts: FloatArray | None,
    guesses: list[FloatArray],
    method: str,
    max_restarts: int | None,
    options: Options,
) -> CycleSet:
    begin = time.perf_counter()
    search = _Search(smooth_map(model, constant), max_restarts, guesses, options)
    options.meter.init("find_cycles")
    try:
        if method == "complete":
            found, records = search.complete(orders, starts)
        else:
            few = _orders_of_few_unknowns(model, orders) if method == "auto" else []
            found, records = search.with_cheap_proofs(orders, few, starts)
    finally:
        options.meter.close()
    sums = {entry["order"]: entry for entry in found["index_sums"]}
    return CycleSet(
        model,
        tuple(_block(order, found["cycles"], model.n_states) for order in orders),
        (),
        SearchStatistics(
            orders=tuple(_statistics(records[i], sums[k]) for i, k in enumerate(orders)),
            stopped_by=found["stopped_by"],
            seconds=time.perf_counter() - begin,
            n_threads=options.n_threads,
            seed=options.seed,
            options={
                "orders": orders,
                "method": method,
                "max_restarts": max_restarts,
                "n_states_given": 0 if starts is None else len(starts),
                "time_limit": options.time_limit,
            },
        ),
        inputs=constant,
    )


def smooth_map(model: RecurrentNetwork, inputs: FloatArray | None) -> _core.SmoothMap:
    """Return the compiled map of a network under a constant input."""
    constant = np.zeros(model.n_inputs) if inputs is None else inputs
    return _core.SmoothMap(model._system(), constant)


def cycles_near(
    model: RecurrentNetwork, inputs: FloatArray | None, points: Iterable[FloatArray]
) -> CycleSet:
    """Return the cycles that Newton's method finds from points (k, M) near each, by their order."""
    compiled = smooth_map(model, inputs)
    records = [_core.cycle_near(compiled, np.ascontiguousarray(own)) for own in points]
    orders = sorted({record["order"] for record in records})
    search = SearchStatistics(orders=(), seconds=0.0, n_threads=1, seed=0, options={})
    blocks = tuple(_block(order, records, model.n_states) for order in orders)
    return CycleSet(model, blocks, (), search, inputs=inputs)


class _Search:
    """A search of one map with its options."""

    def __init__(
        self,
        compiled: _core.SmoothMap,
        max_restarts: int | None,
        guesses: list[FloatArray],
        options: Options,
    ) -> None:
        self._map = compiled
        self._max_restarts = max_restarts
        self._guesses = [np.ascontiguousarray(points) for points in guesses]
        self._options = options

    def run(self, orders: list[int], states: FloatArray | None) -> dict[str, Any]:
        options = self._options
        found = _core.find_smooth_cycles(
            self._map,
            orders,
            seed=options.seed,
            max_restarts=self._max_restarts,
            states=states,
            guesses=self._guesses,
            n_threads=options.n_threads,
            time_limit=options.deadline.seconds_left(),
            observer=self._observer(),
        )
        for record in found["statistics"]:
            record["method"] = "search"
            record["n_itineraries"] = 0
        return found

    def complete(
        self, orders: list[int], states: FloatArray | None
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Search, then prove order by order, however long that takes.

        The shorter periods are searched as well: their points solve the equations of a proof.
        """
        divisors = sorted({d for k in orders for d in range(1, k + 1) if k % d == 0})
        found, proofs = self._searched_and_proved(divisors, orders, states, _NO_LIMIT)
        for proof in proofs.values():
            if proof["stopped_by"] != "finished":
                found["stopped_by"] = proof["stopped_by"]
        by_order = {record["order"]: record for record in found["statistics"]}
        return found, [_proved(by_order[order], proofs.get(order)) for order in orders]

    def with_cheap_proofs(
        self, orders: list[int], few: list[int], states: FloatArray | None
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Search, and prove of the orders `few` what a few boxes can; else the search stands."""
        found, proofs = self._searched_and_proved(orders, few, states, _FEW_BOXES)
        if any(proof["stopped_by"] == "interrupt" for proof in proofs.values()):
            found["stopped_by"] = "interrupt"
        records = []
        for record in found["statistics"]:
            proof = proofs.get(record["order"])
            succeeded = proof is not None and proof["proved"] and not proof["missed"]
            records.append(_proved(record, proof) if succeeded else record)
        return found, records

    def _searched_and_proved(
        self,
        searched: list[int],
        proving: list[int],
        states: FloatArray | None,
        max_boxes: int,
    ) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
        """Search, then prove; what a proof finds the search takes up, and it is proved again."""
        found = self.run(searched, states)
        proofs: dict[int, dict[str, Any]] = {}
        while found["stopped_by"] == "finished":
            missed = []
            proofs = {}
            for order in proving:
                proofs[order] = self._prove(order, found["cycles"], max_boxes)
                missed += proofs[order]["missed"]
                if proofs[order]["stopped_by"] != "finished":
                    return found, proofs
            if not missed:
                break
            self._guesses = [*self._guesses, *map(np.ascontiguousarray, missed)]
            again = self.run(searched, states)
            if len(again["cycles"]) <= len(found["cycles"]):
                # They exist, but the search cannot certify them, or has no time left.
                break
            found = again
        return found, proofs

    def _prove(
        self, order: int, cycles: Iterable[dict[str, Any]], max_boxes: int
    ) -> dict[str, Any]:
        options = self._options
        known = [
            np.ascontiguousarray(np.tile(np.roll(c["points"], -t, axis=0), (order // k, 1)))
            for c in cycles
            if c["certified"] and order % (k := c["order"]) == 0
            for t in range(k)
        ]
        return _core.prove_smooth_complete(
            self._map,
            order,
            known,
            max_boxes=max_boxes,
            n_threads=options.n_threads,
            time_limit=options.deadline.seconds_left(),
            observer=self._observer(),
        )

    def _observer(self) -> Callable[..., None]:
        meter = self._options.meter

        def observe(*state: Any) -> None:
            meter.step(SearchProgress(*state))

        return observe


def _orders_of_few_unknowns(model: RecurrentNetwork, orders: list[int]) -> list[int]:
    """Return those that a proof may be cheap for, with all orders that divide them."""
    n_units = model.n_layers * model.hidden_size
    return [
        k
        for k in orders
        if (n_units if k == 1 else k * model.n_states) <= _FEW_UNKNOWNS
        and all(d in orders for d in range(1, k) if k % d == 0)
    ]


def _proved(record: dict[str, Any], proof: dict[str, Any] | None) -> dict[str, Any]:
    """Return the statistics of an order with what its proof says."""
    ended = proof is not None and proof["stopped_by"] == "finished"
    return {
        **record,
        "method": "complete",
        "complete": ended,
        "n_boxes": 0 if proof is None else proof["n_boxes"],
        "n_undecided": len(proof["undecided"]) + len(proof["missed"])
        if ended and proof is not None
        else 0,
    }


def _statistics(record: dict[str, Any], index: dict[str, Any]) -> OrderStatistics:
    return OrderStatistics.from_record(
        record | {"index_sum": index["sum"], "index_expected": 1 if index["known"] else None}
    )


def _block(order: int, cycles: Sequence[dict[str, Any]], n_states: int) -> CycleBlock:
    """Return the cycles of one order as columns, without regions and so without borders."""
    members = [cycle for cycle in cycles if cycle["order"] == order]
    n = len(members)
    columns: dict[str, Any] = {
        name: np.array([cycle[name] for cycle in members])
        for name in COLUMNS
        if members and name in members[0]
    }
    if not members:
        columns = {
            name: np.empty([{"n": 0, "k": order, "M": n_states, "H": 0}[d] for d in dimensions])
            for name, (_, dimensions) in COLUMNS.items()
        }
    columns["itinerary"] = np.zeros((n, order, 0), dtype=np.bool_)
    columns["margin"] = np.full(n, np.inf)
    columns["on_border"] = np.zeros(n, dtype=np.bool_)
    return CycleBlock.from_record({"order": order, **columns})
