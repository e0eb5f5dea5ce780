"""The state of a training run as a NumPy archive: numbers and JSON text, never pickled objects."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rnndyn.io._archive import read_archive, write_archive

_FORMAT = "rnndyn-training-state"
_VERSION = 1
_HEADER = "header"
_MAX_BYTES = 2**34


def save_state(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a nested state, such as that of modules and optimisers, to a ``.npz`` file.

    Parameters
    ----------
    path : path-like
        File to write. It appears when it is complete, and replaces an older one.
    state : mapping
        Nested dictionaries, lists and tuples of tensors, arrays, numbers, texts and None, such as
        ``{"module": module.state_dict(), "optimizer": optimizer.state_dict()}``.

    Raises
    ------
    TypeError
        If the state holds anything else.

    See Also
    --------
    load_state : Read it.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import TrainablePLRNN, load_state, save_state
    >>> module = TrainablePLRNN(3)
    >>> optimizer = torch.optim.Adam(module.parameters())
    >>> save_state(
    ...     "state.npz", {"module": module.state_dict(), "optimizer": optimizer.state_dict()}
    ... )
    >>> optimizer.load_state_dict(load_state("state.npz")["optimizer"])
    """
    arrays: dict[str, NDArray[Any]] = {}
    tree = _pack(state, "", arrays)
    header = json.dumps({"format": _FORMAT, "version": _VERSION, "state": tree}, allow_nan=True)
    write_archive(Path(path), {_HEADER: np.array(header), **arrays})


def load_state(path: str | os.PathLike[str]) -> Any:
    """Read what `save_state` wrote, bit for bit; tensors come back as tensors.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the file is damaged or of another kind. No code of the file is run.

    Examples
    --------
    >>> from rnndyn.training import load_state, save_state
    >>> save_state("numbers.npz", {"losses": [0.5, 0.25], "betas": (0.9, 0.999)})
    >>> load_state("numbers.npz")
    {'losses': [0.5, 0.25], 'betas': (0.9, 0.999)}
    """
    try:
        arrays = read_archive(Path(path), _MAX_BYTES)
        text = arrays.pop(_HEADER, None)
        if text is None or text.dtype.kind != "U" or text.ndim != 0:
            raise ValueError("it has no header")
        header = json.loads(str(text))
        if not isinstance(header, dict) or header.get("format") != _FORMAT:
            raise ValueError("it is another kind of archive")
        if header.get("version") != _VERSION:
            raise ValueError(
                f"it has version {header.get('version')!r:.20}; this package reads {_VERSION}"
            )
        return _unpack(header.get("state"), arrays)
    except (ValueError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as a training state: {error}") from error


def _pack(value: Any, place: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """Return a tree that JSON can hold; tensors and arrays go to `arrays`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.Tensor | np.ndarray):
        is_tensor = isinstance(value, torch.Tensor)
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{place} must hold real numbers, got {array.dtype}")
        name = str(len(arrays))
        # A copy: the tensor may change while the file is being written.
        arrays[name] = np.array(array, order="C")
        return {"tensor" if is_tensor else "array": name}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str | int) and not isinstance(key, bool) for key in value):
            raise TypeError(f"{place or 'the state'} must have names or numbers as keys")
        pairs = [[key, _pack(entry, f"{place}.{key}", arrays)] for key, entry in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        entries = [_pack(entry, f"{place}[{i}]", arrays) for i, entry in enumerate(value)]
        return {"tuple": entries} if isinstance(value, tuple) else entries
    raise TypeError(
        f"{place or 'the state'} must be tensors, arrays, numbers, text, None, or dictionaries, "
        f"lists and tuples of them, got {type(value).__name__}"
    )


def _unpack(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(tree, list):
        return [_unpack(entry, arrays) for entry in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) != 1:
        raise ValueError("its header is damaged")
    ((kind, content),) = tree.items()
    if kind in ("tensor", "array"):
        # The arrays of an archive share its read-only memory; torch wants its own.
        array = np.array(arrays[content])
        return torch.from_numpy(array) if kind == "tensor" else array
    if kind == "tuple":
        return tuple(_unpack(entry, arrays) for entry in content)
    if kind == "dict":
        return {key: _unpack(entry, arrays) for key, entry in content}
    raise ValueError(f"its header has the unknown kind {kind!r:.40}")
