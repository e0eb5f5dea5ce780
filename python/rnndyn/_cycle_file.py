"""The file format of cycle sets, described in ``docs/reference/cycle-set-format.md``."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnndyn._certificate_file import put_together, taken_apart
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import COLUMNS, CycleBlock
from rnndyn.io._archive import read_archive, write_archive
from rnndyn.io._record import header_of, model_of, parse_json, record_from, record_of
from rnndyn.models import PiecewiseLinearModel
from rnndyn.search_statistics import SearchStatistics

if TYPE_CHECKING:
    from rnndyn.certificate import Certificate
    from rnndyn.cycle_set import CycleSet

FORMAT = "rnndyn cycle set"
#: Raised when a reader of the last version could not understand a new file.
FORMAT_VERSION = 1

_CONTINUUM_FIELDS = tuple(field.name for field in dataclasses.fields(ContinuumOfFixedPoints))
#: What a header or an array of the wrong shape or type can raise on its way into the objects.
_DAMAGE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


class Contents(NamedTuple):
    """What a file holds, in the order in which `CycleSet` takes it."""

    model: PiecewiseLinearModel
    blocks: list[CycleBlock]
    continua: list[ContinuumOfFixedPoints]
    search: SearchStatistics
    certificate: "Certificate | None"


def write(path: Path, cycle_set: "CycleSet") -> None:
    """Write a cycle set; the file appears under its name only when it is complete."""
    model = record_of(cycle_set.model, None)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": header_of(model),
        "search": cycle_set.search.to_dict(),
        "orders": list(cycle_set.orders),
        "n_continua": len(cycle_set.continua),
    }
    proof: dict[str, NDArray[Any]] = {}
    if cycle_set.certificate is not None:
        header["certificate"], proof = taken_apart(cycle_set.certificate)
    arrays: dict[str, NDArray[Any]] = {"header": np.array(json.dumps(header, allow_nan=False))}
    for name, parameter in model.parameters.items():
        arrays[f"model/{name}"] = parameter
    for block in cycle_set.blocks:
        for name in COLUMNS:
            arrays[f"order_{block.order}/{name}"] = _as_real(getattr(block, name))
    for number, continuum in enumerate(cycle_set.continua):
        for name in _CONTINUUM_FIELDS:
            arrays[f"continuum_{number}/{name}"] = _as_real(np.asarray(getattr(continuum, name)))
    for name, array in proof.items():
        arrays[f"certificate/{name}"] = array
    write_archive(path, arrays)


def read(path: Path, max_bytes: int) -> Contents:
    """Read a cycle set that takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a cycle set, is damaged, or has a newer format.
    """
    try:
        return _contents(read_archive(path, max_bytes))
    except _DAMAGE as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path} cannot be read as a cycle set of rnndyn: {reason}") from error


def _contents(arrays: dict[str, NDArray[Any]]) -> Contents:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"member {name!r} holds NaN")
    text = arrays.get("header")
    if text is None or text.dtype.kind != "U" or text.ndim != 0:
        raise ValueError("it has no header")
    header = parse_json(str(text))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f'it does not say "format": "{FORMAT}"')
    if header["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"its format is version {header['format_version']!r}, this rnndyn reads version "
            f"{FORMAT_VERSION}; install a newer rnndyn"
        )
    model = model_of(record_from(header["model"], _group(arrays, "model")))
    if not isinstance(model, PiecewiseLinearModel):
        raise ValueError(f"cycles are those of a piecewise-linear model, but it names {model!r}")
    blocks = [_block(order, _group(arrays, f"order_{order}")) for order in header["orders"]]
    for block in blocks:
        if (block.points.shape[2], block.itinerary.shape[2]) != (model.n_states, model.n_units):
            raise ValueError(f"the cycles of order {block.order} are not those of its model")
    continua = [
        _continuum(_group(arrays, f"continuum_{number}")) for number in range(header["n_continua"])
    ]
    certificate = None
    if "certificate" in header:
        certificate = put_together(header["certificate"], _group(arrays, "certificate"))
    search = SearchStatistics.from_dict(header["search"])
    return Contents(model, blocks, continua, search, certificate)


def _block(order: int, columns: dict[str, NDArray[Any]]) -> CycleBlock:
    columns["multipliers"] = _as_complex(columns["multipliers"])
    return CycleBlock.from_record({"order": order, **columns})


def _continuum(fields: dict[str, NDArray[Any]]) -> ContinuumOfFixedPoints:
    fields["multipliers"] = _as_complex(fields["multipliers"])
    values: dict[str, Any] = {
        name: fields[name].item() if fields[name].ndim == 0 else fields[name]
        for name in _CONTINUUM_FIELDS
    }
    return ContinuumOfFixedPoints(**values)


def _group(arrays: dict[str, NDArray[Any]], folder: str) -> dict[str, NDArray[Any]]:
    start = folder + "/"
    return {
        name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)
    }


def _as_real(array: NDArray[Any]) -> NDArray[Any]:
    """Write complex numbers as pairs (real, imaginary) in a last dimension of length 2."""
    if array.dtype.kind != "c":
        return array
    return np.stack([array.real, array.imag], axis=-1)


def _as_complex(pairs: NDArray[Any]) -> NDArray[np.complex128]:
    if pairs.ndim < 2 or pairs.shape[-1] != 2:
        raise ValueError(f"multipliers must be pairs (real, imaginary), got shape {pairs.shape}")
    # Not real + 1j * imaginary, which is NaN for infinite numbers.
    numbers = np.empty(pairs.shape[:-1], dtype=np.complex128)
    numbers.real, numbers.imag = pairs[..., 0], pairs[..., 1]
    return numbers
