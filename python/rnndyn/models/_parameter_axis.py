"""A parameter of a model and the values that it takes along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, ascending_numbers
from rnndyn.models._model import Model

#: A named parameter with its values, such as ``("A[0,0]", [0.1, 0.2])``.
Axis = tuple[str, Sequence[float] | ArrayLike]


def checked_axis(axis: Any, name: str, model: Model) -> tuple[str, FloatArray]:
    """Return the name of a parameter of the model, and its values in ascending order."""
    if not isinstance(axis, tuple | list) or len(axis) != 2 or not isinstance(axis[0], str):
        raise TypeError(
            f'{name} must be the name of a parameter and its values, such as ("A[0,0]", '
            f"[0.1, 0.2]), got {axis!r:.80}"
        )
    parameter, values = axis
    # Asked for first, so that an unknown name gets the message that lists the names there are.
    model.get_parameter(parameter)
    return parameter, ascending_numbers(name, values, 2)
