"""Turning what is being trained into a model for analysis."""

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from rnndyn.io import _as_model
from rnndyn.models import RecurrentNetwork
from rnndyn.models._canonical_map_of import smooth_network


def as_model(module: Any, convert: Callable[[Any], Any] | None = None) -> Any:
    """Return the model of a network: a trainable one, one of torch, or a model."""
    return _as_model.as_model(module if convert is None else convert(module), "module")


def as_followed(module: Any, convert: Callable[[Any], Any] | None, inputs: ArrayLike | None) -> Any:
    """Return the model of a network whose cycles can be followed from update to update."""
    model = as_model(module, convert)
    if isinstance(model, RecurrentNetwork) and smooth_network(model) is not None:
        return model
    return as_piecewise_linear(model, None, inputs)


def as_piecewise_linear(
    module: Any,
    convert: Callable[[Any], Any] | None = None,
    inputs: ArrayLike | None = None,
) -> Any:
    """Return the piecewise-linear model of a network."""
    model = as_model(module, convert)
    try:
        return _as_model.as_piecewise_linear(model, inputs)
    except TypeError:
        raise TypeError(
            "module must be a piecewise-linear network, such as one of rnndyn.training, got a "
            f"{model.family}; for a network of your own, give to_model=, a function that makes its "
            "model"
        ) from None
