"""Paths of models: checks of the models, and where a point of the path lies."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_positive
from rnndyn._common.words import counted
from rnndyn.io._as_model import as_piecewise_linear
from rnndyn.models import PiecewiseLinearMap, PiecewiseLinearModel
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
    models : tuple of PiecewiseLinearModel
        The models at s = 0, 1, 2, ...
    axis : str
        Name of the axis: ``"s"``, ``"epoch"`` or a parameter such as ``"A[0,0]"``.
    values : ndarray of float64, shape (n_models,)
        The values of the axis at the models.
    """

    models: tuple[PiecewiseLinearModel, ...]
    axis: str
    values: FloatArray


def straight_path(models: Iterable[Any], name: str) -> Path:
    """Check models of one family and size, at least two, and join them by straight lines."""
    checked = check_models(models, name)
    if len(checked) < 2:
        raise ValueError(f"{name} must hold at least two models, got {len(checked)}")
    return Path(checked, "s", np.arange(len(checked), dtype=np.float64))


def check_models(models: Iterable[Any], name: str) -> tuple[PiecewiseLinearModel, ...]:
    """Return models of one family and size as a tuple; the message names the first odd one."""
    try:
        given = tuple(models)
    except TypeError:
        raise TypeError(
            f"{name} must be a list of models such as [model0, model1], got {type(models).__name__}"
        ) from None
    if not given:
        raise ValueError(f"{name} must hold models, got an empty list")
    checked = tuple(
        as_piecewise_linear(model, name=f"{name}[{index}]") for index, model in enumerate(given)
    )
    first = checked[0]
    for index, model in enumerate(checked):
        if model.family != first.family:
            raise ValueError(
                f"{name} must hold models of one family, but {name}[0] is a {first.family} and "
                f"{name}[{index}] a {model.family}"
            )
        if (model.n_states, model.n_units) != (first.n_states, first.n_units):
            raise ValueError(
                f"{name} must hold models of one size, but {name}[0] has {_size_text(first)} and "
                f"{name}[{index}] {_size_text(model)}"
            )
        if model.options != first.options:
            raise ValueError(
                f"{name} must hold models with the same settings, but {name}[0] has "
                f"{first.options} and {name}[{index}] {model.options}"
            )
    return checked


def curved_path(curve: Callable[[float], Any], tolerance: float) -> Path:
    """Cut a curve of models over [0, 1] into straight pieces.

    A piece is halved until the canonical parameters at its quarters are within `tolerance` of the
    straight line between its ends, relative to their largest entry.
    """
    tolerance = check_positive("tolerance", tolerance, "relative deviation")
    known: dict[float, tuple[PiecewiseLinearModel, CanonicalForm]] = {}

    def at(t: float) -> CanonicalForm:
        if t not in known:
            [model] = check_models([curve(t)], f"path({t:g}), as a list,")
            known[t] = (model, canonical_form(model))
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


def is_straight(
    start: PiecewiseLinearModel, middle: PiecewiseLinearModel, end: PiecewiseLinearModel
) -> bool:
    """Tell whether the canonical form of `middle` is the mean of the other two."""
    deviation = _deviation(canonical_form(start), canonical_form(end), canonical_form(middle), 0.5)
    return deviation <= _ROUNDING


def canonical_form(model: PiecewiseLinearModel) -> CanonicalForm:
    """Return the five canonical arrays of a model."""
    map_ = canonical_map_of(model)
    return CanonicalForm(map_.A, map_.W1, map_.W2, map_.h1, map_.h2)


def between(
    start: PiecewiseLinearModel, end: PiecewiseLinearModel, share: float
) -> PiecewiseLinearMap:
    """Return the map at a share, 0 to 1, of the straight line between two models."""
    pairs = zip(canonical_form(start), canonical_form(end), strict=True)
    return PiecewiseLinearMap(*[(1.0 - share) * a + share * b for a, b in pairs])


def _deviation(start: CanonicalForm, end: CanonicalForm, middle: CanonicalForm, q: float) -> float:
    size = max(float(np.abs(array).max(initial=0.0)) for array in (*start, *end)) or 1.0
    return max(
        float(np.abs((1.0 - q) * a + q * b - c).max(initial=0.0)) / size
        for a, b, c in zip(start, end, middle, strict=True)
    )


def _size_text(model: PiecewiseLinearModel) -> str:
    return f"{counted(model.n_states, 'state')} and {counted(model.n_units, 'unit')}"
