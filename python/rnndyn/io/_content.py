"""What files of other programs hold: a tree of values, laid out flat as arrays by name."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Nodes a file may have; the trees of real files have a few thousand. Shared nodes count each time
#: they are met, so that a small file cannot unfold into an endless tree.
_MAX_NODES = 200_000
_MAX_DEPTH = 64
#: Types of Julia that are numbers of a kind that is not read.
_UNREAD_TYPES = {
    "Complex": "complex",
    "SparseMatrixCSC": "sparse",
    "SparseVector": "sparse",
}
#: More axes than any parameter has, fewer than NumPy refuses.
MAX_AXES = 8


class Record(NamedTuple):
    """An object of a named type, as data; nothing of that name is ever called.

    Attributes
    ----------
    type_name : str
        Last part of the name of its type, such as ``"shallowPLRNN"``.
    fields : mapping of str to node
        Its fields by name, or by number where the file has no names.
    """

    type_name: str
    fields: Mapping[str, Any]


class Unread(NamedTuple):
    """An array that no parameter can be, in place of its numbers.

    Attributes
    ----------
    what : str
        Such as ``"complex"``.
    """

    what: str


class Content(NamedTuple):
    """The arrays of a file by dotted names such as ``"model.W"``.

    Attributes
    ----------
    format : str
        What kind of file it is, for people.
    arrays : dict of str to array
        Numbers only.
    types : dict of str to str
        Types of the objects in the file by the dotted name that leads to them.
    unread : dict of str to str
        Arrays that are there and not read, such as sparse ones: what each of them is, by its name.
    """

    format: str
    arrays: dict[str, NDArray[Any]]
    types: dict[str, str]
    unread: dict[str, str]


def content_of(file_format: str, tree: object) -> Content:
    """Lay out a tree of mappings, lists, records, arrays and numbers; the rest is left out.

    Raises
    ------
    ValueError
        If the tree is too large or too deep.
    """
    content = Content(file_format, {}, {}, {})
    n_nodes = 0
    stack = [(0, "", tree)]
    while stack:
        depth, name, node = stack.pop()
        n_nodes += 1
        if n_nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise ValueError("it is nested too deeply or holds too many objects")
        node = _recognised(node)
        if isinstance(node, Unread):
            content.unread[name] = node.what
            continue
        if isinstance(node, Record):
            content.types[name] = node.type_name
        array = _array_of(node)
        if array is not None:
            content.arrays[name] = array
            continue
        # Backwards, because the stack turns the order round.
        children = [(depth + 1, _joined(name, key), value) for key, value in _children(node)]
        stack.extend(reversed(children))
    return content


def _recognised(node: object) -> object:
    """Return `Unread` in place of numbers of other kinds, anything else as it is."""
    if isinstance(node, np.ndarray) and node.dtype.kind == "c":
        return Unread("complex")
    if isinstance(node, Record) and node.type_name in _UNREAD_TYPES:
        return Unread(_UNREAD_TYPES[node.type_name])
    return node


def _children(node: object) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Record):
        node = node.fields
    if isinstance(node, Mapping):
        yield from ((str(key), value) for key, value in node.items())
    elif isinstance(node, list | tuple):
        yield from ((str(index), value) for index, value in enumerate(node))


def _array_of(node: object) -> NDArray[Any] | None:
    if isinstance(node, np.ndarray):
        return node if node.dtype.kind in "biuf" else None
    if isinstance(node, bool | float | np.bool_ | np.integer | np.floating):
        return np.array(node)
    if isinstance(node, int):
        # Whatever does not fit is no parameter.
        return np.array(node, dtype=np.int64) if -(2**63) <= node < 2**63 else None
    if isinstance(node, list) and node and all(type(entry) in (int, float) for entry in node):
        return np.array(node, dtype=np.float64) if max(map(abs, node)) < 2**1000 else None
    return None


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def array_from(
    data: bytes | memoryview, dtype: np.dtype[Any], shape: tuple[int, ...], order: str = "C"
) -> NDArray[Any]:
    """Return an array of which `data` holds exactly the numbers, without copying them.

    Raises
    ------
    ValueError
        If the shape does not fit the data.
    """
    if len(shape) > MAX_AXES or any(length < 0 for length in shape):
        raise ValueError(f"an array claims the impossible shape {shape!r:.60}")
    expected = dtype.itemsize
    for length in shape:
        expected *= length
    if expected != len(data):
        raise ValueError(
            f"an array claims shape {shape!r:.60} of {dtype}, {expected} bytes, "
            f"but {len(data)} bytes are there"
        )
    if expected == 0 and max(shape, default=0) >= 2**31:
        raise ValueError(f"an array claims the impossible shape {shape!r:.60}")
    flat: NDArray[Any] = np.frombuffer(data, dtype=dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")
