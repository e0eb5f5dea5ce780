"""Array types, arrays that nobody can write to, and the check of an argument that is an array."""

import contextlib
from numbers import Real
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


def finite_numbers(
    name: str, value: object, shape: tuple[int, ...] | None = None, *, hint: str = ""
) -> FloatArray:
    """Return an argument as finite numbers in float64, or say what is wrong with it.

    Parameters
    ----------
    name : str
        What messages call it.
    value : array_like
        The argument.
    shape : tuple of int, optional
        The shape that it must have.
    hint : str
        What to do about numbers that are not finite.

    Raises
    ------
    TypeError, ValueError
        If it does not hold finite real numbers of this shape. NumPy alone drops imaginary parts,
        with a warning, and reads texts.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name} must be an array of real numbers, got {value!r:.60}: {error}") from None
    if array.dtype.kind == "O" and all(isinstance(entry, Real) for entry in array.flat):
        # Such as fractions; what no float64 can hold is refused below.
        with contextlib.suppress(OverflowError):
            array = array.astype(np.float64)
    if array.dtype.kind == "O" and hasattr(value, "toarray"):
        raise TypeError(f"{name} is sparse: give all of its entries, such as by its toarray()")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got {type(value).__name__} with dtype {array.dtype}"
        )
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must not have masked entries")
    with np.errstate(over="ignore"):
        array = array.astype(np.float64, copy=False)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{name} must be finite, got {array[index]} at {entry_name(name, index)}"
            f" ({np.count_nonzero(~finite)} of {array.size} entries are not finite){hint}"
        )
    return array


def ascending_numbers(name: str, value: object, at_least: int) -> FloatArray:
    """Return a list of finite numbers in ascending order, with a minimum number."""
    numbers = finite_numbers(name, value)
    if numbers.ndim != 1 or len(numbers) < at_least:
        least = "one number" if at_least == 1 else f"{at_least} numbers"
        raise ValueError(f"{name} must be a list of at least {least}, got shape {numbers.shape}")
    if not (np.diff(numbers) > 0.0).all():
        raise ValueError(f"{name} must ascend, without repetition")
    return numbers


def entry_name(name: str, index: tuple[int, ...]) -> str:
    """Write ``A[0,1]``, or only the name where the array is a single number."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def itinerary_text(itinerary: BoolArray) -> str:
    """Return the regions of an itinerary as bit strings, one per time step: ``"01 11 10"``."""
    return " ".join("".join("1" if bit else "0" for bit in region) for region in itinerary)
