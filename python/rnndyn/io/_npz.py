"""Models as NumPy archives."""

import json
from pathlib import Path

import numpy as np

from rnndyn.io._archive import read_archive, write_archive
from rnndyn.io._record import ModelRecord, header_of, parse_json, record_from

_HEADER = "header"


def write_npz(path: Path, record: ModelRecord) -> None:
    """Write a record."""
    header = np.array(json.dumps(header_of(record), allow_nan=False))
    write_archive(path, {_HEADER: header, **record.parameters})


def read_npz(path: Path, max_bytes: int) -> ModelRecord:
    """Read a record that takes at most `max_bytes` when unpacked."""
    arrays = read_archive(path, max_bytes)
    header = arrays.pop(_HEADER, None)
    if header is None or header.dtype.kind != "U" or header.ndim != 0:
        raise ValueError(f"it has no member {_HEADER!r} with text: it is another kind of archive")
    return record_from(parse_json(str(header)), arrays)
