"""What results of a search under several constant inputs have in common: a set for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, overload

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers, frozen
from rnndyn._common.stopping import StopReason
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.models import Model
from rnndyn.results.base import TabularResult
from rnndyn.results.files import Arrays, ResultFormat, group_of

OneSet = TypeVar("OneSet", bound=TabularResult)


@dataclass(frozen=True, eq=False, repr=False)
class SetsByInput(TabularResult, Sequence[OneSet]):
    """Base of results under several constant inputs.

    Attributes
    ----------
    model : model
        The network.
    inputs : ndarray of float64, shape (C, K)
        The constant inputs.
    sets : tuple
        What was found under each, in the same order.
    """

    model: Model
    inputs: FloatArray
    sets: tuple[OneSet, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", tuple(self.sets))
        shape = (len(self.sets), self.model.n_inputs)
        checked = finite_numbers("inputs", self.inputs, shape)
        object.__setattr__(self, "inputs", frozen(checked, np.float64))

    def __len__(self) -> int:
        return len(self.sets)

    @overload
    def __getitem__(self, index: int) -> OneSet: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> OneSet | Self:
        if isinstance(index, slice):
            return type(self)(self.model, self.inputs[index], self.sets[index])
        return self.sets[index]

    def __iter__(self) -> Iterator[OneSet]:
        return iter(self.sets)

    @property
    def finished(self) -> bool:
        """Whether the search under every input ran to its end."""
        return all(one.finished for one in self.sets)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing under any input of what was asked for."""
        return all(one.complete for one in self.sets)

    @property
    def stopped_by(self) -> StopReason:
        """Why the searches ended: ``"interrupt"`` or ``"time_limit"`` if one of them did so."""
        reasons = {one.stopped_by for one in self.sets}
        among: tuple[StopReason, ...] = ("interrupt", "time_limit")
        return next((reason for reason in among if reason in reasons), "finished")


def format_by_input(name: str, what: str, one: type[TabularResult]) -> ResultFormat:
    """Return the format of results under several inputs, of which each is one of a kind.

    Parameters
    ----------
    name, what : str
        As for `ResultFormat`.
    one : type
        The result under one input, with a `model`.
    """

    def taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        model = record_of(state["model"], None)
        arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
        arrays["inputs"] = state["inputs"]
        headers = []
        for number, found in enumerate(state["sets"]):
            header, own = one.FORMAT.taken_apart(found._state())
            if found.model == state["model"]:
                # The weights once, not once for every input.
                del header["model"]
                own = {name: array for name, array in own.items() if not name.startswith("model/")}
            headers.append(header)
            arrays |= {f"input_{number}/{name}": array for name, array in own.items()}
        return {"model": header_of(model), "sets": headers}, arrays

    def put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
        whole = group_of(arrays, "model")
        model = model_of(record_from(header["model"], dict(whole)))
        sets = []
        for number, own in enumerate(header["sets"]):
            members = group_of(arrays, f"input_{number}")
            if "model" not in own:
                own = {**own, "model": header["model"]}
                members |= {f"model/{name}": array for name, array in whole.items()}
            sets.append(one(**one.FORMAT.put_together(own, members)))
        return {"model": model, "inputs": arrays["inputs"], "sets": sets}

    return ResultFormat(name, 1, what, taken_apart, put_together)
