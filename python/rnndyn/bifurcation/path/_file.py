"""The file format of branches and events, described in ``docs/reference/branch-set-format.md``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.bifurcation.path._columns import (
    ATTACHED_TYPES,
    BRANCH_TYPES,
    EVENT_TYPES,
    Columns,
    checked_columns,
    nothing_attached,
)
from rnndyn.bifurcation.path._path import Path, check_models
from rnndyn.bifurcation.path.curve import ARRAYS, Curve
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.bifurcation.path.run import ContinuationRun
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.results.files import Arrays, ResultFormat, group_of


def taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays of a branch set, given by its fields."""
    path, gaps = state["path"], state["gaps"]
    records = [record_of(model, None) for model in path.models]
    header = {
        "run": state["run"].to_dict(),
        "axis": path.axis,
        "model": header_of(records[0]),
        "n_models": len(records),
        "n_itineraries": len(state["itineraries"]),
        "gaps": [{"s": gap.s, "reason": gap.reason} for gap in gaps],
        "n_curves": len(state["curves"]),
    }
    arrays: Arrays = {"axis_values": path.values}
    for number, record in enumerate(records):
        for name, array in record.parameters.items():
            arrays[f"model_{number}/{name}"] = array
    for number, bits in enumerate(state["itineraries"]):
        arrays[f"itinerary_{number}"] = bits
    if state["inputs"] is not None:
        arrays["inputs"] = state["inputs"]
    for number, curve in enumerate(state["curves"]):
        arrays |= {f"curve_{number}/{name}": array for name, array in curve.arrays().items()}
    for number, gap in enumerate(gaps):
        if gap.itinerary is not None:
            arrays[f"gap_{number}"] = gap.itinerary
    for group, columns in (
        ("branches", state["branch_columns"]),
        ("events", state["event_columns"]),
        ("attached", state["attached_columns"]),
    ):
        for name, column in columns.items():
            arrays[f"{group}/{name}"] = column
    return header, arrays


def put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    """Return the fields of a branch set."""
    models = check_models(
        [
            model_of(record_from(header["model"], group_of(arrays, f"model_{number}")))
            for number in range(header["n_models"])
        ],
        "models",
    )
    # Numbers for every model, such as losses, which a timeline adds.
    for name, values in group_of(arrays, "series").items():
        if values.dtype != np.float64 or values.shape != (len(models),):
            raise ValueError(f"series {name!r:.60} must hold a number for every model")
    attached = nothing_attached()
    if header["format_version"] >= 2:
        attached = _columns(arrays, "attached", ATTACHED_TYPES)
    return {
        "path": Path(models, str(header["axis"]), arrays["axis_values"]),
        "itineraries": [
            _bits(arrays, f"itinerary_{number}") for number in range(header["n_itineraries"])
        ],
        "branch_columns": _columns(arrays, "branches", BRANCH_TYPES),
        "event_columns": _columns(arrays, "events", EVENT_TYPES),
        "gaps": [
            Gap(float(gap["s"]), str(gap["reason"]), arrays.get(f"gap_{number}"))
            for number, gap in enumerate(header["gaps"])
        ],
        "run": ContinuationRun.from_dict(header["run"]),
        "attached_columns": attached,
        "curves": [_curve(arrays, number) for number in range(header.get("n_curves", 0))],
        "inputs": arrays.get("inputs"),
    }


#: Version 2 brought the cycles attached to events, version 3 the curves of smooth networks.
FORMAT = ResultFormat("rnndyn branch set", 3, "a branch set", taken_apart, put_together)


def _columns(arrays: Arrays, group: str, types: dict[str, Any]) -> Columns:
    return checked_columns(group_of(arrays, group), types, group)


def _curve(arrays: Arrays, number: int) -> Curve:
    own = group_of(arrays, f"curve_{number}")
    for name, (dtype, _) in ARRAYS.items():
        if name not in own or own[name].dtype != dtype:
            raise ValueError(f"{name!r} of curve {number} is missing or not of its type")
    return Curve(**{name: own[name] for name in ARRAYS})


def _bits(arrays: Arrays, name: str) -> NDArray[np.bool_]:
    if arrays[name].dtype != np.bool_:
        raise ValueError(f"member {name!r} must hold bits, not {arrays[name].dtype}")
    return arrays[name]
