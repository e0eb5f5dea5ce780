"""The command line ``rnndyn``."""

from rnndyn.cli._main import main

__all__ = ["main"]
