"""How many random examples the tests draw: this is the one place that decides.

The everyday run draws few. ``python -m bench truth`` draws them all, which by hand is::

    RNNDYN_DRAWS=full python -m pytest -m "draws and not programs"
"""

import os

VARIABLE = "RNNDYN_DRAWS"
CHOICES = ("few", "full")

DRAWS = os.environ.get(VARIABLE, "few")
if DRAWS not in CHOICES:
    raise ValueError(f"{VARIABLE}={DRAWS!r} must be one of {', '.join(CHOICES)}, or unset")


def drawn(few: int, full: int) -> int:
    """Return how many examples to draw; a file that imports this gets the marker ``draws``."""
    return full if DRAWS == "full" else few
