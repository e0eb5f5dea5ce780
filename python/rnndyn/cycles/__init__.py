"""Fixed points and cycles of networks: the search for them, and what it finds."""

from rnndyn.cycles import _export, _table  # noqa: F401, to be registered
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.gradients import gradient_growth
from rnndyn.cycles.progress import SearchProgress
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import OrderStatistics, SearchStatistics, coverage_lower_bound
from rnndyn.cycles.search import find_cycles, find_fixed_points, solve_cycle

__all__ = [
    "ContinuumOfFixedPoints",
    "Cycle",
    "CycleBlock",
    "CycleSet",
    "CyclesByInput",
    "OrderStatistics",
    "SearchProgress",
    "SearchStatistics",
    "coverage_lower_bound",
    "find_cycles",
    "find_fixed_points",
    "gradient_growth",
    "solve_cycle",
]
