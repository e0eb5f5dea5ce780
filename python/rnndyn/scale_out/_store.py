"""Finished chunks in a folder, one NumPy archive each (docs/reference/scale-out.md).

A chunk appears under its name by renaming a file, which is atomic: a kill at any moment leaves the
whole chunk or none.
"""

import contextlib
import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._archive import read_archive, write_members
from rnndyn.scale_out._digest import digest_of

#: What a chunk computed: arrays of numbers, bits or text by name.
Record = dict[str, NDArray[Any]]

FORMAT = "rnndyn chunks"
#: Version 1 was a group of the zarr format.
FORMAT_VERSION = 2
#: Names of the descriptions of a store and of a stage.
_STORE, _STAGE = "store.json", "stage.json"
#: The member with the digest and, of arrays that hold complex numbers, the names: a NumPy archive
#: that is read without trust holds real numbers, bits and text.
_HEADER = "header"
_MAX_BYTES = 2**40
#: A chunk is written in seconds; an unfinished file that is older than this was abandoned.
_ABANDONED_SECONDS = 3600.0


class Stage:
    """The chunks of one stage of a computation.

    Parameters
    ----------
    store : path-like
        The folder; made where it is missing.
    name : str
        Name of the stage.
    fingerprint : str
        Digest of everything that decides the result.
    n_chunks : int
        Number of its chunks.

    Raises
    ------
    ValueError
        If the folder is something else, or holds the stage of another computation.
    """

    def __init__(
        self, store: str | os.PathLike[str], name: str, fingerprint: str, n_chunks: int
    ) -> None:
        try:
            root = Path(store)
        except TypeError:
            raise TypeError(
                f"store must be the path of a folder, got {store!r:.80} ({type(store).__name__})"
            ) from None
        _open_root(root)
        self._folder = root / name
        self._folder.mkdir(exist_ok=True)
        identity = {"fingerprint": fingerprint, "n_chunks": n_chunks}
        if _described(self._folder / _STAGE, identity) != identity:
            raise ValueError(
                f"store {root} holds the {name!r} of another computation (other models, other "
                "arguments or another version of rnndyn): choose another folder, or delete this one"
            )

    def read(self, index: int) -> Record | None:
        """Return a chunk, or None where it is missing or damaged; the latter with a warning."""
        path = self._path(index)
        if not path.exists():
            return None
        try:
            arrays = read_archive(path, _MAX_BYTES)
            header = json.loads(str(arrays.pop(_HEADER)))
            for name in header["complex"]:
                arrays[name] = _as_complex(arrays[name])
            record = dict(arrays)
            if digest_of(record) == header["digest"]:
                return record
        except (KeyError, OSError, TypeError, ValueError):
            pass
        warnings.warn(
            f"chunk {path} is damaged and is computed again", RuntimeWarning, stacklevel=2
        )
        # Out of the way at once: another run over the same store may do the same.
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def write(self, index: int, record: Mapping[str, NDArray[Any]]) -> None:
        """Add a chunk; it appears when it is complete."""
        kept = {name: np.asarray(value) for name, value in record.items()}
        header = {
            "digest": digest_of(kept),
            "complex": [name for name, array in kept.items() if array.dtype.kind == "c"],
        }
        members = {name: _as_real(name, array) for name, array in kept.items()}
        with _appearing(self._path(index)) as part, open(part, "xb") as stream:
            write_members(stream, {_HEADER: np.array(json.dumps(header)), **members})

    def _path(self, index: int) -> Path:
        return self._folder / f"{index}.npz"


def _open_root(root: Path) -> None:
    refused = f"store {root} is not a folder of chunks of rnndyn; choose a new or empty folder"
    if root.exists() and not root.is_dir():
        raise ValueError(refused)
    root.mkdir(parents=True, exist_ok=True)
    is_empty = all(path.suffix == ".part" for path in root.iterdir())
    # Looked for second: another run may be describing an empty folder at this moment.
    if not is_empty and not (root / _STORE).exists():
        raise ValueError(refused)
    header = _described(root / _STORE, {"format": FORMAT, "format_version": FORMAT_VERSION})
    if header.get("format") != FORMAT:
        raise ValueError(refused)
    if header.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"store {root} has version {header.get('format_version')!r} of its format, this "
            f"rnndyn reads version {FORMAT_VERSION}; choose another folder"
        )


def _described(path: Path, description: dict[str, Any]) -> dict[str, Any]:
    """Write a description where there is none; return the one that is there, {} if damaged."""
    if not path.exists():
        with _appearing(path) as part:
            part.write_text(json.dumps(description), "utf-8")
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give the name of a file that gets its own name when the block ends without an error."""
    # It tells who makes it, so that what a killed run leaves can be told from what is being made.
    maker = f"{_machine()}-{os.getpid()}"
    part = path.with_name(f".{path.name}.{maker}.{os.urandom(8).hex()}.part")
    try:
        yield part
        _remove_leftovers(path, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _machine() -> str:
    """Return a word for where the numbers of processes are those of this process."""
    # Containers may have the name of the machine and processes of their own.
    with contextlib.suppress(OSError):
        return digest_of(f"{platform.node()} {os.readlink('/proc/self/ns/pid')}")[:12]
    return digest_of(platform.node())[:12]


def _is_abandoned(leftover: Path, part: Path) -> bool:
    """Tell whether an unfinished file was abandoned: its maker has ended, or it is old."""
    machine, _, number = leftover.name.split(".")[-3].partition("-")
    # On Windows this call would not ask but end the process.
    if os.name == "posix" and machine == _machine() and number.isdecimal():
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
    # Both times are those of the file system, which may be that of another machine.
    return part.stat().st_mtime - leftover.stat().st_mtime > _ABANDONED_SECONDS


def _remove_leftovers(path: Path, part: Path) -> None:
    """Remove what runs that were killed have left, but not what another builds at this moment."""
    for leftover in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(OSError):
            if leftover != part and _is_abandoned(leftover, part):
                leftover.unlink()


def _as_real(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as an archive holds it: complex numbers as pairs in a last dimension."""
    too_long = array.dtype.kind in "fc" and array.real.dtype.itemsize > 8
    if array.dtype.kind not in "biufcU" or too_long:
        raise TypeError(f"a chunk can hold no array of {array.dtype}: {name!r}")
    if array.dtype.kind != "c":
        return array
    return np.stack([array.real, array.imag], axis=-1)


def _as_complex(pairs: NDArray[Any]) -> NDArray[Any]:
    # Not real + 1j * imaginary, which is NaN for infinite numbers.
    numbers = np.empty(pairs.shape[:-1], np.result_type(pairs.dtype, np.complex64))
    numbers.real, numbers.imag = pairs[..., 0], pairs[..., 1]
    return numbers
