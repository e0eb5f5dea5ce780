"""The file format of basins of attraction, described in ``docs/reference/basins-format.md``."""

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


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    header = {
        "model": header_of(model),
        **{kind: [cycle.order for cycle in state[kind]] for kind in _CYCLES},
        "axis_labels": list(state["axis_labels"]),
        "run": state["run"].to_dict(),
    }
    arrays: dict[str, Any] = {name: state[name] for name in _ARRAYS}
    if state["y_values"] is not None:
        arrays["y_values"] = state["y_values"]
    for name, parameter in model.parameters.items():
        arrays[f"model/{name}"] = parameter
    for kind in _CYCLES:
        for number, cycle in enumerate(state[kind]):
            for name, column in cycle_members(cycle).items():
                arrays[f"{kind}_{number}/{name}"] = column
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = piecewise_linear_model_of(header["model"], group_of(arrays, "model"), "basins")
    for name, dtype in _ARRAYS.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"member {name!r} must hold {np.dtype(dtype)} numbers")
    cycles = {
        kind: [
            cycle_from_members(order, group_of(arrays, f"{kind}_{number}"), model)
            for number, order in enumerate(header[kind])
        ]
        for kind in _CYCLES
    }
    return {
        "model": model,
        **cycles,
        "axis_labels": header["axis_labels"],
        "y_values": arrays.get("y_values"),
        "run": BasinsRun.from_dict(header["run"]),
        **{name: arrays[name] for name in _ARRAYS},
    }


#: Version 2 holds the seed.
FORMAT = ResultFormat("rnndyn basins", 2, "basins of attraction", _taken_apart, _put_together)
