"""Bifurcations of cycles along paths of parameters, and over the epochs of a training run."""

from rnndyn.bifurcation.path import (
    BifurcationEvent,
    Branch,
    BranchSet,
    ContinuationRun,
    Curve,
    Gap,
    PathProgress,
    bifurcation_diagram,
    continue_cycles,
)
from rnndyn.bifurcation.plane import (
    BoundaryCurve,
    PlaneGap,
    PlaneProgress,
    StabilityDiagram,
    StabilityRun,
    stability_diagram,
)
from rnndyn.bifurcation.timeline import (
    Coincidence,
    LossJumps,
    Timeline,
    load_checkpoints,
    training_timeline,
)

__all__ = [
    "BifurcationEvent",
    "BoundaryCurve",
    "Branch",
    "BranchSet",
    "Coincidence",
    "ContinuationRun",
    "Curve",
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
    "load_checkpoints",
    "stability_diagram",
    "training_timeline",
]
