"""Optional packages: imported when first needed, with a helpful message when missing."""

import importlib
import importlib.util
from typing import Any

#: Package to import -> extra of rnndyn that installs it.
_EXTRAS = {
    "h5netcdf": "tables",
    "h5py": "files",
    "matplotlib": "plot",
    "pandas": "tables",
    "plotly": "report",
    "scipy": "datasets",
    "shtab": "completion",
    "sklearn": "datasets",
    "torch": "torch",
    "tqdm": "progress",
    "xarray": "tables",
}


class MissingPackageError(ImportError):
    """An optional package is needed and not installed; the message says how to get it."""


def import_optional(module: str, purpose: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
        Full name of the module, such as ``"matplotlib.pyplot"``.
    purpose : str
        What needs it; the message of the error begins with it.

    Raises
    ------
    MissingPackageError
        If the package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise _missing(package, purpose) from error


def require_optional(package: str, purpose: str) -> None:
    """Raise the same error as `import_optional` without importing the package."""
    try:
        found = importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        raise _missing(package, purpose)


def _missing(package: str, purpose: str) -> MissingPackageError:
    return MissingPackageError(
        f"{purpose} needs {package}, which is not installed; "
        f'install it with: pip install "rnndyn[{_EXTRAS[package]}]"'
    )
