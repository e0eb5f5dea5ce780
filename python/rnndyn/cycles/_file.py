"""The file format of cycle sets, described in ``docs/reference/cycle-set-format.md``."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn.certificate.composition import CompositionCertificate
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._origin import ModelWithCycles, Origin
from rnndyn.cycles.block import COLUMNS, CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle
from rnndyn.cycles.run import SearchStatistics
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.results.files import Arrays, ResultFormat, group_of

_CERTIFICATES = {cls.FORMAT.name: cls for cls in (Certificate, CompositionCertificate)}
_CONTINUUM_FIELDS = tuple(field.name for field in dataclasses.fields(ContinuumOfFixedPoints))


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    blocks, certificate = state["blocks"], state["certificate"]
    header = {
        "model": header_of(model),
        "search": state["search"].to_dict(),
        "orders": [block.order for block in blocks],
        "n_continua": len(state["continua"]),
    }
    arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
    if state["inputs"] is not None:
        arrays["inputs"] = state["inputs"]
    for block in blocks:
        for name, column in block_members(block).items():
            arrays[f"order_{block.order}/{name}"] = column
    for number, continuum in enumerate(state["continua"]):
        for name in _CONTINUUM_FIELDS:
            arrays[f"continuum_{number}/{name}"] = _as_real(np.asarray(getattr(continuum, name)))
    if certificate is not None:
        header["certificate"], proof = certificate.FORMAT.taken_apart(certificate._state())
        arrays |= {f"certificate/{name}": array for name, array in proof.items()}
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = model_of(record_from(header["model"], group_of(arrays, "model")))
    if not isinstance(model, ModelWithCycles):
        raise ValueError(f"cycles are searched of no such model as {model!r}")
    n_units = 0 if isinstance(model, RecurrentNetwork) else model.n_units
    blocks = [block_from(order, group_of(arrays, f"order_{order}")) for order in header["orders"]]
    for block in blocks:
        if (block.points.shape[2], block.itinerary.shape[2]) != (model.n_states, n_units):
            raise ValueError(f"the cycles of order {block.order} are not those of its model")
    certificate = None
    if "certificate" in header:
        proof = group_of(arrays, "certificate")
        entry = header["certificate"]
        if (kind := _CERTIFICATES.get(entry["format"])) is None:
            raise ValueError(f"its certificate has an unknown format, {entry['format']!r:.60}")
        certificate = kind(**kind.FORMAT.put_together(entry, proof))
    return {
        "model": model,
        "blocks": blocks,
        "continua": [
            _continuum(group_of(arrays, f"continuum_{number}"))
            for number in range(header["n_continua"])
        ],
        "search": SearchStatistics.from_dict(header["search"]),
        "certificate": certificate,
        "inputs": arrays.get("inputs"),
    }


#: Version 2 says of every order, and of all, whether the search of it is finished. Its sets may be
#: those of tanh, GRU and LSTM networks.
FORMAT = ResultFormat("rnndyn cycle set", 2, "a cycle set", _taken_apart, _put_together)


def block_members(block: CycleBlock) -> Arrays:
    """Return the columns of a block as arrays of real numbers."""
    return {name: _as_real(getattr(block, name)) for name in COLUMNS}


def block_from(order: int, columns: Arrays) -> CycleBlock:
    """Build a block from what `block_members` returned."""
    columns["multipliers"] = _as_complex(columns["multipliers"])
    return CycleBlock.from_record({"order": order, **columns})


def cycle_members(cycle: Cycle) -> Arrays:
    """Return a single cycle as the columns of a block that has only this one."""
    columns = {name: np.asarray([getattr(cycle, name)]) for name in COLUMNS if name != "stability"}
    stability = [STABILITY_NAMES.index(cycle.stability)]
    return block_members(
        CycleBlock.from_record({"order": cycle.order, **columns, "stability": stability})
    )


def cycle_from_members(order: int, columns: Arrays, model: PiecewiseLinearModel) -> Cycle:
    """Build a cycle of a network from what `cycle_members` returned."""
    block = block_from(order, columns)
    if len(block) != 1 or (block.points.shape[2], block.itinerary.shape[2]) != (
        model.n_states,
        model.n_units,
    ):
        raise ValueError(f"the arrays of a cycle of order {order} are not one cycle of its model")
    return block.cycle(0, Origin(model, None))


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
