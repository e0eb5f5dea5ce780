"""The compiled core, with the fastest kernels that this processor can run.

The core is compiled once, its hot loops once more for each further instruction set, in modules of
their own. The environment variable ``RNNDYN_INSTRUCTION_SET`` (``baseline``, ``avx2`` or
``avx512``) overrides the choice.
"""

import copyreg
import importlib
import importlib.util
import os
from typing import Any

from rnndyn._core import _core


def _available_instruction_sets() -> list[str]:
    """Best first: what the processor can run and this build has kernels for."""
    return [
        name
        for name in _core.supported_instruction_sets()
        if name == "baseline" or importlib.util.find_spec(f"rnndyn._core._kernels_{name}")
    ]


def _choose_instruction_set() -> str:
    available = _available_instruction_sets()
    wanted = os.environ.get("RNNDYN_INSTRUCTION_SET")
    if wanted is None:
        return available[0]
    if wanted not in available:
        raise ImportError(
            f"RNNDYN_INSTRUCTION_SET={wanted!r} cannot be used here; "
            f"choose one of {', '.join(available)} or unset it"
        )
    return wanted


def _use_instruction_set(name: str) -> None:
    if name != "baseline":
        _core.use_kernels(importlib.import_module(f"rnndyn._core._kernels_{name}").functions)


_use_instruction_set(_choose_instruction_set())
instruction_set: str = _core.instruction_set_in_use()

CanonicalMap = _core.CanonicalMap
SmoothMap = _core.SmoothMap
SmoothPath = _core.SmoothPath
System = _core.System
TooManyItinerariesError = _core.TooManyItinerariesError
basins = _core.basins
cycle_near = _core.cycle_near
basins_of_states = _core.basins_of_states
closest_point = _core.closest_point
cycle_on_path = _core.cycle_on_path
differentiable_map = _core.differentiable_map
events_on_path = _core.events_on_path
find_cycles = _core.find_cycles
find_slow_points = _core.find_slow_points
find_smooth_cycles = _core.find_smooth_cycles
follow_curves = _core.follow_curves
follow_cycles = _core.follow_cycles
index_signs = _core.index_signs
lyapunov_spectrum = _core.lyapunov_spectrum
manifold = _core.manifold
maximize = _core.maximize
multipliers = _core.multipliers
philox = _core.philox
piecewise_invariant_box = _core.piecewise_invariant_box
prove_smooth_complete = _core.prove_smooth_complete
piecewise_linear_system = _core.piecewise_linear_system
region_determinants = _core.region_determinants
recurrent_network = _core.recurrent_network
region_graph = _core.region_graph
solve_cycle = _core.solve_cycle


def _canonical_map(*arrays: Any) -> Any:
    """Make a canonical map in the build of the process that unpickles it."""
    return CanonicalMap(*arrays)


def _reduce_canonical_map(map_: Any) -> tuple[Any, ...]:
    return _canonical_map, (map_.A, map_.W1, map_.W2, map_.h1, map_.h2)


copyreg.pickle(CanonicalMap, _reduce_canonical_map)
