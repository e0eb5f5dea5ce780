"""Turning what is being trained into a model for analysis."""

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from rnndyn.bifurcation.path.continuation import without_regions_hidden
from rnndyn.io import from_torch
from rnndyn.models import Model, PiecewiseLinearModel
from rnndyn.models._canonical_map_of import smooth_network


def as_model(module: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the model of a network: a trainable one, an RNN, GRU or LSTM of torch, or a model."""
    if convert is not None:
        module = convert(module)
    return module if isinstance(module, Model) else from_torch(module)


def as_followed(module: Any, convert: Callable[[Any], Any] | None, inputs: ArrayLike | None) -> Any:
    """Return the model of a network whose cycles can be followed from update to update."""
    model = as_model(module, convert)
    followed = without_regions_hidden(model, inputs)
    if smooth_network(followed) is None and not isinstance(followed, PiecewiseLinearModel):
        raise TypeError(
            "module must be a piecewise-linear network of rnndyn.training, a GRU, an LSTM or an "
            f"RNN, of one layer where its units are ReLU, got {followed!r}"
        )
    return followed


def as_piecewise_linear(module: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the piecewise-linear model of a network."""
    model = as_model(module, convert)
    if not isinstance(model, PiecewiseLinearModel):
        raise TypeError(
            f"module must be a piecewise-linear network of rnndyn.training, got a {model.family}; "
            "for a network of your own, give to_model=, a function that makes its model"
        )
    return model
