"""Exact dynamical-systems analysis of recurrent neural networks."""

import importlib
from typing import TYPE_CHECKING, Any

from rnndyn._version import __version__

if TYPE_CHECKING:
    # What a type checker sees; at run time each name is imported when it is first used, so that a
    # program pays only for what it needs. The table below says the same to Python.
    from rnndyn import examples, plot
    from rnndyn._lyapunov_frame import TangentFrame
    from rnndyn._optional import MissingPackageError
    from rnndyn._progress import LyapunovProgress, Progress, ProgressMeter, SearchProgress
    from rnndyn.basins_of_attraction import BasinsProgress, basins
    from rnndyn.basins_result import Basins
    from rnndyn.basins_run import BasinsRun
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
    from rnndyn.certificate import Certificate
    from rnndyn.certificate_parts import ProofPart
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
    from rnndyn.scan_result import Scan
    from rnndyn.scan_run import ScanRun
    from rnndyn.search import find_cycles, find_fixed_points, solve_cycle
    from rnndyn.search_statistics import OrderStatistics, SearchStatistics
    from rnndyn.verify import Verdict

_NAMES_OF_MODULES = {
    "rnndyn._lyapunov_frame": ("TangentFrame",),
    "rnndyn._optional": ("MissingPackageError",),
    "rnndyn._progress": ("LyapunovProgress", "Progress", "ProgressMeter", "SearchProgress"),
    "rnndyn.basins_of_attraction": ("BasinsProgress", "basins"),
    "rnndyn.basins_result": ("Basins",),
    "rnndyn.basins_run": ("BasinsRun",),
    "rnndyn.bifurcation": (
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
    ),
    "rnndyn.certificate": ("Certificate",),
    "rnndyn.certificate_parts": ("ProofPart",),
    "rnndyn.citation": ("Bibliography", "Citation", "cite"),
    "rnndyn.continua": ("ContinuumOfFixedPoints",),
    "rnndyn.cycle_block": ("CycleBlock",),
    "rnndyn.cycle_set": ("CycleSet",),
    "rnndyn.cycles": ("Cycle",),
    "rnndyn.io": ("from_torch", "load_metadata", "load_model", "save_model"),
    "rnndyn.lyapunov": ("DivergenceError", "lyapunov_spectrum"),
    "rnndyn.lyapunov_result": ("LyapunovSpectrum",),
    "rnndyn.lyapunov_run": ("LyapunovRun",),
    "rnndyn.models": (
        "ALRNN",
        "GRU",
        "LSTM",
        "PLRNN",
        "RNN",
        "ClippedShallowPLRNN",
        "DendriticPLRNN",
        "DifferentiableMap",
        "LeakyPLRNN",
        "LeakyReLURNN",
        "LeakyShallowPLRNN",
        "MeanCenteredPLRNN",
        "Model",
        "PiecewiseLinearMap",
        "PiecewiseLinearModel",
        "RecurrentNetwork",
        "ReLURNN",
        "ShallowPLRNN",
    ),
    "rnndyn.parameter_scan": ("ScanProgress", "scan"),
    "rnndyn.reporting": ("report",),
    "rnndyn.result_files": ("load_result",),
    "rnndyn.scan_result": ("Scan",),
    "rnndyn.scan_run": ("ScanRun",),
    "rnndyn.search": ("find_cycles", "find_fixed_points", "solve_cycle"),
    "rnndyn.search_statistics": ("OrderStatistics", "SearchStatistics"),
    "rnndyn.verify": ("Verdict",),
}
_MODULES = {name: module for module, names in _NAMES_OF_MODULES.items() for name in names}

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


if not TYPE_CHECKING:
    # Hidden from type checkers, which would take every misspelt name for one that is found here.

    def __getattr__(name: str) -> Any:
        """Import what is asked for: a public name, or a module of the package such as ``plot``."""
        if name in _MODULES:
            value = getattr(importlib.import_module(_MODULES[name]), name)
            # From now on it is found without this function.
            globals()[name] = value
            return value
        # Python itself, and tools, ask packages for names like __wrapped__.
        if not name.startswith("__"):
            module = f"{__name__}.{name}"
            try:
                return importlib.import_module(module)
            except ModuleNotFoundError as error:
                if error.name != module:
                    raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
