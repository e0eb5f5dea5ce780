"""The papers behind results."""

from rnndyn.citing.citation import Bibliography, Citation, cite

__all__ = ["Bibliography", "Citation", "cite"]
