"""Bifurcations over the epochs of a training run, and jumps of the loss."""

from rnndyn.bifurcation.timeline import _export, _table  # noqa: F401, to be registered
from rnndyn.bifurcation.timeline.checkpoints import load_checkpoints
from rnndyn.bifurcation.timeline.loss_jumps import Coincidence, LossJumps
from rnndyn.bifurcation.timeline.result import Timeline
from rnndyn.bifurcation.timeline.timeline import training_timeline

__all__ = [
    "Coincidence",
    "LossJumps",
    "Timeline",
    "load_checkpoints",
    "training_timeline",
]
