"""Linear regions as symbols."""

from rnndyn.regions.graph import RegionGraph, region_graph

__all__ = ["RegionGraph", "region_graph"]
