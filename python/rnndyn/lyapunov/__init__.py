"""Lyapunov exponents of all models, with their errors."""

from rnndyn.lyapunov import _export, _table  # noqa: F401, to be registered
from rnndyn.lyapunov.by_attractor import AttractorExponents, exponents_by_attractor
from rnndyn.lyapunov.frame import TangentFrame
from rnndyn.lyapunov.progress import LyapunovProgress
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.run import LyapunovRun
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum

__all__ = [
    "AttractorExponents",
    "DivergenceError",
    "LyapunovProgress",
    "LyapunovRun",
    "LyapunovSpectrum",
    "TangentFrame",
    "exponents_by_attractor",
    "lyapunov_spectrum",
]
