"""The file format of basins of attraction, described in ``docs/reference/basins-format.md``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnndyn._cycle_file import block_from, block_members
from rnndyn.cycle_block import COLUMNS, CycleBlock
from rnndyn.cycles import STABILITY_NAMES, Cycle
from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.io._result_file import Arrays, ResultFormat, group_of
from rnndyn.models import PiecewiseLinearModel

if TYPE_CHECKING:
    from rnndyn.basins_result import Basins

FORMAT = ResultFormat("rnndyn basins", 1, "basins of attraction")

_CYCLES = ("attractors", "unclaimed")
_ARRAYS = {
    "labels": np.int32,
    "n_steps": np.int64,
    "origin": np.float64,
    "directions": np.float64,
    "x_values": np.float64,
}


def write(path: Path, basins: "Basins") -> None:
    """Write basins; the file appears under its name only when it is complete."""
    model = record_of(basins.model, None)
    header = {
        "model": header_of(model),
        **{kind: [cycle.order for cycle in getattr(basins, kind)] for kind in _CYCLES},
        "axis_labels": list(basins.axis_labels),
        "run": basins.run.to_dict(),
    }
    arrays: dict[str, Any] = {name: getattr(basins, name) for name in _ARRAYS}
    if basins.y_values is not None:
        arrays["y_values"] = basins.y_values
    for name, parameter in model.parameters.items():
        arrays[f"model/{name}"] = parameter
    for kind in _CYCLES:
        for number, cycle in enumerate(getattr(basins, kind)):
            for name, column in block_members(_block_of(cycle)).items():
                arrays[f"{kind}_{number}/{name}"] = column
    FORMAT.write(path, header, arrays)


def read(path: Path, max_bytes: int) -> "Basins":
    """Read basins that take at most `max_bytes` when unpacked.

    Raises
    ------
    ValueError
        If the file holds no basins, is damaged, or has a newer format.
    """
    return FORMAT.read(path, max_bytes, _contents)


def _contents(header: dict[str, Any], arrays: Arrays) -> "Basins":
    from rnndyn.basins_result import Basins, BasinsRun

    model = model_of(record_from(header["model"], group_of(arrays, "model")))
    if not isinstance(model, PiecewiseLinearModel):
        raise ValueError(f"basins are those of a piecewise-linear model, but it names {model!r}")
    for name, dtype in _ARRAYS.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"member {name!r} must hold {np.dtype(dtype)} numbers")
    cycles: dict[str, list[Cycle]] = {}
    for kind in _CYCLES:
        cycles[kind] = []
        for number, order in enumerate(header[kind]):
            block = block_from(order, group_of(arrays, f"{kind}_{number}"))
            if len(block) != 1 or (block.points.shape[2], block.itinerary.shape[2]) != (
                model.n_states,
                model.n_units,
            ):
                raise ValueError(f"{kind}_{number} is not one cycle of its model")
            cycles[kind].append(block.cycle(0))
    return Basins(
        model,
        attractors=cycles["attractors"],
        unclaimed=cycles["unclaimed"],
        axis_labels=header["axis_labels"],
        y_values=arrays.get("y_values"),
        run=BasinsRun.from_dict(header["run"]),
        **{name: arrays[name] for name in _ARRAYS},
    )


def _block_of(cycle: Cycle) -> CycleBlock:
    columns = {name: np.asarray([getattr(cycle, name)]) for name in COLUMNS if name != "stability"}
    stability = [STABILITY_NAMES.index(cycle.stability)]
    return CycleBlock.from_record({"order": cycle.order, **columns, "stability": stability})
