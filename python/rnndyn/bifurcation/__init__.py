"""Bifurcations of cycles along paths of parameters, and over the epochs of a training run."""

from rnndyn.bifurcation._boundary_curve import BoundaryCurve
from rnndyn.bifurcation._branch import Branch
from rnndyn.bifurcation._events import BifurcationEvent
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._loss_jumps import Coincidence, LossJumps
from rnndyn.bifurcation._plane_gap import PlaneGap
from rnndyn.bifurcation._plane_work import PlaneProgress
from rnndyn.bifurcation._run import ContinuationRun
from rnndyn.bifurcation._stability_run import StabilityRun
from rnndyn.bifurcation.branch_set import BranchSet
from rnndyn.bifurcation.checkpoints import load_checkpoints
from rnndyn.bifurcation.continuation import PathProgress, continue_cycles
from rnndyn.bifurcation.diagram import bifurcation_diagram
from rnndyn.bifurcation.stability import stability_diagram
from rnndyn.bifurcation.stability_result import StabilityDiagram
from rnndyn.bifurcation.theory import forced, gradient_growth
from rnndyn.bifurcation.timeline import training_timeline
from rnndyn.bifurcation.timeline_result import Timeline

__all__ = [
    "BifurcationEvent",
    "BoundaryCurve",
    "Branch",
    "BranchSet",
    "Coincidence",
    "ContinuationRun",
    "Gap",
    "LossJumps",
    "PathProgress",
    "PlaneGap",
    "PlaneProgress",
    "StabilityDiagram",
    "StabilityRun",
    "Timeline",
    "bifurcation_diagram",
    "continue_cycles",
    "forced",
    "gradient_growth",
    "load_checkpoints",
    "stability_diagram",
    "training_timeline",
]
