"""The bundled random networks, whose numbers of cycles in a box are known to be complete."""

import dataclasses
import functools
import json
from importlib import resources
from typing import Any

import numpy as np

from rnndyn.models import PIECEWISE_LINEAR_FAMILIES, PiecewiseLinearModel

_FILE = "random_networks.npz"


@dataclasses.dataclass(frozen=True)
class RandomNetwork:
    """What is known of a bundled network that was drawn at random.

    Attributes
    ----------
    name : str
        Its full name: the distribution of its weights or its family, its size, its gain.
    family : str
        Its model family.
    complete_counts : dict of int to int
        For each order that was searched completely, the number of cycles with all points in the
        box.
    box : float
        The box is ``|z_i| <= box``.
    source : str
        Where the parameters and the counts come from.
    """

    name: str
    family: str
    complete_counts: dict[int, int]
    box: float
    source: str


def names() -> tuple[str, ...]:
    """Return the names of the random networks."""
    return tuple(_header())


def load(name: str) -> PiecewiseLinearModel:
    """Return the random network of that full name."""
    # The members of an archive are read one by one, so no other network is.
    with resources.files(__package__).joinpath(_FILE).open("rb") as stream, np.load(stream) as file:
        parameters = {
            member.removeprefix(f"{name}/"): file[member]
            for member in file.files
            if member.startswith(f"{name}/")
        }
    return PIECEWISE_LINEAR_FAMILIES[_header()[name]["kind"]].from_parameters(parameters)


def info(name: str) -> RandomNetwork:
    """Return what is known of the random network of that full name."""
    entry = _header()[name]
    return RandomNetwork(
        name=name,
        family=entry["kind"],
        complete_counts={int(order): count for order, count in entry["complete_counts"].items()},
        box=float(entry["box"]),
        source=entry["source"],
    )


@functools.cache
def _header() -> dict[str, dict[str, Any]]:
    with resources.files(__package__).joinpath(_FILE).open("rb") as stream, np.load(stream) as file:
        header: dict[str, dict[str, Any]] = json.loads(str(file["header"]))
    return header
