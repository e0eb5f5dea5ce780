"""Reading and writing models."""

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rnndyn._common.checks import check_path
from rnndyn.io._as_model import as_model
from rnndyn.io._import import MAX_BYTES, ImportGuessWarning, import_model, read_content
from rnndyn.io._json import write_json
from rnndyn.io._npz import write_npz
from rnndyn.io._record import ModelRecord, record_of
from rnndyn.models import Model

_WRITERS: Mapping[str, Callable[[Path, ModelRecord], None]] = {
    ".json": write_json,
    ".npz": write_npz,
}


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
        Of one of the families in `rnndyn.models`, or a network of torch.
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
    path = check_path("path", path)
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        problem = f"the suffix {suffix!r} is not supported" if suffix else "it has no suffix"
        raise ValueError(f"cannot write {path}: {problem}; use {' or '.join(_WRITERS)}")
    _WRITERS[suffix](path, record_of(as_model(model), metadata))


def load_model(
    path: str | os.PathLike[str],
    *,
    family: str | None = None,
    keys: Mapping[str, str] | None = None,
    prefix: str | None = None,
    options: Mapping[str, Any] | None = None,
    nonlinearity: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Model:
    """Read a model from a file, of rnndyn or of another program.

    The kind of file is told by its content: rnndyn's own files, NumPy archives, MATLAB files of
    version 5 and 7.3, files of ``torch.save``, safetensors, Julia's BSON and JLD2, and HDF5. No
    code of a file is ever run.

    Parameters
    ----------
    path : str or path-like
        The file.
    family : str, optional
        Name of the family, such as ``"ALRNN"``. Default: what the file says, else guessed from the
        names and shapes of its arrays.
    keys : mapping of str to str, optional
        Which array of the file is which parameter, such as ``{"W": "net.recurrent"}``. Default:
        guessed for the parameters that are left out. `rnndyn.io.list_arrays` shows the names.
    prefix : str, optional
        Where in the file the network is, such as ``"model.rnn"``, if it holds several.
    options : mapping of str to value, optional
        Settings of the family that are no arrays, such as ``{"n_relu": 2}`` or
        ``{"clipped": True}``.
    nonlinearity : {"tanh", "relu"}, optional
        Which of the two an `RNN` has. It must be given where the file does not say it, as the
        ``state_dict()`` of a ``torch.nn.RNN``.
    max_bytes : int, default 2**30
        Refuse files that are larger than this, or claim to hold more than this when unpacked.

    Returns
    -------
    model

    Raises
    ------
    ValueError
        If the file is damaged or of another kind, if no family fits or several networks do, if
        arrays beside those of a network say that it is another one, or if the arrays are no valid
        parameters. The message begins with the path.
    OSError
        If the file cannot be opened, or the process that reads HDF5 files cannot be started.
    MissingPackageError
        If an HDF5 file is given and h5py is not installed.

    Warns
    -----
    ImportGuessWarning
        If something was guessed; `rnndyn.io.import_model` returns the guesses instead.

    See Also
    --------
    save_model : Write one.
    rnndyn.io.import_model : The same, with a report of what was found.

    Notes
    -----
    All about names, orientation and what is refused: ``docs/reference/model-files-import.md``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.npz"
    ...     np.savez(path, A=[0.5], recurrent=[[-1.0]], h=[1.0])
    ...     rd.load_model(path, family="PLRNN", keys={"W": "recurrent"})
    PLRNN(n_states=1, n_units=1)
    """
    found = import_model(
        path,
        family=family,
        keys=keys,
        prefix=prefix,
        options=options,
        nonlinearity=nonlinearity,
        max_bytes=max_bytes,
    )
    if found.remarks:
        warnings.warn(f"{found.path}: {'; '.join(found.remarks)}", ImportGuessWarning, stacklevel=2)
    return found.model


def load_metadata(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
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
        Empty where the file was saved without, or is of another program.

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
    content = read_content(check_path("path", path), max_bytes)
    return content.metadata if isinstance(content, ModelRecord) else {}
