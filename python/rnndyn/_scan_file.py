"""The file format of scans, described in ``docs/reference/scan-format.md``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.io._result_file import Arrays, ResultFormat, group_of

if TYPE_CHECKING:
    from rnndyn.scan_result import Scan

FORMAT = ResultFormat("rnndyn scan", 1, "a scan")


def write(path: Path, scan: "Scan") -> None:
    """Write a scan; the file appears under its name only when it is complete."""
    model = record_of(scan.model, None)
    header = {
        "model": header_of(model),
        "x": scan.x_name,
        "y": scan.y_name,
        "variables": list(scan.variables),
        "run": scan.run.to_dict(),
    }
    arrays: dict[str, Any] = {"x_values": scan.x_values}
    if scan.y_values is not None:
        arrays["y_values"] = scan.y_values
    for name, parameter in model.parameters.items():
        arrays[f"model/{name}"] = parameter
    # By number: a name may be any text, such as one that no file system takes.
    for number, name in enumerate(scan.variables):
        column = scan[name]
        arrays[f"variable_{number}/values"] = column.filled(0.0)
        arrays[f"variable_{number}/known"] = ~np.ma.getmaskarray(column)
    for number, name in enumerate(scan.run.measures):
        arrays[f"status_{number}"] = scan.status[name]
    FORMAT.write(path, header, arrays)


def read(path: Path, max_bytes: int) -> "Scan":
    """Read a scan that takes at most `max_bytes` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a scan, is damaged, or has a newer format.
    """
    return FORMAT.read(path, max_bytes, _contents)


def _contents(header: dict[str, Any], arrays: Arrays) -> "Scan":
    from rnndyn.scan_result import Scan, ScanRun

    run = ScanRun.from_dict(header["run"])
    columns = [group_of(arrays, f"variable_{number}") for number in range(len(header["variables"]))]
    for column in columns:
        if column["values"].dtype != np.float64 or column["known"].dtype != np.bool_:
            raise ValueError("a variable must hold numbers, and bits that tell which are known")
    statuses = [arrays[f"status_{number}"] for number in range(len(run.measures))]
    if any(status.dtype.kind != "U" for status in statuses):
        raise ValueError("the status of a measure must be text")
    y = None if header["y"] is None else (str(header["y"]), arrays["y_values"])
    return Scan(
        model_of(record_from(header["model"], group_of(arrays, "model"))),
        (str(header["x"]), arrays["x_values"]),
        y,
        values=dict(zip(header["variables"], (c["values"] for c in columns), strict=True)),
        known=dict(zip(header["variables"], (c["known"] for c in columns), strict=True)),
        status=dict(zip(run.measures, statuses, strict=True)),
        run=run,
    )
