"""Checkpoints of a training run: lists of models, folders of files, stacked arrays."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.bifurcation.path._path import check_models
from rnndyn.io import load_model
from rnndyn.io._hdf5 import shared_process
from rnndyn.io._import import read_content
from rnndyn.io._record import ModelRecord
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork, ShallowPLRNN

Layout = Literal["auto", "canonical", "swapped"]

_LAYOUTS = ("auto", "canonical", "swapped")
#: Number of dimensions of the array of one model.
_DIMENSIONS = {"A": 2, "W1": 2, "W2": 2, "h1": 1, "h2": 1, "C": 2, "s": 1}
_REQUIRED = ("A", "W1", "W2", "h1", "h2")
_MAX_BYTES = 2**32


def load_checkpoints(
    source: str
    | os.PathLike[str]
    | Mapping[str, Any]
    | Iterable[PiecewiseLinearModel | RecurrentNetwork],
    *,
    pattern: str = "*",
    layout: Layout = "auto",
) -> list[Any]:
    """Return the models of a training run, in the order of time.

    Parameters
    ----------
    source : path-like, mapping of str to array_like, or iterable of models
        A folder of model files (see `rnndyn.load_model`), sorted by name with numbers in names as
        numbers, so that ``epoch10.npz`` comes after ``epoch9.npz``; a file of stacked arrays, of
        any of these programs; stacked arrays by name; or models, which come back checked.
    pattern : str
        Which files of a folder are checkpoints. Hidden files never are.
    layout : {"auto", "canonical", "swapped"}
        How stacked arrays are named. They hold ``A, W1, W2, h1, h2`` and perhaps ``C, s``, with or
        without one more dimension in front that counts the checkpoints. ``canonical``:
        ``A z + W1 relu(W2 z + h2) + h1 + C s``, as `ShallowPLRNN`. ``swapped``:
        ``A z + W2 relu(W1 z + h1) + h2 + C s``, as some published files. ``auto`` tells by the
        shapes, where the network has not as many units as states.

    Returns
    -------
    list of PiecewiseLinearModel or RecurrentNetwork
        All of one family and size; `ShallowPLRNN` for stacked arrays.

    Raises
    ------
    ValueError
        If a file cannot be read or holds no model whose cycles can be followed, if there are no
        checkpoints, or they do not fit together; the message names the file or array.
    MissingPackageError
        If a file is of MATLAB 7.3, JLD2 or HDF5, and h5py is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> stacked = {
    ...     "A": [0.5 * np.eye(2)] * 3,
    ...     "W1": np.ones((3, 2, 4)),
    ...     "W2": np.ones((3, 4, 2)),
    ...     "h1": np.zeros(2),
    ...     "h2": np.zeros(4),
    ... }
    >>> len(rd.load_checkpoints(stacked))
    3
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(_LAYOUTS)}, got {layout!r}")
    if isinstance(source, Mapping):
        return _unstacked(source, layout, "checkpoints")
    if not isinstance(source, str | os.PathLike):
        return list(check_models(source, "checkpoints"))
    path = Path(source)
    if path.is_dir():
        with shared_process():
            return _from_folder(path, pattern)
    if not path.exists():
        raise ValueError(f"checkpoints: there is no folder or file {path}")
    return _unstacked(_read_stacked(path), layout, str(path))


def _from_folder(folder: Path, pattern: str) -> list[Any]:
    files = [file for file in folder.glob(pattern) if file.is_file() and file.name[0] != "."]
    if not files:
        raise ValueError(f"checkpoints: the folder {folder} holds no files that match {pattern!r}")
    models: list[Any] = []
    for file in sorted(files, key=lambda file: _natural(file.name)):
        try:
            model = load_model(file)
        except (OSError, ValueError) as error:
            raise ValueError(f"checkpoint {file} cannot be read: {error}") from error
        try:
            check_models([model], "checkpoints")
        except TypeError as error:
            raise ValueError(f"checkpoint {file} cannot be followed: {error}") from None
        if models:
            try:
                check_models([models[0], model], "checkpoints")
            except ValueError as error:
                raise ValueError(f"checkpoint {file} does not fit the first one: {error}") from None
        models.append(model)
    return models


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts the numbers in names as numbers."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _read_stacked(path: Path) -> dict[str, Any]:
    """Return the arrays of a file, of any kind of which models are read, without their prefix."""
    try:
        content = read_content(path, _MAX_BYTES)
    except ValueError as error:
        raise ValueError(
            f"checkpoints must be a folder of model files or a file of stacked arrays: {error}"
        ) from error
    if isinstance(content, ModelRecord):
        raise ValueError(
            f"{path} holds one model; checkpoints must be a folder of such files, or a file of "
            "stacked arrays"
        )
    prefixes = [name[: -len("W1")] for name in content.arrays if name.split(".")[-1] == "W1"]
    if len(prefixes) > 1:
        raise ValueError(f"{path} holds several stacks of checkpoints: {', '.join(prefixes[:8])}")
    prefix = prefixes[0] if prefixes else ""
    arrays = {name: content.arrays.get(f"{prefix}{name}") for name in _DIMENSIONS}
    found = {name: array for name, array in arrays.items() if array is not None}
    if content.format.startswith("MATLAB"):
        # It knows no vectors: they come as matrices of one row.
        for name, array in found.items():
            if _DIMENSIONS[name] == 1 and 1 in array.shape:
                found[name] = array.ravel()
    return found


def _unstacked(source: Mapping[str, Any], layout: Layout, name: str) -> list[PiecewiseLinearModel]:
    arrays = {
        key: finite_numbers(f"{name}: {key}", source[key]) for key in _DIMENSIONS if key in source
    }
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing:
        raise ValueError(
            f"{name} must hold arrays of numbers A, W1, W2, h1 and h2; {', '.join(missing)} is "
            "missing"
        )
    stacked = {key: a.ndim == _DIMENSIONS[key] + 1 for key, a in arrays.items()}
    # A vector A is the diagonal of a diagonal matrix; stacked, it looks like one matrix.
    lengths = {key: len(arrays[key]) for key, flag in stacked.items() if flag}
    if not lengths:
        raise ValueError(f"{name} holds no stacked array: none has a dimension for the checkpoints")
    if len(set(lengths.values())) != 1:
        raise ValueError(f"{name} holds stacks of different length: {lengths}")
    n = next(iter(lengths.values()))
    if n == 0:
        raise ValueError(f"{name} holds no checkpoints")
    models: list[PiecewiseLinearModel] = []
    for index in range(n):
        values = {key: a[index] if stacked[key] else a for key, a in arrays.items()}
        if _is_swapped(values, layout, name):
            values["W1"], values["W2"] = values["W2"], values["W1"]
            values["h1"], values["h2"] = values["h2"], values["h1"]
        try:
            models.append(ShallowPLRNN(**values))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: checkpoint {index} is no valid model: {error}") from error
    return models


def _is_swapped(values: Mapping[str, FloatArray], layout: Layout, name: str) -> bool:
    if layout != "auto":
        return layout == "swapped"
    n_states = len(values["A"])
    rows, columns = values["W1"].shape if values["W1"].ndim == 2 else (0, 0)
    if rows == columns:
        raise ValueError(
            f"{name}: W1 of shape {values['W1'].shape} does not tell which of W1 and W2 acts on "
            "the state; give layout='canonical' for A z + W1 relu(W2 z + h2) + h1, else "
            "layout='swapped'"
        )
    return bool(columns == n_states)
