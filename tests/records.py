"""Results written by hand: cycles whose every number is known in closed form.

The tent map z -> 1 - 2 |z| has slope +2 where its unit is off and -2 where it is on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn import __version__
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import continuum_from_record
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import OrderStatistics, SearchStatistics
from rnndyn.models import PLRNN

TENT_ORBITS: dict[int, list[list[float]]] = {
    1: [[-1.0], [1 / 3]],
    2: [[-1 / 5, 3 / 5]],
    3: [[-5 / 9, -1 / 9, 7 / 9], [-3 / 7, 1 / 7, 5 / 7]],
}


def tent_record(order: int, hits: int = 0) -> dict[str, Any]:
    """Return the record of all cycles of one order of the tent map."""
    points = np.array(TENT_ORBITS[order])[:, :, np.newaxis]
    itinerary = points > 0
    multipliers = np.prod(np.where(itinerary, -2.0, 2.0), axis=1).astype(complex)
    n = len(points)
    return {
        "order": order,
        "points": points,
        "itinerary": itinerary,
        "multipliers": multipliers,
        "log_moduli": np.full((n, 1), order * np.log(2.0)),
        "spectral_radius": np.full(n, 2.0**order),
        "stability": np.full(n, 2),
        "residual": np.zeros(n),
        "margin": np.abs(points).min(axis=(1, 2)),
        "error_bound": np.full(n, 1e-15),
        "on_border": np.zeros(n, dtype=bool),
        "certified": np.ones(n, dtype=bool),
        "hits": np.full(n, hits),
    }


def order_statistics(order: int, **changes: Any) -> OrderStatistics:
    """Return the statistics of an order whose itineraries were all listed."""
    values: dict[str, Any] = {
        "order": order,
        "method": "exhaustive",
        "n_restarts": 0,
        "n_solves": 2**order,
        "n_hits": 0,
        "n_singletons": 0,
        "coverage": None,
        "finished": True,
        "n_itineraries": 2**order,
        "seconds": 0.001,
        "n_solves_at_last_new": 2,
        "seconds_at_last_new": 0.0005,
    }
    return OrderStatistics(**{**values, **changes})


def searched_order(order: int, **changes: Any) -> OrderStatistics:
    """Return the statistics of an order that was searched at random."""
    values: dict[str, Any] = {
        "method": "search",
        "n_restarts": 1000,
        "n_solves": 4321,
        "n_hits": 800,
        "n_singletons": 8,
        "coverage": 0.99,
        "n_itineraries": 0,
    }
    return order_statistics(order, **{**values, **changes})


def statistics(*orders: OrderStatistics, **changes: Any) -> SearchStatistics:
    """Return the statistics of a search that finished."""
    values: dict[str, Any] = {
        "orders": orders,
        "stopped_by": "finished",
        "seconds": 0.25,
        "n_threads": 2,
        "seed": 7,
        "version": __version__,
        "options": {"orders": [record.order for record in orders], "method": "auto"},
    }
    return SearchStatistics(**{**values, **changes})


def tent_cycles(model: PLRNN, orders: Sequence[int] = (1, 2, 3)) -> CycleSet:
    """Return all cycles of the tent map of orders up to 3, as if every itinerary was listed."""
    blocks = [CycleBlock.from_record(tent_record(order)) for order in orders]
    return CycleSet(model, blocks, [], statistics(*map(order_statistics, orders)))


def line_record() -> tuple[PLRNN, dict[str, Any]]:
    """Return a network with a line attractor, and the record of the line.

    z_0 stays as it is where z_1 is at its equilibrium 2 (unit 1 on) and z_0 > 0 (unit 0 on); for
    z_0 < 0 it decays. The fixed points are the half-line (z_0 >= 0, z_1 = 2).
    """
    model = PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
    record = {
        "order": 1,
        "itinerary": np.array([[True, True]]),
        "points": np.array([[1.0, 2.0]]),
        "basis": np.array([[1.0], [0.0]]),
        "extent": np.array([[-1.0, np.inf]]),
        "multipliers": np.array([1.0, 0.5], dtype=complex),
        "log_moduli": np.log([1.0, 0.5]),
        "spectral_radius": 1.0,
        "residual": 0.0,
        "on_border": False,
        "hits": 3,
    }
    return model, record


def line_set() -> CycleSet:
    """Return the line attractor as the result of a search."""
    model, record = line_record()
    continuum = continuum_from_record(record, model.canonical)
    return CycleSet(model, [], [continuum], statistics(order_statistics(1)))
