"""Models from files of other programs."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from rnndyn._common.checks import check_path
from rnndyn._common.table import Shown
from rnndyn.io._archive import read_members
from rnndyn.io._content import Content, content_of
from rnndyn.io._files import OpenedFile, opened_file
from rnndyn.io._hdf5 import read_hdf5
from rnndyn.io._identify import identify
from rnndyn.io._json import read_json
from rnndyn.io._julia import read_bson
from rnndyn.io._matlab import read_matlab
from rnndyn.io._neuralrnn import CONFIG, is_checkpoint, read_checkpoint
from rnndyn.io._npz import HEADER, record_in
from rnndyn.io._record import ModelRecord, model_of
from rnndyn.io._safetensors import read_safetensors
from rnndyn.io._sniff import kind_of
from rnndyn.io._torch_file import read_torch
from rnndyn.models import FAMILIES, Model

MAX_BYTES = 2**30


def _read_npz(file: OpenedFile, max_bytes: int) -> ModelRecord | Content:
    arrays = read_members(file.stream, max_bytes)
    if HEADER in arrays:
        return record_in(arrays)
    return content_of("NumPy archive", arrays)


_READERS: Mapping[str, Callable[[OpenedFile, int], ModelRecord | Content]] = {
    "json": read_json,
    "npz": _read_npz,
    "matlab": read_matlab,
    "hdf5": read_hdf5,
    "torch": read_torch,
    "safetensors": read_safetensors,
    "bson": read_bson,
}


@dataclass(frozen=True)
class ImportedModel(Shown):
    """A model read from a file, and what was found there.

    Attributes
    ----------
    model : model
        Of one of the families in `rnndyn.models`.
    path : Path
        The file.
    format : str
        What kind of file it is, such as ``"torch"`` or ``"MATLAB 5"``.
    keys : mapping of str to str
        Which array of the file each parameter is, by parameter. Empty for rnndyn's own files.
    notes : tuple of str
        What was guessed or changed on the way. Empty where the file, or the caller, says all.
    unused : tuple of str
        Arrays of the file that are not part of the model.
    """

    model: Model
    path: Path
    format: str
    keys: Mapping[str, str]
    notes: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What somebody who gets the model alone should know: the notes, and what was not used."""
        return with_unused(self.notes, self.unused)

    def __repr__(self) -> str:
        lines = [f"{self.model!r} from {self.path} ({self.format})"]
        lines += [f"  {parameter} = {name}" for parameter, name in self.keys.items()]
        lines += [f"  note: {note}" for note in self.notes]
        if self.unused:
            lines.append(f"  {_unused_text(self.unused)}")
        return "\n".join(lines)


def with_unused(notes: Sequence[str], unused: Sequence[str]) -> tuple[str, ...]:
    """Return notes, if there are any, and after them what was not used."""
    return (*notes, _unused_text(unused)) if notes and unused else tuple(notes)


def _unused_text(unused: Sequence[str]) -> str:
    more = ", ..." if len(unused) > 8 else ""
    return f"not used: {', '.join(unused[:8])}{more}"


class ImportGuessWarning(UserWarning):
    """A file does not say all about its model, so that the rest was guessed, or holds more."""


def import_model(
    path: str | os.PathLike[str],
    *,
    family: str | None = None,
    keys: Mapping[str, str] | None = None,
    prefix: str | None = None,
    options: Mapping[str, Any] | None = None,
    nonlinearity: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> ImportedModel:
    """Read a model as `rnndyn.load_model` does, and tell how it was found.

    Parameters
    ----------
    path, family, keys, prefix, options, nonlinearity, max_bytes
        The same as for `rnndyn.load_model`, with the same errors.

    Returns
    -------
    ImportedModel
        The model, which array of the file each of its parameters is, what was guessed, and what
        was not used. Nothing is warned of.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.npz"
    ...     np.savez(path, A=[0.5, 0.9], W=[[0.0, -0.6], [0.5, 0.0]], h=[0.4, -1.0])
    ...     found = rd.io.import_model(path)
    >>> found.model
    PLRNN(n_states=2, n_units=2)
    >>> found.notes[0]
    'family PLRNN is guessed from the names of the arrays (the same arrays can be: ALRNN, \
MeanCenteredPLRNN, or W max(z - h, 0) in files of PLRNNstsp of 2017, which is \
DendriticPLRNN(A, W, 0 * h, [1.0], [h]))'
    """
    if family is not None and (not isinstance(family, str) or family not in FAMILIES):
        raise ValueError(f"family must be one of {', '.join(FAMILIES)}, got {family!r:.60}")
    options = dict(options or {})
    if nonlinearity is not None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r:.60}")
        if options.setdefault("nonlinearity", nonlinearity) != nonlinearity:
            raise ValueError("nonlinearity and options['nonlinearity'] must not differ")
    path = check_path("path", path)
    if is_checkpoint(path):
        if family is not None or keys or prefix or options:
            raise ValueError(
                f"{path} says itself what it is, in its {CONFIG}: leave out family, keys, prefix, "
                "options and nonlinearity, or give the file of weights in it"
            )
        try:
            found = read_checkpoint(path, max_bytes)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{path} does not hold a valid model: {error}") from error
        return ImportedModel(
            found.model,
            path,
            "NeuralRNN",
            MappingProxyType(found.keys),
            tuple(found.notes),
            tuple(found.unused),
        )
    content = read_content(path, max_bytes)
    try:
        if isinstance(content, ModelRecord):
            if (
                family not in (None, content.family)
                or keys
                or prefix
                or _says_else(content, options)
            ):
                raise ValueError(
                    f"the file says itself that it is a {content.family}: leave out family, keys, "
                    "prefix, options and nonlinearity"
                )
            return ImportedModel(
                model_of(content), path, "rnndyn model", MappingProxyType({}), (), ()
            )
        identified = identify(content, family, dict(keys or {}), options, prefix)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path} does not hold a valid model: {error}") from error
    return ImportedModel(
        identified.model,
        path,
        content.format,
        MappingProxyType(identified.keys),
        tuple(identified.notes),
        tuple(identified.unused),
    )


def _says_else(record: ModelRecord, options: Mapping[str, Any]) -> bool:
    """Whether options differ from what a file of rnndyn says itself."""
    return any(record.options.get(name) != value for name, value in options.items())


def list_arrays(
    path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """Return the arrays of numbers in a file by name, as `import_model` sees them.

    Parameters
    ----------
    path : str or path-like
        A file of any kind that `import_model` reads.
    max_bytes : int, default 2**30
        Refuse files that are larger than this, or claim to hold more than this when unpacked.

    Returns
    -------
    dict of str to array

    Raises
    ------
    ValueError
        If the file is damaged or of another kind.
    OSError
        If the file cannot be opened.

    Warns
    -----
    ImportGuessWarning
        If the file also holds arrays that are not read, such as sparse or complex ones.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "weights.npz"
    ...     np.savez(path, recurrent=np.zeros((2, 2)))
    ...     {name: array.shape for name, array in rd.io.list_arrays(path).items()}
    {'recurrent': (2, 2)}
    """
    content = read_content(check_path("path", path), max_bytes)
    if isinstance(content, ModelRecord):
        return dict(content.parameters)
    if content.unread:
        names = ", ".join(
            f"{name!r:.60} is {what} and is not read" for name, what in content.unread.items()
        )
        warnings.warn(f"{path}: {names}", ImportGuessWarning, stacklevel=2)
    return content.arrays


def read_content(path: Path, max_bytes: int) -> ModelRecord | Content:
    """Read a file of any supported kind.

    Raises
    ------
    ValueError
        If it is damaged, of another kind, or too large; the message begins with the path.
    OSError
        If it cannot be opened.
    """
    try:
        with opened_file(path, max_bytes) as file:
            return _READERS[kind_of(file)](file, max_bytes)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as a model: {error}") from error
