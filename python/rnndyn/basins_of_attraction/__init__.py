"""Basins of attraction in a plane of state space, and their shares of a box."""

from rnndyn.basins_of_attraction import _export, _table  # noqa: F401, to be registered
from rnndyn.basins_of_attraction.following import basins
from rnndyn.basins_of_attraction.fractions import basin_fractions
from rnndyn.basins_of_attraction.progress import BasinsProgress
from rnndyn.basins_of_attraction.result import BasinFractions, Basins
from rnndyn.basins_of_attraction.run import BasinsRun

__all__ = [
    "BasinFractions",
    "Basins",
    "BasinsProgress",
    "BasinsRun",
    "basin_fractions",
    "basins",
]
