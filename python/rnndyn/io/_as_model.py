"""Whatever a user has of a network as a model: the one place that takes them all."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import plain_array
from rnndyn.io._content import content_of
from rnndyn.io._identify import UnsaidNonlinearityError, identify
from rnndyn.io._import import ImportGuessWarning, with_unused
from rnndyn.io._torch import from_torch
from rnndyn.models import DifferentiableMap, Model, PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._canonical_map_of import piecewise_linear, smooth_network


class TorchModule(Protocol):
    """A network of torch, as far as types tell."""

    def state_dict(self) -> Any:
        """Return its tensors by name."""


#: What can be given as a network: a model, a recurrent network of torch, or arrays by name.
NetworkLike = Model | DifferentiableMap | TorchModule | Mapping[str, Any]


def as_model(model: Any, name: str = "model") -> Model | DifferentiableMap:
    """Return the model that an argument stands for.

    Parameters
    ----------
    model : model, torch.nn.Module, or mapping of str to array
        A model, which comes back as it is; a recurrent network of torch, or one of
        `rnndyn.training`; or arrays by name, such as a ``state_dict()``.
    name : str
        What messages call it.

    Raises
    ------
    TypeError, ValueError
        If it is anything else, or no network of rnndyn; the message says what to do instead.

    Warns
    -----
    ImportGuessWarning
        If the family of arrays by name was guessed.
    """
    if isinstance(model, Model | DifferentiableMap):
        return model
    if isinstance(model, Mapping):
        return _of_arrays(model, name)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        try:
            converted: Model = from_torch(model)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} cannot be taken: {error}") from None
        return converted
    raise TypeError(
        f"{name} must be a model of rnndyn, such as rnndyn.PLRNN(A, W, h), or a recurrent network "
        f"of torch or its state_dict, got {type(model).__name__}{_hint(model)}"
    )


def as_piecewise_linear(
    model: Any, inputs: ArrayLike | None = None, name: str = "model"
) -> PiecewiseLinearModel:
    """Return the piecewise-linear model that an argument of `as_model` stands for.

    A ReLU `RNN` becomes the `ReLURNN` that it is under the constant input `inputs`.
    """
    known = as_model(model, name)
    try:
        return piecewise_linear(known, inputs)
    except TypeError as error:
        raise TypeError(str(error) if name == "model" else f"{name}: {error}") from None


def as_followed(
    model: Any, inputs: ArrayLike | None = None, name: str = "model"
) -> PiecewiseLinearModel | RecurrentNetwork:
    """Return the model whose cycles are followed where parameters change.

    That is a tanh, GRU or LSTM network as it is, and of anything else of `as_model` the
    piecewise-linear model that it is under the constant input `inputs`.
    """
    known = as_model(model, name)
    smooth = smooth_network(known)
    return as_piecewise_linear(known, inputs, name) if smooth is None else smooth


def _of_arrays(arrays: Mapping[Any, Any], name: str) -> Model:
    for key in arrays:
        if not isinstance(key, str):
            raise TypeError(f"the names of the arrays in {name} must be words, got {key!r:.60}")
    try:
        plain = {key: np.asarray(plain_array(key, value)) for key, value in arrays.items()}
        found = identify(content_of("mapping", plain), None, {}, {}, None)
    except UnsaidNonlinearityError:
        raise ValueError(
            f"{name} is the state_dict of an RNN, which does not say whether its units are tanh or "
            "relu: give the module itself, or rnndyn.from_torch(state_dict, kind='rnn_tanh') or "
            "kind='rnn_relu'"
        ) from None
    except (TypeError, ValueError, OverflowError) as error:
        problem = str(error).replace("the file holds", "it holds")
        raise ValueError(
            f"{name}, arrays by name, is no network that is known: {problem}"
        ) from None
    if found.notes:
        notes = "; ".join(with_unused(found.notes, found.unused))
        warnings.warn(f"{name}: {notes}", ImportGuessWarning, stacklevel=4)
    return found.model


def _is_network(thing: Any) -> bool:
    return isinstance(thing, Model | DifferentiableMap) or hasattr(thing, "state_dict")


def _hint(model: Any) -> str:
    """Return what to do with something that is often given by mistake."""
    hints: list[tuple[Callable[[], bool], str]] = [
        (lambda: isinstance(model, str | os.PathLike), "give rnndyn.load_model(path)"),
        (lambda: isinstance(model, type), "it is the class itself, so make a model of it"),
        (lambda: hasattr(model, "model") and hasattr(model, "blocks"), "give cycles.model"),
        (
            lambda: hasattr(model, "get_weights"),
            "for Keras, give rnndyn.GRU(...) its get_weights()",
        ),
        (
            lambda: isinstance(model, list | tuple) and bool(model) and _is_network(model[0]),
            "give one of them, or all of them to rnndyn.training_timeline",
        ),
        (
            lambda: hasattr(model, "shape") or isinstance(model, list | tuple),
            "arrays alone are no network; name the parameters, as in rnndyn.ReLURNN(W_hh, b)",
        ),
        (
            lambda: callable(model),
            "for a map of your own give rnndyn.DifferentiableMap(step, jacobian, n_states)",
        ),
    ]
    return next((f": {text}" for applies, text in hints if applies()), "")
