"""Linear regions as symbols."""

from rnndyn.regions import _export, _table  # noqa: F401, to be registered
from rnndyn.regions.graph import region_graph
from rnndyn.regions.progress import RegionGraphProgress
from rnndyn.regions.result import RegionGraph
from rnndyn.regions.run import RegionGraphRun

__all__ = ["RegionGraph", "RegionGraphProgress", "RegionGraphRun", "region_graph"]
