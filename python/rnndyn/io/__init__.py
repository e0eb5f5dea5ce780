"""Models from elsewhere: files, read without ever running code from them, and torch modules."""

from rnndyn.io._import import ImportedModel, ImportGuessWarning, import_model, list_arrays
from rnndyn.io._models import load_metadata, load_model, save_model
from rnndyn.io._torch import from_torch

__all__ = [
    "ImportGuessWarning",
    "ImportedModel",
    "from_torch",
    "import_model",
    "list_arrays",
    "load_metadata",
    "load_model",
    "save_model",
]
