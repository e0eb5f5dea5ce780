"""The bifurcation diagram over one named parameter."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._common.progress import ProgressMeter
from rnndyn.bifurcation.path._path import Path, is_straight
from rnndyn.bifurcation.path.continuation import continue_along
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.cycles.result import CycleSet
from rnndyn.io._as_model import NetworkLike, as_followed, as_model
from rnndyn.models import RNN, Model
from rnndyn.models._canonical_map_of import check_constant_input, under_constant_input
from rnndyn.scale_out import Executor

_OVER_INPUTS = re.compile(r"inputs(\[(?P<number>\d+)\])?", re.ASCII)


def bifurcation_diagram(
    model: NetworkLike,
    parameter: str,
    values: Sequence[float] | ArrayLike,
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
    """Follow the cycles of a network while one of its parameters changes.

    Events between the values are found exactly: two values, the ends of an interval, are enough.
    More values only mean more searches (see `method` of `rnndyn.continue_cycles`).

    Parameters
    ----------
    model : model, torch.nn.Module, or mapping of str to array
        The network; a ReLU RNN, also of torch, is the piecewise-linear map that it is.
    parameter : str
        Name of one number, such as ``"A[0,0]"``, ``"h2[3]"`` or ``"slope"``; see
        ``model.scalar_names()``. Of networks of `torch.nn` names are such as ``"bias_hh_l0[0]"``;
        a ReLU RNN has torch's names and those of `ReLURNN`. Or ``"inputs[k]"``, number k of the
        constant external input, of any network that has one; or ``"inputs"``, all of it.
    values : array_like of shape (n,), or (n, K)
        Values of the parameter, ascending or descending, at least two. Of ``"inputs"`` at least two
        inputs (K,), between which the path is straight: it counts them, from 0 to n - 1.
    inputs : (K,) array_like, optional
        As for `rnndyn.continue_cycles`. Under ``"inputs[k]"`` what the other inputs are.
    cycles, max_order, orders, method
        As for `rnndyn.continue_cycles`.
    n_threads, time_limit, progress, seed, executor, store
        As for `rnndyn.continue_cycles`.

    Returns
    -------
    BranchSet
        Its ``axis`` is the parameter; ``value`` of an event is the parameter there.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it. Also where the canonical form of
        the family is not linear in this parameter, so that the path would not be straight.

    See Also
    --------
    rnndyn.plot.bifurcation_diagram : Draw it.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[0.5]], W=[[-2.0]], h=[1.0])
    >>> diagram = rd.bifurcation_diagram(tent, "h[0]", (-1.0, 3.0), max_order=1)
    >>> [(event.kind, event.value) for event in diagram.events]
    [('border_collision', 0.0)]

    Over the input of a tanh unit that keeps one bit:

    >>> bit = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> diagram = rd.bifurcation_diagram(bit, "inputs[0]", (-1.0, 1.0), max_order=1)
    >>> [(event.kind, round(event.value, 4)) for event in diagram.events]
    [('fold', -0.5328), ('fold', 0.5328)]
    """
    if (over := _OVER_INPUTS.fullmatch(parameter) if isinstance(parameter, str) else None) is None:
        path = _path_over(model, parameter, values, inputs)
    else:
        path, inputs = _path_over_inputs(model, over, values, inputs), None
    return continue_along(
        path,
        "bifurcation_diagram",
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


def _path_over_inputs(
    network: Any, over: re.Match[str], values: Any, inputs: ArrayLike | None
) -> Path:
    known = as_model(network)
    n_inputs = known.n_inputs
    if not isinstance(known, Model) or not n_inputs:
        raise ValueError(
            f"this {type(known).__name__} has no external input, so that {over.string} is no "
            "parameter of it"
        )
    if over["number"] is None:
        if inputs is not None:
            raise ValueError("inputs are the values of the path already: leave out inputs=")
        rows = finite_numbers("values", values)
        if rows.ndim != 2 or rows.shape[1] != n_inputs or len(rows) < 2:
            raise ValueError(
                f"values of inputs must be at least two inputs, of shape (n, K) with K = "
                f"{n_inputs}, got shape {rows.shape}; of a single input write inputs[0]"
            )
        numbers = np.arange(len(rows), dtype=np.float64)
    else:
        number = int(over["number"])
        if number >= n_inputs:
            raise ValueError(
                f"{over.string} is out of range: this {known.family} has {n_inputs} external "
                "inputs, and they count from 0"
            )
        numbers = _checked_values(values)
        constant = check_constant_input(known, inputs)
        rows = np.tile(known._default_input if constant is None else constant, (len(numbers), 1))
        rows[:, number] = numbers
    return Path(tuple(under_constant_input(known, row) for row in rows), over.string, numbers)


def _checked_values(values: Any) -> FloatArray:
    numbers = finite_numbers("values", values)
    if numbers.ndim != 1 or len(numbers) < 2:
        raise ValueError(
            f"values must be at least two numbers such as (0.5, 1.5), got shape {numbers.shape}"
        )
    steps = np.diff(numbers)
    if not (np.all(steps > 0.0) or np.all(steps < 0.0)):
        raise ValueError("values must ascend or descend, without repetition")
    return numbers


def _path_over(network: Any, parameter: str, values: Any, inputs: ArrayLike | None) -> Path:
    network = as_model(network)
    model: Any = as_followed(network, inputs)
    # A ReLU RNN has the names of torch, and those of the map that it is.
    if isinstance(network, RNN) and str(parameter).partition("[")[0] in network.parameters:
        model = network
    numbers = _checked_values(values)
    # Asked for first, so that an unknown name gets the message that lists the names there are.
    model.get_parameter(parameter)

    def at(value: float) -> Any:
        return as_followed(model.with_parameters({parameter: value}), inputs)

    models = tuple(at(value) for value in numbers.tolist())
    middle = at(0.5 * float(numbers[0] + numbers[-1]))
    if not is_straight(models[0], middle, models[-1]):
        raise ValueError(
            f"the canonical form of {model.family} is not linear in {parameter}; give the path as "
            "a callable: continue_cycles(path=lambda t: model.with_parameters(...))"
        )
    return Path(models, parameter, numbers)
