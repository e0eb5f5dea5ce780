"""Branches of cycles along a path of parameters, and the events that join them."""

from rnndyn.bifurcation.path import _export, _table  # noqa: F401, to be registered
from rnndyn.bifurcation.path.branch import Branch
from rnndyn.bifurcation.path.continuation import continue_cycles
from rnndyn.bifurcation.path.curve import Curve
from rnndyn.bifurcation.path.diagram import bifurcation_diagram
from rnndyn.bifurcation.path.events import BifurcationEvent
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.bifurcation.path.progress import PathProgress
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.bifurcation.path.run import ContinuationRun

__all__ = [
    "BifurcationEvent",
    "Branch",
    "BranchSet",
    "ContinuationRun",
    "Curve",
    "Gap",
    "PathProgress",
    "bifurcation_diagram",
    "continue_cycles",
]
