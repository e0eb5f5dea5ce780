"""What all results have in common: files, exports, comparison and pickling.

A result says what it is made of (`_state`), what makes two of it equal (`_identity`), and what its
tables and labelled arrays hold. Everything that a user calls is here, once.
"""

import cmath
import dataclasses
import json
import math
import os
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from rnndyn._optional import import_optional
from rnndyn.io._files import complete_file, complete_path
from rnndyn.io._result_file import ResultFormat
from rnndyn.models import Model, PiecewiseLinearModel

#: Raised when a reader of the last JSON or netCDF export of any result could not use a new one.
EXPORT_VERSION = 1

_EXPORTS = {".json": "to_json", ".nc": "to_netcdf"}


class LabelledArrays(NamedTuple):
    """What an xarray Dataset of a result is made of."""

    variables: dict[str, Any]
    coordinates: dict[str, Any]
    attributes: dict[str, Any]


class SavedResult:
    """Base of results: they are saved, loaded, written as JSON, compared and pickled alike."""

    #: The file format that `save` writes.
    FORMAT: ClassVar[ResultFormat]

    __hash__ = None  # type: ignore[assignment]

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and strings, ready for JSON."""

    @abstractmethod
    def _write(self, path: Path) -> None:
        """Write the file."""

    @classmethod
    @abstractmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        """Read the file."""

    @abstractmethod
    def _identity(self) -> tuple[Any, ...]:
        """Return what makes two results equal."""

    def _state(self) -> dict[str, Any]:
        """Return the arguments of the constructor that makes this result again."""
        assert dataclasses.is_dataclass(self)
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result, and what made it, to one ``.npz`` file that `load` reads.

        Nothing is pickled; ``docs/reference`` describes the format. The file appears under its name
        only when it is complete.

        Parameters
        ----------
        path : path-like
            Where to.

        Raises
        ------
        ValueError
            If the name ends like that of an export, ``.json`` or ``.nc``; those are written by
            `to_json` and ``to_netcdf``.

        Examples
        --------
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> cycles = rd.find_cycles(tent, max_order=3)
        >>> cycles.save("tent.npz")
        >>> rd.CycleSet.load("tent.npz") == cycles
        True
        """
        target = Path(path)
        method = _EXPORTS.get(target.suffix.lower())
        if method is not None:
            raise ValueError(
                f"cannot save to {target}: save writes .npz, which load reads; use {method}(path) "
                f"for an export to {target.suffix}"
            )
        self._write(target)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> Self:
        """Read a result that `save` wrote. No code of the file is run.

        Parameters
        ----------
        path : path-like
            The file.
        max_bytes : int
            Refuse a file that takes more memory than this.

        Returns
        -------
        result

        Raises
        ------
        ValueError
            If the file is no such file, is damaged, was written in a newer format, or is too large.

        See Also
        --------
        rnndyn.load_result : Read a file of any kind of result.
        """
        result: Self = cls._read(Path(path), max_bytes)
        return result

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """Return what `to_dict` holds as JSON text, or write it to a file.

        An export for other programs: only `save` writes what can be loaded again. Infinite numbers,
        which JSON does not have, are null; complex numbers are ``[real, imaginary]``. The keys are
        listed in ``docs/reference/exports.md``; ``schema`` and ``schema_version`` name them.

        Parameters
        ----------
        path : path-like, optional
            Where to. Default: return the text.

        Returns
        -------
        str or None

        Examples
        --------
        >>> import json
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> content = json.loads(rd.find_cycles(tent, max_order=2).to_json())
        >>> content["schema"], content["schema_version"]
        ('rnndyn cycle set', 1)
        >>> [cycle["spectral_radius"] for cycle in content["cycles"]]
        [2.0, 2.0, 4.0]
        """
        pieces = json_pieces({**self._schema(), **self._exported()})
        if path is None:
            return "".join(pieces)
        with complete_file(Path(path)) as stream:
            for piece in pieces:
                stream.write(piece.encode())
            stream.write(b"\n")
        return None

    def _exported(self) -> dict[str, Any]:
        """Return what `to_dict` does; lists that may be long may be iterators here."""
        return self.to_dict()

    def _schema(self) -> dict[str, Any]:
        return {"schema": self.FORMAT.name, "schema_version": EXPORT_VERSION}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return same(self._identity(), other._identity())

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, because NumPy forgets in a pickle that an array is read-only.
        return _restored, (type(self), self._state())


class TabularResult(SavedResult):
    """Base of results that are tables and labelled arrays as well."""

    #: Names of its tables, the one that is meant by default first.
    TABLES: ClassVar[tuple[str, ...]]

    @abstractmethod
    def _columns(self, table: str) -> dict[str, Any]:
        """Return a table as columns."""

    @abstractmethod
    def _labelled(self) -> LabelledArrays:
        """Return what the Dataset holds."""

    def to_columns(self, table: str | None = None) -> dict[str, Any]:
        """Return a table as equally long columns of numbers and words, by name.

        Parameters
        ----------
        table : str, optional
            One of the names in ``TABLES``; ``docs/reference/exports.md`` lists tables and columns.
            Default: the first.

        Returns
        -------
        dict of str to sequence

        Raises
        ------
        ValueError
            If there is no such table.
        """
        if table is None:
            table = self.TABLES[0]
        if table not in self.TABLES:
            raise ValueError(f"table must be one of {', '.join(self.TABLES)}, got {table!r}")
        return self._columns(table)

    def to_rows(self, table: str | None = None) -> list[dict[str, Any]]:
        """Return a table as one dictionary of plain numbers and strings per row.

        Parameters
        ----------
        table : str, optional
            As for `to_columns`.

        Returns
        -------
        list of dict
        """
        columns = {
            name: column.tolist() if isinstance(column, np.ndarray) else column
            for name, column in self.to_columns(table).items()
        }
        return [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]

    def to_dataframe(self, table: str | None = None) -> Any:
        """Return a table as a pandas DataFrame.

        Parameters
        ----------
        table : str, optional
            As for `to_columns`.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        MissingPackageError
            If pandas is not installed (``pip install "rnndyn[tables]"``).
        """
        pandas = import_optional("pandas", f"{type(self).__name__}.to_dataframe()")
        return pandas.DataFrame(self.to_columns(table))

    def to_xarray(self) -> Any:
        """Return an xarray Dataset; its attributes tell how it was made.

        Returns
        -------
        xarray.Dataset
            ``docs/reference/exports.md`` lists dimensions and variables.

        Raises
        ------
        MissingPackageError
            If xarray is not installed (``pip install "rnndyn[tables]"``).
        """
        return self._dataset(f"{type(self).__name__}.to_xarray()")

    def to_netcdf(self, path: str | os.PathLike[str]) -> None:
        """Write what `to_xarray` holds to a netCDF-4 file.

        An export for other programs: only `save` writes what can be loaded again. A complex
        variable becomes two, ``NAME_real`` and ``NAME_imag``, since netCDF has no complex numbers.

        Parameters
        ----------
        path : path-like
            Where to. The file appears under its name only when it is complete.

        Raises
        ------
        MissingPackageError
            If xarray or h5netcdf is not installed (``pip install "rnndyn[tables]"``).
        """
        purpose = f"{type(self).__name__}.to_netcdf()"
        dataset = self._dataset(purpose)
        import_optional("h5netcdf", purpose)
        # Their backend of xarray asks for it, h5netcdf itself may do without.
        import_optional("h5py", purpose)
        with complete_path(Path(path)) as temporary:
            _without_complex(dataset).to_netcdf(temporary, engine="h5netcdf")

    def _dataset(self, purpose: str) -> Any:
        xarray = import_optional("xarray", purpose)
        labelled = self._labelled()
        return xarray.Dataset(
            labelled.variables,
            labelled.coordinates,
            {**self._schema(), **labelled.attributes},
        )


def model_sizes(model: Model) -> dict[str, Any]:
    """Return the family and the sizes of a model, as all exports name them."""
    sizes = {"family": model.family, "n_states": model.n_states}
    return sizes | {"n_units": model.n_units} if isinstance(model, PiecewiseLinearModel) else sizes


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


def plain(value: Any) -> Any:
    """Return numbers, lists and strings as JSON has them; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        as_it_is = value.dtype.kind in "biuf" and np.isfinite(value).all()
        return value.tolist() if as_it_is else plain(value.tolist())
    if isinstance(value, complex):
        return [value.real, value.imag] if cmath.isfinite(value) else None
    return None if isinstance(value, float) and not math.isfinite(value) else value


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


def text_column(values: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Return text of one width, so that files of every kind can hold it; None becomes empty."""
    return np.array(["" if value is None else value for value in values], dtype=np.str_)


def _without_complex(dataset: Any) -> Any:
    """Return the dataset as netCDF can hold it."""
    for name in [name for name in dataset.data_vars if dataset[name].dtype.kind == "c"]:
        variable = dataset[name]
        dataset = dataset.drop_vars(name).assign(
            {f"{name}_real": variable.real, f"{name}_imag": variable.imag}
        )
    # A slash would make a group.
    return dataset.rename({name: name.replace("/", "_") for name in dataset if "/" in name})


def _restored(cls: type[SavedResult], state: dict[str, Any]) -> SavedResult:
    return cls(**state)
