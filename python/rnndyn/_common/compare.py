"""When objects that hold arrays are equal, and how they are pickled: the same for all of them."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from rnndyn._common.table import Shown


def same(first: Any, second: Any) -> bool:
    """Tell whether values agree, arrays element by element and containers entry by entry."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.shape(first) == np.shape(second) and np.array_equal(first, second)
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(
            same(value, second[name]) for name, value in first.items()
        )
    if isinstance(first, list | tuple):
        return (
            isinstance(second, list | tuple)
            and len(first) == len(second)
            and all(map(same, first, second))
        )
    return bool(first == second)


class ByFields(Shown):
    """Base of frozen dataclasses (with ``eq=False``) that are compared and pickled by their fields.

    Fields with ``compare=False`` say how something came about, such as the seconds it took, and do
    not count.
    """

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return all(
            same(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if field.compare
        )

    def _state(self) -> dict[str, Any]:
        """Return the arguments of the constructor that makes this object again."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }
        # A mapping proxy does not pickle; the plain dictionary does.
        return {
            name: dict(value) if isinstance(value, MappingProxyType) else value
            for name, value in values.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in a pickle that an array is read-only.
        return _made_again, (type(self), self._state())


def _made_again(cls: type[Any], state: dict[str, Any]) -> Any:
    return cls(**state)
