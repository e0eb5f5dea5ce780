"""Paths of models: checks of the models, and where a point of the path lies."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_positive
from rnndyn._common.words import counted
from rnndyn.io._as_model import as_followed
from rnndyn.models import PiecewiseLinearMap, PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._canonical_map_of import canonical_map_of

#: A callable that needs more straight pieces than this is no curve but a jump.
_MAX_PIECES = 100_000
#: A straight path deviates from its chord by rounding only.
_ROUNDING = 1e-12


class Path(NamedTuple):
    """Models joined by straight lines, and the axis that the path is drawn over.

    Attributes
    ----------
    models : tuple of PiecewiseLinearModel or RecurrentNetwork
        The models at s = 0, 1, 2, ...
    axis : str
        Name of the axis: ``"s"``, ``"epoch"`` or a parameter such as ``"A[0,0]"``.
    values : ndarray of float64, shape (n_models,)
        The values of the axis at the models.
    """

    models: tuple[Any, ...]
    axis: str
    values: FloatArray

    @property
    def is_smooth(self) -> bool:
        """Whether the models are tanh, GRU or LSTM networks."""
        return isinstance(self.models[0], RecurrentNetwork)


def straight_path(models: Iterable[Any], name: str) -> Path:
    """Check models of one family and size, at least two, and join them by straight lines."""
    checked = check_models(models, name)
    if len(checked) < 2:
        raise ValueError(f"{name} must hold at least two models, got {len(checked)}")
    return Path(checked, "s", np.arange(len(checked), dtype=np.float64))


def check_models(models: Iterable[Any], name: str) -> tuple[Any, ...]:
    """Return models of one family and size as a tuple; the message names the first odd one.

    They are piecewise linear, or tanh, GRU or LSTM networks.
    """
    try:
        given = tuple(models)
    except TypeError:
        raise TypeError(
            f"{name} must be a list of models such as [model0, model1], got {type(models).__name__}"
        ) from None
    if not given:
        raise ValueError(f"{name} must hold models, got an empty list")
    places = _place_names(name, len(given))
    checked = tuple(
        as_followed(model, name=place) for model, place in zip(given, places, strict=True)
    )
    first = checked[0]
    for index, model in enumerate(checked):
        if model.family != first.family:
            raise ValueError(
                f"{name} must hold models of one family, but {places[0]} is a {first.family} and "
                f"{places[index]} a {model.family}"
            )
        only_one = sorted(model.parameters.keys() ^ first.parameters.keys())
        if only_one and only_one[0].startswith("bias"):
            raise ValueError(
                f"{name} must all have biases or none, but only one of {places[0]} and "
                f"{places[index]} has {only_one[0]}: give the other one zeros"
            )
        if _sizes(model) != _sizes(first):
            raise ValueError(
                f"{name} must hold models of one size, but {places[0]} has {_size_text(first)} and "
                f"{places[index]} {_size_text(model)}"
            )
        if model.options != first.options:
            raise ValueError(
                f"{name} must hold models with the same settings, but {places[0]} has "
                f"{first.options} and {places[index]} {model.options}"
            )
    return checked


def _place_names(name: str, n_models: int) -> list[str]:
    """Name the models as the user gave them: two models are the first two arguments."""
    two = name == "the models" and n_models == 2
    return [f"model{index}" if two else f"{name}[{index}]" for index in range(n_models)]


def _sizes(model: Any) -> Any:
    if isinstance(model, RecurrentNetwork):
        return {name: array.shape for name, array in model.parameters.items()}
    return model.n_states, model.n_units


def curved_path(curve: Callable[[float], Any], tolerance: float) -> Path:
    """Cut a curve of models over [0, 1] into straight pieces.

    A piece is halved until the canonical parameters at its quarters are within `tolerance` of the
    straight line between its ends, relative to their largest entry.
    """
    tolerance = check_positive("tolerance", tolerance, "relative deviation")
    known: dict[float, tuple[Any, Form]] = {}

    def at(t: float) -> Form:
        if t not in known:
            [model] = check_models([curve(t)], f"path({t:g}), as a list,")
            known[t] = (model, form_of(model))
        return known[t][1]

    open_pieces, nodes = [(0.0, 1.0)], [0.0]
    while open_pieces:
        left, right = open_pieces.pop()
        quarters = (0.25, 0.5, 0.75)
        deviation = max(
            _deviation(at(left), at(right), at(left + q * (right - left)), q) for q in quarters
        )
        if deviation <= tolerance:
            nodes.append(right)
            continue
        if len(nodes) + len(open_pieces) > _MAX_PIECES or right - left < 1e-9:
            raise ValueError(
                f"path(s) is not continuous near s = {left:g}, or needs more than "
                f"{_MAX_PIECES:,} straight pieces for tolerance={tolerance:g}; give a larger one"
            )
        middle = 0.5 * (left + right)
        open_pieces += [(middle, right), (left, middle)]
    models = check_models([known[t][0] for t in nodes], "path")
    return Path(models, "t", np.array(nodes))


def is_straight(start: Any, middle: Any, end: Any) -> bool:
    """Tell whether what is straight along a path is of `middle` the mean of the other two."""
    deviation = _deviation(form_of(start), form_of(end), form_of(middle), 0.5)
    return deviation <= _ROUNDING


#: The arrays that change along straight lines.
Form = tuple[FloatArray, ...]


def form_of(model: Any) -> Form:
    """Return what is straight along a path: the canonical arrays, or the weights of a network."""
    if isinstance(model, RecurrentNetwork):
        return tuple(model.parameters.values())
    return canonical_form(model)


def canonical_form(model: PiecewiseLinearModel) -> CanonicalForm:
    """Return the five canonical arrays of a model."""
    map_ = canonical_map_of(model)
    return CanonicalForm(map_.A, map_.W1, map_.W2, map_.h1, map_.h2)


def between(start: Any, end: Any, share: float) -> Any:
    """Return the map at a share, 0 to 1, of the straight line between two models."""
    pairs = zip(form_of(start), form_of(end), strict=True)
    arrays = [(1.0 - share) * a + share * b for a, b in pairs]
    if isinstance(start, RecurrentNetwork):
        return start.with_parameters(dict(zip(start.parameters, arrays, strict=True)))
    return PiecewiseLinearMap(*arrays)


def _deviation(start: Form, end: Form, middle: Form, q: float) -> float:
    size = max(float(np.abs(array).max(initial=0.0)) for array in (*start, *end)) or 1.0
    return max(
        float(np.abs((1.0 - q) * a + q * b - c).max(initial=0.0)) / size
        for a, b, c in zip(start, end, middle, strict=True)
    )


def _size_text(model: Any) -> str:
    if isinstance(model, RecurrentNetwork):
        layers = counted(model.n_layers, "layer")
        return f"{layers} of size {model.hidden_size} and {counted(model.n_inputs, 'input')}"
    return f"{counted(model.n_states, 'state')} and {counted(model.n_units, 'unit')}"
