"""HDF5 files: MATLAB 7.3, Julia's JLD2, and others, read with h5py.

The library believes what a file says, so sizes are compared with the bytes that are stored before
anything is read, and nothing outside the file is followed.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn._optional import import_optional
from rnndyn.io._content import MAX_AXES, Content, Record, content_of

_MAX_NODES = 100_000
_MAX_DEPTH = 32
#: Bytes that one byte can unpack to: deflate reaches 1032, and the index of chunks has bytes too.
_MAX_EXPANSION = 1100
#: Filters that keep to that: deflate, shuffle, checksum.
_FILTERS = (1, 2, 3)
#: Groups of the program that wrote the file, not of the user.
_INTERNAL = ("#refs#", "#subsystem#", "_types")


def read_hdf5(path: Path, max_bytes: int) -> Content:
    """Read the arrays of a file that take at most `max_bytes`.

    Raises
    ------
    ValueError
        If the file is damaged or holds more.
    MissingPackageError
        If h5py is not installed.
    """
    h5py = import_optional("h5py", "reading an HDF5 file (MATLAB 7.3, JLD2)")
    with path.open("rb") as stream:
        start = stream.read(64)
    kind = "HDF5"
    if start.startswith(b"MATLAB 7.3"):
        kind = "MATLAB 7.3"
    elif b"Julia Data Format" in start:
        kind = "JLD2"
    try:
        with h5py.File(path, "r", locking=False) as file:
            # MATLAB and Julia store by column and write the axes backwards.
            reader = _Reader(h5py, max_bytes, path.stat().st_size, transposed=kind != "HDF5")
            return content_of(kind, reader.group(file, 0))
    except (
        AttributeError, KeyError, IndexError, NotImplementedError, OSError, OverflowError,
        RuntimeError, SystemError, TypeError, MemoryError,
    ) as error:  # fmt: skip
        # All of these are h5py's ways to say that the file is damaged.
        text = " ".join(str(error).split())
        raise ValueError(f"it is not an intact HDF5 file: {text:.200}") from error


class _Reader:
    def __init__(self, h5py: Any, max_bytes: int, file_bytes: int, *, transposed: bool) -> None:
        self._h5py = h5py
        self._bytes_left = max_bytes
        self._file_bytes = file_bytes
        self._transposed = transposed
        self._n_nodes = 0

    def _count(self, depth: int) -> None:
        self._n_nodes += 1
        if depth > _MAX_DEPTH or self._n_nodes > _MAX_NODES:
            raise ValueError("its objects are nested too deeply, or contain themselves")

    def group(self, group: Any, depth: int) -> dict[str, Any]:
        """Return what a group holds."""
        self._count(depth)
        values: dict[str, Any] = {}
        for name in group:
            # Links to other files, and soft links, are left alone.
            if name in _INTERNAL or not isinstance(
                group.get(name, getlink=True), self._h5py.HardLink
            ):
                continue
            values[name] = self.object(group[name], depth + 1)
        return values

    def object(self, item: Any, depth: int) -> Any:
        """Return a group or the value of a dataset."""
        if isinstance(item, self._h5py.Group):
            return self.group(item, depth)
        if isinstance(item, self._h5py.Dataset):
            return self.dataset(item, depth)
        return None

    def dataset(self, dataset: Any, depth: int) -> Any:
        """Return the value of a dataset; None for texts and other things that are no numbers."""
        self._count(depth)
        dtype, shape = dataset.dtype, dataset.shape
        is_reference = self._h5py.check_ref_dtype(dtype) is self._h5py.Reference
        if shape is None or self._is_empty_in_matlab(dataset):
            return None
        if not is_reference and dtype.names is None and dtype.kind not in "biuf":
            return None
        self._check_size(dataset, dtype, shape)
        value = dataset[()]
        if is_reference:
            found = [self._referred(dataset.file, r, depth) for r in np.ravel(np.asarray(value))]
            return found[0] if shape == () else found
        if dtype.names is not None:
            return self._compound(dataset, value, depth) if shape == () else None
        array: NDArray[Any] = np.asarray(value)
        return array.T if self._transposed else array

    def _is_empty_in_matlab(self, dataset: Any) -> bool:
        """Whether the numbers are the sizes of an array without numbers."""
        if "MATLAB_empty" not in dataset.attrs:
            return False
        # Attributes have no checks of their own against claims; this one is a single number.
        if dataset.attrs.get_id("MATLAB_empty").get_storage_size() > 8:
            raise ValueError(f"dataset {dataset.name!r:.60} has a damaged attribute MATLAB_empty")
        return bool(dataset.attrs["MATLAB_empty"])

    def _check_size(self, dataset: Any, dtype: Any, shape: tuple[int, ...]) -> None:
        name = dataset.name
        if len(shape) > MAX_AXES:
            raise ValueError(f"dataset {name!r:.60} has {len(shape)} axes")
        n_bytes = dtype.itemsize
        for length in shape:
            n_bytes *= length
        self._bytes_left -= n_bytes
        if self._bytes_left < 0:
            raise ValueError("its datasets claim more than max_bytes")
        properties = dataset.id.get_create_plist()
        layout = properties.get_layout()
        h5d = self._h5py.h5d
        if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
            raise ValueError(f"dataset {name!r:.60} is made of others; copy it into one")
        if properties.get_external_count():
            raise ValueError(f"dataset {name!r:.60} is stored in another file")
        filters = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
        unusual = [number for number in filters if number not in _FILTERS]
        if unusual:
            raise ValueError(f"dataset {name!r:.60} uses filter {unusual[0]}; use gzip or none")
        stored = min(dataset.id.get_storage_size(), self._file_bytes)
        expansion = _MAX_EXPANSION if filters else 1
        if n_bytes > stored * expansion:
            raise ValueError(
                f"dataset {name!r:.60} claims {n_bytes} bytes, but {stored} bytes are stored"
            )
        if layout == h5d.CHUNKED:
            chunk = dtype.itemsize
            for length in dataset.chunks:
                chunk *= length
            if chunk > max(self._file_bytes * expansion, n_bytes):
                raise ValueError(f"dataset {name!r:.60} has chunks of {chunk} bytes")

    def _compound(self, dataset: Any, value: Any, depth: int) -> Any:
        """Return a Julia object: each of its fields is a number or refers to a dataset."""
        fields = {}
        for name in dataset.dtype.names:
            entry = value[name]
            if isinstance(entry, self._h5py.Reference):
                fields[name] = self._referred(dataset.file, entry, depth)
            elif isinstance(entry, np.void) and entry.dtype.names is not None:
                fields[name] = None
            else:
                fields[name] = entry
        # The name of its type is a text of variable length in an attribute. The library can
        # loop forever over a damaged heap of such texts, so the fields have to tell the family.
        return Record("", fields)

    def _referred(self, file: Any, reference: Any, depth: int) -> Any:
        # A null reference: Julia's nothing, or a field without value.
        return self.object(file[reference], depth + 1) if reference else None
