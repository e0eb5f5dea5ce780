"""MATLAB files of version 5 (``save -v6`` and ``-v7``, and what SciPy writes): a small reader.

Layout: "MAT-File Format", The MathWorks. A header of 128 bytes, then elements: type, number of
bytes, content. A variable is an element of elements (flags, dimensions, name, numbers), often
inside one of compressed bytes. Numbers are stored by column and often in a smaller type than the
variable has. SciPy's reader allocates what a file claims, so it is not used here.
"""

import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from rnndyn.io._content import MAX_AXES, Content, Unread, array_from, content_of
from rnndyn.io._files import OpenedFile

_HEADER_BYTES = 128
#: Types of elements that hold numbers.
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _SPARSE = 1, 2, 5
_NUMERIC_CLASSES = range(6, 16)
_COMPLEX = 0x0800
_MAX_DEPTH = 32
_MAX_FIELDS = 10_000


def read_matlab(file: OpenedFile, max_bytes: int) -> Content:
    """Read the variables of a file that takes at most `max_bytes` when unpacked."""
    data = memoryview(file.content())
    if len(data) < _HEADER_BYTES or bytes(data[126:128]) not in (b"IM", b"MI"):
        raise ValueError(
            "it has no header of a MATLAB file of version 5 or later; files of version 4 have to "
            "be saved again in MATLAB, with save -v7"
        )
    order = "<" if bytes(data[126:128]) == b"IM" else ">"
    variables: dict[str, Any] = {}
    # What is left for unpacked bytes; the file itself has been counted.
    budget = max_bytes - len(data)
    for kind, content in _elements(data[_HEADER_BYTES:], order, at_top=True):
        if kind == _COMPRESSED:
            unpacked = _unpacked(content, budget)
            budget -= len(unpacked)
            parts = list(_elements(unpacked, order))
        else:
            parts = [(kind, content)]
        for part_kind, part in parts:
            if part_kind == _MATRIX:
                name, value = _matrix(part, order, 0)
                if name in variables:
                    raise ValueError(f"variable {name!r:.60} is there twice")
                variables[name] = value
    return content_of("MATLAB 5", variables)


def _unpacked(content: memoryview, budget: int) -> memoryview:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(content, max(budget, 0) + 1)
    except zlib.error as error:
        raise ValueError(f"a compressed variable is damaged: {error}") from None
    if len(data) > budget:
        raise ValueError("it unpacks to more than max_bytes")
    if not stream.eof:
        raise ValueError("a compressed variable is cut off")
    return memoryview(data)


def _elements(
    data: memoryview, order: str, *, at_top: bool = False
) -> Iterator[tuple[int, memoryview]]:
    """Yield type and content of the elements that fill `data`."""
    position = 0
    byte_order = "little" if order == "<" else "big"
    while position < len(data):
        if position + 8 > len(data):
            raise ValueError("it is cut off inside the head of an element")
        first = int.from_bytes(data[position : position + 4], byte_order)  # type: ignore[arg-type]
        second = int.from_bytes(data[position + 4 : position + 8], byte_order)  # type: ignore[arg-type]
        if first >> 16:
            # A small element: type and length share four bytes, the content has the other four.
            kind, length, start = first & 0xFFFF, first >> 16, position + 4
            position += 8
            if length > 4:
                raise ValueError(f"a small element claims {length} bytes; it has room for 4")
        else:
            kind, length, start = first, second, position + 8
            position = start + length
            if kind != _COMPRESSED and not at_top:
                position += -length % 8
            # The last one need not be padded.
        if start + length > len(data):
            raise ValueError(
                f"an element claims {length} bytes, but {len(data) - start} bytes follow"
            )
        yield kind, data[start : start + length]


def _matrix(data: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """Return name and value of a variable; None for what is no number, struct or cell array."""
    if depth > _MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    if not data:
        return "", None
    elements = _elements(data, order)
    flags = _integers(next(elements, None), order)
    kind = int(flags[0]) & 0xFF if len(flags) else 0
    # Objects of classes have other elements from here on.
    if kind not in (*_NUMERIC_CLASSES, _CELL, _STRUCT):
        return _name_of(elements, order), Unread("sparse") if kind == _SPARSE else None
    shape = tuple(int(length) for length in _integers(next(elements, None), order))
    if not 2 <= len(shape) <= MAX_AXES or min(shape) < 0:
        raise ValueError(f"a variable claims the impossible shape {shape!r:.60}")
    name = _text(next(elements, None))
    if kind in _NUMERIC_CLASSES:
        if int(flags[0]) & _COMPLEX:
            return name, Unread("complex")
        return name, _numbers(next(elements, None), order, shape, name)
    if kind == _CELL:
        cells = [_value(element, order, depth) for element in elements]
        _check_count(name, math.prod(shape), len(cells))
        return name, cells
    return name, _struct(elements, order, shape, name, depth)


def _name_of(elements: Iterator[tuple[int, memoryview]], order: str) -> str:
    next(elements, None)
    return _text(next(elements, None))


def _value(element: tuple[int, memoryview], order: str, depth: int) -> Any:
    kind, content = element
    if kind != _MATRIX:
        raise ValueError(f"a cell or field is an element of type {kind} instead of a matrix")
    return _matrix(content, order, depth + 1)[1]


def _struct(
    elements: Iterator[tuple[int, memoryview]],
    order: str,
    shape: tuple[int, ...],
    name: str,
    depth: int,
) -> Any:
    lengths = _integers(next(elements, None), order)
    names = next(elements, (0, memoryview(b"")))[1]
    length = int(lengths[0]) if len(lengths) == 1 else 0
    if not 0 < length <= 4096 or len(names) % length or len(names) // length > _MAX_FIELDS:
        raise ValueError(f"the names of the fields of {name!r:.60} are damaged")
    fields = [_text((1, names[start : start + length])) for start in range(0, len(names), length)]
    values = [_value(element, order, depth) for element in elements]
    _check_count(name, math.prod(shape) * len(fields), len(values))
    if len(values) == len(fields):
        return dict(zip(fields, values, strict=True))
    if not fields:
        return None
    return [
        dict(zip(fields, values[start : start + len(fields)], strict=True))
        for start in range(0, len(values), len(fields))
    ]


def _check_count(name: str, claimed: int, found: int) -> None:
    if claimed != found:
        raise ValueError(f"variable {name!r:.60} claims {claimed} parts, but {found} are there")


def _numbers(
    element: tuple[int, memoryview] | None, order: str, shape: tuple[int, ...], name: str
) -> Any:
    if element is None or element[0] not in _STORED:
        raise ValueError(f"variable {name!r:.60} has no numbers")
    kind, content = element
    try:
        return array_from(content, np.dtype(order + _STORED[kind]), shape, "F")
    except ValueError as error:
        raise ValueError(f"variable {name!r:.60}: {error}") from None


def _integers(element: tuple[int, memoryview] | None, order: str) -> Any:
    """Return the entries of an element of 32-bit integers; without any, where it is none."""
    if element is None or element[0] not in (5, 6) or len(element[1]) % 4:
        raise ValueError("a variable has no flags, dimensions, or lengths")
    return np.frombuffer(element[1], dtype=f"{order}{_STORED[element[0]]}")


def _text(element: tuple[int, memoryview] | None) -> str:
    if element is None or element[0] not in (1, 2, 16):
        raise ValueError("a variable has no name")
    return bytes(element[1]).split(b"\0")[0].decode("utf-8", "replace")
