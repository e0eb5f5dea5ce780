"""Exact dynamical-systems analysis of recurrent neural networks."""

from rnndyn import examples, plot
from rnndyn._optional import MissingPackageError
from rnndyn._progress import ProgressMeter, SearchProgress
from rnndyn._version import __version__
from rnndyn.certificate import Certificate, ProofPart
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import CycleBlock
from rnndyn.cycle_set import CycleSet
from rnndyn.cycles import Cycle
from rnndyn.io import load_metadata, load_model, save_model
from rnndyn.models import (
    ALRNN,
    PLRNN,
    ClippedShallowPLRNN,
    DendriticPLRNN,
    LeakyPLRNN,
    LeakyReLURNN,
    LeakyShallowPLRNN,
    MeanCenteredPLRNN,
    PiecewiseLinearMap,
    PiecewiseLinearModel,
    ReLURNN,
    ShallowPLRNN,
)
from rnndyn.search import find_cycles, find_fixed_points, solve_cycle
from rnndyn.search_statistics import OrderStatistics, SearchStatistics
from rnndyn.verify import Verdict

__all__ = [
    "ALRNN",
    "PLRNN",
    "Certificate",
    "ClippedShallowPLRNN",
    "ContinuumOfFixedPoints",
    "Cycle",
    "CycleBlock",
    "CycleSet",
    "DendriticPLRNN",
    "LeakyPLRNN",
    "LeakyReLURNN",
    "LeakyShallowPLRNN",
    "MeanCenteredPLRNN",
    "MissingPackageError",
    "OrderStatistics",
    "PiecewiseLinearMap",
    "PiecewiseLinearModel",
    "ProgressMeter",
    "ProofPart",
    "ReLURNN",
    "SearchProgress",
    "SearchStatistics",
    "ShallowPLRNN",
    "Verdict",
    "__version__",
    "examples",
    "find_cycles",
    "find_fixed_points",
    "load_metadata",
    "load_model",
    "plot",
    "save_model",
    "solve_cycle",
]
