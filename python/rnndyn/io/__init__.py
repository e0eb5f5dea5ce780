"""Files of models: reading and writing, without ever running code from a file."""

from rnndyn.io._models import load_metadata, load_model, save_model

__all__ = ["load_metadata", "load_model", "save_model"]
