"""Names of single numbers in parameter arrays: ``A[0,0]``, ``h2[3]``, ``slope``."""

import re
from collections.abc import Callable, Mapping

import numpy as np

from rnndyn._common.arrays import FloatArray, entry_name

_PATTERN = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\[([\d\s,]*)\])?\s*", re.ASCII)

#: As entries of nested lists are written.
_APART = re.compile(r"\s*([A-Za-z_]\w*)((?:\s*\[\s*\d+\s*\]){2,})\s*", re.ASCII)


def locate_scalar(
    name: str,
    parameters: Mapping[str, FloatArray],
    may_be_a_matrix: Callable[[str], bool],
    family: str,
) -> tuple[str, tuple[int, ...]]:
    """Return the parameter and the index in its stored array that `name` stands for."""
    if not isinstance(name, str):
        raise TypeError(f"a parameter name must be a str, got {name!r:.60}")
    match = _PATTERN.fullmatch(name)
    parameter = match.group(1) if match else None
    index: tuple[int, ...] = ()
    if match and match.group(2) is not None:
        parts = [part.strip() for part in match.group(2).split(",")]
        if not all(part.isdigit() for part in parts):
            parameter = None
        else:
            index = tuple(int(part) for part in parts)
    if (apart := _APART.fullmatch(name)) and apart.group(1) in parameters:
        digits = re.findall(r"\d+", apart.group(2))
        raise ValueError(f"{name!r:.60} is written {apart.group(1)}[{','.join(digits)}]")
    if parameter is None or parameter not in parameters:
        raise ValueError(
            f"{family} has no parameter {name!r:.60}; "
            f"valid names: {describe_scalar_names(parameters)}"
        )
    array = parameters[parameter]
    if array.ndim == 1 and len(index) == 2 and may_be_a_matrix(parameter):
        if index[0] != index[1]:
            raise ValueError(
                f"{name} is not a parameter: {parameter} was given as a vector, the diagonal of a "
                f"diagonal matrix, so its other entries are always 0; "
                f"give {parameter} as a matrix to change them"
            )
        index = index[:1]
    if len(index) != array.ndim:
        raise ValueError(
            f"{name} does not name one number: {parameter} has shape {array.shape}; "
            f"write {_pattern_of(parameter, array)}"
        )
    if any(i >= length for i, length in zip(index, array.shape, strict=True)):
        raise ValueError(
            f"{name} is out of range: {parameter} has shape {array.shape} and indices count from 0"
        )
    return parameter, index


def scalar_names(parameters: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Return the name of every number, in the order of the arrays."""
    return tuple(
        entry_name(parameter, index)
        for parameter, array in parameters.items()
        for index in np.ndindex(array.shape)
    )


def describe_scalar_names(parameters: Mapping[str, FloatArray]) -> str:
    """Write all names in one line, such as ``A[i], W[i,j], h[i] with A (2,), W (2, 2), h (2,)``."""
    return ", ".join(_pattern_of(name, array) for name, array in parameters.items())


def _pattern_of(name: str, array: FloatArray) -> str:
    letters = "ij"[: array.ndim]
    if not letters:
        return name
    ranges = ", ".join(
        f"{letter} < {length}" for letter, length in zip(letters, array.shape, strict=True)
    )
    return f"{name}[{','.join(letters)}] ({ranges})"
