"""The file format of graphs of regions, described in ``docs/reference/region-graph-format.md``."""

from typing import Any

import numpy as np

from rnndyn.io._record import header_of, piecewise_linear_model_of, record_of
from rnndyn.regions.run import RegionGraphRun
from rnndyn.results.files import Arrays, ResultFormat, group_of

_ARRAYS = {
    "regions": np.bool_,
    "states": np.float64,
    "symbols": np.int64,
    "visits": np.int64,
    "initial": np.bool_,
    "sources": np.int64,
    "targets": np.int64,
    "counts": np.int64,
    "status": np.int64,
}
#: Where there is such a box.
_ENDS = ("lower", "upper", "start_lower", "start_upper")


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    header = {"model": header_of(model), "run": state["run"].to_dict()}
    arrays: dict[str, Any] = {name: state[name] for name in _ARRAYS}
    arrays.update({name: state[name] for name in _ENDS if state[name] is not None})
    arrays.update({f"model/{name}": array for name, array in model.parameters.items()})
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    for name, dtype in _ARRAYS.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"member {name!r} must hold {np.dtype(dtype)} values")
    return {
        "model": piecewise_linear_model_of(
            header["model"], group_of(arrays, "model"), "a graph of regions"
        ),
        **{name: arrays[name] for name in _ARRAYS},
        **{name: arrays.get(name) for name in _ENDS},
        "run": RegionGraphRun.from_dict(header["run"]),
    }


FORMAT = ResultFormat("rnndyn region graph", 1, "a graph of regions", _taken_apart, _put_together)
