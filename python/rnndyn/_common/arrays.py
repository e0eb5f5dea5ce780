"""Array types, arrays that nobody can write to, and the check of an argument that is an array."""

from __future__ import annotations

import contextlib
import os
import re
import sys
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


def plain_array(name: str, value: Any) -> Any:
    """Return tensors, frames and sparse matrices as arrays of NumPy, anything else as it is.

    No package is imported for it: who has an object of torch, pandas or scipy has imported it.
    Tensors may be on any device, may require gradients, and may be of types that NumPy does not
    know, such as bfloat16, of which float64 holds every value.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.is_meta:
            raise ValueError(f"{name} must have values, got a tensor on the device 'meta'")
        if value.is_quantized:
            raise ValueError(
                f"{name} is quantised: give the network before quantisation, or {name}.dequantize()"
            )
        tensor = value.detach()
        if tensor.layout != torch.strided:
            tensor = tensor.to_dense()
        tensor = tensor.cpu()
        return tensor.double().numpy() if tensor.is_floating_point() else tensor.numpy()
    if torch is not None and isinstance(value, list | tuple):
        # NumPy refuses tensors that require gradients in a list as well.
        if any(isinstance(entry, torch.Tensor | list | tuple) for entry in value):
            return [plain_array(name, entry) for entry in value]
        return value
    sparse = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(value):
        return value.toarray()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return _of_frame(name, value, pandas)
    return value


def _of_frame(name: str, frame: Any, pandas: Any) -> Any:
    """Return the numbers of a frame; a missing entry becomes NaN, which is refused by its place."""
    columns = frame.to_frame() if isinstance(frame, pandas.Series) else frame
    texts = [
        str(column)
        for column, dtype in columns.dtypes.items()
        if not pandas.api.types.is_numeric_dtype(dtype)
    ]
    if texts:
        more = ", ..." if len(texts) > 3 else ""
        raise TypeError(
            f"{name} must hold real numbers, but of the {type(frame).__name__} the columns "
            f"{', '.join(texts[:3])}{more} are none: leave them out, as in "
            'frame.select_dtypes("number")'
        )
    if any(pandas.api.types.is_complex_dtype(dtype) for dtype in columns.dtypes):
        return frame.to_numpy()
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


#: What the names of files end in.
_FILE = re.compile(r"\.[A-Za-z]\w*$")


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
    value = plain_array(name, value)
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
    if isinstance(value, os.PathLike) or (isinstance(value, str) and _FILE.search(value)):
        raise TypeError(
            f"{name} must hold real numbers, got {value!r:.60}: what is in a file must be read "
            "first, such as with numpy.load(path)"
        )
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


def short_itinerary(itinerary: BoolArray, max_length: int = 60) -> str:
    """Return the regions of an itinerary as far as there is room for them."""
    length = max(itinerary.shape[1], 1)
    text = itinerary_text(itinerary[: max_length // length + 1])
    return text if len(text) <= max_length else text[: max_length - 4] + " ..."


def itinerary_text(itinerary: BoolArray) -> str:
    """Return the regions of an itinerary as bit strings, one per time step: ``"01 11 10"``."""
    return " ".join("".join("1" if bit else "0" for bit in region) for region in itinerary)
