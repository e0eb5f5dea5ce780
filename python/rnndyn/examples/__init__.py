"""Networks and maps whose cycles are known, to try things on."""

from rnndyn.examples._maps import lozi_map, tent_map
from rnndyn.examples._published import PublishedSystem, info, load, names

__all__ = ["PublishedSystem", "info", "load", "lozi_map", "names", "tent_map"]
