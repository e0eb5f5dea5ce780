"""Digests of values: of everything that decides a result, and of stored arrays."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnndyn._core import CanonicalMap
from rnndyn._version import __version__


def fingerprint_of(*parts: Any) -> str:
    """Return a digest of everything that decides a result, for `run_chunks`.

    The version of the package is part of it: another version may compute other last digits, and a
    result that is half of one and half of the other could not be repeated by either.

    Parameters
    ----------
    *parts
        Names, numbers, arrays, canonical maps, None, and sequences or mappings of them.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    TypeError
        If a part is of another type.
    """
    return digest_of((__version__, *parts))


def digest_of(value: Any) -> str:
    """Return the SHA-256 digest of a value, as `fingerprint_of` but of nothing else."""
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:
    """Feed a type, a length and the content, so that no two different values read the same."""
    if isinstance(value, CanonicalMap):
        value = ("map", value.A, value.W1, value.W2, value.h1, value.h2)
    if value is None or isinstance(value, bool | np.bool_):
        _feed_bytes(state, b"constant", str(value).encode())
    elif isinstance(value, int | np.integer):
        _feed_bytes(state, b"integer", str(int(value)).encode())
    elif isinstance(value, float | np.floating):
        _feed_bytes(state, b"float", struct.pack("<d", float(value)))
    elif isinstance(value, str):
        _feed_bytes(state, b"text", value.encode())
    elif isinstance(value, np.ndarray) and value.dtype.kind in "biufcU":
        # Little-endian everywhere, since a store may be resumed on another machine.
        plain = np.asarray(value, value.dtype.newbyteorder("<"), order="C")
        _feed_bytes(state, b"array", f"{plain.dtype.str} {plain.shape}".encode())
        _feed_bytes(state, b"entries", plain.tobytes())
    elif isinstance(value, Mapping):
        _feed(state, ["mapping", *(part for name in sorted(value) for part in (name, value[name]))])
    elif isinstance(value, Sequence):
        _feed_bytes(state, b"sequence", str(len(value)).encode())
        for part in value:
            _feed(state, part)
    else:
        raise TypeError(f"a fingerprint can hold no {type(value).__name__}: {value!r:.60}")


def _feed_bytes(state: Any, kind: bytes, content: bytes) -> None:
    state.update(b"%s %d:" % (kind, len(content)))
    state.update(content)
