"""Several piecewise-linear maps one after another: the one place where they become one map."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._model import Model


def cyclic_chain(forms: Sequence[CanonicalForm]) -> CanonicalForm:
    """Return the map whose fixed points are the orbits that close after all of the maps.

    Its state holds what goes into each map, side by side, and its units are those of each map in
    turn. It sends the entry of every map to the exit of the one before, that of the first map to
    the exit of the last: ``v[i + 1]' = F_i(v[i])``. So v stays as it is if, and only if, the v[i]
    are an orbit of the maps that closes. Its eigenvalues there are the n-th roots of those of the
    Jacobian of all n maps, and ``det(I - J)`` is the same.

    Parameters
    ----------
    forms : sequence of CanonicalForm
        The maps, each from as many states as the one before ends in, the first from as many as the
        last.
    """
    states = _places([form.A.shape[1] for form in forms])
    units = _places([len(form.h2) for form in forms])
    n_states, n_units = states[-1].stop, units[-1].stop
    chain = CanonicalForm(
        A=np.zeros((n_states, n_states)),
        W1=np.zeros((n_states, n_units)),
        W2=np.zeros((n_units, n_states)),
        h1=np.zeros(n_states),
        h2=np.zeros(n_units),
    )
    for i, form in enumerate(forms):
        own, following = states[i], states[(i + 1) % len(forms)]
        chain.A[following, own] = form.A
        chain.W1[following, units[i]] = form.W1
        chain.W2[units[i], own] = form.W2
        chain.h1[following] = form.h1
        chain.h2[units[i]] = form.h2
    return chain


def _places(lengths: Sequence[int]) -> list[slice]:
    ends = np.cumsum(lengths).tolist()
    return [slice(end - length, end) for length, end in zip(lengths, ends, strict=True)]


def applied(form: CanonicalForm, states: FloatArray) -> FloatArray:
    """Apply a map to states (..., M)."""
    units = np.maximum(states @ form.W2.T + form.h2, 0.0)
    return np.asarray(states @ form.A.T + units @ form.W1.T + form.h1)


def bounds_after(
    form: CanonicalForm, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return bounds of what a map makes of a box of states."""

    def through(weights: FloatArray, low: FloatArray, high: FloatArray) -> list[FloatArray]:
        rising, falling = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
        return [rising @ low + falling @ high, rising @ high + falling @ low]

    units = [np.maximum(p + form.h2, 0.0) for p in through(form.W2, lower, upper)]
    linear = through(form.A, lower, upper)
    bent = through(form.W1, units[0], units[1])
    low, high = (a + b + form.h1 for a, b in zip(linear, bent, strict=True))
    return low, high


class Composition(Model):
    """Base class of the models that are several piecewise-linear maps, one after another.

    They have linear regions, and their cycles are found exactly, but no one map with a single layer
    of ReLUs on the same states is the same as they are.
    """

    @property
    @abstractmethod
    def forms(self) -> tuple[CanonicalForm, ...]:
        """The maps of one round."""

    @property
    @abstractmethod
    def steps_per_round(self) -> int:
        """Time steps that one round takes: the order of a cycle is a multiple of it."""

    @property
    def n_units(self) -> int:
        """Number of hidden units of one time step: the bits of a region."""
        return sum(len(form.h2) for form in self.forms) // self.steps_per_round

    @property
    def n_inputs(self) -> int:
        """Number of external inputs that may be given: always 0."""
        return 0

    @property
    def _default_input(self) -> FloatArray:
        return np.zeros(0)

    @abstractmethod
    def step(self, z: ArrayLike) -> FloatArray:
        """Apply the map of one round to states (..., M)."""

    @abstractmethod
    def jacobian(
        self, z: ArrayLike | None = None, *, region: ArrayLike | None = None
    ) -> FloatArray:
        """Return the Jacobians (..., M, M) of one step."""

    @abstractmethod
    def orbit(self, z0: ArrayLike, n_steps: int) -> FloatArray:
        """Return the orbits (..., n_steps + 1, M)."""

    def _regions(self, value: ArrayLike | None) -> BoolArray:
        numbers = finite_numbers("region", value)
        if not np.isin(numbers, (0.0, 1.0)).all():
            raise ValueError(f"region must hold only True and False, got {value!r:.60}")
        if numbers.ndim == 0 or numbers.shape[-1] != self.n_units:
            raise ValueError(
                f"region must have shape (H,) or (..., H) with H = {self.n_units}, "
                f"got {numbers.shape}"
            )
        return numbers.astype(np.bool_)


def jacobian_of(form: CanonicalForm, region: BoolArray) -> FloatArray:
    """Return the Jacobian of a map in a region (H,)."""
    return np.asarray(form.A + (form.W1 * region) @ form.W2)
