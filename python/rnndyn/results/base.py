"""What all results have in common: files, exports, looks, comparison and pickling.

A result is a frozen dataclass: what it is made of are its fields, and two of it are equal if these
are. Everything that a user calls on any result is here, once; what is special to a kind of result
is registered: its file by its `FORMAT`, how it is printed with `table_of`, what it exports with
`dictionary_of`, `columns_of` and `labelled_of`.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from rnndyn._common.checks import check_path
from rnndyn._common.compare import ByFields
from rnndyn._common.optional import import_optional
from rnndyn._common.stopping import StopReason
from rnndyn.io._files import complete_file, complete_path
from rnndyn.results.export import (
    EXPORT_VERSION,
    columns_of,
    dictionary_of,
    json_pieces,
    labelled_of,
    without_complex,
)
from rnndyn.results.files import ResultFormat
from rnndyn.results.run import Run
from rnndyn.results.table import html_text, plain_text, table_of

_EXPORTS = {".json": "to_json", ".nc": "to_netcdf"}
#: The classes whose files are of each format, in the order in which they were defined.
_CLASSES: dict[str, list[type["SavedResult"]]] = {}


def _export_path(path: Any, suffix: str) -> Path:
    """Return where an export is written, or say which method writes a file of that name."""
    target = check_path("path", path)
    others = {".npz": "save", **_EXPORTS}
    own = _EXPORTS[suffix]
    method = others.get(target.suffix.lower(), own)
    if method != own:
        raise ValueError(
            f"cannot export to {target}: {own} writes {suffix}; use {method}(path) for "
            f"{target.suffix}"
        )
    return target


class SavedResult(ByFields):
    """Base of results: they are saved, loaded, printed, exported, compared and pickled alike."""

    #: The file format that `save` writes.
    FORMAT: ClassVar[ResultFormat]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "FORMAT" in vars(cls):
            _CLASSES.setdefault(cls.FORMAT.name, []).append(cls)

    @classmethod
    def _is_in(cls, header: Mapping[str, Any]) -> bool:
        """Tell whether a file of the format holds this kind of result, by its header."""
        return True

    def _write(self, path: Path) -> None:
        self.FORMAT.write(path, self._state())

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Self:
        return cls.FORMAT.read(path, max_bytes, cls)

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
        target = check_path("path", path)
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
        return cls._read(check_path("path", path), max_bytes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and strings, ready for JSON; infinite numbers become None.

        ``docs/reference/exports.md`` lists the keys of every kind of result.
        """
        content = dictionary_of(self)
        return {
            name: list(value) if isinstance(value, Iterator) else value
            for name, value in content.items()
        }

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
        ('rnndyn cycle set', 2)
        >>> [cycle["spectral_radius"] for cycle in content["cycles"]]
        [2.0, 2.0, 4.0]
        """
        pieces = json_pieces({**self._schema(), **dictionary_of(self)})
        if path is None:
            return "".join(pieces)
        with complete_file(_export_path(path, ".json")) as stream:
            for piece in pieces:
                stream.write(piece.encode())
            stream.write(b"\n")
        return None

    def _schema(self) -> dict[str, Any]:
        return {"schema": self.FORMAT.name, "schema_version": EXPORT_VERSION}

    def __repr__(self) -> str:
        return plain_text(table_of(self))

    def _repr_html_(self) -> str:
        return html_text(table_of(self))


def class_of(header: Mapping[str, Any]) -> type[SavedResult] | None:
    """Return the kind of result that a file with this header holds, among those imported so far.

    Of several classes with one format the last one counts that knows its own in the header.
    """
    classes = _CLASSES.get(str(header.get("format")), [])
    return next((cls for cls in reversed(classes) if cls._is_in(header)), None)


def known_formats() -> list[str]:
    """Return the names of the formats of all kinds of results that were imported so far."""
    return sorted(_CLASSES)


class TabularResult(SavedResult):
    """Base of results that are tables and labelled arrays as well."""

    #: Names of its tables, the one that is meant by default first.
    TABLES: ClassVar[tuple[str, ...]]

    def _made_by(self) -> Run:
        """Return how it was made."""
        run: Run = self.run  # type: ignore[attr-defined]
        return run

    @property
    def finished(self) -> bool:
        """Whether the computation ran to its end; False after Ctrl-C or a time limit."""
        return self._made_by().finished

    @property
    def complete(self) -> bool:
        """Whether nothing is missing of what was asked for; never True unless `finished` is."""
        return self._made_by().complete

    @property
    def stopped_by(self) -> StopReason:
        """Why it ended: ``"finished"``, ``"time_limit"`` or ``"interrupt"``."""
        return self._made_by().stopped_by

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
        return columns_of(self, table)

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
        with complete_path(_export_path(path, ".nc")) as temporary:
            without_complex(dataset).to_netcdf(temporary, engine="h5netcdf")

    def _dataset(self, purpose: str) -> Any:
        xarray = import_optional("xarray", purpose)
        labelled = labelled_of(self)
        return xarray.Dataset(
            labelled.variables,
            labelled.coordinates,
            {**self._schema(), **labelled.attributes},
        )
