"""Loading results without knowing what they are."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnndyn._result import SavedResult
from rnndyn.basins_result import Basins
from rnndyn.bifurcation import BranchSet, StabilityDiagram, Timeline
from rnndyn.certificate import Certificate
from rnndyn.cycle_set import CycleSet
from rnndyn.io._result_file import format_name
from rnndyn.lyapunov_result import LyapunovSpectrum
from rnndyn.scan_result import Scan

_MAX_BYTES = 2**32

Result = (
    Basins
    | BranchSet
    | Certificate
    | CycleSet
    | LyapunovSpectrum
    | Scan
    | StabilityDiagram
    | Timeline
)


def load_result(path: str | os.PathLike[str], *, max_bytes: int = _MAX_BYTES) -> Result:
    """Read a result of any kind that its method ``save`` wrote. No code of the file is run.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int
        Refuse a file that takes more memory than this.

    Returns
    -------
    Basins, BranchSet, Certificate, CycleSet, LyapunovSpectrum, Scan, StabilityDiagram or Timeline

    Raises
    ------
    ValueError
        If the file holds no result of rnndyn, is damaged, was written in a newer format, or is too
        large.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> rd.find_cycles(tent, max_order=3).save("tent.npz")
    >>> type(rd.load_result("tent.npz")).__name__
    'CycleSet'
    """
    source = Path(path)
    name = format_name(source, max_bytes)
    if name not in _LOADERS:
        known = ", ".join(sorted(_LOADERS))
        raise ValueError(f"{source} is no result of rnndyn: its format is none of {known}")
    return _LOADERS[name](source, max_bytes)


def is_result(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file holds a result, and not a model or something else."""
    try:
        return format_name(Path(path), _MAX_BYTES) in _LOADERS
    except ValueError:
        return False


def _branches(path: Path, max_bytes: int) -> BranchSet | Timeline:
    timeline = Timeline.load(path, max_bytes=max_bytes)
    # The files are the same; only a timeline is over epochs.
    return timeline if timeline.branch_set.axis == "epoch" else timeline.branch_set


def _loader(cls: type[SavedResult]) -> Callable[[Path, int], Any]:
    return lambda path, max_bytes: cls.load(path, max_bytes=max_bytes)


_LOADERS: dict[str, Callable[[Path, int], Result]] = {
    BranchSet.FORMAT.name: _branches,
    **{
        cls.FORMAT.name: _loader(cls)
        for cls in (Basins, Certificate, CycleSet, LyapunovSpectrum, Scan, StabilityDiagram)
    },
}
