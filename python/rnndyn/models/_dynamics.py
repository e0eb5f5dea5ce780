"""What every model can do with its canonical map: one place, whatever the family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers, plain_array
from rnndyn._core import CanonicalMap
from rnndyn.models._stepping import to_n_steps, to_states


class MapOfStates(ABC):
    """The map z -> A z + W1 relu(W2 z + h2) + h1 of a model, on one state or arrays of states.

    The arithmetic is that of the compiled core; here are the checks and the loops over states.
    """

    @property
    @abstractmethod
    def canonical(self) -> CanonicalMap:
        """The canonical map of the compiled core."""

    @property
    def n_states(self) -> int:
        """Number of states M."""
        return self.canonical.n_states

    @property
    def n_units(self) -> int:
        """Number of hidden units H of the canonical map: the bits of a region."""
        return self.canonical.n_units

    def step(self, z: ArrayLike) -> FloatArray:
        """Apply the map once.

        Parameters
        ----------
        z : (..., M) array_like
            A state, or an array of states.

        Returns
        -------
        (..., M) array

        Raises
        ------
        OverflowError
            If the next state exceeds the range of float64.
        """
        following = self._for_each_state(self.canonical.step, self._states("z", z))
        if not np.isfinite(following).all():
            raise OverflowError("the next state exceeds the range of float64; start nearer to 0")
        return following

    def orbit(self, z0: ArrayLike, n_steps: int) -> FloatArray:
        """Apply the map `n_steps` times and keep every state.

        Parameters
        ----------
        z0 : (..., M) array_like
            A first state, or an array of first states.
        n_steps : int
            Number of steps, at least 0.

        Returns
        -------
        (..., n_steps + 1, M) array
            The states in order, `z0` first.

        Raises
        ------
        OverflowError
            If an orbit leaves the range of float64; the message names the step.

        Examples
        --------
        >>> import rnndyn as rd
        >>> rd.PLRNN([0.5], [[-1.0]], [1.0]).orbit([2.0], 3).ravel()
        array([2. , 0. , 1. , 0.5])
        """
        states = self._states("z0", z0)
        n_steps = to_n_steps(n_steps)
        points = self._for_each_state(
            lambda state: self.canonical.orbit(state, n_steps), states, (n_steps + 1, self.n_states)
        )
        finite = np.isfinite(points).all(axis=-1)
        if not finite.all():
            first = int(np.argwhere(~finite)[:, -1].min())
            raise OverflowError(
                f"an orbit exceeds the range of float64 at step {first}: the map expands there; "
                f"ask for fewer than {first} steps or start elsewhere"
            )
        return points

    def preactivation(self, z: ArrayLike) -> FloatArray:
        """Return the pre-activations W2 z + h2 of the canonical map, (..., H) for z (..., M)."""
        states = self._states("z", z)
        values = self._for_each_state(self.canonical.preactivation, states, (self.n_units,))
        if not np.isfinite(values).all():
            raise OverflowError("a pre-activation exceeds the range of float64")
        return values

    def region(self, z: ArrayLike) -> BoolArray:
        """Return the linear region of each state.

        Parameters
        ----------
        z : (..., M) array_like
            A state, or an array of states.

        Returns
        -------
        (..., H) array of bool
            True for the units whose pre-activation is positive. On a border, where it is 0, False.

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
        >>> model.region([[1.0, -1.0], [0.0, 2.0]])
        array([[ True, False],
               [False,  True]])
        """
        states = self._states("z", z)
        bits = np.empty((*states.shape[:-1], self.n_units), dtype=np.bool_)
        for index in np.ndindex(states.shape[:-1]):
            bits[index] = self.canonical.region(states[index])
        return bits

    def jacobian(
        self, z: ArrayLike | None = None, *, region: ArrayLike | None = None
    ) -> FloatArray:
        """Return the Jacobian A + W1 diag(region) W2, at a state or of a region.

        Parameters
        ----------
        z : (..., M) array_like, optional
            A state, or an array of states. On a border the Jacobian is that of `region(z)`.
        region : (..., H) array_like of bool, optional
            A region, or an array of regions, instead of `z`.

        Returns
        -------
        (..., M, M) array

        Examples
        --------
        >>> import rnndyn as rd
        >>> model = rd.PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])
        >>> model.jacobian([1.0, -1.0])
        array([[0.5, 0. ],
               [0.5, 0.9]])
        >>> bool((model.jacobian(region=[True, False]) == model.jacobian([1.0, -1.0])).all())
        True
        """
        if (z is None) == (region is None):
            raise TypeError("jacobian needs either z or region, got both or neither")
        bits = self._regions(region) if z is None else self.region(z)
        jacobians = np.empty((*bits.shape[:-1], self.n_states, self.n_states))
        for index in np.ndindex(bits.shape[:-1]):
            jacobians[index] = self.canonical.jacobian(bits[index])
        return jacobians

    def _for_each_state(
        self,
        function: Callable[[FloatArray], FloatArray],
        states: FloatArray,
        shape: tuple[int, ...] | None = None,
    ) -> FloatArray:
        results = np.empty((*states.shape[:-1], *(shape or (self.n_states,))))
        for index in np.ndindex(states.shape[:-1]):
            results[index] = function(states[index])
        return results

    def _states(self, name: str, value: ArrayLike | None) -> FloatArray:
        value = plain_array(name, value)
        states = finite_numbers(name, value)
        if np.asarray(value).dtype == np.bool_:
            raise TypeError(f"{name} must hold real numbers, got bool; for a region use region=")
        return to_states(name, states, self.n_states, "M")

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
