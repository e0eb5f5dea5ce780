"""The model families that files can hold, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from rnndyn.models._base import PiecewiseLinearModel
from rnndyn.models._model import Model

_Family = TypeVar("_Family", bound=type[Model])

_families: dict[str, type[Model]] = {}
_piecewise_linear: dict[str, type[PiecewiseLinearModel]] = {}

FAMILIES: Mapping[str, type[Model]] = MappingProxyType(_families)
"""All families by the name that files give them."""

PIECEWISE_LINEAR_FAMILIES: Mapping[str, type[PiecewiseLinearModel]] = MappingProxyType(
    _piecewise_linear
)
"""The families whose cycles can be searched, by the name that files give them."""


def register_family(family: _Family) -> _Family:
    """Let files hold models of a family: a decorator of its class.

    Parameters
    ----------
    family : type
        A subclass of `rnndyn.Model` with ``parameters``, ``options`` and ``from_parameters``.

    Returns
    -------
    type
        The same class.

    Raises
    ------
    ValueError
        If there is another family of this name.
    """
    name = family.family
    if _families.setdefault(name, family) is not family:
        raise ValueError(f"there is a family {name} already; give the class another name")
    if issubclass(family, PiecewiseLinearModel):
        _piecewise_linear[name] = family
    return family
