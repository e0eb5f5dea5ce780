"""Networks of torch as models, without importing torch: who has a module has imported it."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from rnndyn._common.arrays import plain_array
from rnndyn.io._reparametrized import put_together
from rnndyn.models import GRU, LSTM, RNN, RecurrentNetwork

#: Kinds of networks as in the argument `kind`: class and options.
_KINDS: Mapping[str, tuple[type[RecurrentNetwork], dict[str, str]]] = {
    "rnn_tanh": (RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (RNN, {"nonlinearity": "relu"}),
    "gru": (GRU, {}),
    "lstm": (LSTM, {}),
}
#: Module of torch.nn -> kind; RNN and RNNCell also have a nonlinearity.
_MODULES = {
    "RNN": "rnn",
    "GRU": "gru",
    "LSTM": "lstm",
    "RNNCell": "rnn",
    "GRUCell": "gru",
    "LSTMCell": "lstm",
}
#: Below it a module keeps what its weights are computed from.
_PARAMETRIZED = "parametrizations."
#: What weight_norm and prune append to the name of a weight for its parts.
_PARTS = ("_g", "_v", "_orig", "_mask")
#: What the modules of torch.ao.nn.quantized keep instead.
_QUANTISED_NAMES = ("_all_weight_values", "_packed_weight")
_PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_OF_CELL = re.compile(
    rf"(?P<start>(parametrizations\.)?)(?P<parameter>{'|'.join(_PARAMETERS)})"
    rf"(?P<part>({'|'.join(_PARTS)}|\.original[01])?)"
)


def from_torch(
    module: Any, constant_input: ArrayLike | None = None, *, kind: str | None = None
) -> Any:
    """Make a model of a recurrent network of torch.

    Parameters
    ----------
    module : torch.nn.RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell, or mapping of str to array
        The network, with any number of layers, or its ``state_dict()``; or a trainable network of
        `rnndyn.training`. The weights are copied and converted to float64, which changes no value
        of a smaller type.
    constant_input : (K,) array_like, optional
        Make a network without external input, driven by this input at every step; see
        `RecurrentNetwork.with_constant_input`. Default: keep the external input. For a trainable
        network: the constant external input s of the model; default: its buffer ``s``.
    kind : {"rnn_tanh", "rnn_relu", "gru", "lstm"}, optional
        What a ``state_dict()``, which does not say so itself, belongs to. Not for modules.

    Returns
    -------
    RNN, GRU or LSTM; or the model that a trainable network is the twin of

    Raises
    ------
    TypeError
        If `module` is anything else, such as a network that only contains one of these.
    ValueError
        If the network is bidirectional or has projections, or its weights are not finite.

    Notes
    -----
    The model is the network in evaluation mode: ``dropout`` acts between layers and in training
    only, where it makes the map random, so it is left out. ``batch_first`` only orders the axes of
    torch's own arrays. Weights that ``weight_norm`` or ``prune`` keep in parts are computed from
    these. A subclass is read by its weights, and refused if it has others; what a ``forward`` of
    its own does is not seen. A state of the model is one vector; `RecurrentNetwork.join_states`
    makes it of ``h_0`` and ``c_0``.

    Bidirectional networks are refused because they are no dynamical system: the backward direction
    starts at the end of the inputs, so there is no map from a state to the next. LSTMs with
    projections are refused because their h and c have different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> import rnndyn as rd
    >>> state_dict = {"weight_ih_l0": np.ones((3, 2)), "weight_hh_l0": np.zeros((3, 1))}
    >>> rd.from_torch(state_dict, kind="gru")
    GRU(n_inputs=2, hidden_size=1, n_layers=1)

    With torch, a module is enough: ``rd.from_torch(torch.nn.LSTM(3, 64, num_layers=2))``.
    """
    if _is_trainable(module):
        if kind is not None:
            raise TypeError(f"kind is for a state_dict only; a {type(module).__name__} says itself")
        return module.to_model(constant_input)
    if isinstance(module, Mapping):
        family, options = _of_kind(kind)
        arrays = _named_arrays(module)
    else:
        family, options, arrays = _taken_apart(module)
        if kind is not None:
            raise TypeError(f"kind is for a state_dict only; a {type(module).__name__} says itself")
    values = {name: plain_array(name, tensor) for name, tensor in arrays.items()}
    put_together(values)
    network = family.from_parameters({**values, **options})
    return network if constant_input is None else network.with_constant_input(constant_input)


def _is_trainable(module: Any) -> bool:
    # Whoever has such a network has imported the subpackage, which this module must not import.
    training = sys.modules.get("rnndyn.training")
    return training is not None and isinstance(module, training.TrainableModel)


def _of_kind(kind: object) -> tuple[type[RecurrentNetwork], dict[str, str]]:
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(
            "a state_dict does not say what network it belongs to: kind must be one of "
            f"{', '.join(map(repr, _KINDS))}, got {kind!r:.60}"
        )
    return _KINDS[kind]


def _named_arrays(state_dict: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the arrays of a state_dict by the names of layers."""
    for name in state_dict:
        if not isinstance(name, str):
            raise TypeError(f"the names of a state_dict must be str, got {name!r:.60}")
        if name.endswith("_reverse"):
            raise ValueError(f"{BIDIRECTIONAL}; the state_dict has {name}")
        if name.startswith("weight_hr"):
            raise ValueError(f"{PROJECTIONS}; the state_dict has {name}")
        if name.startswith(_QUANTISED_NAMES):
            raise ValueError(f"{QUANTISED}; the state_dict has {name}")
        if "." in name and not name.startswith(_PARAMETRIZED):
            raise ValueError(
                f"{name:.80} is no parameter of a recurrent network: give the state_dict of the "
                "recurrent module itself, such as model.rnn.state_dict()"
            )
    return {_of_layer(name): array for name, array in state_dict.items()}


def _of_layer(name: str) -> str:
    """Give a name of a cell the layer that it does not have: ``weight_hh_g`` is weight_hh_l0_g."""
    cell = _OF_CELL.fullmatch(name)
    return name if cell is None else f"{cell['start']}{cell['parameter']}_l0{cell['part']}"


def _taken_apart(module: Any) -> tuple[type[RecurrentNetwork], dict[str, str], dict[str, Any]]:
    """Return class, options and tensors by name of a module."""
    nn = getattr(sys.modules.get("torch"), "nn", None)
    name = next((name for name in _MODULES if nn and isinstance(module, getattr(nn, name))), None)
    if name is None:
        if "quantized" in type(module).__module__.split("."):
            raise ValueError(QUANTISED)
        inside = ""
        if nn is not None and isinstance(module, nn.Module):
            inside = _inner_networks(module, nn)
        raise TypeError(
            f"module must be a torch.nn {', '.join(list(_MODULES)[:-1])} or {list(_MODULES)[-1]}, "
            f"or a state_dict with kind=..., got {type(module).__name__}{inside}"
        )
    if getattr(module, "bidirectional", False):
        raise ValueError(BIDIRECTIONAL)
    if getattr(module, "proj_size", 0) > 0:
        raise ValueError(f"{PROJECTIONS}; this one has proj_size={module.proj_size}")
    kind = _MODULES[name]
    family, options = _KINDS[f"rnn_{module.nonlinearity}" if kind == "rnn" else kind]
    suffixes = [""] if name.endswith("Cell") else [f"_l{k}" for k in range(module.num_layers)]
    # Attributes, not the state_dict: that holds other tensors where weights are parametrised. The
    # weight of weight_norm and prune is computed before each forward pass, and may be older than
    # its parts.
    own = [
        f"{parameter}{suffix}{part}"
        for suffix in suffixes
        for parameter in (_PARAMETERS if module.bias else _PARAMETERS[:2])
        for part in ("", *_PARTS)
        if not part or hasattr(module, f"{parameter}{suffix}{part}")
    ]
    _check_nothing_else(module, name, own)
    return family, options, {_of_layer(each): getattr(module, each) for each in own}


def _inner_networks(module: Any, nn: Any) -> str:
    """Name the recurrent networks in a module: its readout is none of the dynamics."""
    kinds = tuple(getattr(nn, name) for name in _MODULES)
    inner = [name for name, part in module.named_modules() if isinstance(part, kinds)]
    if not inner:
        return (
            ": it contains none of these; give its state_dict() if its parameters have the names "
            "of a family, such as A, W and h, else write its map as a rnndyn.DifferentiableMap"
        )
    more = ", ..." if len(inner) > 4 else ""
    return f": give what it contains of these, module.{', module.'.join(inner[:4])}{more}"


def _check_nothing_else(module: Any, name: str, own: list[str]) -> None:
    """Refuse a subclass that has more parameters or buffers than the module of torch."""
    there = [each for each, _ in (*module.named_parameters(), *module.named_buffers())]
    others = [each for each in there if each not in own and not each.startswith(_PARAMETRIZED)]
    if others:
        more = ", ..." if len(others) > 8 else ""
        raise ValueError(
            f"{type(module).__name__} has parameters that a torch.nn.{name} does not have, so it "
            f"is another network: {', '.join(others[:8])}{more}; where "
            "these play no part in the step, give the others by name, as a state_dict with kind=..."
        )


QUANTISED = (
    "a quantised network is not supported: it computes with rounded weights and states; give the "
    "network before quantisation"
)
BIDIRECTIONAL = (
    "a bidirectional network is not supported because it is no dynamical system: its backward "
    "direction starts at the end of the inputs, so no map leads from a state to the next"
)
PROJECTIONS = (
    "an LSTM with projections is not supported: its h and c have different lengths; use proj_size=0"
)
