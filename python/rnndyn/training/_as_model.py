"""Turning what is being trained into a model for analysis."""

from collections.abc import Callable
from typing import Any

from rnndyn.io import from_torch
from rnndyn.models import Model, PiecewiseLinearModel


def as_model(module: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the model of a network: a trainable one, an RNN, GRU or LSTM of torch, or a model."""
    if convert is not None:
        module = convert(module)
    return module if isinstance(module, Model) else from_torch(module)


def as_piecewise_linear(module: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the piecewise-linear model of a network."""
    model = as_model(module, convert)
    if not isinstance(model, PiecewiseLinearModel):
        raise TypeError(
            f"module must be a piecewise-linear network of rnndyn.training, got a {model.family}; "
            "for a network of your own, give to_model=, a function that makes its model"
        )
    return model
