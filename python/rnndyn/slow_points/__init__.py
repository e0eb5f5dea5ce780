"""Slow points: where a network comes nearly, but not quite, to rest."""

from rnndyn.slow_points import _export, _table  # noqa: F401, to be registered
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.curve import SlowCurve
from rnndyn.slow_points.finding import find_slow_points
from rnndyn.slow_points.point import SlowPoint
from rnndyn.slow_points.result import SlowPointSet
from rnndyn.slow_points.run import SlowPointRun

__all__ = [
    "SlowCurve",
    "SlowPoint",
    "SlowPointRun",
    "SlowPointSet",
    "SlowPointsByInput",
    "find_slow_points",
]
