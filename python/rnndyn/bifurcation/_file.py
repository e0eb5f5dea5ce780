"""The file format of branches and events: a NumPy archive, nothing pickled.

Members: ``header`` (JSON: format, run, axis, model family and options, gaps), ``axis_values``,
``model_<j>/<parameter>``, ``itinerary_<i>`` (one 2-D bool array each), ``branches/<column>`` and
``events/<column>``.
"""

import json
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.bifurcation._columns import BRANCH_TYPES, EVENT_TYPES
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._path import Path, check_models
from rnndyn.bifurcation._run import ContinuationRun
from rnndyn.io._archive import read_archive, write_archive
from rnndyn.io._record import header_of, model_of, parse_json, record_from, record_of

if TYPE_CHECKING:
    from rnndyn.bifurcation.branch_set import BranchSet

FORMAT = "rnndyn branch set"
#: Raised when a reader of the last version could not understand a new file.
FORMAT_VERSION = 1

#: What a header or an array of the wrong shape or type can raise on its way into the objects.
_DAMAGE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


def write(path: FilePath, branch_set: "BranchSet") -> None:
    """Write a branch set; the file appears under its name only when it is complete."""
    records = [record_of(model, None) for model in branch_set.models]
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": branch_set.run.to_dict(),
        "axis": branch_set.axis,
        "model": header_of(records[0]),
        "n_models": len(records),
        "n_itineraries": len(branch_set.itineraries),
        "gaps": [{"s": gap.s, "reason": gap.reason} for gap in branch_set.gaps],
    }
    arrays: dict[str, NDArray[Any]] = {
        "header": np.array(json.dumps(header, allow_nan=False)),
        "axis_values": branch_set.axis_values,
    }
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
    ):
        for name, column in columns.items():
            arrays[f"{group}/{name}"] = column
    write_archive(path, arrays)


def read(path: FilePath, max_bytes: int) -> "BranchSet":
    """Read a branch set that takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a branch set, is damaged, or has a newer format.
    """
    try:
        return _contents(read_archive(path, max_bytes))
    except _DAMAGE as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path} cannot be read as a branch set of rnndyn: {reason}") from error


def _contents(arrays: dict[str, NDArray[Any]]) -> "BranchSet":
    from rnndyn.bifurcation.branch_set import BranchSet

    text = arrays.get("header")
    if text is None or text.dtype.kind != "U" or text.ndim != 0:
        raise ValueError("it has no header")
    header = parse_json(str(text))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f'it does not say "format": "{FORMAT}"')
    if header["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"its format is version {header['format_version']!r}, this rnndyn reads version "
            f"{FORMAT_VERSION}; install a newer rnndyn"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"member {name!r:.60} holds NaN")
    models = check_models(
        [
            model_of(record_from(header["model"], _group(arrays, f"model_{number}")))
            for number in range(header["n_models"])
        ],
        "models",
    )
    gaps = [
        Gap(float(gap["s"]), str(gap["reason"]), arrays.get(f"gap_{number}"))
        for number, gap in enumerate(header["gaps"])
    ]
    return BranchSet(
        Path(models, str(header["axis"]), arrays["axis_values"]),
        [_bits(arrays, f"itinerary_{number}") for number in range(header["n_itineraries"])],
        _columns(arrays, "branches", BRANCH_TYPES),
        _columns(arrays, "events", EVENT_TYPES),
        gaps,
        ContinuationRun.from_dict(header["run"]),
    )


def _bits(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[np.bool_]:
    if arrays[name].dtype != np.bool_:
        raise ValueError(f"member {name!r} must hold bits, not {arrays[name].dtype}")
    return arrays[name]


def _columns(
    arrays: dict[str, NDArray[Any]], group: str, types: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    columns = _group(arrays, group)
    for name, column in columns.items():
        if name in types and column.dtype != np.dtype(types[name]):
            raise ValueError(f"column {name!r} of the {group} holds {column.dtype} entries")
    return columns


def _group(arrays: dict[str, NDArray[Any]], folder: str) -> dict[str, NDArray[Any]]:
    start = folder + "/"
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }
