"""Weights that programs keep in parts: the weight that acts is computed from these.

Where the weight itself is stored as well, it is what the parts gave at the last forward pass,
before the last step of the optimizer.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PARAMETRIZED = re.compile(r"(?P<start>(.*\.)?)parametrizations\.(?P<weight>[^.]+)\.original0")


class Parts(NamedTuple):
    """The arrays that a weight is made of.

    Attributes
    ----------
    weight : str
        Name of the weight.
    names : tuple of str
        Names of its parts, in the order of the formula.
    made_by : str
        The function of torch that took the weight apart.
    """

    weight: str
    names: tuple[str, str]
    made_by: str


def put_together(arrays: dict[str, NDArray[Any]], kept: Iterable[str] = ()) -> list[Parts]:
    """Put weights in place of their parts, and tell which.

    Known are ``weight_norm`` and ``prune`` of ``torch.nn.utils``, the first also as a
    parametrization. Arrays in `kept` stay as they are.
    """
    kept = set(kept)
    made: list[Parts] = []
    # What was pruned may be a part of what was normalised.
    for find, compute in ((_pruned, _masked), (_normalised, _scaled)):
        for parts in list(find(arrays)):
            one, other = (np.asarray(arrays[name]) for name in parts.names)
            weight = None if kept & set(parts.names) else compute(one, other)
            if weight is not None:
                for name in parts.names:
                    del arrays[name]
                arrays[parts.weight] = weight
                made.append(parts)
    return made


def _pruned(arrays: dict[str, NDArray[Any]]) -> Iterator[Parts]:
    for name in arrays:
        weight = name.removesuffix("_orig")
        if weight != name and f"{weight}_mask" in arrays:
            yield Parts(weight, (name, f"{weight}_mask"), "prune")


def _normalised(arrays: dict[str, NDArray[Any]]) -> Iterator[Parts]:
    for name in arrays:
        weight = name.removesuffix("_g")
        found = _PARAMETRIZED.fullmatch(name)
        if weight != name and f"{weight}_v" in arrays:
            yield Parts(weight, (name, f"{weight}_v"), "weight_norm")
        elif found is not None and f"{name[:-1]}1" in arrays:
            yield Parts(found["start"] + found["weight"], (name, f"{name[:-1]}1"), "weight_norm")


def _masked(weight: NDArray[Any], mask: NDArray[Any]) -> NDArray[Any] | None:
    if weight.shape != mask.shape or not np.isin(mask, (0, 1)).all():
        return None
    return np.asarray(weight * mask.astype(weight.dtype))


def _scaled(g: NDArray[Any], v: NDArray[Any]) -> NDArray[Any] | None:
    """Return ``g v / |v|``, |v| over all axes but the one along which g has its entries."""
    along = g.shape or (1,) * v.ndim
    kept = [axis for axis, length in enumerate(along) if length != 1]
    fits = v.ndim >= 2 and len(along) == v.ndim and len(kept) <= 1
    if not fits or any(along[axis] != v.shape[axis] for axis in kept) or v.dtype.kind != "f":
        return None
    axes = tuple(axis for axis in range(v.ndim) if axis not in kept)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # A row of zeros becomes NaN here as in torch, and is refused as a parameter.
        return np.asarray(v * (g.reshape(along) / np.sqrt((v * v).sum(axes, keepdims=True))))
