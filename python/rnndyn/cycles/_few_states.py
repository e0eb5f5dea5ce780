"""The fixed points of networks with few states and many units, in the records of the core."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.options import Options
from rnndyn._core import CanonicalMap
from rnndyn.cycles._boxes import MOST_BOXES, MOST_STATES, regions_of_fixed_points
from rnndyn.cycles.block import COLUMNS
from rnndyn.cycles.progress import SearchProgress

#: With fewer units the methods of the core take a few milliseconds.
FEWEST_UNITS = 33
#: Boxes times states times units of a search that takes proofs only where they are cheap: 0.2 s.
_CHEAP = 10_000_000

Record = dict[str, Any]


def is_for(canonical: CanonicalMap, orders: Sequence[int], method: str, *, bounded: bool) -> bool:
    """Tell whether the fixed points of this search are best found by boxes of states.

    In a box of states, `bounded`, the core has boxes of its own, for all orders.
    """
    return (
        not bounded
        and orders[0] == 1
        and method in ("auto", "complete")
        and canonical.n_states <= MOST_STATES
        and canonical.n_units >= FEWEST_UNITS
    )


def search_with(
    core: Callable[[list[int], float | None], Record],
    canonical: CanonicalMap,
    orders: list[int],
    method: str,
    box: tuple[FloatArray | None, FloatArray | None],
    options: Options,
) -> Record:
    """Find the fixed points by boxes, and leave the other orders, or what that leaves, to the core.

    Parameters
    ----------
    core : callable
        Searches orders within a number of seconds.
    orders : list of int
        The orders, the first one 1.
    method : {"complete", "auto"}
        With ``auto`` boxes are given up where they are not cheap.
    box, options
        As checked.
    """
    interrupted = False
    found = None
    try:
        found = _fixed_points(canonical, method, box, options)
    except KeyboardInterrupt:
        interrupted = True
    if interrupted or options.deadline():
        # What is left of the time is none, so that the core says what was not reached.
        raw = core(orders, 1e-3)
        if interrupted and raw["stopped_by"] == "time_limit":
            raw["stopped_by"] = "interrupt"
        return raw
    if found is None:
        return core(orders, options.deadline.seconds_left())
    rest = orders[1:]
    others = core(rest, options.deadline.seconds_left()) if rest else _nothing()
    return _joined(found, others, orders, box)


def _nothing() -> Record:
    return {
        "blocks": [],
        "continua": [],
        "statistics": [],
        "stopped_by": "finished",
        "certificate": None,
    }


def _fixed_points(
    canonical: CanonicalMap,
    method: str,
    box: tuple[FloatArray | None, FloatArray | None],
    options: Options,
) -> Record | None:
    """Return block, statistics and part of the proof of order 1; None where it is not decided."""
    start = time.perf_counter()

    def go_on(share: float) -> bool:
        options.meter.step(SearchProgress(1, 0, 0, 0, share, share=share))
        return not options.deadline()

    most = MOST_BOXES
    if method == "auto":
        most = min(most, _CHEAP // (canonical.n_states * canonical.n_units))
    regions = regions_of_fixed_points(canonical, *box, go_on, most)
    if regions is None:
        return None
    found = []
    for bits in regions.bits:
        raw = _core.solve_cycle(canonical, bits[np.newaxis])
        if raw["kind"] == "cycle" and raw["certified"]:
            where = _place(raw["points"][0], float(raw["error_bound"]), box)
            if where == "border":
                return None
            if where == "inside":
                found.append({**raw, "hits": 1})
        elif raw["kind"] != "virtual" or not _is_elsewhere(canonical, raw, bits):
            return None
    seconds = time.perf_counter() - start
    block = None
    if found:
        columns = {name: np.array([record[name] for record in found]) for name in COLUMNS}
        block = {"order": 1, **columns}
    statistics = {
        "order": 1,
        "method": "complete",
        "n_restarts": 0,
        "n_solves": len(regions.bits),
        "n_hits": 0,
        "n_singletons": 0,
        "coverage": None,
        "finished": True,
        "n_itineraries": 0,
        "seconds": seconds,
        "n_solves_at_last_new": len(regions.bits),
        "seconds_at_last_new": seconds,
        "n_boxes": regions.n_boxes,
    }
    part = {
        "method": "homogeneous_boxes",
        "orders": [1],
        "unbounded": box[0] is None,
        "at_infinity": False,
        "radius": 0.0,
        "reason": "few states: boxes of states, each with its linear regions at once",
        "complete": True,
        "rigorous": True,
        "n_nodes": regions.n_boxes,
        "n_pruned": regions.n_boxes - len(regions.bits),
        "n_uncertified": 0,
        "n_leaves": len(regions.bits),
        "share": 1.0,
        "seconds": seconds,
    }
    return {"block": block, "statistics": statistics, "part": part}


def _place(
    point: FloatArray, error: float, box: tuple[FloatArray | None, FloatArray | None]
) -> str:
    """Tell where a point is that is known up to an error: inside the box, outside, or neither."""
    lower, upper = box
    if lower is None or upper is None:
        return "inside"
    slack = error + 2.0**-50 * np.abs(point)
    if np.any(point + slack < lower) or np.any(point - slack > upper):
        return "outside"
    surely = np.all(point - slack >= lower) and np.all(point + slack <= upper)
    return "inside" if surely else "border"


def _is_elsewhere(canonical: CanonicalMap, raw: Mapping[str, Any], bits: BoolArray) -> bool:
    """Tell whether the only candidate of a region is outside it beyond all rounding."""
    point, error = raw["points"][0], float(raw["error_bound"])
    if not np.isfinite(error):
        return False
    out, offset = canonical.W2, canonical.h2
    value = out @ point + offset
    n_terms = canonical.n_states + 4
    size = np.abs(out) @ np.abs(point) + np.abs(offset)
    slack = np.abs(out).sum(axis=1) * error * 1.01 + 4.0 * n_terms * 2.0**-53 * size
    return bool(np.any(np.where(bits, value < -slack, value > slack)))


def _joined(
    first: Record,
    others: Record,
    orders: list[int],
    box: tuple[FloatArray | None, FloatArray | None],
) -> Record:
    """Put the fixed points before what the core found of the other orders."""
    proof = others["certificate"]
    proved = [1, *(proof["proved_orders"] if proof is not None else [])]
    if others["stopped_by"] != "finished":
        status = "partial"
    else:
        status = "proved" if len(proved) == len(orders) else "searched"
    lower, upper = box
    return {
        "blocks": [*([first["block"]] if first["block"] else []), *others["blocks"]],
        "continua": others["continua"],
        "statistics": [first["statistics"], *others["statistics"]],
        "stopped_by": others["stopped_by"],
        "certificate": {
            "status": status if proof is None else proof["status"],
            "box": None if lower is None or upper is None else (lower, upper),
            "orders": orders,
            "proved_orders": proved,
            "parts": [first["part"], *(proof["parts"] if proof is not None else [])],
            "undecided": proof["undecided"] if proof is not None else [],
        },
    }
