"""The program that reads HDF5 files for `rnndyn.io`, in a process of its own.

The HDF5 library believes what a file says: there are damaged files over which it loops forever,
crashes, or takes all memory. Here that ends this process only, which has limits, cannot write
files, and holds nothing but the file. `_hdf5.py` starts it and checks what comes back.

It imports nothing of rnndyn, so that it starts fast. From the standard input it reads lines of
JSON: first a list of folders to import NumPy and h5py from, then one request for each file. To
every request it answers with frames, each a letter, the number of bytes that follow, and these:
``A`` the raw numbers of an array, once for each; then ``T`` the tree of what the file holds, in
JSON, in which arrays are numbers of those frames; or ``E``, a sentence that says why not.
"""

import importlib
import json
import os
import signal
import struct
import sys
import time
from typing import Any, BinaryIO

try:
    import resource
except ImportError:  # Windows has no such limits.
    resource = None  # type: ignore[assignment]

_MAX_NODES = 100_000
_MAX_DEPTH = 32
#: Bytes of the tree. Names are its largest part; those of a network take some kilobytes.
MAX_TREE = 2**25
#: Bytes that one byte can unpack to: deflate reaches 1032, and the index of chunks has bytes too.
MAX_EXPANSION = 1100
#: Filters that keep to that: deflate, shuffle, checksum.
_FILTERS = (1, 2, 3)
#: Groups of the program that wrote the file, not of the user.
_INTERNAL = ("#refs#", "#subsystem#", "_types")
#: Names of the parts of complex numbers: of Julia, and of MATLAB.
_COMPLEX = (("re", "im"), ("real", "imag"))
#: How often objects may be met again by another reference; real files share a few types of layers.
_MAX_SHARED = 1000
#: Letter and number of bytes of a frame.
FRAME = struct.Struct("<cQ")


def main() -> None:
    """Answer requests until the input ends."""
    # Nothing that a library prints may come between the frames.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.path += json.loads(sys.stdin.buffer.readline())
    h5py, np = importlib.import_module("h5py"), importlib.import_module("numpy")

    _prepare()
    _send(output, b"R")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _limit(request["seconds"], request["memory"])
        try:
            reader = _Reader(h5py, np, output, request)
            tree = json.dumps(reader.tree()).encode()
            if len(tree) > MAX_TREE:
                raise ValueError("the names in it are too long")
        except ValueError as error:
            _send(output, b"E", str(error).encode(errors="replace"))
        except MemoryError:
            _send(output, b"E", b"reading it takes more memory than such a file can need")
        except Exception as error:
            # h5py has many ways to say that a file is damaged.
            text = " ".join(str(error).split())
            _send(
                output, b"E", f"it is not an intact HDF5 file: {text:.200}".encode(errors="replace")
            )
        else:
            _send(output, b"T", tree)
        _limit(0, None)


def _send(output: BinaryIO, kind: bytes, content: bytes | memoryview = b"") -> None:
    output.write(FRAME.pack(kind, len(content)))
    output.write(content)
    output.flush()


def _prepare() -> None:
    """Take away from this process to write files, and let the signal of the timer end it."""
    if resource is None:
        return
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))
    # Whether signals are ignored or blocked is inherited.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})


def _limit(seconds: float, memory: int | None) -> None:
    """Limit processor time (0: no limit) and further memory, where the system can.

    The signal of the timer ends the process, also in the middle of the HDF5 library.
    """
    if resource is None:
        return
    signal.setitimer(signal.ITIMER_PROF, seconds)
    if sys.platform != "linux":
        return
    soft, hard = resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_AS)[1]
    if memory is not None:
        try:
            with open("/proc/self/statm", "rb") as stream:
                pages = int(stream.read().split()[0])
        except OSError:
            # Without what is in use already, there is nothing to compute a limit from.
            return
        soft = pages * resource.getpagesize() + memory
    if hard != resource.RLIM_INFINITY:
        soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _Reader:
    """Reads one file; sizes are compared with the bytes that are stored before they are used."""

    def __init__(self, h5py: Any, np: Any, output: BinaryIO, request: dict[str, Any]) -> None:
        self._h5py = h5py
        self._np = np
        self._output = output
        self._path: str = request["path"]
        self._bytes_left: int = request["max_bytes"]
        self._file_bytes = os.stat(self._path).st_size
        # The timer that ends the process may be late, or not be there.
        self._end = time.process_time() + request["seconds"]
        self._n_nodes = 0
        self._n_arrays = 0
        self._referred_to: set[int] = set()
        self._n_shared = 0

    def tree(self) -> Any:
        """Return what the file holds: see `_node`."""
        with self._h5py.File(self._path, "r", locking=False) as file:
            return self._group(file, 0)

    def _count(self, depth: int) -> None:
        self._n_nodes += 1
        if depth > _MAX_DEPTH or self._n_nodes > _MAX_NODES:
            raise ValueError("its objects are nested too deeply, or contain themselves")
        if time.process_time() > self._end:
            raise ValueError("it holds too many objects for its size")

    def _group(self, group: Any, depth: int) -> Any:
        self._count(depth)
        if "MATLAB_sparse" in group.attrs:
            return {"unread": "sparse"}
        entries = []
        for name in group:
            # Links to other files, and soft links, are left alone.
            link = group.get(name, getlink=True)
            if name not in _INTERNAL and isinstance(link, self._h5py.HardLink):
                entries.append((name, self._object(group[name], depth + 1)))
        return {"group": entries}

    def _object(self, item: Any, depth: int) -> Any:
        if isinstance(item, self._h5py.Group):
            return self._group(item, depth)
        if isinstance(item, self._h5py.Dataset):
            return self._dataset(item, depth)
        return None

    def _dataset(self, dataset: Any, depth: int) -> Any:
        """Return the value of a dataset; None for texts and other things that are no numbers."""
        self._count(depth)
        dtype, shape = dataset.dtype, dataset.shape
        is_reference = self._h5py.check_ref_dtype(dtype) is self._h5py.Reference
        if shape is None or self._is_empty_in_matlab(dataset):
            return None
        if dtype.kind == "c" or (shape and dtype.names in _COMPLEX):
            return {"unread": "complex"}
        if not is_reference and dtype.names is None and dtype.kind not in "biuf":
            return None
        self._check_size(dataset, dtype, shape)
        value = dataset[()]
        if is_reference:
            references = self._np.ravel(self._np.asarray(value))
            found = [self._referred(dataset.file, entry, depth) for entry in references]
            return found[0] if shape == () else {"list": found}
        if dtype.names is not None:
            return self._compound(dataset, value, depth) if shape == () else None
        return self._array(value)

    def _array(self, value: Any) -> Any:
        """Send an array and return where it is."""
        array = self._np.asarray(value)
        if array.dtype.kind not in "biuf":
            return None
        if array.dtype.itemsize > 8:
            # Long doubles are another thing on every machine.
            array = array.astype("f8")
        shape = array.shape
        content = self._np.ascontiguousarray(array).reshape(-1).view("u1").data
        _send(self._output, b"A", content)
        self._n_arrays += 1
        return {"array": self._n_arrays - 1, "dtype": array.dtype.str, "shape": shape}

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
        expansion = MAX_EXPANSION if filters else 1
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
        """Return a Julia object with the name of its type, which its committed type has."""
        fields = self._fields(dataset.file, value, depth)
        return {"record": fields, "type": self._julia_type(dataset.id.get_type())}

    def _fields(self, file: Any, value: Any, depth: int) -> list[tuple[str, Any]]:
        """Return the fields of an object: numbers, references, or objects inside of it."""
        fields: list[tuple[str, Any]] = []
        for name in value.dtype.names:
            self._count(depth)
            entry = value[name]
            node = None
            if isinstance(entry, self._h5py.Reference):
                node = self._referred(file, entry, depth)
            elif isinstance(entry, self._np.void) and entry.dtype.names is not None:
                node = {"record": self._fields(file, entry, depth + 1), "type": ""}
            elif isinstance(entry, self._np.generic | self._np.ndarray):
                node = self._array(entry)
            fields.append((name, node))
        return fields

    def _julia_type(self, kind: Any) -> str:
        """Return the name of a type as JLD2 keeps it: a field of an attribute, beside others."""
        h5a, h5t = self._h5py.h5a, self._h5py.h5t
        # Versions of JLD2 differ in the name of the attribute.
        possible = (b"julia_type", b"julia type") if kind.committed() else ()
        names = [name for name in possible if h5a.exists(kind, name)]
        if not names:
            return ""
        attribute = h5a.open(kind, names[0])
        if attribute.get_storage_size() > 4096:
            raise ValueError("the name of a Julia type in it is damaged")
        dtype = self._np.dtype([("name", self._h5py.string_dtype())])
        text = self._np.empty((), dtype)
        attribute.read(text, mtype=h5t.py_create(dtype))
        name = text["name"].item()
        return name.decode(errors="replace") if isinstance(name, bytes) else ""

    def _referred(self, file: Any, reference: Any, depth: int) -> Any:
        # A null reference: Julia's nothing, or a field without value.
        if not reference:
            return None
        item = file[reference]
        # What refers twice to what refers twice ... would unfold without end.
        address = self._h5py.h5o.get_info(item.id).addr
        self._n_shared += address in self._referred_to
        self._referred_to.add(address)
        if self._n_shared > _MAX_SHARED:
            raise ValueError("its objects refer to the same objects too often")
        return self._object(item, depth + 1)


if __name__ == "__main__":
    main()
