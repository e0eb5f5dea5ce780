"""The bundled networks from the test suites of published programs."""

import dataclasses
import functools
import json
from importlib import resources
from typing import Any

from rnndyn.models import PIECEWISE_LINEAR_FAMILIES, PiecewiseLinearModel

_DESCRIPTION = ("kind", "order", "expected_cycles_of_that_order", "source", "note")


@dataclasses.dataclass(frozen=True)
class PublishedSystem:
    """What is known of a bundled network from a published program.

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
    """Return the names of the published networks."""
    return tuple(_systems())


def load(name: str) -> PiecewiseLinearModel:
    """Return the published network of that full name."""
    entry = _systems()[name]
    values = {key: value for key, value in entry.items() if key not in _DESCRIPTION}
    return PIECEWISE_LINEAR_FAMILIES[entry["kind"]].from_parameters(values)


def info(name: str) -> PublishedSystem:
    """Return what is known of the published network of that full name."""
    entry = _systems()[name]
    return PublishedSystem(
        name=name,
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
