"""Models as NumPy archives."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._archive import write_archive
from rnndyn.io._record import ModelRecord, header_of, parse_json, record_from

HEADER = "header"


def write_npz(path: Path, record: ModelRecord) -> None:
    """Write a record."""
    header = np.array(json.dumps(header_of(record), allow_nan=False))
    write_archive(path, {HEADER: header, **record.parameters})


def record_in(arrays: dict[str, NDArray[Any]]) -> ModelRecord:
    """Return the record that the arrays of an archive hold."""
    header = arrays.pop(HEADER)
    if header.dtype.kind != "U" or header.ndim != 0:
        raise ValueError(f"its member {HEADER!r} is no text: it is another kind of archive")
    return record_from(parse_json(str(header)), arrays)
