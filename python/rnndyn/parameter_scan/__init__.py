"""Measures of a model on a grid of one or two of its parameters."""

from rnndyn.parameter_scan import _export, _table  # noqa: F401, to be registered
from rnndyn.parameter_scan.progress import ScanProgress
from rnndyn.parameter_scan.result import Scan
from rnndyn.parameter_scan.run import ScanRun
from rnndyn.parameter_scan.scanning import scan

__all__ = ["Scan", "ScanProgress", "ScanRun", "scan"]
