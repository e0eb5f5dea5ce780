"""What the files of all results have in common: a header in JSON that says what it is, and arrays.

The formats are described in ``docs/reference``. Nothing is pickled, and nothing is believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._archive import read_archive, read_members, write_archive
from rnndyn.io._files import opened_file
from rnndyn.io._record import parse_json

Arrays = dict[str, NDArray[Any]]

_T = TypeVar("_T")

_HEADER = "header"
#: What a header or an array of the wrong shape or type can raise on its way into the objects.
DAMAGE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


class ResultFormat(NamedTuple):
    """A kind of file, which takes the state of a result and gives it back.

    Attributes
    ----------
    name : str
        What the header says, such as ``"rnndyn cycle set"``.
    version : int
        Raised when a reader of the last version could not understand a new file. All versions from
        1 on are read.
    what : str
        What is in it, for messages, such as ``"a cycle set"``.
    taken_apart : callable
        Makes entries of the header, ready for JSON, and arrays by name from the arguments of the
        constructor of the result.
    put_together : callable
        Makes these arguments from a header, whose format and version were checked, and from the
        arrays, none of which holds NaN.
    """

    name: str
    version: int
    what: str
    taken_apart: Callable[[dict[str, Any]], tuple[dict[str, Any], Arrays]]
    put_together: Callable[[dict[str, Any], Arrays], dict[str, Any]]

    def write(self, path: Path, state: dict[str, Any]) -> None:
        """Write a file; it appears under its name only when it is complete."""
        header, arrays = self.taken_apart(state)
        entries = {"format": self.name, "format_version": self.version, **header}
        text = np.array(json.dumps(entries, allow_nan=False))
        write_archive(path, {_HEADER: text, **arrays})

    def read(self, path: Path, max_bytes: int, build: Callable[..., _T]) -> _T:
        """Read a file that takes at most `max_bytes` when unpacked.

        Parameters
        ----------
        path : Path
            The file.
        max_bytes : int
            Refuse a file that takes more memory than this.
        build : callable
            The constructor. Its errors are those of the file.

        Raises
        ------
        ValueError
            If the file is of another kind, is damaged, was written in a newer format, or is too
            large.
        """
        try:
            header, arrays = self._checked(read_archive(path, max_bytes))
            return build(**self.put_together(header, arrays))
        except DAMAGE as error:
            raise unreadable(path, self.what, error) from error

    def _checked(self, arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        text = arrays.pop(_HEADER, None)
        if text is None or text.dtype.kind != "U" or text.ndim != 0:
            raise ValueError("it has no header")
        header = parse_json(str(text))
        if not isinstance(header, dict) or header.get("format") != self.name:
            raise ValueError(f'it does not say "format": "{self.name}"')
        version = header["format_version"]
        if type(version) is not int or not 1 <= version <= self.version:
            known = "version 1" if self.version == 1 else f"versions up to {self.version}"
            raise ValueError(
                f"its format is version {version!r}, this rnndyn reads {known}; "
                "install a newer rnndyn"
            )
        for name, array in arrays.items():
            if array.dtype.kind == "f" and np.isnan(array).any():
                raise ValueError(f"member {name!r:.60} holds NaN")
        return header, arrays


def header_in(path: Path, max_bytes: int) -> dict[str, Any]:
    """Return the header of a file of a result; an empty one where it is something else."""
    try:
        with opened_file(path, None) as file:
            if file.stream.read(2) == b"PK":
                text = read_members(file.stream, max_bytes).get(_HEADER)
                header = None if text is None or text.dtype.kind != "U" else parse_json(str(text))
            elif file.size <= max_bytes:
                header = parse_json(file.content().decode("utf-8"))
            else:
                raise ValueError(f"it has more than max_bytes = {max_bytes} bytes")
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a result of rnndyn: {error}") from error
    return header if isinstance(header, dict) else {}


def unreadable(path: Path, what: str, error: Exception) -> ValueError:
    """Return the error that tells which file could not be read as what, and why."""
    reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
    return ValueError(f"{path} cannot be read as {what} of rnndyn: {reason}")


def group_of(arrays: Mapping[str, NDArray[Any]], folder: str) -> Arrays:
    """Return the arrays whose names begin with ``folder/``, without it."""
    start = folder + "/"
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }
