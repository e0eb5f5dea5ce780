"""What a model family declares about itself: its parameter arrays and its options.

A family is a class whose body lists :class:`Parameter`, :class:`OptionalParameter`, :class:`Count`
and :class:`Flag` objects. They are descriptors, so ``model.W`` reads the array and type checkers
know its type, and they carry everything that validation, naming and file formats need to know.
"""

import operator
from collections.abc import Mapping
from typing import Any, Self, overload

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers

# The axes of an array by the letters of the literature: M states, H hidden units, ...
Axes = tuple[str, ...]

# Every axis needs one entry, except that a map without hidden units is affine and still a map.
_SMALLEST = {"H": 0, "L": 0}


def freeze(array: FloatArray) -> FloatArray:
    """Copy into an array that nobody can make writeable again: its memory is a bytes object."""
    return np.ndarray(array.shape, dtype=np.float64, buffer=array.tobytes())


class _Array:
    """A declared array; see the two subclasses."""

    name: str

    def __init__(self, *shapes: Axes) -> None:
        self.shapes = shapes

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def validate(self, value: object, sizes: dict[str, int], set_by: dict[str, str]) -> FloatArray:
        """Return `value` as a frozen array and enter the sizes it fixes into `sizes`."""
        array = finite_numbers(self.name, value)
        for axes in self.shapes:
            if len(axes) != array.ndim:
                continue
            found = dict(sizes)
            if all(
                found.setdefault(axis, length) == length
                for axis, length in zip(axes, array.shape, strict=True)
            ):
                for axis in axes:
                    if found[axis] < _SMALLEST.get(axis, 1):
                        raise ValueError(
                            f"{self.name} must not be empty, got shape {array.shape}: "
                            f"{axis} must be at least {_SMALLEST.get(axis, 1)}"
                        )
                    set_by.setdefault(axis, self.name)
                sizes.update(found)
                return freeze(array)
        raise ValueError(
            f"{self.name} must have shape {self._describe_shapes(sizes, set_by)}, got {array.shape}"
        )

    def _describe_shapes(self, sizes: Mapping[str, int], set_by: Mapping[str, str]) -> str:
        texts = [
            f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})" for axes in self.shapes
        ]
        used = sorted({axis for axes in self.shapes for axis in axes} & set(sizes))
        known = " and ".join(f"{axis} = {sizes[axis]} (set by {set_by[axis]})" for axis in used)
        return " or ".join(texts) + (f" with {known}" if known else "")


class Parameter(_Array):
    """An array that every model of the family has.

    Parameters
    ----------
    *shapes : tuple of str
        The shapes it may have, as tuples of axis letters; ``()`` is a single number. A letter has
        the same length in all parameters of a model.
    """

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Any, owner: type) -> FloatArray: ...
    def __get__(self, model: Any, owner: type) -> Self | FloatArray:
        if model is None:
            return self
        array: FloatArray = model._parameters[self.name]
        return array


class OptionalParameter(_Array):
    """An array that a model may have or not; ``None`` where it has not."""

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Any, owner: type) -> FloatArray | None: ...
    def __get__(self, model: Any, owner: type) -> Self | FloatArray | None:
        if model is None:
            return self
        array: FloatArray | None = model._parameters.get(self.name)
        return array


class Count:
    """A whole number from 0 to the length of axis `upper`."""

    name: str

    def __init__(self, upper: str) -> None:
        self.upper = upper

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def validate(self, value: object, sizes: Mapping[str, int]) -> int:
        """Return `value` as an int, or say what is wrong with it."""
        limit = sizes[self.upper]
        expected = f"a whole number from 0 to {self.upper} = {limit}"
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        # A bool is an int to Python; as a count it is a mistake.
        if isinstance(value, (bool, np.bool_)) or (number == -1 and value != -1):
            raise TypeError(f"{self.name} must be {expected}, got {value!r:.60}")
        if not 0 <= number <= limit:
            raise ValueError(f"{self.name} must be {expected}, got {number}")
        return number

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Any, owner: type) -> int: ...
    def __get__(self, model: Any, owner: type) -> Self | int:
        if model is None:
            return self
        number: int = model._options[self.name]
        return number


class Flag:
    """A choice between two forms of the family, True or False; False unless given."""

    name: str

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def validate(self, value: object, sizes: Mapping[str, int]) -> bool:
        """Return `value` as a bool, or say what is wrong with it."""
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{self.name} must be True or False, got {value!r:.60}")
        return bool(value)

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Any, owner: type) -> bool: ...
    def __get__(self, model: Any, owner: type) -> Self | bool:
        if model is None:
            return self
        flag: bool = model._options[self.name]
        return flag
