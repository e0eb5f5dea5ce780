"""Networks and maps whose cycles are known, to try things on."""

from rnndyn.examples._bundled import info, load, names
from rnndyn.examples._maps import lozi_map, tent_map
from rnndyn.examples._published import PublishedSystem
from rnndyn.examples._random_networks import RandomNetwork
from rnndyn.examples._trained import lorenz_maxima

__all__ = [
    "PublishedSystem",
    "RandomNetwork",
    "info",
    "load",
    "lorenz_maxima",
    "lozi_map",
    "names",
    "tent_map",
]
