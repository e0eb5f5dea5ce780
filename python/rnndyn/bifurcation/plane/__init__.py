"""Cycles over two parameters, and the curves on which they change."""

from rnndyn.bifurcation.plane import _export, _table  # noqa: F401, to be registered
from rnndyn.bifurcation.plane.curve import BoundaryCurve
from rnndyn.bifurcation.plane.gap import PlaneGap
from rnndyn.bifurcation.plane.progress import PlaneProgress
from rnndyn.bifurcation.plane.result import StabilityDiagram
from rnndyn.bifurcation.plane.run import StabilityRun
from rnndyn.bifurcation.plane.stability import stability_diagram

__all__ = [
    "BoundaryCurve",
    "PlaneGap",
    "PlaneProgress",
    "StabilityDiagram",
    "StabilityRun",
    "stability_diagram",
]
