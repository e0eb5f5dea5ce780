"""Results for other programs: JSON, tables of columns, and labelled arrays.

What a kind of result exports is registered with `dictionary_of`, `columns_of` and `labelled_of` in
the file ``_export.py`` of its room.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.words import plain
from rnndyn.models import Model, PiecewiseLinearModel

#: Raised when a reader of the last JSON or netCDF export of any result could not use a new one.
EXPORT_VERSION = 2


class LabelledArrays(NamedTuple):
    """What an xarray Dataset of a result is made of."""

    variables: dict[str, Any]
    coordinates: dict[str, Any]
    attributes: dict[str, Any]


@singledispatch
def dictionary_of(result: Any, **options: Any) -> dict[str, Any]:
    """Return a result as plain numbers, lists and strings; long lists may be iterators."""
    raise _unregistered(result, "dictionary_of")


@singledispatch
def columns_of(result: Any, table: str) -> dict[str, Any]:
    """Return one of the tables of a result as columns by name."""
    raise _unregistered(result, "columns_of")


@singledispatch
def labelled_of(result: Any) -> LabelledArrays:
    """Return the arrays of a result with the names of their dimensions."""
    raise _unregistered(result, "labelled_of")


def _unregistered(result: Any, function: str) -> TypeError:
    return TypeError(
        f"there is no export of {type(result).__name__}; register one with "
        f"rnndyn.results.{function}.register"
    )


def model_sizes(model: Model) -> dict[str, Any]:
    """Return the family and the sizes of a model, as all exports name them."""
    sizes = {"family": model.family, "n_states": model.n_states}
    return sizes | {"n_units": model.n_units} if isinstance(model, PiecewiseLinearModel) else sizes


def text_column(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Return text of one width, so that files of every kind can hold it; None becomes empty."""
    return np.array(["" if value is None else value for value in values], dtype=np.str_)


def as_array(column: Any) -> np.ndarray[Any, Any]:
    """Return a column of numbers as it is, and one of texts as `text_column`."""
    return column if isinstance(column, np.ndarray) else text_column(column)


def json_text(value: Any) -> str:
    """Return JSON that every parser reads: numbers that are not finite become null."""
    try:
        # Most values are plain already, and to find that out takes longer than to write them.
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(plain(value), allow_nan=False)


def json_pieces(entries: Mapping[str, Any]) -> Iterator[str]:
    """Return the JSON of a mapping piece by piece; an iterator among its values is a list.

    Of an iterator one entry after the other is made and forgotten: as Python's lists of numbers a
    result takes ten times the memory that it has as arrays.
    """
    yield "{"
    for index, (name, value) in enumerate(entries.items()):
        yield f"{', ' if index else ''}{json.dumps(name)}: "
        if isinstance(value, Iterator):
            yield "["
            for number, entry in enumerate(value):
                yield f"{', ' if number else ''}{json_text(entry)}"
            yield "]"
        else:
            yield json_text(value)
    yield "}"


def without_complex(dataset: Any) -> Any:
    """Return a dataset as netCDF can hold it."""
    for name in [name for name in dataset.data_vars if dataset[name].dtype.kind == "c"]:
        variable = dataset[name]
        dataset = dataset.drop_vars(name).assign(
            {f"{name}_real": variable.real, f"{name}_imag": variable.imag}
        )
    # A slash would make a group.
    return dataset.rename({name: name.replace("/", "_") for name in dataset if "/" in name})
