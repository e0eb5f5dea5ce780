"""Files in the safetensors format: a header in JSON and raw numbers, row-major."""

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._content import Content, array_from, content_of
from rnndyn.io._files import OpenedFile
from rnndyn.io._record import parse_json

#: As the format itself; the header of a network has a few hundred bytes for each array.
_MAX_HEADER = 100_000_000
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_safetensors(file: OpenedFile, max_bytes: int) -> Content:
    """Read a file; `max_bytes` has been checked against its size."""
    data = memoryview(file.content())
    if len(data) < 8:
        raise ValueError(f"it has {len(data)} bytes, a safetensors file at least 8")
    length = int.from_bytes(data[:8], "little")
    if length > min(_MAX_HEADER, len(data) - 8):
        raise ValueError(f"its header claims {length} bytes, but {len(data) - 8} bytes follow")
    try:
        header = parse_json(bytes(data[8 : 8 + length]).decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"its header is not UTF-8 text: {error.reason}") from None
    if not isinstance(header, dict):
        raise ValueError(f"its header must be a JSON object, not a {type(header).__name__}")
    header.pop("__metadata__", None)
    numbers = data[8 + length :]
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        try:
            arrays[name] = _array(entry, numbers)
        except ValueError as error:
            raise ValueError(f"tensor {name!r:.60}: {error}") from error
    return content_of("safetensors", arrays)


def _array(entry: object, numbers: memoryview) -> NDArray[Any]:
    if not isinstance(entry, dict):
        raise ValueError(f"its entry must be an object, got {entry!r:.60}")
    dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r:.60}")
    if not _are_lengths(shape) or not _are_lengths(offsets) or len(offsets) != 2:
        raise ValueError(f"its shape or its offsets are damaged: {shape!r:.60}, {offsets!r:.60}")
    start, end = offsets
    if not start <= end <= len(numbers):
        raise ValueError(f"it claims bytes {start} to {end} of {len(numbers)}")
    array = array_from(numbers[start:end], np.dtype(_DTYPES[dtype]), tuple(shape))
    return from_bfloat16(array) if dtype == "BF16" else array


def _are_lengths(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(entry) is int and entry >= 0 for entry in value)


def from_bfloat16(halves: NDArray[Any]) -> NDArray[Any]:
    """Return bfloat16 numbers, given as 16-bit integers: the upper halves of float32 numbers."""
    return (halves.astype(np.uint32) << 16).view(np.float32)
