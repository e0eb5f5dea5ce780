"""Julia values in BSON files, as the package BSON.jl writes them: read as data, never built.

Julia values are documents with an entry ``tag``. Loading such a file in Julia calls constructors
that it names; here a type is only a name.
"""

from typing import Any

import numpy as np

from rnndyn.io._bson import parse_bson
from rnndyn.io._content import Content, Record, Unread, array_from, content_of
from rnndyn.io._files import OpenedFile

_DTYPES = {
    "Float64": "<f8", "Float32": "<f4", "Float16": "<f2", "Int64": "<i8", "Int32": "<i4",
    "Int16": "<i2", "Int8": "i1", "UInt64": "<u8", "UInt32": "<u4", "UInt16": "<u2",
    "UInt8": "u1", "Bool": "?",
}  # fmt: skip
_SHALLOW = ("A", "W1", "W2", "h1", "h2", "C")
_STATES = ("A", "W", "h", "C")
_DENDRITIC = ("A", "W", "h", "alpha", "thresholds", "C")
#: Types of Julia packages -> names of their fields in order, which BSON files leave out. The PLRNNs
#: are those of GTF-shPLRNN, the cells those of Flux.
FIELDS = {
    "PLRNN": _STATES,
    "mcPLRNN": _STATES,
    "shallowPLRNN": _SHALLOW,
    "clippedShallowPLRNN": _SHALLOW,
    "dendPLRNN": _DENDRITIC,
    "clippedDendPLRNN": _DENDRITIC,
    "deepPLRNN": ("A", "MLP", "C"),
    "RNNCell": ("σ", "Wi", "Wh", "b", "state0"),
    "LSTMCell": ("Wi", "Wh", "b", "state0"),
    "GRUCell": ("Wi", "Wh", "b", "state0"),
    "Recur": ("cell", "state"),
    "RNN": ("cell", "return_state"),
    "LSTM": ("cell", "return_state"),
    "GRU": ("cell", "return_state"),
    "Chain": ("layers",),
    "Dense": ("weight", "bias", "activation"),
}
#: Types that only wrap an array, their first field. To transpose the vector of a Diagonal, the
#: diagonal, changes nothing.
_WRAPPERS = ("Adjoint", "Diagonal", "Transpose")
_MAX_DEPTH = 100
#: Decoded documents; references may lead to one many times.
_MAX_NODES = 200_000


def read_bson(file: OpenedFile, max_bytes: int) -> Content:
    """Read a file of BSON.jl; `max_bytes` has been checked against its size."""
    document = parse_bson(file.content())
    references = document.pop("_backrefs", [])
    if not isinstance(references, list):
        raise ValueError("its entry _backrefs is no list")
    return content_of("BSON of Julia", _Decoder(references).value(document, 0))


class _Decoder:
    def __init__(self, references: list[Any]) -> None:
        self._references = references
        self._n_nodes = 0

    def value(self, node: Any, depth: int) -> Any:
        """Return a node with Julia's tags resolved."""
        self._n_nodes += 1
        if depth > _MAX_DEPTH or self._n_nodes > _MAX_NODES:
            raise ValueError("its objects are nested too deeply, or contain themselves")
        if isinstance(node, memoryview):
            return np.frombuffer(node, dtype=np.uint8)
        if isinstance(node, list):
            return [self.value(entry, depth + 1) for entry in node]
        if not isinstance(node, dict):
            return node
        tag = node.get("tag")
        # A dictionary of the user's own may have an entry "tag" too.
        if tag == "backref":
            return self.value(self._referred(node), depth + 1)
        if tag == "array":
            return self._array(node, depth)
        if tag == "struct":
            return self._record(node, depth)
        if tag in ("tuple", "svec"):
            return self.value(node.get("data"), depth + 1)
        if tag in ("symbol", "datatype", "ref", "unionall", "jl_bottom_type", "jl_anonymous"):
            return None
        return {name: self.value(entry, depth + 1) for name, entry in node.items()}

    def _referred(self, node: dict[str, Any]) -> Any:
        index = node.get("ref")
        if type(index) is not int or not 1 <= index <= len(self._references):
            raise ValueError(f"it refers to object {index!r:.20} of {len(self._references)}")
        return self._references[index - 1]

    def _plain(self, node: Any) -> Any:
        """Follow references until there is something else."""
        for _ in range(_MAX_DEPTH):
            if not (isinstance(node, dict) and node.get("tag") == "backref"):
                return node
            node = self._referred(node)
        raise ValueError("its references go round in circles")

    def _array(self, node: dict[str, Any], depth: int) -> Any:
        shape = self._plain(node.get("size"))
        data = self._plain(node.get("data"))
        if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"an array claims the impossible shape {shape!r:.60}")
        if isinstance(data, list):
            # Elements that are objects, or, in column-major order, numbers of an abstract type.
            values = [self.value(entry, depth + 1) for entry in data]
            if values and all(type(entry) in (int, float) for entry in values):
                numbers = np.array(values, dtype=np.float64).tobytes()
                return array_from(numbers, np.dtype(np.float64), tuple(shape), "F")
            return values
        if not isinstance(data, memoryview):
            raise ValueError(f"an array holds {type(data).__name__} instead of bytes")
        name = self._type_name(node.get("type"))
        if name not in _DTYPES:
            return Unread("complex" if name == "Complex" else f"of {name or 'another'} entries")
        return array_from(data, np.dtype(_DTYPES[name]), tuple(shape), "F")

    def _record(self, node: dict[str, Any], depth: int) -> Any:
        type_name = self._type_name(node.get("type"))
        data = self._plain(node.get("data"))
        if isinstance(data, memoryview):
            if type_name == "Complex":
                return Unread("complex")
            # A number of a type that BSON itself does not have, such as Float32.
            dtype = np.dtype(_DTYPES.get(type_name, "V"))
            return array_from(data, dtype, ()) if dtype.itemsize == len(data) > 0 else None
        if not isinstance(data, list):
            raise ValueError(f"an object of type {type_name:.60} has no list of fields")
        if type_name in ("Dict", "IdDict", "OrderedDict"):
            return self._dictionary(data, depth)
        if type_name in _WRAPPERS and data:
            inner = self.value(data[0], depth + 1)
            return inner.T if isinstance(inner, np.ndarray) else inner
        if type_name == "NamedTuple":
            named = zip(self._names(node.get("type")), data, strict=False)
            return {name: self.value(entry, depth + 1) for name, entry in named}
        names = FIELDS.get(type_name, ())
        fields = {
            names[i] if i < len(names) else str(i + 1): self.value(entry, depth + 1)
            for i, entry in enumerate(data)
        }
        return Record(type_name, fields)

    def _names(self, node: Any) -> list[str]:
        """Return the names of a NamedTuple, which are a parameter of its type."""
        parameters = self._plain(node.get("params")) if isinstance(node, dict) else None
        first = self._plain(parameters[0]) if isinstance(parameters, list) and parameters else None
        names = self._plain(first.get("data")) if isinstance(first, dict) else None
        return [self._key(name) for name in names] if isinstance(names, list) else []

    def _dictionary(self, data: list[Any], depth: int) -> Any:
        if len(data) < 2:
            return None
        keys, values = self._plain(data[0]), self._plain(data[1])
        if isinstance(keys, dict):
            keys = self._plain(keys.get("data"))
        # Numbers come as one array, everything else as a list of values.
        values = self.value(values, depth + 1)
        if isinstance(values, np.ndarray) and values.ndim == 1:
            values = list(values)
        if not isinstance(keys, list) or not isinstance(values, list):
            return None
        return {self._key(key): value for key, value in zip(keys, values, strict=False)}

    def _key(self, key: Any) -> str:
        key = self._plain(key)
        if isinstance(key, dict) and key.get("tag") == "symbol":
            key = key.get("name")
        return key if isinstance(key, str) else f"{key!r:.60}"

    def _type_name(self, node: Any) -> str:
        """Return the last part of the name of a type, such as ``Float32``."""
        node = self._plain(node)
        path = self._plain(node.get("name")) if isinstance(node, dict) else None
        if not isinstance(path, list) or not path or not isinstance(path[-1], str):
            return ""
        return path[-1]
