"""Which search a network gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_flag, check_orders
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.certificate.composition import CompositionCertificate
from rnndyn.certificate.result import Certificate
from rnndyn.cycles import _smooth
from rnndyn.cycles._compositions import orders_of, search_composition
from rnndyn.cycles._conditions import search_each
from rnndyn.cycles._piecewise_linear import (
    LinearSearch,
    certificate_to_resume,
    check_same_search,
    search_piecewise_linear,
)
from rnndyn.cycles._starts import starting_states, starts_of_map, starts_of_period
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.result import CycleSet
from rnndyn.io._as_model import NetworkLike, as_model
from rnndyn.models import DifferentiableMap, Model, PiecewiseLinearModel
from rnndyn.models._canonical_map_of import (
    check_inputs,
    periodically_driven,
    piecewise_linear,
    smooth_network,
)
from rnndyn.models._composition import Composition

Box = float | tuple[ArrayLike, ArrayLike] | None


def search(
    model: NetworkLike,
    max_order: int | None,
    orders: Iterable[int] | None,
    *,
    inputs: ArrayLike | None = None,
    periodic: bool = False,
    states: ArrayLike | None = None,
    drive: ArrayLike | None = None,
    method: str,
    seed: int,
    max_restarts: int | None,
    max_iterations: int | None,
    box: float | tuple[ArrayLike, ArrayLike] | None,
    n_threads: int | None,
    time_limit: float | None,
    progress: bool | ProgressMeter | None,
    rigorous: bool,
    keep_tree: bool,
    resume: CycleSet | None,
    proof_method: str = "auto",
    branching: str = "violation",
) -> CycleSet | CyclesByInput:
    """Do what `find_cycles` says; the last two options are for tests and measurements.

    Parameters
    ----------
    proof_method : str
        ``"auto"``, or the method of `ProofPart` to use for a complete search.
    branching : {"violation", "time_order"}
        Bit that the dictionary method branches on.
    """
    network = as_model(model)
    if check_flag("periodic", periodic):
        if drive is not None:
            raise ValueError(
                "drive is for searches under a constant input; under a periodic one give states, "
                "such as those that the network visits at the beginning of a period"
            )
        driven = periodically_driven(network, inputs)
        states = starts_of_period(network, starting_states(network, states, None), inputs)
        network, inputs = driven, None
    how = LinearSearch(
        method,
        max_restarts,
        max_iterations,
        rigorous,
        keep_tree,
        resume,
        proof_method,
        branching,
    )
    if (smooth := smooth_network(network)) is not None:
        _smooth.check_method(
            smooth,
            method,
            {
                "max_iterations": max_iterations is not None,
                "box": box is not None,
                "rigorous": not check_flag("rigorous", rigorous),
                "keep_tree": check_flag("keep_tree", keep_tree),
                "resume": resume is not None,
            },
        )
        return _smooth.search_smooth(
            smooth,
            check_orders(max_order, orders),
            inputs=inputs,
            states=states,
            drive=drive,
            method=method,
            max_restarts=max_restarts,
            options=check_options(n_threads, time_limit, progress, seed),
        )
    common = check_options(n_threads, time_limit, progress, seed)
    starts = starting_states(network, states, drive)
    order_list = check_orders(max_order, orders)
    if isinstance(network, Composition):
        if inputs is not None:
            raise ValueError(
                f"a {network.family} has no input that could be given: leave out inputs"
            )
        possible = orders_of(network, order_list, all_up_to=orders is None)
        return _of_composition(network, possible, how, box, starts, common)
    return _of_linear(network, order_list, how, box, starts, common, inputs)


def _of_composition(
    network: Composition,
    orders: list[int],
    how: LinearSearch,
    box: Box,
    starts: FloatArray | None,
    common: Options,
) -> CycleSet:
    if starts is not None:
        how.checked(has_starts=True)
    ends = None if box is None else box_ends(box, network.n_states)
    earlier: Mapping[int, Certificate] = {}
    if how.resume is not None:
        certificate = certificate_to_resume(how.resume, network)
        check_same_search(certificate, how.method, orders, ends or (None, None))
        assert isinstance(certificate, CompositionCertificate)
        earlier = certificate.chains

    def fixed_points(
        model: PiecewiseLinearModel, order: int, region: Any, begin: FloatArray, own: Options
    ) -> CycleSet:
        return search_piecewise_linear(
            model,
            [1],
            how._replace(resume=earlier.get(order)),
            box=region,
            # Of the published algorithm alone there are no other starts.
            starts=None if how.method == "scyfi" else begin,
            common=own,
        )

    return search_composition(
        network,
        orders,
        fixed_points,
        ends=ends,
        starts=starts,
        record=how.options(),
        options=common,
    )


def _of_linear(
    network: Model | DifferentiableMap,
    orders: list[int],
    how: LinearSearch,
    box: Box,
    starts: FloatArray | None,
    common: Options,
    inputs: ArrayLike | None,
) -> CycleSet | CyclesByInput:
    def under(constant: FloatArray | None, points: Any, own: Options, *, quick: bool) -> CycleSet:
        begin = starts_of_map(network, starts, constant)
        linear = piecewise_linear(network, constant)
        return search_piecewise_linear(linear, orders, how, box=box, starts=begin, common=own)

    if inputs is None or isinstance(network, DifferentiableMap):
        return under(None, (), common, quick=False)
    constants = check_inputs(network, inputs)
    if constants is None or constants.ndim == 1:
        return under(constants, (), common, quick=False)
    if how.resume is not None:
        raise ValueError("resume goes on with the search under one input: call this for each")
    # Itineraries are not tried one by one, so that points of others are of no use here.
    sets = search_each(constants, under, common, exchange=False)
    return CyclesByInput(network, constants, sets)
