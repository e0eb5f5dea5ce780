"""Array types of the package and the one way in which results make their arrays read-only."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


def frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return the values as a C-ordered array of the given type that nobody can write to.

    An array that is already read-only and of that type comes back as it is, so that slices of a
    large result share its memory.
    """
    array = np.asarray(values)
    if array.dtype == dtype and not array.flags.writeable and array.flags.c_contiguous:
        return array
    copied = np.array(values, dtype=dtype, order="C")
    copied.flags.writeable = False
    return copied


def real_numbers(values: object) -> FloatArray:
    """Return what an argument holds as float64; the caller says which argument it is.

    Raises
    ------
    TypeError, ValueError
        If it does not hold real numbers. NumPy alone drops imaginary parts, with a warning, and
        reads texts.
    """
    array = np.asarray(values)
    # Objects, such as fractions, are converted one by one and refuse themselves.
    if array.dtype.kind not in "biufO":
        raise TypeError(f"real numbers are needed, got entries of the type {array.dtype}")
    return array.astype(np.float64, copy=False)


def itinerary_text(itinerary: BoolArray) -> str:
    """Return the regions of an itinerary as bit strings, one per time step: ``"01 11 10"``."""
    return " ".join("".join("1" if bit else "0" for bit in region) for region in itinerary)
