"""Exact dynamical-systems analysis of recurrent neural networks."""

from rnndyn._version import __version__

__all__ = ["__version__"]
