"""Which trainable network belongs to which model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from rnndyn.training._module import TrainableModel
from rnndyn.training.shallow_networks import TrainableClippedShallowPLRNN, TrainableShallowPLRNN
from rnndyn.training.state_networks import (
    TrainableALRNN,
    TrainableDendriticPLRNN,
    TrainablePLRNN,
)

FAMILIES: Mapping[str, type[TrainableModel]] = MappingProxyType(
    {
        module.family.__name__: module
        for module in (
            TrainablePLRNN,
            TrainableALRNN,
            TrainableDendriticPLRNN,
            TrainableShallowPLRNN,
            TrainableClippedShallowPLRNN,
        )
    }
)
"""The trainable networks by the name of their family of models."""


def to_trainable(model: Any, *, dtype: torch.dtype | None = None) -> TrainableModel:
    """Make a trainable network of a model of any family that can be trained.

    Parameters
    ----------
    model : PLRNN, ALRNN, DendriticPLRNN, ShallowPLRNN or ClippedShallowPLRNN
        The model. External inputs C become inputs of the network, s those where none are given.
    dtype : torch.dtype, optional
        Type of the parameters. Default: float64, which keeps every bit.

    Returns
    -------
    TrainableModel

    Raises
    ------
    TypeError
        If the model is of another family.

    Examples
    --------
    >>> import rnndyn as rd
    >>> from rnndyn.training import to_trainable
    >>> model = rd.PLRNN(A=[0.5], W=[[-1.0]], h=[1.0])
    >>> to_trainable(model)
    TrainablePLRNN(n_states=1, n_inputs=0)
    >>> to_trainable(model).to_model() == model
    True
    """
    family = FAMILIES.get(getattr(model, "family", ""))
    if family is None:
        raise TypeError(f"model must be one of {', '.join(FAMILIES)}, got {type(model).__name__}")
    return family.from_model(model, dtype=dtype)
