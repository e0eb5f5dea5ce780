"""The file format of cycle sets, described in ``docs/reference/cycle-set-format.md``."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnndyn._certificate_file import put_together, taken_apart
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import COLUMNS, CycleBlock
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.io._result_file import Arrays, ResultFormat, group_of
from rnndyn.models import PiecewiseLinearModel
from rnndyn.search_statistics import SearchStatistics

if TYPE_CHECKING:
    from rnndyn.certificate import Certificate
    from rnndyn.cycle_set import CycleSet

FORMAT = ResultFormat("rnndyn cycle set", 1, "a cycle set")

_CONTINUUM_FIELDS = tuple(field.name for field in dataclasses.fields(ContinuumOfFixedPoints))


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
        "model": header_of(model),
        "search": cycle_set.search.to_dict(),
        "orders": list(cycle_set.orders),
        "n_continua": len(cycle_set.continua),
    }
    proof: Arrays = {}
    if cycle_set.certificate is not None:
        header["certificate"], proof = taken_apart(cycle_set.certificate)
    arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
    for block in cycle_set.blocks:
        for name, column in block_members(block).items():
            arrays[f"order_{block.order}/{name}"] = column
    for number, continuum in enumerate(cycle_set.continua):
        for name in _CONTINUUM_FIELDS:
            arrays[f"continuum_{number}/{name}"] = _as_real(np.asarray(getattr(continuum, name)))
    for name, array in proof.items():
        arrays[f"certificate/{name}"] = array
    FORMAT.write(path, header, arrays)


def read(path: Path, max_bytes: int) -> Contents:
    """Read a cycle set that takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a cycle set, is damaged, or has a newer format.
    """
    return FORMAT.read(path, max_bytes, _contents)


def _contents(header: dict[str, Any], arrays: Arrays) -> Contents:
    model = model_of(record_from(header["model"], group_of(arrays, "model")))
    if not isinstance(model, PiecewiseLinearModel):
        raise ValueError(f"cycles are those of a piecewise-linear model, but it names {model!r}")
    blocks = [block_from(order, group_of(arrays, f"order_{order}")) for order in header["orders"]]
    for block in blocks:
        if (block.points.shape[2], block.itinerary.shape[2]) != (model.n_states, model.n_units):
            raise ValueError(f"the cycles of order {block.order} are not those of its model")
    continua = [
        _continuum(group_of(arrays, f"continuum_{number}"))
        for number in range(header["n_continua"])
    ]
    certificate = None
    if "certificate" in header:
        certificate = put_together(header["certificate"], group_of(arrays, "certificate"))
    search = SearchStatistics.from_dict(header["search"])
    return Contents(model, blocks, continua, search, certificate)


def block_members(block: CycleBlock) -> Arrays:
    """Return the columns of a block as arrays of real numbers."""
    return {name: _as_real(getattr(block, name)) for name in COLUMNS}


def block_from(order: int, columns: Arrays) -> CycleBlock:
    """Build a block from what `block_members` returned."""
    columns["multipliers"] = _as_complex(columns["multipliers"])
    return CycleBlock.from_record({"order": order, **columns})


def _continuum(fields: dict[str, NDArray[Any]]) -> ContinuumOfFixedPoints:
    fields["multipliers"] = _as_complex(fields["multipliers"])
    values: dict[str, Any] = {
        name: fields[name].item() if fields[name].ndim == 0 else fields[name]
        for name in _CONTINUUM_FIELDS
    }
    return ContinuumOfFixedPoints(**values)


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
