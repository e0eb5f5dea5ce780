"""The file format of spectra, described in ``docs/reference/lyapunov-spectrum-format.md``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnndyn._lyapunov_frame import TangentFrame
from rnndyn._lyapunov_units import check_units
from rnndyn.io._result_file import Arrays, ResultFormat
from rnndyn.lyapunov_run import LyapunovRun

if TYPE_CHECKING:
    from rnndyn.lyapunov_result import LyapunovSpectrum

FORMAT = ResultFormat("rnndyn lyapunov spectrum", 2, "a Lyapunov spectrum")

_ARRAYS = ("log_growth", "window_steps", "layer", "states", "qr_interval")
_COVARIANT = ("covariant_steps", "covariant_vectors")
#: Since version 2.
_ORBITS = ("orbit", "cycle_exponents", "cycle_error")
_INTEGERS = ("window_steps", "layer", "qr_interval", "covariant_steps", "orbit")


def write(path: Path, spectrum: "LyapunovSpectrum") -> None:
    """Write a spectrum; the file appears under its name only when it is complete."""
    header = {
        "run": spectrum.run.to_dict(),
        "units": {"per": spectrum.per, "dt": spectrum.dt, "base": spectrum.base},
        "n_frame_blocks": len(spectrum.frame.blocks),
        "joint_frame": spectrum.frame.joint,
    }
    arrays: Arrays = {name: getattr(spectrum, name) for name in _ARRAYS}
    arrays |= {name: getattr(spectrum, name) for name in _ORBITS}
    for number, block in enumerate(spectrum.frame.blocks):
        arrays[f"frame_{number}"] = block
    if spectrum.covariant_vectors is not None:
        for name in _COVARIANT:
            arrays[name] = getattr(spectrum, name)
    FORMAT.write(path, header, arrays)


def read(path: Path, max_bytes: int) -> dict[str, Any]:
    """Read the fields of a spectrum that takes at most ``max_bytes`` when unpacked.

    Raises
    ------
    ValueError
        If the file is not a spectrum, is damaged, or has a newer format.
    """
    return FORMAT.read(path, max_bytes, _contents)


def _contents(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    from rnndyn.lyapunov_result import LyapunovSpectrum

    for name, array in arrays.items():
        if array.dtype.kind != ("i" if name in _INTEGERS else "f"):
            raise ValueError(f"member {name!r:.60} holds {array.dtype} entries")
    blocks = [arrays[f"frame_{number}"] for number in range(header["n_frame_blocks"])]
    units = header["units"]
    checked = check_units(units["per"], units["dt"], units["base"])
    values: dict[str, Any] = {name: arrays[name] for name in _ARRAYS}
    if header["format_version"] >= 2:
        values |= {name: arrays[name] for name in _ORBITS}
    if any(name in arrays for name in _COVARIANT):
        values |= {name: arrays[name] for name in _COVARIANT}
    values |= {
        **checked._asdict(),
        "frame": TangentFrame(blocks, header["joint_frame"]),
        "run": LyapunovRun.from_dict(header["run"]),
    }
    # What does not fit together is the file's fault, and the message shall say so.
    LyapunovSpectrum(**values)
    return values
