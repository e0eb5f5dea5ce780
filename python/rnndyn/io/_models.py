"""Reading and writing models: the table of file formats and what they have in common."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnndyn.io._json import read_json, write_json
from rnndyn.io._npz import read_npz, write_npz
from rnndyn.io._record import ModelRecord, model_of, record_of
from rnndyn.models import Model


class _Format(NamedTuple):
    """How files of one suffix are read and written."""

    read: Callable[[Path, int], ModelRecord]
    write: Callable[[Path, ModelRecord], None]


_FORMATS: Mapping[str, _Format] = {
    ".json": _Format(read_json, write_json),
    ".npz": _Format(read_npz, write_npz),
}

_MAX_BYTES = 2**30


def save_model(
    model: Model,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write a model to a file.

    The file appears under its name only when it is complete. A model that is read back is equal
    to the saved one bit for bit.

    Parameters
    ----------
    model : model
        Of one of the families in `rnndyn.models`.
    path : str or path-like
        Where to; the suffix chooses the format: ``.npz`` (compact) or ``.json`` (readable).
    metadata : mapping, optional
        What else to keep in the file, such as where the model comes from: str, numbers, bool, None,
        and lists and dicts with str keys of these.

    Raises
    ------
    ValueError
        If the suffix is not supported, or `metadata` cannot be kept unchanged.
    TypeError
        If `model` is not a model.

    See Also
    --------
    load_model : Read it back.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import rnndyn as rd
    >>> model = rd.PLRNN(A=[0.5, 0.9], W=[[0.0, -0.6], [0.5, 0.0]], h=[0.4, -1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "model.json"
    ...     rd.save_model(model, path, metadata={"task": "two oscillators"})
    ...     rd.load_model(path) == model, rd.load_metadata(path)
    (True, {'task': 'two oscillators'})
    """
    path = Path(path)
    file_format = _format_of(path, "write")
    file_format.write(path, record_of(model, metadata))


def load_model(path: str | os.PathLike[str], *, max_bytes: int = _MAX_BYTES) -> Model:
    """Read a model from a file.

    Parameters
    ----------
    path : str or path-like
        A file that `save_model` or another program wrote in the documented format.
    max_bytes : int, default 2**30
        Refuse files that are larger than this, or claim to hold more than this when unpacked.

    Returns
    -------
    model
        Of the family that the file names.

    Raises
    ------
    ValueError
        If the file is not a model file, is damaged, or what it holds is no valid model.
    OSError
        If the file cannot be opened.

    See Also
    --------
    save_model : Write one.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.load_model("model.pickle")
    Traceback (most recent call last):
        ...
    ValueError: cannot read model.pickle: the suffix '.pickle' is not supported; use .json or .npz
    """
    path = Path(path)
    record = _read(path, max_bytes)
    try:
        return model_of(record)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a valid model: {error}") from error


def load_metadata(path: str | os.PathLike[str], *, max_bytes: int = _MAX_BYTES) -> dict[str, Any]:
    """Read the metadata that a model file was saved with.

    Parameters
    ----------
    path : str or path-like
        A model file.
    max_bytes : int, default 2**30
        Refuse files that are larger than this, or claim to hold more than this when unpacked.

    Returns
    -------
    dict
        Empty where the file was saved without.

    Raises
    ------
    ValueError
        If the file is not a model file or is damaged.
    OSError
        If the file cannot be opened.

    Examples
    --------
    See `save_model`.
    """
    return _read(Path(path), max_bytes).metadata


def _read(path: Path, max_bytes: int) -> ModelRecord:
    file_format = _format_of(path, "read")
    size = path.stat().st_size
    if size > max_bytes:
        raise ValueError(f"{path} has {size} bytes, more than max_bytes = {max_bytes}")
    try:
        return file_format.read(path, max_bytes)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a model: {error}") from error


def _format_of(path: Path, verb: str) -> _Format:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        problem = f"the suffix {suffix!r} is not supported" if suffix else "it has no suffix"
        raise ValueError(f"cannot {verb} {path}: {problem}; use {' or '.join(_FORMATS)}")
    return _FORMATS[suffix]
