"""Files of ``torch.save``: a zip archive of one pickle and the raw numbers of every tensor.

Read without torch and without unpickling, so files of modules saved whole are read too: by their
weights.
"""

import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._archive import METHODS, opened_archive
from rnndyn.io._content import MAX_AXES, Content, Record, Unread, content_of
from rnndyn.io._files import OpenedFile
from rnndyn.io._pickle_machine import Called, Named, Stored, read_pickle
from rnndyn.io._safetensors import from_bfloat16

_DTYPES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "u2",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
#: Functions that make tensors whose numbers are not read.
_UNREAD_TENSORS = {
    "_rebuild_sparse_tensor": "sparse",
    "_rebuild_qtensor": "quantised",
    "_rebuild_tensor_v3": "of a type of numbers without a storage of its own",
}
_MAX_NODES = 200_000
_MAX_DEPTH = 64
#: The pickle only describes; the numbers have members of their own.
_MAX_PICKLE = 2**26
#: How often tensors may share the same numbers, on average.
_MAX_SHARING = 16
#: Parts of a module that hold parts by name.
_MODULE_PARTS = ("_parameters", "_buffers", "_modules")


def read_torch(file: OpenedFile, max_bytes: int) -> Content:
    """Read a file that takes at most `max_bytes` when unpacked."""
    with opened_archive(file.stream, "archive of torch") as archive:
        members = {member.filename: member for member in archive.infolist()}
        claimed = sum(member.file_size for member in members.values())
        if claimed > max_bytes:
            raise ValueError(
                f"it claims to hold {claimed} bytes, more than max_bytes = {max_bytes}"
            )
        if any(member.compress_type not in METHODS for member in members.values()):
            raise ValueError("it has members of an unusual compression; torch uses none")
        pickles = [name for name in members if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise ValueError("it has no data.pkl, or several: torch.save writes one")
        if members[pickles[0]].file_size > _MAX_PICKLE:
            raise ValueError("its data.pkl is too long to be a description of tensors")
        folder = pickles[0].removesuffix("data.pkl")
        big = folder + "byteorder" in members and archive.read(folder + "byteorder") == b"big"
        reader = _Reader(archive, folder, ">" if big else "<", _MAX_SHARING * claimed)
        return content_of("torch", reader.value(read_pickle(archive.read(pickles[0])), 0))


class _Reader:
    def __init__(
        self, archive: zipfile.ZipFile, folder: str, byte_order: str, max_bytes: int
    ) -> None:
        self._archive = archive
        self._folder = folder
        self._byte_order = byte_order
        self._storages: dict[str, bytes] = {}
        self._n_nodes = 0
        self._bytes_left = max_bytes

    def value(self, node: Any, depth: int) -> Any:
        """Return a node of the pickle with its tensors as arrays."""
        self._n_nodes += 1
        if depth > _MAX_DEPTH or self._n_nodes > _MAX_NODES:
            raise ValueError("its objects are nested too deeply, or contain themselves")
        if isinstance(node, dict):
            return {str(key): self.value(entry, depth + 1) for key, entry in node.items()}
        if isinstance(node, list) or type(node) is tuple:
            return [self.value(entry, depth + 1) for entry in node]
        if isinstance(node, Called):
            return self._called(node, depth)
        return node if isinstance(node, bool | int | float) else None

    def _called(self, node: Called, depth: int) -> Any:
        function, arguments = node.function, node.arguments
        if not isinstance(function, Named) or not isinstance(arguments, tuple):
            return None
        if function.module == "torch._utils":
            if function.name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
                return self._tensor(arguments)
            if function.name in ("_rebuild_parameter", "_rebuild_parameter_with_state"):
                return self.value(arguments[0], depth + 1) if arguments else None
            if function.name.startswith("_rebuild_") and "tensor" in function.name:
                return Unread(_UNREAD_TENSORS.get(function.name, "a tensor of an unusual kind"))
        if function.module == "collections" and node.entries:
            return self.value(node.entries, depth + 1)
        if isinstance(node.state, dict):
            # An object saved whole: of a module, the parts that hold weights, else everything.
            parts: dict[Any, Any] = {}
            for key, entry in node.state.items():
                inner = entry.entries if isinstance(entry, Called) else entry
                if key in _MODULE_PARTS and isinstance(inner, dict):
                    parts.update(inner)
                elif not str(key).startswith("_"):
                    parts.setdefault(key, entry)
            fields = self.value(parts, depth + 1)
            return Record(function.name, {**fields, **_activation(parts)})
        return None

    def _tensor(self, arguments: tuple[Any, ...]) -> NDArray[Any] | Unread:
        try:
            stored, offset, shape, strides = arguments[:4]
            kind, storage_type, key = stored.reference[:3]
        except (AttributeError, TypeError, ValueError):
            raise ValueError("a tensor is damaged") from None
        if (
            not isinstance(stored, Stored)
            or kind != "storage"
            or not isinstance(storage_type, Named)
            or not isinstance(key, str)
            or type(offset) is not int
            or offset < 0
            or not _are_lengths(shape)
            or not _are_lengths(strides)
            or len(shape) != len(strides)
        ):
            raise ValueError("a tensor is damaged")
        name = storage_type.name
        if name not in _DTYPES:
            return Unread("complex" if "Complex" in name else "quantised")
        dtype = np.dtype(self._byte_order + _DTYPES[name])
        numbers = self._numbers(key, dtype)
        if 0 in shape:
            return np.zeros(tuple(min(length, 2**31) for length in shape), dtype=dtype)
        last = offset + sum(
            (length - 1) * stride for length, stride in zip(shape, strides, strict=True)
        )
        size = math.prod(shape)
        # Stride 0 would make a large tensor of few numbers; trained weights do not have it.
        if last >= len(numbers) or size > len(numbers):
            raise ValueError(
                f"a tensor of shape {shape!r:.60} does not fit its {len(numbers)} stored numbers"
            )
        self._bytes_left -= size * dtype.itemsize
        if self._bytes_left < 0:
            raise ValueError("too many of its tensors share the same numbers")
        array: NDArray[Any] = np.lib.stride_tricks.as_strided(
            numbers[offset:], shape, [stride * dtype.itemsize for stride in strides]
        )
        return from_bfloat16(array) if name == "BFloat16Storage" else array

    def _numbers(self, key: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        if key not in self._storages:
            try:
                self._storages[key] = self._archive.read(f"{self._folder}data/{key}")
            except KeyError:
                raise ValueError(f"the numbers of a tensor are missing: data/{key:.60}") from None
        data = self._storages[key]
        if len(data) % dtype.itemsize:
            raise ValueError(f"data/{key:.60} has {len(data)} bytes, no multiple of {dtype}")
        return np.frombuffer(data, dtype=dtype)


def _activation(parts: dict[Any, Any]) -> dict[str, Record]:
    """Return what a module of torch says in a text about its nonlinearity."""
    text = parts.get("mode", parts.get("nonlinearity"))
    name = text.lower().removeprefix("rnn_") if isinstance(text, str) else ""
    return {"activation": Record(name, {})} if name in ("tanh", "relu") else {}


def _are_lengths(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) <= MAX_AXES
        and all(type(entry) is int and 0 <= entry < 2**62 for entry in value)
    )
