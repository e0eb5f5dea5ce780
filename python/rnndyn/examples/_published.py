"""The bundled networks from the test suites of published programs."""

import dataclasses
import functools
import json
from importlib import resources
from typing import Any

from rnndyn.models import FAMILIES, PiecewiseLinearModel

_DESCRIPTION = ("kind", "order", "expected_cycles_of_that_order", "source", "note")


@dataclasses.dataclass(frozen=True)
class PublishedSystem:
    """What is known of a bundled network.

    Attributes
    ----------
    name : str
        Its full name.
    family : str
        Its model family.
    order : int
        The order at which its cycles were counted.
    expected_cycles : int
        The number of cycles of that order.
    source : str
        Repository and file that the parameters and the count come from.
    note : str
        What else the source says; empty where it says nothing.
    """

    name: str
    family: str
    order: int
    expected_cycles: int
    source: str
    note: str


def names() -> tuple[str, ...]:
    """Return the names of the bundled networks.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.names()[:2]
    ('plrnn_2d_1', 'plrnn_2d_16')
    """
    return tuple(_systems())


def load(name: str) -> PiecewiseLinearModel:
    """Return a bundled network.

    Parameters
    ----------
    name : str
        One of `names`, or a beginning that only one of them has; ``-`` counts as ``_``.

    Returns
    -------
    model

    Raises
    ------
    ValueError
        If no name or more than one begins like this; the message lists the choices.

    Examples
    --------
    >>> import rnndyn as rd
    >>> rd.examples.load("plrnn-10d")
    PLRNN(n_states=10, n_units=10)
    """
    entry = _systems()[_full_name(name)]
    values = {key: value for key, value in entry.items() if key not in _DESCRIPTION}
    return FAMILIES[entry["kind"]].from_parameters(values)


def info(name: str) -> PublishedSystem:
    """Return what is known of a bundled network.

    Parameters
    ----------
    name : str
        As for `load`.

    Returns
    -------
    PublishedSystem

    Raises
    ------
    ValueError
        As for `load`.

    Examples
    --------
    >>> import rnndyn as rd
    >>> known = rd.examples.info("plrnn-10d")
    >>> known.order, known.expected_cycles, known.source
    (10, 2, 'DurstewitzLab/SCYFI test/convPLRNN_tests.jl')
    """
    full_name = _full_name(name)
    entry = _systems()[full_name]
    return PublishedSystem(
        name=full_name,
        family=entry["kind"],
        order=entry["order"],
        expected_cycles=entry["expected_cycles_of_that_order"],
        source=entry["source"],
        note=entry.get("note", ""),
    )


@functools.cache
def _systems() -> dict[str, dict[str, Any]]:
    text = resources.files(__package__).joinpath("published_systems.json").read_text("utf-8")
    systems: dict[str, dict[str, Any]] = json.loads(text)
    return systems


def _full_name(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, got {name!r:.60}")
    wanted = name.strip().lower().replace("-", "_")
    if wanted in _systems():
        return wanted
    matches = [known for known in _systems() if known.startswith(wanted)] if wanted else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ValueError(f"name {name!r} could be any of {', '.join(matches)}")
    raise ValueError(f"there is no example {name!r:.60}; choose one of {', '.join(names())}")
