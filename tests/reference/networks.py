"""Random networks of every model family, small enough to list all their itineraries.

A network is built from a source of entries, so that the same families serve seeded runs
(`SeededEntries`) and hypothesis (`tests/properties`). Two kinds of numbers: real ones, without any
coincidence, and halves and small integers, which produce borders, singular systems, units without
effect and vanishing biases all the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import rnndyn as rd

Array = NDArray[np.float64]

#: Alphabets of the entries of networks full of coincidences, one drawn for every array. All are
#: exact in binary, so that ties survive in the model.
TIED_VALUES = (
    (-2.0, -1.5, -1.0, -0.5, 0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0),
    (-1.0, 0.0, 0.0, 1.0),
    (-1.0, 1.0),
    (0.0,),
)


class Entries(Protocol):
    """Where the numbers of a network come from."""

    tied: bool

    def array(self, *shape: int) -> Array: ...

    def integer(self, low: int, high: int) -> int: ...


@dataclass
class SeededEntries:
    rng: np.random.Generator
    tied: bool

    def array(self, *shape: int) -> Array:
        if not self.tied:
            return self.rng.choice([0.4, 1.0, 2.0]) * self.rng.normal(size=shape)
        alphabet = self.rng.choice(len(TIED_VALUES), p=[0.5, 0.25, 0.1, 0.15])
        return self.rng.choice(TIED_VALUES[alphabet], size=shape)

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))


@dataclass(frozen=True)
class Size:
    """M states and up to H units in the canonical form."""

    n_states: int
    n_units: int


def _state_matrix(entries: Entries, m: int) -> Array:
    """A as a vector (diagonal) or a matrix."""
    return entries.array(m) if entries.integer(0, 2) else entries.array(m, m)


def _plrnn(entries: Entries, size: Size) -> Any:
    m = min(size.n_states, size.n_units)
    return rd.PLRNN(_state_matrix(entries, m), entries.array(m, m), entries.array(m))


def _mean_centered(entries: Entries, size: Size) -> Any:
    m = min(size.n_states, size.n_units)
    if entries.tied:
        # 1/M must be exact in binary, or rounding undoes the ties.
        m = max(power for power in (1, 2, 4) if power <= m)
    return rd.MeanCenteredPLRNN(_state_matrix(entries, m), entries.array(m, m), entries.array(m))


def _alrnn(entries: Entries, size: Size) -> Any:
    m = size.n_states
    n_relu = entries.integer(1, min(m, size.n_units))
    A, W, h = _state_matrix(entries, m), entries.array(m, m), entries.array(m)
    return rd.ALRNN(A, W, h, n_relu=n_relu)


def _dendritic(entries: Entries, size: Size, clipped: bool) -> Any:
    m = entries.integer(1, min(size.n_states, max(1, size.n_units // 2)))
    n_basis = max(1, size.n_units // m - int(clipped))
    return rd.DendriticPLRNN(
        _state_matrix(entries, m),
        entries.array(m, m),
        entries.array(m),
        entries.array(n_basis),
        entries.array(n_basis, m),
        clipped=clipped,
    )


def _shallow(entries: Entries, size: Size) -> Any:
    m, n = size.n_states, size.n_units
    return rd.ShallowPLRNN(
        _state_matrix(entries, m),
        entries.array(m, n),
        entries.array(n, m),
        entries.array(m),
        entries.array(n),
    )


def _clipped_shallow(entries: Entries, size: Size) -> Any:
    m, n = size.n_states, max(1, size.n_units // 2)
    return rd.ClippedShallowPLRNN(
        _state_matrix(entries, m),
        entries.array(m, n),
        entries.array(n, m),
        entries.array(m),
        entries.array(n),
    )


def _relu_rnn(entries: Entries, size: Size) -> Any:
    m = min(size.n_states, size.n_units)
    return rd.ReLURNN(entries.array(m, m), entries.array(m))


def _slope(entries: Entries, n_units: int) -> Array:
    """One slope for all negative pre-activations, or one for each unit."""
    return entries.array(n_units) if entries.integer(0, 1) else entries.array(1)[0]


def _leaky_plrnn(entries: Entries, size: Size) -> Any:
    m = min(size.n_states, size.n_units)
    A, W, h = _state_matrix(entries, m), entries.array(m, m), entries.array(m)
    return rd.LeakyPLRNN(A, W, h, slope=_slope(entries, m))


def _leaky_shallow(entries: Entries, size: Size) -> Any:
    m, n = size.n_states, size.n_units
    return rd.LeakyShallowPLRNN(
        _state_matrix(entries, m),
        entries.array(m, n),
        entries.array(n, m),
        entries.array(m),
        entries.array(n),
        slope=_slope(entries, n),
    )


def _leaky_relu_rnn(entries: Entries, size: Size) -> Any:
    m = min(size.n_states, size.n_units)
    return rd.LeakyReLURNN(entries.array(m, m), entries.array(m), slope=_slope(entries, m))


def _piecewise_linear(entries: Entries, size: Size) -> Any:
    m, n = size.n_states, size.n_units
    return rd.PiecewiseLinearMap(
        entries.array(m, m),
        entries.array(m, n),
        entries.array(n, m),
        entries.array(m),
        entries.array(n),
    )


FAMILIES: dict[str, Callable[[Entries, Size], Any]] = {
    "PLRNN": _plrnn,
    "MeanCenteredPLRNN": _mean_centered,
    "ALRNN": _alrnn,
    "DendriticPLRNN": lambda entries, size: _dendritic(entries, size, clipped=False),
    "DendriticPLRNN, clipped": lambda entries, size: _dendritic(entries, size, clipped=True),
    "ShallowPLRNN": _shallow,
    "ClippedShallowPLRNN": _clipped_shallow,
    "ReLURNN": _relu_rnn,
    "LeakyPLRNN": _leaky_plrnn,
    "LeakyShallowPLRNN": _leaky_shallow,
    "LeakyReLURNN": _leaky_relu_rnn,
    "PiecewiseLinearMap": _piecewise_linear,
}

MAX_STATES, MAX_UNITS, MAX_ORDER, MAX_BITS = 6, 10, 3, 14


def orders_within_reach(n_units: int) -> list[int]:
    """Orders whose itineraries can all be listed."""
    return [order for order in range(1, MAX_ORDER + 1) if n_units * order <= MAX_BITS]


def random_network(family: str, seed: int) -> Any:
    """The network number ``seed`` of a family; every other one is full of coincidences."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(family)])
    entries = SeededEntries(rng, tied=seed % 2 == 1)
    # The larger sizes cost by far the most; sizes in between meet the same cases.
    size = Size(
        n_states=1 + int(MAX_STATES * rng.random() ** 1.5),
        n_units=1 + int(MAX_UNITS * rng.random() ** 1.5),
    )
    return FAMILIES[family](entries, size)
