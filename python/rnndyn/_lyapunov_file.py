"""The file format of spectra, described in ``docs/reference/lyapunov-spectrum-format.md``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnndyn._lyapunov_frame import TangentFrame
from rnndyn._lyapunov_units import check_units
from rnndyn.io._archive import read_archive, write_archive
from rnndyn.io._record import parse_json
from rnndyn.lyapunov_run import LyapunovRun

if TYPE_CHECKING:
    from rnndyn.lyapunov_result import LyapunovSpectrum

FORMAT = "rnndyn lyapunov spectrum"
#: Raised when a reader of the last version could not understand a new file.
FORMAT_VERSION = 1

_ARRAYS = ("log_growth", "window_steps", "layer", "states", "qr_interval")
_COVARIANT = ("covariant_steps", "covariant_vectors")
_INTEGERS = ("window_steps", "layer", "qr_interval", "covariant_steps")
#: What a header or an array of the wrong shape or type can raise on its way into the objects.
_DAMAGE = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


def write(path: Path, spectrum: "LyapunovSpectrum") -> None:
    """Write a spectrum; the file appears under its name only when it is complete."""
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "run": spectrum.run.to_dict(),
        "units": {"per": spectrum.per, "dt": spectrum.dt, "base": spectrum.base},
        "n_frame_blocks": len(spectrum.frame.blocks),
        "joint_frame": spectrum.frame.joint,
    }
    arrays: dict[str, NDArray[Any]] = {"header": np.array(json.dumps(header, allow_nan=False))}
    for name in _ARRAYS:
        arrays[name] = getattr(spectrum, name)
    for number, block in enumerate(spectrum.frame.blocks):
        arrays[f"frame_{number}"] = block
    if spectrum.covariant_vectors is not None:
        for name in _COVARIANT:
            arrays[name] = getattr(spectrum, name)
    write_archive(path, arrays)


def read(path: Path, max_bytes: int) -> dict[str, Any]:
    """Read the fields of a spectrum that takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a spectrum, is damaged, or has a newer format.
    """
    from rnndyn.lyapunov_result import LyapunovSpectrum

    try:
        values = _contents(read_archive(path, max_bytes))
        # What does not fit together is the file's fault, and the message shall say so.
        LyapunovSpectrum(**values)
    except _DAMAGE as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            f"{path} cannot be read as a Lyapunov spectrum of rnndyn: {reason}"
        ) from error
    return values


def _contents(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    text = arrays.pop("header", None)
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
    for name, array in arrays.items():
        if array.dtype.kind != ("i" if name in _INTEGERS else "f"):
            raise ValueError(f"member {name!r:.60} holds {array.dtype} entries")
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise ValueError(f"member {name!r:.60} holds NaN")
    blocks = [arrays[f"frame_{number}"] for number in range(header["n_frame_blocks"])]
    units = header["units"]
    checked = check_units(units["per"], units["dt"], units["base"])
    values: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    if any(name in arrays for name in _COVARIANT):
        values |= {name: arrays[name] for name in _COVARIANT}
    return {
        **values,
        **checked._asdict(),
        "frame": TangentFrame(blocks, header["joint_frame"]),
        "run": LyapunovRun.from_dict(header["run"]),
    }
