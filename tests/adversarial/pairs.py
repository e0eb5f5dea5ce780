"""Pairs and planes of networks made to go wrong: what lies between two of them is as bad."""

import sys
from fractions import Fraction
from typing import Any

import numpy as np

from adversarial.networks import KINDS, Rng, adversarial_network
from reference.exact_map import ExactMap

#: Itineraries of at most this many bits are listed exactly at every place.
MAX_BITS = 4
#: Values of a parameter that a plane leads over, relative to a size of it.
STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)


def orders_of(model: Any, max_bits: int = MAX_BITS) -> list[int]:
    """The orders whose itineraries are short enough to be listed at many places."""
    return [k for k in (1, 2) if k == 1 or model.canonical.n_units * k <= max_bits]


def _alike(first: Any, second: Any) -> bool:
    return (
        type(first) is type(second)
        and first.canonical.n_units == second.canonical.n_units
        and {name: np.shape(value) for name, value in first.parameters.items()}
        == {name: np.shape(value) for name, value in second.parameters.items()}
    )


def _another(kind: str, model: Any, rng: Rng) -> Any | None:
    """A second network of the kind with the same family and shapes."""
    for _ in range(100):
        other = KINDS[kind](rng)
        if _alike(model, other):
            return other
    return None


def adversarial_pair(number: int) -> tuple[str, Any, Any]:
    """The kind, and two networks with a straight path between them.

    The second is another one of the kind, the first with its parameters at other scales or turned
    around, or the first with one of its entries changed by little or by much.
    """
    kind, model = adversarial_network(number)
    rng = np.random.default_rng([number, 15])
    way = rng.integers(4)
    if way <= 1:
        other = _another(kind, model, rng)
        if other is not None:
            return kind, model, other
    if way == 2:
        factors = rng.choice([-1.0, 0.0, 0.5, 1.0, 2.0, 1e8], size=len(model.parameters))
        changes = {
            name: value * factor
            for (name, value), factor in zip(model.parameters.items(), factors, strict=True)
            if np.isfinite(value * factor).all()
        }
        return kind, model, model.with_parameters(**changes)
    name = rng.choice(model.scalar_names())
    value = model.get_parameter(name)
    step = rng.choice([1e-15, 1e-8, 1.0, 1.0, 2.0, 1e8]) * (abs(value) or 1.0)
    if not np.isfinite(value + step):
        step = -0.5 * value
    return kind, model, model.with_parameters({name: float(value + step)})


def exact_map_between(first: Any, second: Any, share: Fraction) -> ExactMap:
    """The map at a place of the straight path, without rounding."""
    start, end = ExactMap.of(first.canonical), ExactMap.of(second.canonical)

    def mixed(a: Any, b: Any) -> Any:
        if isinstance(a, list):
            return [mixed(x, y) for x, y in zip(a, b, strict=True)]
        return (1 - share) * a + share * b

    names = ("A", "W1", "W2", "h1", "h2")
    return ExactMap(*(mixed(getattr(start, name), getattr(end, name)) for name in names))


def in_range(points: Any) -> bool:
    """Whether all coordinates of exact points are doubles; others no result can hold."""
    return all(abs(x) <= sys.float_info.max for z in points for x in z)


def adversarial_plane(number: int) -> tuple[str, Any, tuple[str, Any], tuple[str, Any]]:
    """The kind, a network, and two of its parameters with values at which things coincide."""
    kind, model = adversarial_network(number)
    rng = np.random.default_rng([number, 16])
    names = rng.permutation(np.array(model.scalar_names()))[:2].tolist()
    axes = []
    for name in names:
        value = model.get_parameter(name)
        size = abs(value) if rng.random() < 0.7 and value != 0.0 else 1.0
        size = min(size, 1e300)
        around = value if rng.random() < 0.5 and abs(value) < 1e300 else 0.0
        count = int(rng.integers(2, 4))
        first = int(rng.integers(0, len(STEPS) - count + 1))
        values = np.unique(around + size * np.array(STEPS[first : first + count]))
        if len(values) < 2:
            values = np.array([around, around + max(abs(around), 1.0)])
        axes.append((name, values))
    return kind, model, axes[0], axes[1]
