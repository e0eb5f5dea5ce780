"""Checkpoints of NeuralRNN: a folder with ``config.json`` and ``model.safetensors``.

The configuration says the equation, the weights have the names of torch. Read are

- ``shallow_plrnn``: ``z' = A z + W1 relu(W2 z + h2) + h1 + C x``;
- ``ctrnn``, ``vanilla_rnn`` and ``ei_rnn``: with p = W z + b + U x,
  ``z' = (1 - a) z + a f(p)``, or ``f((1 - a) z + a p)`` where ``relu_after_blend`` is set,
  a = 1 without a time step ``dt``, else ``dt / tau``; with Dale's law ``W = |W| D``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnndyn.io._content import Content
from rnndyn.io._files import opened_file
from rnndyn.io._record import parse_json
from rnndyn.io._safetensors import read_safetensors
from rnndyn.io._torch_file import read_torch
from rnndyn.models import RNN, LowRankRNN, Model, ReLURNN, ShallowPLRNN

CONFIG = "config.json"
_WEIGHTS = ("model.safetensors", "model.pt")
_SHALLOW = ("A", "W1", "W2", "h1", "h2")
_MAX_CONFIG = 2**20


class Checkpoint(NamedTuple):
    """A model and how it was found; see `ImportedModel`."""

    model: Model
    keys: dict[str, str]
    notes: list[str]
    unused: list[str]


def is_checkpoint(path: Path) -> bool:
    """Tell whether a path is a folder with a configuration in it."""
    return path.is_dir() and (path / CONFIG).is_file()


def read_checkpoint(path: Path, max_bytes: int) -> Checkpoint:
    """Read a folder.

    Raises
    ------
    ValueError
        If a file is damaged or missing, or the network is none of rnndyn's families.
    """
    with opened_file(path / CONFIG, _MAX_CONFIG) as file:
        try:
            config = parse_json(file.content().decode())
        except UnicodeDecodeError:
            raise ValueError(f"its {CONFIG} is not UTF-8 text") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ValueError(f"its {CONFIG} does not name a model_type")
    arrays = dict(_weights(path, max_bytes).arrays)
    kind = config["model_type"]
    if kind == "shallow_plrnn":
        return _shallow(arrays)
    if kind in ("ctrnn", "vanilla_rnn", "ei_rnn"):
        return _rate_network(config, arrays)
    raise ValueError(
        f"its model_type {kind!r:.40} is none of shallow_plrnn, ctrnn, vanilla_rnn and ei_rnn; "
        f"give the arrays of {_WEIGHTS[0]} with family= and keys="
    )


def _weights(path: Path, max_bytes: int) -> Content:
    for name, reader in zip(_WEIGHTS, (read_safetensors, read_torch), strict=True):
        if (path / name).is_file():
            with opened_file(path / name, max_bytes) as file:
                return reader(file, max_bytes)
    raise ValueError(f"beside its {CONFIG} there is neither {_WEIGHTS[0]} nor {_WEIGHTS[1]}")


def _taken(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float64]:
    if name not in arrays:
        raise ValueError(f"there is no array {name!r} in its weights")
    return arrays[name].astype(np.float64)


def _shallow(arrays: dict[str, NDArray[Any]]) -> Checkpoint:
    values = {name: _taken(arrays, name) for name in _SHALLOW}
    notes = []
    if "C" in arrays:
        values["C"] = _taken(arrays, "C")
        values["s"] = np.zeros(values["C"].shape[-1])
        notes.append("the external input s is not in the file, s = 0 is used")
    keys = {name: name for name in values if name != "s"}
    unused = [name for name in arrays if name not in keys]
    return Checkpoint(ShallowPLRNN.from_parameters(values), keys, notes, unused)


def _rate_network(config: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> Checkpoint:
    activation = config.get("activation", "relu")
    if activation not in ("relu", "tanh"):
        raise ValueError(f"its activation {activation!r:.40} is neither relu nor tanh")
    keys = {
        "W": "h2h.weight",
        "b": "h2h.bias",
        "C": "input2h.weight",
        "b of the input": "input2h.bias",
    }
    W, b, C, b_in = (_taken(arrays, name) for name in keys.values())
    if config.get("dale", config["model_type"] == "ei_rnn"):
        W = np.abs(W) @ _taken(arrays, "dale_mask")
        keys["sign of W"] = "dale_mask"
    alpha, after = _step(config), bool(config.get("relu_after_blend", False))
    unused = [name for name in arrays if name not in keys.values()]
    s = np.zeros(C.shape[-1])
    notes = ["the constant external input s is not in the file, s = 0 is used"]
    if alpha == 1.0 and activation == "tanh":
        return Checkpoint(RNN(C, W, b_in, b, nonlinearity="tanh"), keys, [], unused)
    if activation == "tanh":
        raise ValueError(
            f"it is a leaky tanh network (dt / tau = {alpha:g}), which is no family of rnndyn; "
            "write its step and Jacobian as a rnndyn.DifferentiableMap"
        )
    bias, n = b + b_in, len(b)
    model: Model
    if after or alpha == 1.0:
        blend = (1.0 - alpha) * np.eye(n) + alpha * W
        model = ReLURNN(blend, alpha * bias, C=alpha * C, s=s)
    else:
        model = LowRankRNN(W, alpha * np.eye(n), -bias, 1.0 - alpha, C=C, s=s)
        notes.append(f"leaky ReLU units, (1 - a) z + a relu(W z + b) with a = {alpha:g}, are m = W")
    return Checkpoint(model, keys, notes, unused)


def _step(config: Mapping[str, Any]) -> float:
    """Return the share of a step: alpha where it is given, else dt / tau, else 1."""
    try:
        if config.get("alpha") is not None:
            alpha = float(config["alpha"])
        elif config.get("dt") is None:
            alpha = 1.0
        else:
            alpha = float(config["dt"]) / float(config["tau"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        values = json.dumps({name: config.get(name) for name in ("alpha", "dt", "tau")})
        raise ValueError(f"its {CONFIG} has no step that could be used: {values:.80}") from None
    if not (np.isfinite(alpha) and alpha > 0.0):
        raise ValueError(f"its {CONFIG} has the step dt / tau = {alpha:g}, which is not positive")
    return alpha
