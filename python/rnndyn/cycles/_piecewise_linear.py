"""The search in a piecewise-linear network: checks its arguments and hands them to the core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_flag
from rnndyn._common.options import Options
from rnndyn._common.progress import ProgressMeter
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._index import statistics_of
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import continuum_from_record
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import METHODS, SearchStatistics
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of


def search_piecewise_linear(
    linear: PiecewiseLinearModel,
    order_list: list[int],
    *,
    method: str,
    max_restarts: int | None,
    max_iterations: int | None,
    box: float | tuple[ArrayLike, ArrayLike] | None,
    rigorous: bool,
    keep_tree: bool,
    resume: CycleSet | None,
    proof_method: str,
    branching: str,
    starts: FloatArray | None,
    common: Options,
) -> CycleSet:
    canonical = canonical_map_of(linear)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if max_restarts is not None:
        max_restarts = check_count("max_restarts", max_restarts)
    if max_iterations is not None:
        max_iterations = check_count("max_iterations", max_iterations)
    if starts is not None and method == "scyfi":
        raise ValueError(
            "states and drive have no place in method='scyfi', which is the published algorithm "
            "alone: leave them out, or give method='auto' or 'search'"
        )
    lower, upper = _check_box(box, linear.n_states)
    rigorous = check_flag("rigorous", rigorous)
    keep_tree = check_flag("keep_tree", keep_tree)
    record, known = _check_resume(resume, linear, method, order_list, (lower, upper))

    start = time.perf_counter()
    common.meter.init("find_cycles")
    try:
        raw = _core.find_cycles(
            canonical,
            order_list,
            method,
            common.seed,
            max_restarts=max_restarts,
            max_iterations=max_iterations,
            box_lower=lower,
            box_upper=upper,
            states=starts,
            n_threads=common.n_threads,
            time_limit=common.deadline.seconds_left(),
            observer=_observer(common.meter),
            proof_method=proof_method,
            branching=branching,
            rigorous=rigorous,
            keep_tree=keep_tree,
            resume=record,
            known=known,
        )
    except _core.TooManyItinerariesError as error:
        raise ValueError(f"{error}: use method='auto', or smaller orders") from None
    finally:
        common.meter.close()
    blocks = tuple(CycleBlock.from_record(block) for block in raw["blocks"])
    continua = tuple(continuum_from_record(one, canonical) for one in raw["continua"])
    statistics = SearchStatistics(
        orders=tuple(statistics_of(order) for order in raw["statistics"]),
        stopped_by=raw["stopped_by"],
        seconds=time.perf_counter() - start,
        n_threads=common.n_threads,
        seed=common.seed,
        options={
            "orders": order_list,
            "method": method,
            "max_restarts": max_restarts,
            "max_iterations": max_iterations,
            "box": None if lower is None or upper is None else [lower.tolist(), upper.tolist()],
            "time_limit": common.time_limit,
            "rigorous": rigorous,
            "keep_tree": keep_tree,
            **({} if starts is None else {"n_states_given": len(starts)}),
        },
    )
    certificate = None
    if raw["certificate"] is not None:
        coverage = {
            entry.order: entry.coverage
            for entry in statistics.orders
            if entry.coverage is not None and not entry.listed
        }
        certificate = Certificate.from_record(
            raw["certificate"], linear, blocks, continua, coverage
        )
    return CycleSet(linear, blocks, continua, statistics, certificate)


def _observer(meter: ProgressMeter) -> Callable[..., None]:
    def observe(*state: Any) -> None:
        meter.step(SearchProgress(*state))

    return observe


def _check_resume(
    resume: Any,
    model: PiecewiseLinearModel,
    method: str,
    orders: list[int],
    box: tuple[FloatArray | None, FloatArray | None],
) -> tuple[dict[str, Any] | None, list[BoolArray] | None]:
    """Return what the core needs to go on: the earlier certificate, and what had been found."""
    if resume is None:
        return None, None
    is_set = isinstance(resume, CycleSet)
    certificate = resume.certificate if is_set else None
    if certificate is None:
        given = "a CycleSet without certificate" if is_set else type(resume).__name__
        raise TypeError(
            "resume must be what an interrupted find_cycles(..., method='complete') returned, "
            f"got {given}"
        )
    if method != "complete":
        raise ValueError(
            f"resume goes on with a complete search, so give method='complete', got {method!r}"
        )
    if resume.model != model:
        raise ValueError("resume must be a search of the same model; this one has other parameters")
    if list(certificate.orders) != orders:
        raise ValueError(
            f"resume must be a search of the same orders, {orders}; "
            f"it was asked for {list(certificate.orders)}"
        )
    wanted = [bound.tolist() for bound in box if bound is not None]
    if wanted != [bound.tolist() for bound in certificate.box or ()]:
        raise ValueError("resume must be a search of the same box; give the same box= as then")
    known = [block.itinerary for block in resume.blocks]
    known += [continuum.itinerary[None] for continuum in resume.continua]
    undecided = [block.itinerary for block in certificate.undecided.blocks]
    return {**certificate.to_record(), "undecided": undecided}, known


def _check_box(box: Any, n_states: int) -> tuple[FloatArray | None, FloatArray | None]:
    if box is None:
        return None, None
    return box_ends(box, n_states, hint="; for no bounds at all give box=None")
