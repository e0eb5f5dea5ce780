"""The file format of spectra, described in ``docs/reference/lyapunov-spectrum-format.md``."""

from typing import Any

from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.run import LyapunovRun
from rnndyn.lyapunov.units import check_units
from rnndyn.results.files import Arrays, ResultFormat

_ARRAYS: tuple[str, ...] = ("log_growth", "window_steps", "layer", "states", "qr_interval")
_COVARIANT = ("covariant_steps", "covariant_vectors")
#: Since version 2.
_ORBITS = ("orbit", "cycle_exponents", "cycle_error")
_INTEGERS = ("window_steps", "layer", "qr_interval", "covariant_steps", "orbit")


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    frame = state["frame"]
    header = {
        "run": state["run"].to_dict(),
        "units": {name: state[name] for name in ("per", "dt", "base")},
        "n_frame_blocks": len(frame.blocks),
        "joint_frame": frame.joint,
    }
    names = (*_ARRAYS, *_ORBITS)
    if state["covariant_vectors"] is not None:
        names += _COVARIANT
    arrays: Arrays = {name: state[name] for name in names}
    for number, block in enumerate(frame.blocks):
        arrays[f"frame_{number}"] = block
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    for name, array in arrays.items():
        if array.dtype.kind != ("i" if name in _INTEGERS else "f"):
            raise ValueError(f"member {name!r:.60} holds {array.dtype} entries")
    blocks = tuple(arrays[f"frame_{number}"] for number in range(header["n_frame_blocks"]))
    units = header["units"]
    names = _ARRAYS
    if header["format_version"] >= 2:
        names += _ORBITS
    if any(name in arrays for name in _COVARIANT):
        names += _COVARIANT
    return {
        **{name: arrays[name] for name in names},
        **check_units(units["per"], units["dt"], units["base"])._asdict(),
        "frame": TangentFrame(blocks, header["joint_frame"]),
        "run": LyapunovRun.from_dict(header["run"]),
    }


FORMAT = ResultFormat(
    "rnndyn lyapunov spectrum", 2, "a Lyapunov spectrum", _taken_apart, _put_together
)
