"""Which models have a canonical map, and what to say of the others."""

from __future__ import annotations

import sys
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn._core import CanonicalMap
from rnndyn.models._base import ModelWithInput, PiecewiseLinearModel
from rnndyn.models._composition import Composition
from rnndyn.models._model import Model
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.differentiable_map import DifferentiableMap
from rnndyn.models.periodically_driven import PeriodicallyDriven
from rnndyn.models.rnn import RNN

#: Squares of larger numbers overflow, and with them every norm.
LARGEST_STEP = 1e150


def canonical_map_of(model: object) -> CanonicalMap:
    """Return the canonical map of a piecewise-linear model.

    Raises
    ------
    TypeError
        If `model` is anything else; the message says what to do.
    ValueError
        If the entries of its Jacobians and offsets can be beyond `LARGEST_STEP`.
    """
    canonical = getattr(model, "canonical", None)
    if isinstance(canonical, CanonicalMap):
        _check_size(canonical)
        return canonical
    if isinstance(model, Composition):
        raise TypeError(
            f"model must be one piecewise-linear map of its states, but in {model!r} several "
            "follow each other: rnndyn has its cycles (find_cycles), and no basins, manifolds, "
            "bifurcations or reports"
        )
    if isinstance(model, RecurrentNetwork | DifferentiableMap):
        raise TypeError(
            "model must be piecewise linear, such as rnndyn.PLRNN(A, W, h), since only then the "
            f"cycles of a region sequence solve a linear system; got {model!r}: {_advice(model)}"
        )
    raise TypeError(
        "model must be a network of rnndyn, such as rnndyn.PLRNN(A, W, h) or "
        f"rnndyn.load_model(path), got {type(model).__name__}{_of_torch(model)}"
    )


def piecewise_linear(model: object, inputs: ArrayLike | None = None) -> PiecewiseLinearModel:
    """Return the piecewise-linear model that a model is; raise as `canonical_map_of` if it is none.

    Parameters
    ----------
    model : model
        An `RNN` with ReLU units becomes the `ReLURNN` that it is.
    inputs : (K,) array_like, optional
        Constant external input, in place of the model's own.
    """
    if isinstance(model, RNN) and model.nonlinearity == "relu":
        return model.as_piecewise_linear(check_constant_input(model, inputs))
    canonical_map_of(model)
    known = cast(PiecewiseLinearModel, model)
    constant = check_constant_input(known, inputs)
    return known if constant is None else known.with_parameters(s=constant)


def periodically_driven(model: object, inputs: ArrayLike | None) -> PeriodicallyDriven:
    """Return a network under an input that repeats, of which `inputs` (T, K) are one period."""
    if inputs is None:
        raise ValueError(
            "periodic=True needs inputs of shape (T, K), the input of every step of one period"
        )
    if smooth_network(model) is not None:
        raise ValueError(
            f"periodic=True is for piecewise-linear networks, and got {model!r}: of a tanh, GRU or "
            "LSTM network rnndyn has the fixed points and cycles under constant inputs"
        )
    network = piecewise_linear(model)
    if not isinstance(network, ModelWithInput) or not network.n_inputs:
        raise ValueError(
            f"this {network.family} has no weights C of an external input, so that it cannot be "
            "driven: leave out inputs and periodic"
        )
    return PeriodicallyDriven(network, inputs)


def under_constant_input(model: Model, inputs: ArrayLike | None) -> Model:
    """Return a network driven by the same input at every step, as a network without drive."""
    if isinstance(model, RecurrentNetwork) and smooth_network(model) is not None:
        constant = check_constant_input(model, inputs)
        return model if constant is None else model.with_constant_input(constant)
    return piecewise_linear(model, inputs)


def check_constant_input(model: Model, inputs: ArrayLike | None) -> FloatArray | None:
    """Return the constant input (K,) of a model, or None for none."""
    return _checked(model, inputs, several=False)


def check_inputs(model: Model, inputs: ArrayLike | None) -> FloatArray | None:
    """Return the constant input (K,) of a model, or several (C, K), or None for none."""
    return _checked(model, inputs, several=True)


def _checked(model: Model, inputs: ArrayLike | None, *, several: bool) -> FloatArray | None:
    if inputs is None:
        return None
    constant = finite_numbers("inputs", inputs)
    width = model.n_inputs
    if not width:
        raise ValueError(f"this {model.family} has no external input: leave out inputs")
    shapes = f"(K,) or (C, K) with K = {width}" if several else f"(K,) with K = {width}"
    if constant.ndim > 2:
        instead = (
            "or one for each step of its period"
            if smooth_network(model) is not None
            else "or give the input (T, K) of every step of one period, with periodic=True"
        )
        raise ValueError(
            f"inputs must be constant, of shape {shapes}, got shape {constant.shape}: under an "
            "input that changes in time a network has no fixed points, so choose a constant one, "
            f"such as the input between two pulses, {instead}"
        )
    if constant.ndim == 2 and not several:
        raise ValueError(
            f"inputs must be one constant input of shape {shapes}, got shape {constant.shape}: "
            "call this for each of them"
        )
    if constant.ndim == 0:
        raise ValueError(
            f"inputs must have shape {shapes}, got a number: write it as [{constant:g}]"
        )
    if constant.shape[-1] != width or len(constant) == 0:
        raise ValueError(f"inputs must have shape {shapes}, got {constant.shape}")
    return constant


def smooth_network(model: object) -> RecurrentNetwork | None:
    """Return the model if it is a tanh, GRU or LSTM network, else None."""
    if not isinstance(model, RecurrentNetwork):
        return None
    return None if isinstance(model, RNN) and model.nonlinearity == "relu" else model


def _check_size(canonical: CanonicalMap) -> None:
    # Most networks are far from it: products of two entries are below 1e100, sums of them too.
    size = canonical.largest_entry
    if size < 1e50:
        return
    a, w1, w2, h1, h2 = (
        np.abs(values)
        for values in (canonical.A, canonical.W1, canonical.W2, canonical.h1, canonical.h2)
    )
    with np.errstate(over="ignore", under="ignore"):
        jacobian, offset = a + w1 @ w2, h1 + w1 @ h2
        size = max(size, jacobian.max(initial=0.0), offset.max(initial=0.0))
    if not size <= LARGEST_STEP:
        raise ValueError(
            "model has parameters, or products of them in A + W1 W2 and h1 + W1 h2, up to "
            f"{size:.1e}, and what is beyond {LARGEST_STEP:g} cannot be squared: "
            "rescale its states and units"
        )


def _of_torch(model: object) -> str:
    """Say how a module of torch becomes a network; a state dict is none."""
    module = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", ())
    return " of torch: give rnndyn.from_torch(module)" if isinstance(model, module) else ""


def _advice(model: RecurrentNetwork | DifferentiableMap) -> str:
    if isinstance(model, RNN) and model.nonlinearity == "relu":
        return "give its as_piecewise_linear()"
    if smooth_network(model) is not None:
        return (
            "of this model rnndyn has the fixed points and cycles (find_cycles), also along paths "
            "of parameters (continue_cycles), and the Lyapunov exponents, but nothing over planes "
            "of parameters, and no basins"
        )
    return "rnndyn computes this model's Lyapunov exponents, but not its cycles"
