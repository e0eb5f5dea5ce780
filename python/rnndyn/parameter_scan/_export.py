"""What a scan exports."""

from typing import Any

import numpy as np

from rnndyn._common.words import plain
from rnndyn.parameter_scan.result import Scan
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)


@columns_of.register
def _columns(scan: Scan, table: str) -> dict[str, Any]:
    # Where a variable has no value it is NaN, and the status of its measure says why.
    grid = np.meshgrid(*(values for _, values in reversed(scan.axes)), indexing="ij")
    columns: dict[str, np.ndarray[Any, Any]] = {
        name: part.ravel() for (name, _), part in zip(scan.axes, reversed(grid), strict=True)
    }
    columns |= {name: scan[name].filled(np.nan).ravel() for name in scan.variables}
    return columns | {
        f"{name}_status": text.astype(object).ravel() for name, text in scan.status.items()
    }


@labelled_of.register
def _labelled(scan: Scan) -> LabelledArrays:
    dims = ("y", "x")[-len(scan.axes) :]
    variables = {name: (dims, scan[name].filled(np.nan)) for name in scan.variables}
    status = {f"{name}_status": (dims, text) for name, text in scan.status.items()}
    coordinates = {
        dim: (dim, values, {"parameter": name})
        for dim, (name, values) in zip(("x", "y"), scan.axes, strict=False)
    }
    attributes = {
        "family": scan.model.family,
        "n_steps": scan.run.n_steps,
        "seed": str(scan.run.seed),
        "stopped_by": scan.run.stopped_by,
        "rnndyn_version": scan.run.version,
    }
    return LabelledArrays({**variables, **status}, coordinates, attributes)


@dictionary_of.register
def _dictionary(scan: Scan) -> dict[str, Any]:
    # A point without a value is None, and so is an infinite one; the status tells them apart.
    axes = {
        axis: {"name": name, "values": values}
        for axis, (name, values) in zip(("x", "y"), scan.axes, strict=False)
    }
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(scan.model),
            **axes,
            "values": {name: scan[name].tolist() for name in scan.variables},
            "status": scan.status,
            "run": scan.run.to_dict(),
        }
    )
    return values
