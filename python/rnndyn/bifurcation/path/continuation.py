"""Follow cycles along a path of parameters, through all their bifurcations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray
from rnndyn._common.checks import (
    LARGEST_ORDER,
    check_integer,
    check_itinerary,
    check_orders,
)
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.bifurcation.path._follow import Task, follow
from rnndyn.bifurcation.path._path import Path, curved_path, form_of, straight_path
from rnndyn.bifurcation.path._smooth_run import SmoothTask, follow_smooth
from rnndyn.bifurcation.path._starts import MAX_WORK, Found, UnitUse, listing_work
from rnndyn.bifurcation.path.progress import PathProgress
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.bifurcation.path.run import ContinuationRun
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.io._as_model import as_followed
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._canonical_map_of import check_constant_input, piecewise_linear
from rnndyn.scale_out import Executor

METHODS = ("auto", "exhaustive", "search")
SMOOTH_METHODS = ("auto", "search", "complete")


def continue_cycles(
    model0: PiecewiseLinearModel | RecurrentNetwork | None = None,
    model1: PiecewiseLinearModel | RecurrentNetwork | None = None,
    *,
    path: Sequence[PiecewiseLinearModel | RecurrentNetwork]
    | Callable[[float], PiecewiseLinearModel | RecurrentNetwork]
    | None = None,
    inputs: ArrayLike | None = None,
    cycles: CycleSet | Iterable[Any] | None = None,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    method: str = "auto",
    tolerance: float = 1e-6,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> BranchSet:
    """Follow the cycles of a network while its parameters change, with all their bifurcations.

    Between two models the path is straight in the parameters of the canonical map
    ``F(z) = A z + W1 relu(W2 z + h2) + h1``. For `PLRNN`, `MeanCenteredPLRNN`, `ALRNN`,
    `ShallowPLRNN`, `ClippedShallowPLRNN`, `ReLURNN` and `PiecewiseLinearMap` (with the external
    input, if any, changing in C or in s alone) it is straight in the parameters of the family as
    well; for the others only where no two factors of a product change together, such as alpha and
    W of `DendriticPLRNN`. To follow any other curve, give it as a callable. Of `RNN`, `GRU` and
    `LSTM` it is straight in the weights; a `RNN` of one layer of ReLU units is taken as the
    piecewise-linear map that it is.

    Parameters
    ----------
    model0, model1 : PiecewiseLinearModel or RecurrentNetwork
        The models at s = 0 and s = 1, of one family, size and settings. Give these or `path`.
    path : sequence of PiecewiseLinearModel or RecurrentNetwork, or callable
        Models at s = 0, 1, 2, ..., joined by straight lines; or a function that returns the model
        for every number from 0 to 1, which is cut into straight pieces (see `tolerance`).
    inputs : array_like of shape (K,), optional
        Constant input of a `RNN`, `GRU` or `LSTM`, the same along the path. Default: 0.
    cycles : CycleSet, or iterable of CycleSet, Cycle or array_like of bool, shape (k, H), optional
        Start from these cycles or itineraries, and follow only them and what meets them. Of tanh,
        GRU and LSTM networks: sets of cycles of models of the path. Default: from all cycles that
        `method` gives.
    max_order : int, optional
        Follow cycles of the orders 1, 2, ..., `max_order`. Give this or `orders`; neither where
        `cycles` are given.
    orders : iterable of int, optional
        Follow cycles of these orders. Cycles of half or twice their order that they are born from
        or give birth to are followed as well, up to the largest of these orders.
    method : {"auto", "exhaustive", "search", "complete"}
        ``exhaustive`` follows every itinerary of the orders, so that nothing is missed, however
        short it lives; their number is about ``2**(H * k) / k``. ``search`` follows the cycles
        that `rnndyn.find_cycles` finds at the models of the path, and everything that meets them.
        ``auto`` is exhaustive where that takes about a second at most. ``run.method`` of the result
        tells what was done. Of tanh, GRU and LSTM networks: ``search``, which is ``auto``, or
        ``complete``, which proves at every model that no cycle is missing (few states only).
    tolerance : float
        For a callable `path`: largest deviation of the canonical parameters from the straight
        pieces, checked at the quarters of every piece, relative to the largest parameter.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds; the result then covers a first part of the path.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the searches.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to search and follow, with one thread per worker; tanh, GRU and LSTM networks are
        searched there and followed in this process. The result does not depend on it. What runs
        there when the time is up is lost. Default: threads of this process.
    store : path-like, optional
        Folder that finished chunks of pieces, or of searches, are written to as they come; another
        call with the same arguments takes them from there.

    Returns
    -------
    BranchSet
        Branches, events, and in ``gaps`` whatever they do not explain, among it every difference
        between the branches at a model of the path and a fresh search there.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the models do not fit together; the message names
        the argument. Also where the store is that of another computation.
    concurrent.futures.BrokenExecutor
        If the executor lost its processes; finished chunks are in the store.

    Notes
    -----
    For one itinerary all bifurcations on a straight piece are zeros of polynomials in s: of a
    pre-activation (border collision), of ``det(I - J)`` (degenerate transcritical, the cycle passes
    infinity), of ``det(I + J)`` (degenerate flip), and where a complex pair of multipliers is on
    the unit circle (center). All of them are computed, without step size. At a border collision the
    signs of ``det(I - J)`` of the cycle and of its partner, whose itinerary differs in one bit,
    decide between persistence and nonsmooth fold, and the multipliers below -1 tell whether a cycle
    of twice the order is born [1]_. Partners and doubled cycles are followed as well, until nothing
    new comes.

    Of a tanh, GRU or LSTM network curves of cycles are followed, by arclength and so around folds
    in s; every piece of a curve is verified by interval arithmetic (Krawczyk's test for all of it
    at once), which also encloses its tangent and the sign of ``det(I + J)``: outside of the
    brackets of the events no fold and no flip is passed. An odd number of them lies in a tube
    around each event that is at most 0.0002 long. Passages of pairs through the unit circle are
    seen by the multipliers at the ends of the pieces. What cannot be verified, such as a pitchfork,
    is a gap, as is the last bit of a cycle of doubled order on its way to the flip it comes from.
    Pairs that are born and vanish between two models of the path may be missing [2]_.

    References
    ----------
    .. [1] M. di Bernardo, M. I. Feigin, S. J. Hogan, M. E. Homer, "Local analysis of C-bifurcations
       in n-dimensional piecewise-smooth dynamical systems", Chaos, Solitons & Fractals 10 (1999)
       1881-1908.
    .. [2] A. Neumaier, "Interval Methods for Systems of Equations", Cambridge University Press,
       1990, ch. 5.

    Examples
    --------
    The fixed point of a skew tent map loses its stability where its slope passes -1:

    >>> import rnndyn as rd
    >>> start = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> result = rd.continue_cycles(start, start.with_parameters(W=[[-3.5]]), max_order=1)
    >>> event = result.events[0]
    >>> event.kind, round(event.s, 12)
    ('degenerate_flip', 0.2)

    A tanh unit with two stable fixed points loses one of them in a fold:

    >>> start = rd.RNN(None, [[2.0]], bias_hh=[0.0])
    >>> result = rd.continue_cycles(start, start.with_parameters(bias_hh_l0=[1.0]), max_order=1)
    >>> event = result.events[0]
    >>> event.kind, round(event.s, 9), event.n_unstable_before, event.n_unstable_after
    ('fold', 0.532839975, 0, 1)
    """
    chosen = _check_path(model0, model1, path, tolerance, inputs)
    return continue_along(
        chosen,
        "continue_cycles",
        inputs=inputs,
        cycles=cycles,
        max_order=max_order,
        orders=orders,
        method=method,
        seed=seed,
        n_threads=n_threads,
        time_limit=time_limit,
        progress=progress,
        executor=executor,
        store=store,
    )


def continue_along(
    path: Path,
    title: str,
    *,
    inputs: ArrayLike | None = None,
    cycles: CycleSet | Iterable[Any] | None = None,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    method: str = "auto",
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> BranchSet:
    """Do what `continue_cycles` says, over a path that was checked."""
    if path.is_smooth:
        common = check_options(n_threads, time_limit, progress, seed)
        constant = check_constant_input(path.models[0], inputs)
        return _continue_smooth(
            path, title, constant, cycles, max_order, orders, method, common, executor, store
        )
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    starts = None if cycles is None else _check_cycles(cycles, path.models)
    if starts is None:
        order_list = check_orders(max_order, orders)
    else:
        order_list = _orders_of(starts, max_order, orders)
    common = check_options(n_threads, time_limit, progress, seed)
    maps = [model.canonical for model in path.models]
    n_pieces = len(maps) - 1
    if starts is not None:
        method = "given"
    elif method == "auto":
        n_relevant = int(reduce(or_, map(UnitUse.of, maps)).relevant.sum())
        work = n_pieces * listing_work(maps[0].n_states, n_relevant, order_list)
        method = "exhaustive" if work <= MAX_WORK else "search"

    start = time.perf_counter()
    common.meter.init(title)
    try:
        followed = follow(
            Task(
                maps=maps,
                orders=order_list,
                method=method,
                given=[] if starts is None else starts.itineraries,
                found={} if starts is None else starts.found,
                seed=common.seed,
                n_threads=common.n_threads,
                deadline=common.deadline,
                report=lambda n_done, share: common.meter.step(
                    PathProgress(n_done, n_pieces, share)
                ),
                executor=executor,
                store=store,
            )
        )
    finally:
        common.meter.close()
    run = ContinuationRun(
        orders=tuple(order_list),
        method=method,
        searched_completely=followed.searched_completely,
        seed=common.seed,
        n_threads=common.n_threads,
        n_pieces=n_pieces,
        n_pieces_done=followed.n_pieces_done,
        seconds=time.perf_counter() - start,
        stopped_by=followed.stopped_by,
    )
    return BranchSet(
        path,
        tuple(followed.itineraries),
        followed.branches,
        followed.events,
        tuple(followed.gaps),
        run,
        followed.attached,
    )


def _continue_smooth(
    path: Path,
    title: str,
    inputs: FloatArray | None,
    cycles: Any,
    max_order: int | None,
    orders: Iterable[int] | None,
    method: str,
    common: Options,
    executor: Executor | None,
    store: str | os.PathLike[str] | None,
) -> BranchSet:
    if method not in SMOOTH_METHODS:
        raise ValueError(
            f"method must be one of {', '.join(SMOOTH_METHODS)} for a {path.models[0].family}, "
            f"which has no linear regions, got {method!r}"
        )
    found = {} if cycles is None else _check_smooth_cycles(cycles, path, inputs)
    if cycles is None:
        order_list = check_orders(max_order, orders)
    else:
        own = {cycle.order for members in found.values() for cycle in members}
        order_list = _orders_of(_Starts([], own, {}), max_order, orders)
    n_pieces = len(path.models) - 1
    if method == "auto":
        method = "search"
    start = time.perf_counter()
    common.meter.init(title)
    try:
        followed = follow_smooth(
            SmoothTask(
                path=path,
                inputs=inputs,
                orders=order_list,
                method=method if cycles is None else "given",
                found=found,
                options=common,
                report=lambda n_done, share: common.meter.step(
                    PathProgress(n_done, n_pieces, share)
                ),
                executor=executor,
                store=store,
            )
        )
    finally:
        common.meter.close()
    run = ContinuationRun(
        orders=tuple(order_list),
        method="search" if cycles is None else "given",
        searched_completely=followed.searched_completely,
        seed=common.seed,
        n_threads=common.n_threads,
        n_pieces=n_pieces,
        n_pieces_done=followed.n_pieces_done,
        seconds=time.perf_counter() - start,
        stopped_by=followed.stopped_by,
    )
    joined = followed.joined
    return BranchSet(
        path,
        tuple(joined.itineraries),
        joined.branches,
        joined.events,
        tuple(followed.gaps),
        run,
        joined.attached,
        tuple(joined.curves),
        inputs,
    )


def _check_smooth_cycles(cycles: Any, path: Path, inputs: FloatArray | None) -> dict[int, CycleSet]:
    """Return the sets by the models of the path that they belong to."""
    try:
        members = [cycles] if isinstance(cycles, CycleSet) else list(cycles)
    except TypeError:
        members = [cycles]
    found: dict[int, CycleSet] = {}
    for member in members:
        if not isinstance(member, CycleSet):
            raise TypeError(
                f"cycles must be sets of cycles of models of the path for a "
                f"{path.models[0].family}, such as find_cycles(model0, max_order=1), got "
                f"{type(member).__name__}"
            )
        same_input = np.array_equal(
            np.zeros(0) if member.inputs is None else member.inputs,
            np.zeros(0) if inputs is None else inputs,
        )
        nodes = [
            node
            for node, model in enumerate(path.models)
            if same_input and model.family == member.model.family and _same(model, member.model)
        ]
        if not nodes:
            raise ValueError(
                "cycles must be those of models of the path under the same inputs, got a set of "
                f"{member.model!r}"
            )
        found |= dict.fromkeys(nodes, member)
    if not any(len(member) for member in found.values()):
        raise ValueError("cycles must hold at least one cycle, got none")
    return found


def _same(first: Any, second: Any) -> bool:
    return first.options == second.options and all(
        map(np.array_equal, form_of(first), form_of(second))
    )


def _check_path(
    model0: Any, model1: Any, path: Any, tolerance: float, inputs: ArrayLike | None
) -> Path:
    if path is None:
        if model0 is None or model1 is None:
            raise ValueError("give two models, or path=[model0, model1, ...]")
        pair = [
            as_followed(model, inputs, name)
            for name, model in (("model0", model0), ("model1", model1))
        ]
        return straight_path(pair, "the models")
    if model0 is not None or model1 is not None:
        raise ValueError("give either two models or path=..., not both")
    if callable(path):
        curve = path
        return curved_path(lambda t: as_followed(curve(t), inputs, f"path({t:g})"), tolerance)
    if isinstance(path, Iterable):
        path = [as_followed(model, inputs, f"path[{i}]") for i, model in enumerate(path)]
    return straight_path(path, "path")


class _Starts(NamedTuple):
    """The itineraries to start from, and what sets of cycles tell of models of the path."""

    itineraries: list[BoolArray]
    orders: set[int]
    found: dict[int, Found]


def _check_cycles(cycles: Any, models: tuple[PiecewiseLinearModel, ...]) -> _Starts:
    try:
        members = [cycles] if isinstance(cycles, CycleSet) else list(cycles)
    except TypeError:
        raise TypeError(
            "cycles must be a CycleSet or a list of cycles or itineraries, "
            f"got {type(cycles).__name__}"
        ) from None
    itineraries: list[BoolArray] = []
    orders: set[int] = set()
    found: dict[int, Found] = {}
    for member in members:
        if isinstance(member, CycleSet):
            their_model = piecewise_linear(member.model)
            own = [bits for block in member.blocks for bits in block.itinerary]
            if any(bits.shape[1] != models[0].n_units for bits in own):
                raise ValueError(
                    f"cycles must be those of networks with {models[0].n_units} units, "
                    f"got a set of {member.model!r}"
                )
            itineraries += own
            orders |= {entry.order for entry in member.search.orders}
            listed = all(
                entry.finished and entry.method in ("exhaustive", "complete")
                for entry in member.search.orders
            )
            on_border = [flag for block in member.blocks for flag in block.on_border.tolist()]
            continua = [continuum.itinerary for continuum in member.continua]
            known = Found(own, on_border, continua, listed, "finished")
            found |= {
                node: known
                for node, model in enumerate(models)
                if _same_canonical(model, their_model)
            }
        else:
            bits = member.itinerary if isinstance(member, Cycle) else member
            itineraries.append(check_itinerary(bits, models[0].n_units))
    orders |= {len(bits) for bits in itineraries}
    if not orders:
        raise ValueError("cycles must hold at least one cycle, got none")
    return _Starts(itineraries, orders, found)


def _same_canonical(first: PiecewiseLinearModel, second: PiecewiseLinearModel) -> bool:
    return first is second or all(map(np.array_equal, form_of(first), form_of(second)))


def _orders_of(starts: _Starts, max_order: Any, orders: Any) -> list[int]:
    """Return the orders of the cycles given; `max_order` may only let doubled ones in."""
    if orders is not None:
        raise ValueError("orders and cycles cannot both be given: the cycles have their orders")
    if max_order is not None:
        largest = check_integer("max_order", max_order, max(starts.orders), LARGEST_ORDER)
        return sorted(starts.orders | {largest})
    return sorted(starts.orders)
