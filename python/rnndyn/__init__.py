"""Exact dynamical-systems analysis of recurrent neural networks."""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from rnndyn._version import __version__

if TYPE_CHECKING:
    # What a type checker sees; at run time each name is imported when it is first used, so that a
    # program pays only for what it needs. The table below says the same to Python.
    from rnndyn import examples, plot
    from rnndyn._common.optional import MissingPackageError
    from rnndyn._common.progress import Progress, ProgressMeter
    from rnndyn.basins_of_attraction import BasinFractions, Basins, basin_fractions, basins
    from rnndyn.bifurcation import (
        BranchSet,
        StabilityDiagram,
        Timeline,
        bifurcation_diagram,
        continue_cycles,
        load_checkpoints,
        stability_diagram,
        training_timeline,
    )
    from rnndyn.certificate import Certificate, CompositionCertificate
    from rnndyn.citing import cite
    from rnndyn.cycles import (
        ContinuumOfFixedPoints,
        Cycle,
        CyclesByInput,
        CycleSet,
        find_cycles,
        find_fixed_points,
        gradient_growth,
        solve_cycle,
    )
    from rnndyn.io import from_torch, load_metadata, load_model, save_model
    from rnndyn.lyapunov import DivergenceError, LyapunovSpectrum, lyapunov_spectrum
    from rnndyn.manifolds import (
        BasinBoundary,
        ChaosCertificate,
        HomoclinicPoints,
        Invertibility,
        Manifold,
        basin_boundary,
        homoclinic_points,
        invertibility,
        manifold,
        prove_chaos,
    )
    from rnndyn.models import (
        ALRNN,
        GRU,
        LSTM,
        PLRNN,
        RNN,
        ClippedShallowPLRNN,
        DeepPLRNN,
        DendriticPLRNN,
        DifferentiableMap,
        LeakyPLRNN,
        LeakyReLURNN,
        LeakyShallowPLRNN,
        LowRankRNN,
        MeanCenteredPLRNN,
        Model,
        PeriodicallyDriven,
        PiecewiseLinearMap,
        PiecewiseLinearModel,
        RecurrentNetwork,
        ReLURNN,
        ShallowPLRNN,
        forced,
    )
    from rnndyn.parameter_scan import Scan, scan
    from rnndyn.regions import RegionGraph, region_graph
    from rnndyn.reporting import report
    from rnndyn.results import load_result
    from rnndyn.slow_points import SlowPointsByInput, SlowPointSet, find_slow_points

_NAMES_OF_MODULES: dict[str, tuple[str, ...]] = {
    "rnndyn._common.optional": ("MissingPackageError",),
    "rnndyn._common.progress": (
        "Progress",
        "ProgressMeter",
    ),
    "rnndyn.basins_of_attraction": (
        "BasinFractions",
        "Basins",
        "basin_fractions",
        "basins",
    ),
    "rnndyn.bifurcation": (
        "BranchSet",
        "StabilityDiagram",
        "Timeline",
        "bifurcation_diagram",
        "continue_cycles",
        "load_checkpoints",
        "stability_diagram",
        "training_timeline",
    ),
    "rnndyn.certificate": (
        "Certificate",
        "CompositionCertificate",
    ),
    "rnndyn.citing": ("cite",),
    "rnndyn.cycles": (
        "ContinuumOfFixedPoints",
        "Cycle",
        "CycleSet",
        "CyclesByInput",
        "find_cycles",
        "find_fixed_points",
        "gradient_growth",
        "solve_cycle",
    ),
    "rnndyn.io": (
        "from_torch",
        "load_metadata",
        "load_model",
        "save_model",
    ),
    "rnndyn.lyapunov": (
        "DivergenceError",
        "LyapunovSpectrum",
        "lyapunov_spectrum",
    ),
    "rnndyn.manifolds": (
        "BasinBoundary",
        "ChaosCertificate",
        "HomoclinicPoints",
        "Invertibility",
        "Manifold",
        "basin_boundary",
        "homoclinic_points",
        "invertibility",
        "manifold",
        "prove_chaos",
    ),
    "rnndyn.models": (
        "ALRNN",
        "GRU",
        "LSTM",
        "PLRNN",
        "RNN",
        "ClippedShallowPLRNN",
        "DeepPLRNN",
        "DendriticPLRNN",
        "DifferentiableMap",
        "LeakyPLRNN",
        "LeakyReLURNN",
        "LeakyShallowPLRNN",
        "LowRankRNN",
        "MeanCenteredPLRNN",
        "Model",
        "PeriodicallyDriven",
        "PiecewiseLinearMap",
        "PiecewiseLinearModel",
        "RecurrentNetwork",
        "ReLURNN",
        "ShallowPLRNN",
        "forced",
    ),
    "rnndyn.parameter_scan": (
        "Scan",
        "scan",
    ),
    "rnndyn.regions": (
        "RegionGraph",
        "region_graph",
    ),
    "rnndyn.reporting": ("report",),
    "rnndyn.results": ("load_result",),
    "rnndyn.slow_points": (
        "SlowPointSet",
        "SlowPointsByInput",
        "find_slow_points",
    ),
}
#: Rooms that are documented; the others are nobody's business.
_ROOMS = (
    "basins_of_attraction",
    "bifurcation",
    "certificate",
    "citing",
    "cycles",
    "io",
    "lyapunov",
    "models",
    "parameter_scan",
    "regions",
    "results",
    "scale_out",
    "training",
    "verify",
)
_MODULES = {name: module for module, names in _NAMES_OF_MODULES.items() for name in names}

__all__ = [
    "ALRNN",
    "GRU",
    "LSTM",
    "PLRNN",
    "RNN",
    "BasinBoundary",
    "BasinFractions",
    "Basins",
    "BranchSet",
    "Certificate",
    "ChaosCertificate",
    "ClippedShallowPLRNN",
    "CompositionCertificate",
    "ContinuumOfFixedPoints",
    "Cycle",
    "CycleSet",
    "CyclesByInput",
    "DeepPLRNN",
    "DendriticPLRNN",
    "DifferentiableMap",
    "DivergenceError",
    "HomoclinicPoints",
    "Invertibility",
    "LeakyPLRNN",
    "LeakyReLURNN",
    "LeakyShallowPLRNN",
    "LowRankRNN",
    "LyapunovSpectrum",
    "Manifold",
    "MeanCenteredPLRNN",
    "MissingPackageError",
    "Model",
    "PeriodicallyDriven",
    "PiecewiseLinearMap",
    "PiecewiseLinearModel",
    "Progress",
    "ProgressMeter",
    "ReLURNN",
    "RecurrentNetwork",
    "RegionGraph",
    "Scan",
    "ShallowPLRNN",
    "SlowPointSet",
    "SlowPointsByInput",
    "StabilityDiagram",
    "Timeline",
    "__version__",
    "basin_boundary",
    "basin_fractions",
    "basins",
    "bifurcation_diagram",
    "cite",
    "continue_cycles",
    "examples",
    "find_cycles",
    "find_fixed_points",
    "find_slow_points",
    "forced",
    "from_torch",
    "gradient_growth",
    "homoclinic_points",
    "invertibility",
    "load_checkpoints",
    "load_metadata",
    "load_model",
    "load_result",
    "lyapunov_spectrum",
    "manifold",
    "plot",
    "prove_chaos",
    "region_graph",
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
        # With these two a traceback suggests the name that was meant.
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__]
        )

    def __dir__() -> list[str]:
        # Not what this file, or a room when it is imported, leaves here.
        special = {name for name in globals() if name.startswith("__")}
        return sorted({*special, *__all__, *_ROOMS})
