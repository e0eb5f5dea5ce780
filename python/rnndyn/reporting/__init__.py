"""One self-contained page about a network: cycles, state space, multipliers, Lyapunov exponents.

It needs plotly, whose drawing code goes into the page: ``pip install "rnndyn[report]"``.
"""

from rnndyn.reporting._report import report

__all__ = ["report"]
