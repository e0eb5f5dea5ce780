"""Where a command puts its result: checked before the work, written after it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnndyn._common.optional import import_optional
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.results.base import SavedResult, TabularResult

_PICTURE_DPI = 150
_NETCDF = "writing netCDF"
#: Suffix of a file -> how a result is written to it.
_WRITERS: dict[str, Callable[[Any, Path], Any]] = {
    ".npz": lambda result, path: result.save(path),
    ".json": lambda result, path: result.to_json(path),
    ".nc": lambda result, path: result.to_netcdf(path),
}


class Outputs:
    """The files named on the command line; wrong names and missing packages are found at once.

    Parameters
    ----------
    options : Namespace
        With ``output``, ``plot`` and ``json``, as `rnndyn.cli._arguments.add_results` adds them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._pyplot = prepare_plot(options.plot) if options.plot else None
        if options.output:
            check_suffix(options.output, tuple(_WRITERS))
            if options.output.suffix.lower() == ".nc":
                import_optional("xarray", _NETCDF)
                import_optional("h5netcdf", _NETCDF)
                import_optional("h5py", _NETCDF)

    def write(self, result: SavedResult, draw: Callable[[Any], Any]) -> ExitCode:
        """Save, draw and print a result; return the exit code.

        Parameters
        ----------
        result : result
            What was computed.
        draw : callable
            Gets ``pyplot`` and returns the figure.
        """
        options = self._options
        if options.output:
            _WRITERS[options.output.suffix.lower()](result, options.output)
        if self._pyplot is not None:
            save_figure(self._pyplot, draw(self._pyplot), options.plot)
        # Last, so that a reader that closes the pipe early loses no file.
        print(result.to_json() if options.json else result)
        interrupted = isinstance(result, TabularResult) and result.stopped_by == "interrupt"
        return ExitCode.INTERRUPTED if interrupted else ExitCode.DONE


def check_output(path: Path) -> None:
    """Complain about a place that cannot be written to now, not after a long search."""
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder")


def check_suffix(path: Path, allowed: tuple[str, ...]) -> None:
    """Complain about a name that does not say what to write, or where nothing can be written."""
    check_output(path)
    if path.suffix.lower() not in allowed:
        raise ValueError(f"cannot write {path}: the name must end in one of {', '.join(allowed)}")


def prepare_plot(path: Path) -> Any:
    """Return matplotlib's ``pyplot``, for files only, after checking where it will write."""
    check_output(path)
    matplotlib = import_optional("matplotlib", "drawing a picture")
    matplotlib.use("Agg")
    pyplot = import_optional("matplotlib.pyplot", "drawing a picture")
    known = sorted(pyplot.Figure().canvas.get_supported_filetypes())
    check_suffix(path, tuple(f".{name}" for name in known))
    return pyplot


def save_figure(pyplot: Any, figure: Any, path: Path) -> None:
    """Write a picture and forget the figure."""
    figure.savefig(path, dpi=_PICTURE_DPI)
    pyplot.close(figure)
