"""Pickles read as data: no import, no call, no object but our own.

A pickle is a program for a stack machine. This is such a machine whose instructions only make
numbers, texts, lists, mappings, and notes (`Named`, `Called`) of what the program wanted to import
or call. It knows the instructions of the protocols 2 to 5, which the writers of weights use.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

_UNIT = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
#: What the stack and the memo may hold; a network has a few hundred.
_MAX_ITEMS = 1_000_000


class Named(NamedTuple):
    """What the program wanted to import."""

    module: str
    name: str


class Stored(NamedTuple):
    """What the program refers to outside of itself, such as the numbers of a tensor."""

    reference: Any


class Called:
    """What the program wanted to call: the callable, the arguments, and the state given to it."""

    def __init__(self, function: Any, arguments: Any) -> None:
        self.function = function
        self.arguments = arguments
        self.state: Any = None
        #: Entries set on it, such as those of a dictionary.
        self.entries: dict[Any, Any] = {}


class _Mark:
    """The place on the stack where the items of a list begin."""


_MARK = _Mark()


def read_pickle(data: bytes) -> Any:
    """Return what the first pickle in `data` describes.

    Raises
    ------
    ValueError
        If the pickle is damaged or uses unusual instructions.
    """
    machine = _Machine(data)
    try:
        return machine.run()
    except (IndexError, struct.error, TypeError, UnicodeDecodeError, KeyError) as error:
        raise ValueError(
            f"its pickle is damaged at byte {machine.position}: {error!r:.80}"
        ) from None


class _Machine:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._n_steps = 0

    def run(self) -> Any:
        while True:
            code = self._take(1)
            if code == b".":
                return self._stack.pop()
            instruction = _INSTRUCTIONS.get(code)
            if instruction is None:
                raise ValueError(f"its pickle has the unusual instruction {code!r}")
            instruction(self)
            if len(self._stack) > _MAX_ITEMS or len(self._memo) > _MAX_ITEMS:
                raise ValueError("its pickle describes too many objects")

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self.position:
            raise ValueError(f"its pickle ends after {len(self._data)} bytes, in the middle")
        part = self._data[self.position : self.position + length]
        self.position += length
        return part

    def _unsigned(self, width: int) -> int:
        return int(struct.unpack(_UNIT[width], self._take(width))[0])

    def _line(self) -> str:
        end = self._data.find(b"\n", self.position, self.position + 4096)
        if end < 0:
            raise ValueError("its pickle has a name without end")
        text = self._take(end - self.position)
        self.position += 1
        return text.decode()

    def _items(self) -> list[Any]:
        """Take the items above the last mark."""
        for start in range(len(self._stack) - 1, -1, -1):
            if self._stack[start] is _MARK:
                items = self._stack[start + 1 :]
                del self._stack[start:]
                return items
        raise ValueError("its pickle ends a list that never began")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    # Instructions, by what they do.

    def text(self, width: int) -> None:
        self._push(self._take(self._unsigned(width)).decode())

    def bytes(self, width: int) -> None:
        self._push(self._take(self._unsigned(width)))

    def whole_number(self, width: int) -> None:
        self._push(int.from_bytes(self._take(self._unsigned(width)), "little", signed=True))

    def tuple_of(self, length: int) -> None:
        if length > len(self._stack):
            raise ValueError("its pickle takes more from the stack than there is")
        items = tuple(self._stack[len(self._stack) - length :])
        del self._stack[len(self._stack) - length :]
        self._push(items)

    def put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Called):
            raise ValueError(f"its pickle appends to a {type(target).__name__}")

    def set_entries(self, items: list[Any]) -> None:
        target = self._stack[-1]
        entries = target.entries if isinstance(target, Called) else target
        if not isinstance(entries, dict) or len(items) % 2:
            raise ValueError(f"its pickle sets entries of a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float | bool | None):
                key = f"a {type(key).__name__}"
            entries[key] = value

    def call(self) -> None:
        arguments = self._stack.pop()
        self._push(Called(self._stack.pop(), arguments))

    def build(self) -> None:
        state = self._stack.pop()
        if isinstance(self._stack[-1], Called):
            self._stack[-1].state = state

    def named_on_the_stack(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("its pickle imports something without a name")
        self._push(Named(module, name))


def _instructions() -> dict[bytes, Callable[[_Machine], Any]]:
    m = _Machine
    return {
        b"\x80": lambda s: m._take(s, 1),  # protocol
        b"\x95": lambda s: m._take(s, 8),  # length of a frame; the frames are read as one
        b"N": lambda s: s._push(None),
        b"\x88": lambda s: s._push(True),
        b"\x89": lambda s: s._push(False),
        b"K": lambda s: s._push(s._unsigned(1)),
        b"M": lambda s: s._push(s._unsigned(2)),
        b"J": lambda s: s._push(struct.unpack("<i", s._take(4))[0]),
        b"\x8a": lambda s: s.whole_number(1),
        b"\x8b": lambda s: s.whole_number(4),
        b"G": lambda s: s._push(struct.unpack(">d", s._take(8))[0]),
        b"\x8c": lambda s: s.text(1),
        b"X": lambda s: s.text(4),
        b"\x8d": lambda s: s.text(8),
        b"C": lambda s: s.bytes(1),
        b"B": lambda s: s.bytes(4),
        b"\x8e": lambda s: s.bytes(8),
        b"(": lambda s: s._push(_MARK),
        b")": lambda s: s._push(()),
        b"]": lambda s: s._push([]),
        b"}": lambda s: s._push({}),
        b"\x8f": lambda s: s._push([]),  # a set, kept as a list
        b"\x85": lambda s: s.tuple_of(1),
        b"\x86": lambda s: s.tuple_of(2),
        b"\x87": lambda s: s.tuple_of(3),
        b"t": lambda s: s._push(tuple(s._items())),
        b"l": lambda s: s._push(s._items()),
        b"a": lambda s: s.append([s._stack.pop()]),
        b"e": lambda s: s.append(s._items()),
        b"\x90": lambda s: s.append(s._items()),
        b"s": lambda s: s.set_entries([s._stack.pop(-2), s._stack.pop()]),
        b"u": lambda s: s.set_entries(s._items()),
        b"q": lambda s: s.put(s._unsigned(1)),
        b"r": lambda s: s.put(s._unsigned(4)),
        b"\x94": lambda s: s.put(len(s._memo)),
        b"h": lambda s: s._push(s._memo[s._unsigned(1)]),
        b"j": lambda s: s._push(s._memo[s._unsigned(4)]),
        b"0": lambda s: s._stack.pop(),
        b"c": lambda s: s._push(Named(s._line(), s._line())),
        b"\x93": lambda s: s.named_on_the_stack(),
        b"R": lambda s: s.call(),
        b"\x81": lambda s: s.call(),
        b"b": lambda s: s.build(),
        b"Q": lambda s: s._push(Stored(s._stack.pop())),
    }


_INSTRUCTIONS = _instructions()
