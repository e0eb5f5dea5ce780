"""The file format of branches and events, described in ``docs/reference/branch-set-format.md``."""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnndyn.bifurcation._columns import ATTACHED_TYPES, BRANCH_TYPES, EVENT_TYPES
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._path import Path, check_models
from rnndyn.bifurcation._run import ContinuationRun
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.io._result_file import Arrays, ResultFormat, group_of

if TYPE_CHECKING:
    from rnndyn.bifurcation.branch_set import BranchSet

_T = TypeVar("_T")

#: Version 2 brought the cycles attached to events.
FORMAT = ResultFormat("rnndyn branch set", 2, "a branch set")


def write(
    path: FilePath, branch_set: "BranchSet", series: Mapping[str, NDArray[np.float64]]
) -> None:
    """Write a branch set; the file appears under its name only when it is complete.

    The series are numbers for every model, by name: losses and the like.
    """
    records = [record_of(model, None) for model in branch_set.models]
    header = {
        "run": branch_set.run.to_dict(),
        "axis": branch_set.axis,
        "model": header_of(records[0]),
        "n_models": len(records),
        "n_itineraries": len(branch_set.itineraries),
        "gaps": [{"s": gap.s, "reason": gap.reason} for gap in branch_set.gaps],
    }
    arrays: Arrays = {"axis_values": branch_set.axis_values}
    for name, values in series.items():
        arrays[f"series/{name}"] = values
    for number, record in enumerate(records):
        for name, array in record.parameters.items():
            arrays[f"model_{number}/{name}"] = array
    for number, bits in enumerate(branch_set.itineraries):
        arrays[f"itinerary_{number}"] = bits
    for number, gap in enumerate(branch_set.gaps):
        if gap.itinerary is not None:
            arrays[f"gap_{number}"] = gap.itinerary
    for group, columns in (
        ("branches", branch_set.branch_columns),
        ("events", branch_set.event_columns),
        ("attached", branch_set.attached_columns),
    ):
        for name, column in columns.items():
            arrays[f"{group}/{name}"] = column
    FORMAT.write(path, header, arrays)


def read(path: FilePath, max_bytes: int, build: Callable[["BranchSet", Arrays], _T]) -> _T:
    """Build something from the branch set and the series in a file.

    The file takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a branch set, is damaged, or has a newer format.
    """
    return FORMAT.read(path, max_bytes, lambda header, arrays: build(*_contents(header, arrays)))


def _contents(header: dict[str, Any], arrays: Arrays) -> tuple["BranchSet", Arrays]:
    from rnndyn.bifurcation.branch_set import BranchSet

    models = check_models(
        [
            model_of(record_from(header["model"], group_of(arrays, f"model_{number}")))
            for number in range(header["n_models"])
        ],
        "models",
    )
    gaps = [
        Gap(float(gap["s"]), str(gap["reason"]), arrays.get(f"gap_{number}"))
        for number, gap in enumerate(header["gaps"])
    ]
    branch_set = BranchSet(
        Path(models, str(header["axis"]), arrays["axis_values"]),
        [_bits(arrays, f"itinerary_{number}") for number in range(header["n_itineraries"])],
        _columns(arrays, "branches", BRANCH_TYPES),
        _columns(arrays, "events", EVENT_TYPES),
        gaps,
        ContinuationRun.from_dict(header["run"]),
        _columns(arrays, "attached", ATTACHED_TYPES) if header["format_version"] >= 2 else None,
    )
    series = group_of(arrays, "series")
    for name, values in series.items():
        if values.dtype != np.float64 or values.shape != (len(models),):
            raise ValueError(f"series {name!r:.60} must hold a number for every model")
    return branch_set, series


def _bits(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[np.bool_]:
    if arrays[name].dtype != np.bool_:
        raise ValueError(f"member {name!r} must hold bits, not {arrays[name].dtype}")
    return arrays[name]


def _columns(
    arrays: dict[str, NDArray[Any]], group: str, types: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    columns = group_of(arrays, group)
    for name, column in columns.items():
        if name in types and column.dtype != np.dtype(types[name]):
            raise ValueError(f"column {name!r} of the {group} holds {column.dtype} entries")
    return columns
