"""Hypothesis strategies for small networks of every family."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from reference.networks import FAMILIES, MAX_STATES, TIED_VALUES, SeededEntries, Size


@dataclass
class DrawnEntries:
    """Halves and small integers drawn one by one, so that a failure shrinks to a few of them."""

    draw: Any
    tied: bool = True

    def array(self, *shape: int) -> NDArray[np.float64]:
        values = self.draw(st.sampled_from(TIED_VALUES))
        # Zero comes first: hypothesis shrinks towards it.
        ordered = sorted(set(values), key=abs)
        size = int(np.prod(shape))
        entries = self.draw(st.lists(st.sampled_from(ordered), min_size=size, max_size=size))
        return np.array(entries, dtype=float).reshape(shape)

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))


@st.composite
def tied_networks(draw: Any, family: str) -> Any:
    """Networks full of coincidences: borders, singular systems, units without effect."""
    size = Size(draw(st.integers(1, 3)), draw(st.integers(1, 5)))
    return FAMILIES[family](DrawnEntries(draw), size)


@st.composite
def generic_networks(draw: Any, family: str) -> Any:
    """Networks with normally distributed entries.

    Their entries come from a seed: hypothesis loves floats that differ by one unit in the last
    place, and whether such a network has a cycle is beyond double precision.
    """
    entries = SeededEntries(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), tied=False)
    size = Size(draw(st.integers(1, MAX_STATES)), draw(st.integers(1, 7)))
    return FAMILIES[family](entries, size)
