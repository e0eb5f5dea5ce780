"""Models as JSON text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn._common.arrays import FloatArray
from rnndyn.io._files import OpenedFile, complete_file
from rnndyn.io._record import ModelRecord, header_of, parse_json, record_from


def write_json(path: Path, record: ModelRecord) -> None:
    """Write a record; Python writes every float64 with as many digits as it takes to be exact."""
    content = header_of(record)
    content["parameters"] = {
        name: _nested_lists(array) for name, array in record.parameters.items()
    }
    text = json.dumps(content, allow_nan=False, indent=1)
    with complete_file(path) as stream:
        stream.write(text.encode() + b"\n")


def read_json(file: OpenedFile, max_bytes: int) -> ModelRecord:
    """Read a record; `max_bytes` has been checked against the size of the file."""
    try:
        text = file.content().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from None
    content = parse_json(text)
    if not isinstance(content, dict):
        raise ValueError(f"it must hold a JSON object, not a {type(content).__name__}")
    parameters = content.pop("parameters", None)
    if not isinstance(parameters, dict):
        if content.get("format") is None:
            record_from(content, {})
        raise ValueError('"parameters" must be an object of arrays by name')
    return record_from(content, {name: _array(name, value) for name, value in parameters.items()})


def _nested_lists(array: NDArray[Any]) -> Any:
    # Nested lists cannot say how long the rows of a matrix without rows are.
    if array.ndim == 2 and array.shape[0] == 0:
        return {"shape": list(array.shape)}
    return array.tolist()


def _array(name: str, value: object) -> FloatArray:
    if isinstance(value, dict):
        return _empty_array(name, value)
    try:
        if _is_number(value):
            return np.array(value, dtype=np.float64)
        if isinstance(value, list):
            rows = [row for row in value if isinstance(row, list)]
            numbers = rows if rows else [value]
            if (
                len(rows) in (0, len(value))
                and all(_is_number(number) for row in numbers for number in row)
                and len({len(row) for row in numbers}) == 1
            ):
                return np.array(value, dtype=np.float64)
    except OverflowError:
        raise ValueError(f"parameter {name:.60} holds a number too large for float64") from None
    raise ValueError(
        f"parameter {name:.60} must be a number, a list of numbers, or a list of equally long "
        f"lists of numbers, got {value!r:.60}"
    )


def _empty_array(name: str, value: dict[str, Any]) -> FloatArray:
    shape = value.get("shape")
    if (
        set(value) != {"shape"}
        or not isinstance(shape, list)
        or len(shape) != 2
        or not all(type(length) is int and 0 <= length < 2**31 for length in shape)
        or shape[0] != 0
    ):
        raise ValueError(
            f'parameter {name:.60}: the only object allowed is {{"shape": [0, n]}}, '
            f"a matrix without rows, got {value!r:.60}"
        )
    return np.zeros(shape)


def _is_number(value: object) -> bool:
    return type(value) in (int, float)
