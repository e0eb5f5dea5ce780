"""The file format of certificates, described in ``docs/reference/certificate.md``.

Both formats hold one header, in JSON, and arrays by name.
"""

import json
import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnndyn.certificate.parts import CYCLE_ARRAYS, TREE_ARRAYS, ListedCycles, ProofPart
from rnndyn.certificate.undecided import UndecidedBlock, UndecidedItineraries
from rnndyn.io._files import complete_file, opened_file
from rnndyn.io._record import parse_json
from rnndyn.results.files import DAMAGE, Arrays, ResultFormat, unreadable

_T = TypeVar("_T")

_NAME, _VERSION = "rnndyn certificate", 1

#: Type of every array, by the last part of its name; all others hold float64.
_TYPES: dict[str, type] = {
    "nodes": np.int32,
    "first": np.int64,
    "row": np.int32,
    "open_first": np.int64,
    "open_bits": np.int32,
    "open_on": np.bool_,
    "itinerary": np.bool_,
    "certified": np.bool_,
    "on_border": np.bool_,
    "reason": np.int8,
}
_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}

_PART_ENTRIES = (
    *("method", "orders", "unbounded", "at_infinity", "radius", "reason", "complete", "rigorous"),
    *("n_nodes", "n_pruned", "n_uncertified", "n_leaves", "share", "seconds", "pivot"),
    *("by_faces", "outer"),
)
#: Only written where they hold, so that all other files stay as they were.
_PART_FLAGS = ("by_units",)


def taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return the header and the arrays of a certificate, given by its fields."""
    arrays: Arrays = {}
    if state["box"] is not None:
        arrays["box/lower"], arrays["box/upper"] = state["box"]
    for cycles in state["cycles"]:
        for name in CYCLE_ARRAYS:
            arrays[f"cycles_{cycles.order}/{name}"] = getattr(cycles, name)
    for number, itinerary in enumerate(state["continua"]):
        arrays[f"continuum_{number}/itinerary"] = itinerary
    for block in state["undecided"].blocks:
        arrays[f"undecided_{block.order}/itinerary"] = block.itinerary
        arrays[f"undecided_{block.order}/reason"] = block.reason
    parts = []
    for number, part in enumerate(state["parts"]):
        folder = f"part_{number}"
        parts.append({name: getattr(part, name) for name in _PART_ENTRIES})
        parts[-1].update({name: True for name in _PART_FLAGS if getattr(part, name)})
        parts[-1]["has_tree"] = part.nodes is not None
        parts[-1]["data"] = list(part.data)
        for name in TREE_ARRAYS:
            if part.nodes is not None:
                arrays[f"{folder}/{name}"] = getattr(part, name)
        lengths = [len(bits) for bits, _ in part.open]
        arrays[f"{folder}/open_first"] = np.cumsum([0, *lengths], dtype=np.int64)
        arrays[f"{folder}/open_bits"] = _joined([bits for bits, _ in part.open], np.int32)
        arrays[f"{folder}/open_on"] = _joined([on for _, on in part.open], np.bool_)
        for name, array in part.data.items():
            arrays[f"{folder}/data/{name}"] = array
    header = {
        "format": _NAME,
        "format_version": _VERSION,
        "version": state["version"],
        "status": state["status"],
        "fingerprint": state["fingerprint"],
        "n_states": state["n_states"],
        "n_units": state["n_units"],
        "has_box": state["box"] is not None,
        "orders": list(state["orders"]),
        "proved_orders": list(state["proved_orders"]),
        "coverage": {str(order): value for order, value in state["coverage"].items()},
        "cycle_orders": [cycles.order for cycles in state["cycles"]],
        "undecided_orders": [block.order for block in state["undecided"].blocks],
        "n_continua": len(state["continua"]),
        "parts": parts,
    }
    return header, arrays


def put_together(header: Any, arrays: Arrays) -> dict[str, Any]:
    """Return the fields of a certificate."""
    if not isinstance(header, dict) or header.get("format") != _NAME:
        raise ValueError(f'it does not say "format": "{_NAME}"')
    if header["format_version"] != _VERSION:
        raise ValueError(
            f"its format is version {header['format_version']!r}, this rnndyn reads version "
            f"{_VERSION}; install a newer rnndyn"
        )
    left = {name: _checked(name, array) for name, array in arrays.items()}
    n_units = _whole_number("n_units", header["n_units"])
    cycles = [
        ListedCycles(order, **{name: left.pop(f"cycles_{order}/{name}") for name in CYCLE_ARRAYS})
        for order in header["cycle_orders"]
    ]
    undecided = []
    for order in header["undecided_orders"]:
        itineraries = left.pop(f"undecided_{order}/itinerary")
        undecided.append(UndecidedBlock(order, itineraries, left.pop(f"undecided_{order}/reason")))
    state = {
        "status": header["status"],
        "box": (left.pop("box/lower"), left.pop("box/upper")) if header["has_box"] else None,
        "orders": header["orders"],
        "proved_orders": header["proved_orders"],
        "parts": tuple(_part(f"part_{n}/", entry, left) for n, entry in enumerate(header["parts"])),
        "undecided": UndecidedItineraries(undecided),
        "cycles": tuple(cycles),
        "continua": tuple(
            left.pop(f"continuum_{number}/itinerary")
            for number in range(_whole_number("n_continua", header["n_continua"]))
        ),
        "fingerprint": str(header["fingerprint"]),
        "n_states": _whole_number("n_states", header["n_states"]),
        "n_units": n_units,
        "coverage": header["coverage"],
        "version": str(header["version"]),
    }
    if left:
        raise ValueError(f"it holds an array {min(left)!r:.60} that its header does not mention")
    return state


def _part(folder: str, entry: Mapping[str, Any], arrays: Arrays) -> ProofPart:
    first = arrays.pop(folder + "open_first")
    bits, on = arrays.pop(folder + "open_bits"), arrays.pop(folder + "open_on")
    if (
        any(array.ndim != 1 for array in (first, bits, on))
        or first.size == 0
        or first[0] != 0
        or first[-1] != bits.size
        or bits.size != on.size
        or np.any(first[1:] < first[:-1])
    ):
        raise ValueError("the lists of open branches do not fit together")
    values = {name: entry[name] for name in _PART_ENTRIES}
    values.update({name: entry.get(name, False) for name in _PART_FLAGS})
    values["open"] = tuple((bits[a:b], on[a:b]) for a, b in pairwise(first))
    if entry["has_tree"]:
        values.update({name: arrays.pop(folder + name) for name in TREE_ARRAYS})
    values["data"] = {name: arrays.pop(f"{folder}data/{name}") for name in entry["data"]}
    return ProofPart(**values)


def _joined(arrays: list[NDArray[Any]], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype=dtype), *arrays])


def _type_of(name: str) -> Any:
    return np.dtype(_TYPES.get(name.rpartition("/")[2], np.float64))


def _checked(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in its own type, in the byte order of this computer."""
    dtype = _type_of(name)
    if array.dtype.kind != dtype.kind or array.dtype.itemsize != dtype.itemsize:
        raise ValueError(f"array {name!r:.60} must hold {dtype}, not {array.dtype}")
    if dtype.kind == "f" and np.isnan(array).any():
        raise ValueError(f"array {name!r:.60} holds NaN")
    if dtype.kind == "b" and np.any(array.view(np.uint8) > 1):
        raise ValueError(f"array {name!r:.60} holds something else than True and False")
    return array.astype(dtype, copy=False)


def _whole_number(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} must be a whole number, got {value!r:.60}")
    return value


FORMAT = ResultFormat(_NAME, _VERSION, "a certificate", taken_apart, put_together)


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a certificate; the file appears under its name only when it is complete."""
    if _check_suffix(path, "write") == ".json":
        _write_json(path, *taken_apart(state))
    else:
        FORMAT.write(path, state)


def read(path: Path, max_bytes: int, build: Callable[..., _T]) -> _T:
    """Read a certificate that takes at most `max_bytes` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a certificate, is damaged, or has a newer format.
    """
    if _check_suffix(path, "read") != ".json":
        return FORMAT.read(path, max_bytes, build)
    try:
        return build(**put_together(*_read_json(path, max_bytes)))
    except DAMAGE as error:
        raise unreadable(path, FORMAT.what, error) from error


def _write_json(path: Path, header: dict[str, Any], arrays: Arrays) -> None:
    content = {name: {"shape": a.shape, "values": _values(a)} for name, a in arrays.items()}
    text = json.dumps({**header, "arrays": content}, allow_nan=False)
    with complete_file(path) as stream:
        stream.write(text.encode() + b"\n")


def _read_json(path: Path, max_bytes: int) -> tuple[Any, Arrays]:
    try:
        with opened_file(path, max_bytes) as file:
            header = parse_json(file.content().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT.name:
        raise ValueError(f'it does not say "format": "{FORMAT.name}"')
    content = header.pop("arrays")
    return header, {name: _array(name, entry) for name, entry in content.items()}


def _values(array: NDArray[Any]) -> list[Any]:
    flat: list[Any] = array.reshape(-1).tolist()
    if array.dtype.kind == "b":
        return [int(value) for value in flat]
    if array.dtype.kind == "f":
        # JSON knows no infinity.
        return [
            value if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
            for value in flat
        ]
    return flat


def _array(name: str, entry: Any) -> NDArray[Any]:
    shape, values, dtype = entry["shape"], entry["values"], _type_of(name)
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"array {name!r:.60} has the impossible shape {shape!r:.60}")
    if math.prod(shape) != len(values):
        raise ValueError(f"array {name!r:.60} has {len(values)} values, not those of {shape!r:.60}")
    allowed = {"f": (int, float), "i": (int,), "b": (int,)}[dtype.kind]
    if dtype.kind == "f":
        values = [_INFINITIES[v] if type(v) is str else v for v in values]
    if not all(type(value) in allowed for value in values):
        raise ValueError(f"array {name!r:.60} must hold numbers of type {dtype}")
    if dtype.kind == "b" and not all(value in (0, 1) for value in values):
        raise ValueError(f"array {name!r:.60} must hold 0 and 1")
    return np.array(values, dtype=dtype).reshape(shape)


def _check_suffix(path: Path, verb: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".json", ".npz"):
        problem = f"the suffix {suffix!r} is not supported" if suffix else "it has no suffix"
        raise ValueError(f"cannot {verb} {path}: {problem}; use .json or .npz")
    return suffix
