"""The result of a search under several constant inputs: a set of slow points for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, overload

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers, frozen
from rnndyn._common.stopping import StopReason
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.models import Model
from rnndyn.results.base import TabularResult
from rnndyn.results.files import Arrays, ResultFormat, group_of
from rnndyn.slow_points import _file
from rnndyn.slow_points.result import SlowPointSet


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
    arrays["inputs"] = state["inputs"]
    headers = []
    for number, slow in enumerate(state["sets"]):
        header, own = _file.FORMAT.taken_apart(slow._state())
        if slow.model == state["model"]:
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
        sets.append(SlowPointSet(**_file.FORMAT.put_together(own, members)))
    return {"model": model, "inputs": arrays["inputs"], "sets": sets}


FORMAT = ResultFormat(
    "rnndyn slow points by input", 1, "slow points by input", _taken_apart, _put_together
)


@dataclass(frozen=True, eq=False, repr=False)
class SlowPointsByInput(TabularResult, Sequence[SlowPointSet]):
    """The slow points of a network under several constant inputs: a `SlowPointSet` for each.

    Its tables and exports say by the column ``input`` under which of them a point exists.

    Attributes
    ----------
    model : model
        The network.
    inputs : ndarray of float64, shape (C, K)
        The constant inputs.
    sets : tuple of SlowPointSet
        The slow points under each, in the same order. Those of a ReLU network are of the
        piecewise-linear map that it is under the input.

    Examples
    --------
    A tanh unit on both sides of a fold, which leaves a slow point behind:

    >>> import rnndyn as rd
    >>> unit = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> found = rd.find_slow_points(unit, inputs=[[0.3], [0.54], [0.6]])
    >>> [len(slow) for slow in found]
    [0, 1, 1]
    >>> found.to_columns()["input"]
    array([1, 2])
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("points", "curves", "inputs")

    model: Model
    inputs: FloatArray
    sets: tuple[SlowPointSet, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", tuple(self.sets))
        shape = (len(self.sets), self.model.n_inputs)
        checked = finite_numbers("inputs", self.inputs, shape)
        object.__setattr__(self, "inputs", frozen(checked, np.float64))

    def __len__(self) -> int:
        return len(self.sets)

    @overload
    def __getitem__(self, index: int) -> SlowPointSet: ...
    @overload
    def __getitem__(self, index: slice) -> SlowPointsByInput: ...
    def __getitem__(self, index: int | slice) -> SlowPointSet | SlowPointsByInput:
        if isinstance(index, slice):
            return SlowPointsByInput(self.model, self.inputs[index], self.sets[index])
        return self.sets[index]

    def __iter__(self) -> Iterator[SlowPointSet]:
        return iter(self.sets)

    @property
    def n_points(self) -> int:
        """Number of slow points under all inputs."""
        return sum(map(len, self.sets))

    @property
    def finished(self) -> bool:
        """Whether the search under every input ran to its end."""
        return all(slow.finished for slow in self.sets)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing under any input."""
        return all(slow.complete for slow in self.sets)

    @property
    def stopped_by(self) -> StopReason:
        """Why the searches ended: ``"interrupt"`` or ``"time_limit"`` if one of them did so."""
        reasons = {slow.run.stopped_by for slow in self.sets}
        among: tuple[StopReason, ...] = ("interrupt", "time_limit")
        return next((reason for reason in among if reason in reasons), "finished")
