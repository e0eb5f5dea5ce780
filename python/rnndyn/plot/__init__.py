"""Figures of cycles, continua, slow points, basins, bifurcations and Lyapunov spectra.

They need matplotlib: ``pip install "rnndyn[plot]"``. Every function takes a result and, as its
second argument, ``ax``: the axes to draw on, by default those of a new figure. It returns them. A
figure of several parts takes and returns a sequence of axes, one for each part.
"""

from rnndyn.plot._basin_fractions import basin_fractions
from rnndyn.plot._basins import basins
from rnndyn.plot._bifurcation import bifurcation_diagram, training_timeline
from rnndyn.plot._connections import connections
from rnndyn.plot._horseshoe import horseshoe
from rnndyn.plot._lyapunov import finite_time_exponents, lyapunov, lyapunov_convergence
from rnndyn.plot._manifolds import basin_boundary, manifold
from rnndyn.plot._multipliers import multipliers
from rnndyn.plot._region_graph import region_graph
from rnndyn.plot._scan import scan
from rnndyn.plot._slow_points import slow_points
from rnndyn.plot._stability import stability_diagram
from rnndyn.plot._state_space import state_space

__all__ = [
    "basin_boundary",
    "basin_fractions",
    "basins",
    "bifurcation_diagram",
    "connections",
    "finite_time_exponents",
    "horseshoe",
    "lyapunov",
    "lyapunov_convergence",
    "manifold",
    "multipliers",
    "region_graph",
    "scan",
    "slow_points",
    "stability_diagram",
    "state_space",
    "training_timeline",
]
