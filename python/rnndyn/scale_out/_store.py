"""Finished chunks in a folder, a group of the zarr format (docs/reference/scale-out.md).

A chunk appears under its name by renaming a folder, which is atomic: a kill at any moment leaves
the whole chunk or none.
"""

import contextlib
import os
import platform
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn._common.optional import import_optional
from rnndyn.scale_out._digest import digest_of

#: What a chunk computed: arrays of numbers, bits or text by name.
Record = dict[str, NDArray[Any]]

FORMAT = "rnndyn chunks"
FORMAT_VERSION = 1
#: A chunk is built in seconds; what has not changed for so long is nobody's.
_ABANDONED_SECONDS = 3600.0
_CODE_POINTS = np.dtype("<u4")


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
    MissingPackageError
        If zarr is not installed (``pip install "rnndyn[cluster]"``).
    ValueError
        If the folder is something else, or holds the stage of another computation.
    """

    def __init__(
        self, store: str | os.PathLike[str], name: str, fingerprint: str, n_chunks: int
    ) -> None:
        self._zarr = import_optional("zarr", "store=")
        try:
            root = Path(store)
        except TypeError:
            raise TypeError(
                f"store must be the path of a folder, got {store!r:.80} ({type(store).__name__})"
            ) from None
        self._open_root(root)
        self._folder = root / name
        identity = {"fingerprint": fingerprint, "n_chunks": n_chunks}
        if not self._folder.exists():
            self._appear(self._folder, lambda part: self._group(part, identity))
        found = self._attributes(self._folder)
        if found != identity:
            raise ValueError(
                f"store {root} holds the {name!r} of another computation (other models, other "
                "arguments or another version of rnndyn): choose another folder, or delete this one"
            )

    def read(self, index: int) -> Record | None:
        """Return a chunk, or None where it is missing or damaged; the latter with a warning."""
        folder = self._folder / str(index)
        if not folder.exists():
            return None
        try:
            group = self._zarr.open_group(folder, mode="r")
            record = {name: _decoded(array) for name, array in group.arrays()}
            if digest_of(record) == group.attrs["digest"]:
                return record
        except MemoryError:
            raise
        except Exception:
            # There is no end to what a damaged file can make zarr and its codecs raise.
            pass
        warnings.warn(
            f"chunk {folder} is damaged and is computed again", RuntimeWarning, stacklevel=2
        )
        # Out of the way at once: another run over the same store may do the same.
        part = _part_of(folder)
        with contextlib.suppress(OSError):
            os.rename(folder, part)
        shutil.rmtree(part, ignore_errors=True)
        return None

    def write(self, index: int, record: Mapping[str, NDArray[Any]]) -> None:
        """Add a chunk; it appears when it is complete."""

        def build(part: Path) -> None:
            group = self._group(part, {"digest": digest_of(record)})
            for name, array in record.items():
                _write_array(group, name, np.asarray(array))

        self._appear(self._folder / str(index), build)

    def _open_root(self, root: Path) -> None:
        if _is_empty(root):
            root.parent.mkdir(parents=True, exist_ok=True)
            header = {"format": FORMAT, "format_version": FORMAT_VERSION}
            self._appear(root, lambda part: self._group(part, header))
        header = self._attributes(root)
        if header.get("format") != FORMAT:
            raise ValueError(
                f"store {root} is not a folder of chunks of rnndyn; choose a new or empty folder"
            )
        if header.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"store {root} has version {header.get('format_version')!r} of its format, this "
                f"rnndyn reads version {FORMAT_VERSION}; choose another folder"
            )

    def _group(self, path: Path, attributes: dict[str, Any]) -> Any:
        return self._zarr.open_group(path, mode="w-", zarr_format=3, attributes=attributes)

    def _attributes(self, path: Path) -> dict[str, Any]:
        try:
            return dict(self._zarr.open_group(path, mode="r", zarr_format=3).attrs)
        except (KeyError, TypeError, ValueError, OSError):
            # No group, or one with a damaged description; the caller says what is expected.
            return {}

    def _appear(self, folder: Path, build: Callable[[Path], object]) -> None:
        """Build a folder under another name, and give it its name when it is complete."""
        part = _part_of(folder)
        try:
            build(part)
            _remove_leftovers(folder, part)
            # An empty folder of the user's, which Windows does not rename over.
            with contextlib.suppress(OSError):
                folder.rmdir()
            os.rename(part, folder)
        except OSError:
            # Another run over the same store has finished it in the meantime.
            if not (folder / "zarr.json").exists():
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _part_of(folder: Path) -> Path:
    """Return a name that nobody else has for a folder in the making; it tells who makes it."""
    maker = f"{_machine()}-{os.getpid()}"
    return folder.with_name(f".{folder.name}.{maker}.{os.urandom(8).hex()}.part")


def _machine() -> str:
    """Return a word for where the numbers of processes are those of this process."""
    # Containers may have the name of the machine and processes of their own.
    with contextlib.suppress(OSError):
        return digest_of(f"{platform.node()} {os.readlink('/proc/self/ns/pid')}")[:12]
    return digest_of(platform.node())[:12]


def _is_abandoned(leftover: Path, part: Path) -> bool:
    """Tell whether nobody builds a folder any longer: its maker has ended, or it is old."""
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


def _is_empty(folder: Path) -> bool:
    """Whether there is no folder of this name, or nothing in it."""
    try:
        return not any(folder.iterdir())
    except FileNotFoundError:
        # Also where another run puts its own in the place of an empty one at this moment.
        return True
    except NotADirectoryError:
        return False


def _remove_leftovers(folder: Path, part: Path) -> None:
    """Remove what runs that were killed have left, but not what another builds at this moment."""
    for leftover in folder.parent.glob(f".{folder.name}.*.part"):
        with contextlib.suppress(OSError):
            if leftover != part and _is_abandoned(leftover, part):
                shutil.rmtree(leftover, ignore_errors=True)


def _write_array(group: Any, name: str, array: NDArray[Any]) -> None:
    """Write an array as one piece; text as its code points, for which zarr has a fixed format."""
    if array.dtype.kind not in "biufcU":
        raise TypeError(f"a chunk can hold no array of {array.dtype}: {name!r}")
    attributes = {}
    # Not `ascontiguousarray`, which turns a number into an array of length 1.
    array = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    if array.dtype.kind == "U":
        width = array.dtype.itemsize // _CODE_POINTS.itemsize
        attributes["text"] = True
        array = np.frombuffer(array.tobytes(), np.uint32).reshape(*array.shape, width)
    group.create_array(
        name, data=array, chunks=tuple(max(n, 1) for n in array.shape), attributes=attributes
    )


def _decoded(array: Any) -> NDArray[Any]:
    content = np.asarray(array[...])
    if not array.attrs.get("text", False):
        return content
    width = content.shape[-1]
    return np.frombuffer(content.tobytes(), f"=U{width}").reshape(content.shape[:-1])
