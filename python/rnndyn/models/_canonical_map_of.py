"""Which models have a canonical map, and what to say of the others."""

from typing import cast

import numpy as np

from rnndyn._core import CanonicalMap
from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.differentiable_map import DifferentiableMap
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
    if isinstance(model, RecurrentNetwork | DifferentiableMap):
        raise TypeError(
            "model must be piecewise linear, such as rnndyn.PLRNN(A, W, h), since only then the "
            f"cycles of a region sequence solve a linear system; got {model!r}: {_advice(model)}"
        )
    raise TypeError(
        "model must be a network of rnndyn, such as rnndyn.PLRNN(A, W, h) or "
        f"rnndyn.load_model(path), got {type(model).__name__}"
    )


def piecewise_linear(model: object) -> PiecewiseLinearModel:
    """Return the model if it is piecewise linear; raise the errors of `canonical_map_of` if not."""
    canonical_map_of(model)
    return cast(PiecewiseLinearModel, model)


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


def _advice(model: RecurrentNetwork | DifferentiableMap) -> str:
    if isinstance(model, RNN) and model.nonlinearity == "relu" and model.n_layers == 1:
        return "give its as_piecewise_linear()"
    if smooth_network(model) is not None:
        return (
            "of this model rnndyn has the fixed points and cycles (find_cycles), also along paths "
            "of parameters (continue_cycles), and the Lyapunov exponents, but nothing over planes "
            "of parameters, and no basins"
        )
    return "rnndyn computes this model's Lyapunov exponents, but not its cycles"
