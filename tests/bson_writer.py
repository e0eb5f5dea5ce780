"""BSON as Julia's package BSON.jl lays it out, written byte by byte: the counterpart of the reader.

Shares no code with the reader. Python values stand for Julia values: dict for Dict{Symbol,Any},
list for Vector{Any}, NumPy arrays for arrays of numbers, `Struct` for structs.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

JULIA_TYPES = {
    "float64": "Float64",
    "float32": "Float32",
    "float16": "Float16",
    "int64": "Int64",
    "int32": "Int32",
    "uint8": "UInt8",
    "bool": "Bool",
}


@dataclass
class Struct:
    """A Julia struct: the path of its type and its fields in order."""

    path: list[str]
    fields: list[Any]


@dataclass
class Raw:
    """A document written as it is, such as a reference."""

    entries: dict[str, Any]


@dataclass
class Symbol:
    """A Julia symbol."""

    name: str


def datatype(*path):
    return Raw({"tag": "datatype", "params": [], "name": list(path)})


def named_tuple(**values):
    """A Julia NamedTuple: its names are a parameter of its type."""
    names = Raw({"tag": "tuple", "data": [Symbol(name) for name in values]})
    kind = {"tag": "datatype", "name": ["Core", "NamedTuple"], "params": [names, 0]}
    return Raw({"tag": "struct", "type": Raw(kind), "data": list(values.values())})


def lowered(value):
    """Turn Julia values into documents, lists, texts and numbers."""
    if isinstance(value, Raw):
        return {name: lowered(entry) for name, entry in value.entries.items()}
    if isinstance(value, Symbol):
        return {"tag": "symbol", "name": value.name}
    if isinstance(value, np.ndarray):
        if value.dtype == np.uint8 and value.ndim == 1:
            return value.tobytes()
        return lowered(
            Raw(
                {
                    "tag": "array",
                    "type": datatype("Core", JULIA_TYPES[value.dtype.name]),
                    "size": list(value.shape),
                    "data": value.tobytes("F"),
                }
            )
        )
    if isinstance(value, np.float32):
        return lowered(
            Raw({"tag": "struct", "type": datatype("Core", "Float32"), "data": value.tobytes()})
        )
    if isinstance(value, Struct):
        return lowered(
            Raw({"tag": "struct", "type": datatype(*value.path), "data": list(value.fields)})
        )
    if isinstance(value, tuple):
        return lowered(Raw({"tag": "tuple", "data": list(value)}))
    if isinstance(value, dict):
        return {name: lowered(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [lowered(entry) for entry in value]
    return value


def encoded(value):
    """Return type code and bytes of a lowered value."""
    if value is None:
        return 0x0A, b""
    if isinstance(value, bool):
        return 0x08, bytes([value])
    if isinstance(value, int):
        return 0x12, struct.pack("<q", value)
    if isinstance(value, float):
        return 0x01, struct.pack("<d", value)
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return 0x02, struct.pack("<i", len(text)) + text
    if isinstance(value, bytes):
        return 0x05, struct.pack("<i", len(value)) + b"\0" + value
    if isinstance(value, list):
        return 0x04, document({str(index): entry for index, entry in enumerate(value)})
    return 0x03, document(value)


def document(entries):
    body = b""
    for name, value in entries.items():
        code, data = encoded(value)
        body += bytes([code]) + name.encode() + b"\0" + data
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def bson_bytes(entries):
    """Return the bytes of the file for a dictionary of Julia values."""
    return document(lowered(entries))
