"""NumPy archives (.npz) read without trust: nothing is unpickled, evaluated or believed.

`numpy.load` evaluates the header of every member as a Python literal and allocates what it claims.
Here the header is matched against the one layout there is, and its size against the bytes that
follow, before anything is allocated.
"""

import errno
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._files import complete_file, opened_file

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 4096
_LAYOUT = re.compile(
    rb"\s*\{\s*'descr'\s*:\s*'(?P<dtype>[<>|][a-zA-Z]\d{0,9})'\s*,"
    rb"\s*'fortran_order'\s*:\s*(?P<fortran>True|False)\s*,"
    rb"\s*'shape'\s*:\s*\((?P<shape>[\d,\s]*)\)\s*,?\s*\}\s*"
)
_DTYPES = re.compile(rb"[<>|](b1|[iu][1248]|f[248]|U\d+)")
#: Compressions of members that are read.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the standard library raises on damaged or unusual archives.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def write_archive(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of numbers or text by name; the same arrays always give the same bytes."""
    with complete_file(path) as stream:
        write_members(stream, arrays)


def write_members(stream: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the archive to a file that is open."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def read_archive(path: Path, max_bytes: int) -> dict[str, NDArray[Any]]:
    """Read arrays of numbers or text by name.

    Raises
    ------
    ValueError
        If the archive is damaged, holds anything else, or claims more than `max_bytes` in all.
    """
    with opened_file(path, None) as file:
        return read_members(file.stream, max_bytes)


def read_members(stream: IO[bytes], max_bytes: int) -> dict[str, NDArray[Any]]:
    """Read the arrays of an archive that is open; with the same errors as `read_archive`."""
    with opened_archive(stream, ".npz archive") as archive:
        return _read_members(archive, max_bytes)


@contextmanager
def opened_archive(stream: IO[bytes], what: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; damage found in it while it is open becomes a ValueError."""
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except _DAMAGE as error:
        raise ValueError(f"it is not an intact {what}: {error!s:.120}") from error
    except OSError as error:
        # zipfile seeks to wherever a damaged directory points, also before the start.
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"it is not an intact {what}: its directory is damaged") from error


def read_npy(path: Path, max_bytes: int) -> NDArray[Any]:
    """Read the array of numbers or text of one ``.npy`` file.

    Raises
    ------
    ValueError
        If the file is damaged, holds anything else, or is larger than `max_bytes`.
    """
    with opened_file(path, max_bytes) as file:
        return _read_array(file.stream, file.size)


def _read_members(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, NDArray[Any]]:
    members = archive.infolist()
    claimed = sum(member.file_size for member in members)
    if claimed > max_bytes:
        raise ValueError(f"it claims to hold {claimed} bytes, more than max_bytes = {max_bytes}")
    arrays: dict[str, NDArray[Any]] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name in arrays:
            raise ValueError(f"member {name!r:.60} is there twice")
        if member.compress_type not in METHODS:
            raise ValueError(
                f"member {name!r:.60} uses an unusual compression; use deflate or none"
            )
        with archive.open(member) as stream:
            try:
                arrays[name] = _read_array(stream, member.file_size)
            except ValueError as error:
                raise ValueError(f"member {name!r:.60}: {error}") from error
    return arrays


def _read_array(stream: IO[bytes], n_bytes: int) -> NDArray[Any]:
    """Read a .npy member of `n_bytes`."""
    start = stream.read(len(_MAGIC) + 2)
    major = start[len(_MAGIC)] if len(start) == len(_MAGIC) + 2 else 0
    if not start.startswith(_MAGIC) or major not in (1, 2, 3):
        raise ValueError(
            "it is not an array in the .npy format of version 1, 2 or 3, as numpy.save writes it"
        )
    prefix = stream.read(2 if major == 1 else 4)
    length = int.from_bytes(prefix, "little")
    if length > _MAX_HEADER:
        raise ValueError(f"its header claims {length} bytes; {_MAX_HEADER} are plenty")
    header = stream.read(length)
    layout = _LAYOUT.fullmatch(header)
    if len(header) < length or layout is None:
        raise ValueError(f"its header is damaged: {header[:60]!r}")
    if _DTYPES.fullmatch(layout["dtype"]) is None:
        raise ValueError(f"it must hold real numbers or text, not {layout['dtype'].decode()}")
    dtype = np.dtype(layout["dtype"].decode())
    shape = _shape(layout["shape"].decode())
    expected = dtype.itemsize * math.prod(shape)
    available = n_bytes - len(start) - len(prefix) - length
    if expected != available:
        raise ValueError(
            f"its header claims shape {shape} of {dtype}, {expected} bytes, "
            f"but {available} bytes follow"
        )
    content = stream.read(available)
    if len(content) < available:
        raise ValueError(f"it ends after {len(content)} of {available} bytes")
    if dtype.kind == "U":
        # NumPy fails in its own ways on numbers that are no characters.
        content.decode("utf-32-be" if dtype.str.startswith(">") else "utf-32-le")
    by_column = layout["fortran"] == b"True"
    return np.ndarray(shape, dtype=dtype, buffer=content, order="F" if by_column else "C")


def _shape(text: str) -> tuple[int, ...]:
    lengths = [part.strip() for part in text.split(",")]
    if lengths[-1] == "":
        lengths.pop()
    # NumPy refuses more than 64 axes and lengths beyond a signed 64-bit integer.
    if not all(part.isdigit() and len(part) < 19 for part in lengths) or len(lengths) > 64:
        raise ValueError(f"its header claims the impossible shape ({text:.60})")
    return tuple(int(part) for part in lengths)
