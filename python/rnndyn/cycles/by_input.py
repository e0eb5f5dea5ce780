"""The result of a search under several constant inputs: a set of cycles for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, overload

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers, frozen
from rnndyn._common.stopping import StopReason
from rnndyn.cycles import _file
from rnndyn.cycles.result import CycleSet
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.models import Model
from rnndyn.results.base import TabularResult
from rnndyn.results.files import Arrays, ResultFormat, group_of


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
    arrays["inputs"] = state["inputs"]
    headers = []
    for number, cycles in enumerate(state["sets"]):
        header, own = _file.FORMAT.taken_apart(cycles._state())
        if cycles.model == state["model"]:
            # The weights once, not once for every input.
            del header["model"]
            own = {name: array for name, array in own.items() if not name.startswith("model/")}
        headers.append(header)
        arrays |= {f"input_{number}/{name}": array for name, array in own.items()}
    return {"model": header_of(model), "sets": headers}, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    whole = group_of(arrays, "model")
    model = model_of(record_from(header["model"], dict(whole)))
    sets = []
    for number, own in enumerate(header["sets"]):
        members = group_of(arrays, f"input_{number}")
        if "model" not in own:
            own = {**own, "model": header["model"]}
            members |= {f"model/{name}": array for name, array in whole.items()}
        sets.append(CycleSet(**_file.FORMAT.put_together(own, members)))
    return {"model": model, "inputs": arrays["inputs"], "sets": sets}


FORMAT = ResultFormat(
    "rnndyn cycle sets by input", 1, "cycle sets by input", _taken_apart, _put_together
)


@dataclass(frozen=True, eq=False, repr=False)
class CyclesByInput(TabularResult, Sequence[CycleSet]):
    """The cycles of a network under several constant inputs: a sequence of `CycleSet`, one each.

    Its tables, `to_dataframe` and the exports, say by the column ``input`` under which of them a
    cycle exists.

    Attributes
    ----------
    model : model
        The network.
    inputs : ndarray of float64, shape (C, K)
        The constant inputs.
    sets : tuple of CycleSet
        The cycles under each, in the same order. Those of a ReLU network are sets of the
        piecewise-linear map that it is under the input.

    Examples
    --------
    >>> import rnndyn as rd
    >>> bit = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> found = rd.find_fixed_points(bit, inputs=[[0.0], [0.3], [0.8]])
    >>> found
    7 cycles of RNN (1 state, 1 unit) under 3 constant inputs
      #  input  cycles  stable  saddle  unstable  certified  index sum  sure
      0      0       3       2       0         1          3          1  nothing is missing
      1    0.3       3       2       0         1          3          1  nothing is missing
      2    0.8       1       1       0         0          1          1  nothing is missing
    >>> [len(points.stable) for points in found]
    [2, 2, 1]
    >>> found.to_columns()["input"]
    array([0, 0, 0, 1, 1, 1, 2])
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("cycles", "inputs")

    model: Model
    inputs: FloatArray
    sets: tuple[CycleSet, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", tuple(self.sets))
        shape = (len(self.sets), self.model.n_inputs)
        checked = finite_numbers("inputs", self.inputs, shape)
        object.__setattr__(self, "inputs", frozen(checked, np.float64))

    def __len__(self) -> int:
        return len(self.sets)

    @overload
    def __getitem__(self, index: int) -> CycleSet: ...
    @overload
    def __getitem__(self, index: slice) -> CyclesByInput: ...
    def __getitem__(self, index: int | slice) -> CycleSet | CyclesByInput:
        if isinstance(index, slice):
            return CyclesByInput(self.model, self.inputs[index], self.sets[index])
        return self.sets[index]

    def __iter__(self) -> Iterator[CycleSet]:
        return iter(self.sets)

    @property
    def n_cycles(self) -> int:
        """Number of cycles under all inputs."""
        return sum(map(len, self.sets))

    @property
    def finished(self) -> bool:
        """Whether the search under every input ran to its end."""
        return all(cycles.finished for cycles in self.sets)

    @property
    def complete(self) -> bool:
        """Whether no cycle of the orders is missing under any input."""
        return all(cycles.complete for cycles in self.sets)

    @property
    def stopped_by(self) -> StopReason:
        """Why the searches ended: ``"interrupt"`` or ``"time_limit"`` if one of them did so."""
        reasons = {cycles.search.stopped_by for cycles in self.sets}
        among: tuple[StopReason, ...] = ("interrupt", "time_limit")
        return next((reason for reason in among if reason in reasons), "finished")


def only_set(found: CycleSet | CyclesByInput) -> CycleSet:
    """Return the result of a search under one input, which types do not tell from one of several.

    Raises
    ------
    TypeError
        If there were several.
    """
    if isinstance(found, CyclesByInput):
        raise TypeError(f"one constant input is needed here, got {len(found)}")
    return found
