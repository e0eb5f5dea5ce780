"""The file format of scans, described in ``docs/reference/scan-format.md``."""

from typing import Any

import numpy as np

from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.parameter_scan.run import ScanRun
from rnndyn.results.files import Arrays, ResultFormat, group_of


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model, y, run = record_of(state["model"], None), state["y"], state["run"]
    header = {
        "model": header_of(model),
        "x": state["x"][0],
        "y": None if y is None else y[0],
        "variables": list(state["values"]),
        "run": run.to_dict(),
    }
    arrays: dict[str, Any] = {"x_values": state["x"][1]}
    if y is not None:
        arrays["y_values"] = y[1]
    for name, parameter in model.parameters.items():
        arrays[f"model/{name}"] = parameter
    # By number: a name may be any text, such as one that no file system takes.
    for number, name in enumerate(state["values"]):
        arrays[f"variable_{number}/values"] = state["values"][name]
        arrays[f"variable_{number}/known"] = state["known"][name]
    for number, name in enumerate(run.measures):
        arrays[f"status_{number}"] = state["status"][name]
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    run = ScanRun.from_dict(header["run"])
    columns = [group_of(arrays, f"variable_{number}") for number in range(len(header["variables"]))]
    for column in columns:
        if column["values"].dtype != np.float64 or column["known"].dtype != np.bool_:
            raise ValueError("a variable must hold numbers, and bits that tell which are known")
    statuses = [arrays[f"status_{number}"] for number in range(len(run.measures))]
    if any(status.dtype.kind != "U" for status in statuses):
        raise ValueError("the status of a measure must be text")
    return {
        "model": model_of(record_from(header["model"], group_of(arrays, "model"))),
        "x": (str(header["x"]), arrays["x_values"]),
        "y": None if header["y"] is None else (str(header["y"]), arrays["y_values"]),
        "values": dict(zip(header["variables"], (c["values"] for c in columns), strict=True)),
        "known": dict(zip(header["variables"], (c["known"] for c in columns), strict=True)),
        "status": dict(zip(run.measures, statuses, strict=True)),
        "run": run,
    }


FORMAT = ResultFormat("rnndyn scan", 1, "a scan", _taken_apart, _put_together)
