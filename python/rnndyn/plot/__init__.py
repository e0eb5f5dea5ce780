"""Figures of cycles, continua, bifurcations and Lyapunov spectra.

They need matplotlib: ``pip install "rnndyn[plot]"``. Every function draws on the ``ax`` it is
given, or on a new figure, and returns the axes.
"""

from rnndyn.plot._bifurcation import bifurcation_diagram, training_timeline
from rnndyn.plot._lyapunov import finite_time_exponents, lyapunov, lyapunov_convergence
from rnndyn.plot._multipliers import multipliers
from rnndyn.plot._scan import scan
from rnndyn.plot._stability import stability_diagram
from rnndyn.plot._state_space import state_space

__all__ = [
    "bifurcation_diagram",
    "finite_time_exponents",
    "lyapunov",
    "lyapunov_convergence",
    "multipliers",
    "scan",
    "stability_diagram",
    "state_space",
    "training_timeline",
]
