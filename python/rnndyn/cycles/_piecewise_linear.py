"""The search in a piecewise-linear network: checks its arguments and hands them to the core."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_flag
from rnndyn._common.options import Options
from rnndyn._common.progress import ProgressMeter
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._index import statistics_of
from rnndyn.cycles._origin import ModelWithCycles
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints, continuum_from_record
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import METHODS, OrderStatistics, SearchStatistics, random_coverage
from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of


class LinearSearch(NamedTuple):
    """How to search a piecewise-linear network, as asked for; see `rnndyn.find_cycles`."""

    method: str
    max_restarts: int | None
    max_iterations: int | None
    rigorous: bool
    keep_tree: bool
    resume: CycleSet | Certificate | None
    proof_method: str
    branching: str

    def checked(self, *, has_starts: bool) -> LinearSearch:
        """Return it with its options checked."""
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        restarts, iterations = self.max_restarts, self.max_iterations
        if has_starts and self.method == "scyfi":
            raise ValueError(
                "states and drive have no place in method='scyfi', which is the published "
                "algorithm alone: leave them out, or give method='auto' or 'search'"
            )
        return self._replace(
            rigorous=check_flag("rigorous", self.rigorous),
            keep_tree=check_flag("keep_tree", self.keep_tree),
            max_restarts=None if restarts is None else check_count("max_restarts", restarts),
            max_iterations=(
                None if iterations is None else check_count("max_iterations", iterations)
            ),
        )

    def options(self) -> dict[str, Any]:
        """Return what the statistics of the search keep of it."""
        names = ("method", "max_restarts", "max_iterations", "rigorous", "keep_tree")
        return {name: getattr(self, name) for name in names}


def search_piecewise_linear(
    linear: PiecewiseLinearModel,
    orders: list[int],
    how: LinearSearch,
    *,
    box: float | tuple[ArrayLike, ArrayLike] | None,
    starts: FloatArray | None,
    common: Options,
) -> CycleSet:
    """Search the orders, in a box, and from starts (S, M) as well."""
    canonical = canonical_map_of(linear)
    how = how.checked(has_starts=starts is not None)
    lower, upper = _check_box(box, linear.n_states)
    record, known = _check_resume(how.resume, linear, how.method, orders, (lower, upper))

    start = time.perf_counter()
    common.meter.init("find_cycles")
    try:
        raw = _core.find_cycles(
            canonical,
            orders,
            how.method,
            common.seed,
            max_restarts=how.max_restarts,
            max_iterations=how.max_iterations,
            box_lower=lower,
            box_upper=upper,
            states=starts,
            n_threads=common.n_threads,
            time_limit=common.deadline.seconds_left(),
            observer=_observer(common.meter),
            proof_method=how.proof_method,
            branching=how.branching,
            rigorous=how.rigorous,
            keep_tree=how.keep_tree,
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
        orders=tuple(_told_if_rigorous(statistics_of(order), raw) for order in raw["statistics"]),
        stopped_by=raw["stopped_by"],
        seconds=time.perf_counter() - start,
        n_threads=common.n_threads,
        seed=common.seed,
        options={
            **how.options(),
            "orders": orders,
            "box": None if lower is None or upper is None else [lower.tolist(), upper.tolist()],
            "time_limit": common.time_limit,
            **({} if starts is None else {"n_states_given": len(starts)}),
        },
    )
    certificate = _certificate(raw["certificate"], linear, blocks, continua, statistics)
    return CycleSet(linear, blocks, continua, statistics, certificate)


def _told_if_rigorous(order: OrderStatistics, raw: dict[str, Any]) -> OrderStatistics:
    """Return the statistics with what the certificate says: the option is not all that counts."""
    if order.method != "complete" or not order.finished:
        return order
    return replace(order, rigorous=order.order in raw["certificate"]["proved_orders"])


def _certificate(
    record: dict[str, Any] | None,
    linear: PiecewiseLinearModel,
    blocks: tuple[CycleBlock, ...],
    continua: tuple[ContinuumOfFixedPoints, ...],
    statistics: SearchStatistics,
) -> Certificate | None:
    if record is None:
        return None
    coverage = random_coverage(statistics.orders)
    return Certificate.from_record(record, linear, blocks, continua, coverage)


def _observer(meter: ProgressMeter) -> Callable[..., None]:
    def observe(*state: Any) -> None:
        meter.step(SearchProgress(*state))

    return observe


def certificate_to_resume(resume: Any, model: ModelWithCycles) -> Certificate:
    """Return the certificate of an earlier search of the same model, to go on with."""
    is_set = isinstance(resume, CycleSet)
    certificate: Certificate | None = resume.certificate if is_set else None
    if certificate is None:
        given = "a CycleSet without certificate" if is_set else type(resume).__name__
        raise TypeError(
            "resume must be what an interrupted find_cycles(..., method='complete') returned, "
            f"got {given}"
        )
    if resume.model != model:
        raise ValueError("resume must be a search of the same model; this one has other parameters")
    return certificate


def check_same_search(
    certificate: Certificate,
    method: str,
    orders: list[int],
    box: tuple[FloatArray | None, FloatArray | None],
) -> None:
    """Refuse to go on with the search of other orders, or of another box."""
    if method != "complete":
        raise ValueError(
            f"resume goes on with a complete search, so give method='complete', got {method!r}"
        )
    if list(certificate.orders) != orders:
        raise ValueError(
            f"resume must be a search of the same orders, {orders}; "
            f"it was asked for {list(certificate.orders)}"
        )
    wanted = [bound.tolist() for bound in box if bound is not None]
    if wanted != [bound.tolist() for bound in certificate.box or ()]:
        raise ValueError("resume must be a search of the same box; give the same box= as then")


def _check_resume(
    resume: CycleSet | Certificate | None,
    model: PiecewiseLinearModel,
    method: str,
    orders: list[int],
    box: tuple[FloatArray | None, FloatArray | None],
) -> tuple[dict[str, Any] | None, list[BoolArray] | None]:
    """Return what the core needs to go on: the earlier certificate, and what had been found."""
    if resume is None:
        return None, None
    known_model = isinstance(resume, Certificate)
    certificate = resume if known_model else certificate_to_resume(resume, model)
    assert isinstance(certificate, Certificate)
    check_same_search(certificate, method, orders, box)
    known = [listed.itinerary for listed in certificate.cycles]
    known += [itinerary[None] for itinerary in certificate.continua]
    undecided = [block.itinerary for block in certificate.undecided.blocks]
    return {**certificate.to_record(), "undecided": undecided}, known


def _check_box(box: Any, n_states: int) -> tuple[FloatArray | None, FloatArray | None]:
    if box is None:
        return None, None
    return box_ends(box, n_states, hint="; for no bounds at all give box=None")
