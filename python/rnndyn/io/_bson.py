"""BSON documents as plain Python values; see https://bsonspec.org for the layout.

Only what the BSON package of Julia writes is known: doubles, texts, documents, arrays, bytes, bool,
null, and integers of 32 and 64 bits.
"""

import struct
from collections.abc import Callable
from typing import Any

_DOUBLE = struct.Struct("<d")
_INT32 = struct.Struct("<i")
_INT64 = struct.Struct("<q")
#: Of documents in documents; lower than Python's own limit, higher than any real file.
_MAX_DEPTH = 100


def parse_bson(data: bytes) -> dict[str, Any]:
    """Parse a document that fills `data`; bytes in it come as memoryviews of `data`.

    Raises
    ------
    ValueError
        If it is damaged or holds other types.
    """
    parser = _Parser(data)
    document = parser.document(0)
    if parser.position != len(data):
        raise ValueError(f"{len(data) - parser.position} bytes follow its end")
    return document


class _Parser:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._view = memoryview(data)
        self.position = 0
        self._readers: dict[int, Callable[[int], Any]] = {
            0x01: lambda depth: self._number(_DOUBLE),
            0x02: lambda depth: self._text(),
            0x03: self.document,
            0x04: lambda depth: list(self.document(depth).values()),
            0x05: lambda depth: self._bytes(),
            0x08: lambda depth: self._bool(),
            0x0A: lambda depth: None,
            0x10: lambda depth: self._number(_INT32),
            0x12: lambda depth: self._number(_INT64),
        }

    def document(self, depth: int) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        start = self.position
        length = self._number(_INT32)
        if not 5 <= length <= len(self._data) - start:
            raise ValueError(
                f"the document at byte {start} claims {length} bytes, but "
                f"{len(self._data) - start} bytes are there"
            )
        end = start + length
        entries: dict[str, Any] = {}
        while True:
            code = self._take(1)[0]
            if code == 0:
                break
            name = self._name()
            reader = self._readers.get(code)
            if reader is None:
                raise ValueError(f"entry {name!r:.60} has the unknown type {code:#04x}")
            if name in entries:
                raise ValueError(f"entry {name!r:.60} is there twice")
            entries[name] = reader(depth + 1)
        if self.position != end:
            raise ValueError(f"the document at byte {start} does not end where it claims")
        return entries

    def _take(self, length: int) -> memoryview:
        if length < 0 or self.position + length > len(self._data):
            raise ValueError(
                f"it ends at byte {len(self._data)}, but {length} bytes are claimed from byte "
                f"{self.position}"
            )
        part = self._view[self.position : self.position + length]
        self.position += length
        return part

    def _number(self, layout: struct.Struct) -> Any:
        return layout.unpack(self._take(layout.size))[0]

    def _name(self) -> str:
        # A limit, because the search for the end would otherwise read the whole file for each name.
        end = self._data.find(b"\0", self.position, self.position + 4096)
        if end < 0:
            raise ValueError(f"the name at byte {self.position} has no end")
        name = bytes(self._take(end - self.position))
        self.position += 1
        return _decoded(name)

    def _text(self) -> str:
        text = bytes(self._take(self._number(_INT32)))
        if not text.endswith(b"\0"):
            raise ValueError(f"the text before byte {self.position} has no end")
        return _decoded(text[:-1])

    def _bytes(self) -> memoryview:
        length = self._number(_INT32)
        self._take(1)  # the subtype
        return self._take(length)

    def _bool(self) -> bool:
        value = self._take(1)[0]
        if value > 1:
            raise ValueError(f"the truth value before byte {self.position} is {value}")
        return bool(value)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the text {text[:30]!r} is not UTF-8: {error.reason}") from None
