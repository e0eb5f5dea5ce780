"""The compiled core, in the fastest build that this processor can run.

The wheel holds one extension module per instruction set. The environment variable
``RNNDYN_INSTRUCTION_SET`` (``baseline``, ``avx2`` or ``avx512``) overrides the choice.
"""

import copyreg
import importlib
import importlib.util
import os
from typing import Any

from rnndyn._core._cpu import supported_instruction_sets


def _choose_instruction_set() -> str:
    built = [
        name
        for name in supported_instruction_sets()
        if importlib.util.find_spec(f"rnndyn._core._{name}") is not None
    ]
    wanted = os.environ.get("RNNDYN_INSTRUCTION_SET")
    if wanted is None:
        return built[0]
    if wanted not in built:
        raise ImportError(
            f"RNNDYN_INSTRUCTION_SET={wanted!r} cannot be used here; "
            f"choose one of {', '.join(built)} or unset it"
        )
    return wanted


instruction_set: str = _choose_instruction_set()
_module = importlib.import_module(f"rnndyn._core._{instruction_set}")

CanonicalMap = _module.CanonicalMap
System = _module.System
basins = _module.basins
cycle_on_path = _module.cycle_on_path
differentiable_map = _module.differentiable_map
events_on_path = _module.events_on_path
find_cycles = _module.find_cycles
follow_cycles = _module.follow_cycles
lyapunov_spectrum = _module.lyapunov_spectrum
philox = _module.philox
piecewise_linear_system = _module.piecewise_linear_system
recurrent_network = _module.recurrent_network
solve_cycle = _module.solve_cycle


def _canonical_map(*arrays: Any) -> Any:
    """Make a canonical map in the build of the process that unpickles it."""
    return CanonicalMap(*arrays)


def _reduce_canonical_map(map_: Any) -> tuple[Any, ...]:
    return _canonical_map, (map_.A, map_.W1, map_.W2, map_.h1, map_.h2)


copyreg.pickle(CanonicalMap, _reduce_canonical_map)
