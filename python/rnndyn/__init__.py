"""Exact dynamical-systems analysis of recurrent neural networks."""

from rnndyn import examples, plot
from rnndyn._lyapunov_frame import TangentFrame
from rnndyn._optional import MissingPackageError
from rnndyn._progress import LyapunovProgress, Progress, ProgressMeter, SearchProgress
from rnndyn._version import __version__
from rnndyn.basins_of_attraction import BasinsProgress, basins
from rnndyn.basins_result import Basins, BasinsRun
from rnndyn.bifurcation import (
    BifurcationEvent,
    BoundaryCurve,
    Branch,
    BranchSet,
    Coincidence,
    ContinuationRun,
    Gap,
    LossJumps,
    PathProgress,
    PlaneGap,
    PlaneProgress,
    StabilityDiagram,
    StabilityRun,
    Timeline,
    bifurcation_diagram,
    continue_cycles,
    forced,
    gradient_growth,
    load_checkpoints,
    stability_diagram,
    training_timeline,
)
from rnndyn.certificate import Certificate, ProofPart
from rnndyn.citation import Bibliography, Citation, cite
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import CycleBlock
from rnndyn.cycle_set import CycleSet
from rnndyn.cycles import Cycle
from rnndyn.io import from_torch, load_metadata, load_model, save_model
from rnndyn.lyapunov import DivergenceError, lyapunov_spectrum
from rnndyn.lyapunov_result import LyapunovSpectrum
from rnndyn.lyapunov_run import LyapunovRun
from rnndyn.models import (
    ALRNN,
    GRU,
    LSTM,
    PLRNN,
    RNN,
    ClippedShallowPLRNN,
    DendriticPLRNN,
    DifferentiableMap,
    LeakyPLRNN,
    LeakyReLURNN,
    LeakyShallowPLRNN,
    MeanCenteredPLRNN,
    Model,
    PiecewiseLinearMap,
    PiecewiseLinearModel,
    RecurrentNetwork,
    ReLURNN,
    ShallowPLRNN,
)
from rnndyn.parameter_scan import ScanProgress, scan
from rnndyn.reporting import report
from rnndyn.result_files import load_result
from rnndyn.scan_result import Scan, ScanRun
from rnndyn.search import find_cycles, find_fixed_points, solve_cycle
from rnndyn.search_statistics import OrderStatistics, SearchStatistics
from rnndyn.verify import Verdict

__all__ = [
    "ALRNN",
    "GRU",
    "LSTM",
    "PLRNN",
    "RNN",
    "Basins",
    "BasinsProgress",
    "BasinsRun",
    "Bibliography",
    "BifurcationEvent",
    "BoundaryCurve",
    "Branch",
    "BranchSet",
    "Certificate",
    "Citation",
    "ClippedShallowPLRNN",
    "Coincidence",
    "ContinuationRun",
    "ContinuumOfFixedPoints",
    "Cycle",
    "CycleBlock",
    "CycleSet",
    "DendriticPLRNN",
    "DifferentiableMap",
    "DivergenceError",
    "Gap",
    "LeakyPLRNN",
    "LeakyReLURNN",
    "LeakyShallowPLRNN",
    "LossJumps",
    "LyapunovProgress",
    "LyapunovRun",
    "LyapunovSpectrum",
    "MeanCenteredPLRNN",
    "MissingPackageError",
    "Model",
    "OrderStatistics",
    "PathProgress",
    "PiecewiseLinearMap",
    "PiecewiseLinearModel",
    "PlaneGap",
    "PlaneProgress",
    "Progress",
    "ProgressMeter",
    "ProofPart",
    "ReLURNN",
    "RecurrentNetwork",
    "Scan",
    "ScanProgress",
    "ScanRun",
    "SearchProgress",
    "SearchStatistics",
    "ShallowPLRNN",
    "StabilityDiagram",
    "StabilityRun",
    "TangentFrame",
    "Timeline",
    "Verdict",
    "__version__",
    "basins",
    "bifurcation_diagram",
    "cite",
    "continue_cycles",
    "examples",
    "find_cycles",
    "find_fixed_points",
    "forced",
    "from_torch",
    "gradient_growth",
    "load_checkpoints",
    "load_metadata",
    "load_model",
    "load_result",
    "lyapunov_spectrum",
    "plot",
    "report",
    "save_model",
    "scan",
    "solve_cycle",
    "stability_diagram",
    "training_timeline",
]
