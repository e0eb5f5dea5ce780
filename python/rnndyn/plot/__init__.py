"""Figures of cycles and continua (needs matplotlib: ``pip install "rnndyn[plot]"``).

Every function draws on the ``ax`` it is given, or on a new figure, and returns the axes.
"""

from rnndyn.plot._multipliers import multipliers
from rnndyn.plot._state_space import state_space

__all__ = ["multipliers", "state_space"]
