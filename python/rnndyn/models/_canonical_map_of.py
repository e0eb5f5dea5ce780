"""Which models have a canonical map, and what to say of the others."""

from rnndyn._core import CanonicalMap
from rnndyn.models._recurrent import RecurrentNetwork
from rnndyn.models.differentiable_map import DifferentiableMap
from rnndyn.models.rnn import RNN


def canonical_map_of(model: object) -> CanonicalMap:
    """Return the canonical map of a piecewise-linear model.

    Raises
    ------
    TypeError
        If `model` is anything else; the message says what to do.
    """
    canonical = getattr(model, "canonical", None)
    if isinstance(canonical, CanonicalMap):
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


def _advice(model: RecurrentNetwork | DifferentiableMap) -> str:
    if isinstance(model, RNN) and model.nonlinearity == "relu" and model.n_layers == 1:
        return "give its as_piecewise_linear()"
    return "its Lyapunov exponents can be had, its cycles cannot"
