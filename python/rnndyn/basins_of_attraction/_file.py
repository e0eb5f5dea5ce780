"""The file formats of basins of attraction, described in ``docs/reference/basins-format.md``."""

from typing import Any

import numpy as np

from rnndyn.basins_of_attraction.run import BasinsRun
from rnndyn.cycles._file import cycle_from_members, cycle_members
from rnndyn.io._record import header_of, piecewise_linear_model_of, record_of
from rnndyn.results.files import Arrays, ResultFormat, group_of

_CYCLES = ("attractors", "unclaimed")
_ARRAYS = {
    "labels": np.int32,
    "n_steps": np.int64,
    "origin": np.float64,
    "directions": np.float64,
    "x_values": np.float64,
}


_FRACTIONS_ARRAYS = {"counts": np.int64, "lower": np.float64, "upper": np.float64}
_NUMBERS = ("n_unbounded", "n_undecided")


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    header, arrays = _cycles_taken_apart(state)
    header["axis_labels"] = list(state["axis_labels"])
    arrays.update({name: state[name] for name in _ARRAYS})
    if state["y_values"] is not None:
        arrays["y_values"] = state["y_values"]
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    return {
        **_cycles_put_together(header, arrays),
        "axis_labels": header["axis_labels"],
        "y_values": arrays.get("y_values"),
        **_checked(arrays, _ARRAYS),
    }


def _fractions_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    header, arrays = _cycles_taken_apart(state)
    header.update({name: state[name] for name in _NUMBERS})
    arrays.update({name: state[name] for name in _FRACTIONS_ARRAYS})
    return header, arrays


def _fractions_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    for name in _NUMBERS:
        if type(header[name]) is not int:
            raise ValueError(f"entry {name!r} must be an integer")
    return {
        **_cycles_put_together(header, arrays),
        **{name: header[name] for name in _NUMBERS},
        **_checked(arrays, _FRACTIONS_ARRAYS),
    }


def _cycles_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays of what both kinds have: model, cycles and run."""
    model = record_of(state["model"], None)
    header = {
        "model": header_of(model),
        **{kind: [cycle.order for cycle in state[kind]] for kind in _CYCLES},
        "run": state["run"].to_dict(),
    }
    arrays: dict[str, Any] = {
        f"model/{name}": parameter for name, parameter in model.parameters.items()
    }
    for kind in _CYCLES:
        for number, cycle in enumerate(state[kind]):
            for name, column in cycle_members(cycle).items():
                arrays[f"{kind}_{number}/{name}"] = column
    return header, arrays


def _cycles_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = piecewise_linear_model_of(header["model"], group_of(arrays, "model"), "basins")
    cycles = {
        kind: [
            cycle_from_members(order, group_of(arrays, f"{kind}_{number}"), model)
            for number, order in enumerate(header[kind])
        ]
        for kind in _CYCLES
    }
    return {"model": model, **cycles, "run": BasinsRun.from_dict(header["run"])}


def _checked(arrays: Arrays, dtypes: dict[str, Any]) -> Arrays:
    for name, dtype in dtypes.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"member {name!r} must hold {np.dtype(dtype)} numbers")
    return {name: arrays[name] for name in dtypes}


#: Version 2 holds the seed.
FORMAT = ResultFormat("rnndyn basins", 2, "basins of attraction", _taken_apart, _put_together)

FRACTIONS_FORMAT = ResultFormat(
    "rnndyn basin fractions",
    1,
    "shares of basins of attraction",
    _fractions_taken_apart,
    _fractions_put_together,
)
