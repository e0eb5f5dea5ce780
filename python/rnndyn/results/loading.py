"""Loading results without knowing what they are."""

import functools
import importlib
import os
from pathlib import Path

from rnndyn._common.checks import check_path
from rnndyn.io._record import FORMAT as MODEL_FORMAT
from rnndyn.results.base import SavedResult, class_of, known_formats
from rnndyn.results.files import header_in

_MAX_BYTES = 2**32


def load_result(path: str | os.PathLike[str], *, max_bytes: int = _MAX_BYTES) -> SavedResult:
    """Read a result of any kind that its method ``save`` wrote. No code of the file is run.

    Parameters
    ----------
    path : path-like
        The file.
    max_bytes : int
        Refuse a file that takes more memory than this.

    Returns
    -------
    BasinBoundary, BasinFractions, Basins, BranchSet, Certificate, ChaosCertificate, \
    CompositionCertificate, CyclesByInput, CycleSet, HomoclinicPoints, LyapunovSpectrum, Manifold, \
    RegionGraph, Scan, SlowPointSet, SlowPointsByInput, StabilityDiagram or Timeline

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
    source = check_path("path", path)
    header = header_in(source, max_bytes)
    cls = _class_of(header)
    if header.get("format") == MODEL_FORMAT:
        raise ValueError(f"{source} is no result of rnndyn but a model: use rnndyn.load_model")
    if cls is None:
        known = ", ".join(known_formats())
        raise ValueError(f"{source} is no result of rnndyn: its format is none of {known}")
    return cls.load(source, max_bytes=max_bytes)


def is_result(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file holds a result, and not a model or something else."""
    try:
        return _class_of(header_in(Path(path), _MAX_BYTES)) is not None
    except ValueError:
        return False


def _class_of(header: dict[str, object]) -> type[SavedResult] | None:
    _import_rooms()
    return class_of(header)


@functools.cache
def _import_rooms() -> None:
    """Import every room with a result, whatever rooms there are: each registers its format then."""
    package = Path(__file__).parents[1]
    for file in sorted(package.rglob("result.py")):
        room = ".".join(file.parent.relative_to(package).parts)
        importlib.import_module(f"rnndyn.{room}")
