"""A map that the user writes in NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, plain_array
from rnndyn._common.table import Table, html_text
from rnndyn.models import _stepping

MapFunction = Callable[[FloatArray], NDArray[Any]]


class DifferentiableMap:
    """A differentiable map and its Jacobian, given as two NumPy functions.

    For everything that is not a network of this package: the Hénon map, the logistic map, one
    time step of an integrator, a network with units of its own.

    Parameters
    ----------
    step : callable
        Takes states (B, N), one in each row, and returns the next states (B, N). It must treat the
        rows alike and independently of each other.
    jacobian : callable
        Takes states (B, N) and returns the Jacobians (B, N, N): entry ``[b, i, j]`` is the
        derivative of next state i with respect to state j at state b.
    n_states : int
        Number of states N, at least 1.

    Raises
    ------
    TypeError
        If `step` or `jacobian` cannot be called, or does not return real numbers.
    ValueError
        If a result has another shape than described. Both are called with a few states when the
        map is made, and every later result is checked too.

    Notes
    -----
    The functions run in Python, so computations use one thread, and a map has no files. It can be
    pickled if its functions can, which ``def`` functions of a module can and lambdas cannot.

    Examples
    --------
    The Hénon map ``x' = 1 - 1.4 x^2 + y, y' = 0.3 x``:

    >>> import numpy as np
    >>> import rnndyn as rd
    >>> def step(z):
    ...     return np.stack([1.0 - 1.4 * z[:, 0] ** 2 + z[:, 1], 0.3 * z[:, 0]], axis=1)
    >>> def jacobian(z):
    ...     J = np.zeros((len(z), 2, 2))
    ...     J[:, 0, 0], J[:, 0, 1], J[:, 1, 0] = -2.8 * z[:, 0], 1.0, 0.3
    ...     return J
    >>> henon = rd.DifferentiableMap(step, jacobian, n_states=2)
    >>> henon.orbit([0.0, 0.0], 2)
    array([[ 0. ,  0. ],
           [ 1. ,  0. ],
           [-0.4,  0.3]])
    >>> henon.jacobian([1.0, 0.0])
    array([[-2.8,  1. ],
           [ 0.3,  0. ]])
    """

    _functions: tuple[MapFunction, MapFunction]
    _n_states: int
    _compiled: _core.System

    def __init__(self, step: MapFunction, jacobian: MapFunction, n_states: int) -> None:
        for name, function in (("step", step), ("jacobian", jacobian)):
            if not callable(function):
                raise TypeError(
                    f"{name} must be a function of states (B, N), got {type(function).__name__}"
                )
        n_states = _to_n_states(n_states)
        checked = (
            _CheckedFunction("step", step, (n_states,)),
            _CheckedFunction("jacobian", jacobian, (n_states, n_states)),
        )
        # Another number of states than N, so that states in columns are noticed.
        n_probes = 3 if n_states == 2 else 2
        probes = np.linspace(0.125, 0.375, n_probes * n_states).reshape(n_probes, n_states)
        for function in checked:
            with np.errstate(all="ignore"):
                function(probes.copy())
        object.__setattr__(self, "_functions", (step, jacobian))
        object.__setattr__(self, "_n_states", n_states)
        object.__setattr__(self, "_compiled", _core.differentiable_map(n_states, *checked))

    @property
    def n_states(self) -> int:
        """Number of states N."""
        return self._n_states

    @property
    def n_inputs(self) -> int:
        """Number of external inputs: always 0."""
        return 0

    @property
    def _default_input(self) -> FloatArray:
        return np.zeros(0)

    def _system(self) -> _core.System:
        return self._compiled

    def step(self, states: ArrayLike) -> FloatArray:
        """Apply the map once.

        Parameters
        ----------
        states : (..., N) array_like
            A state, or an array of states.

        Returns
        -------
        (..., N) array

        Raises
        ------
        OverflowError
            If a next state is not finite.
        """
        checked = _stepping.to_states("states", states, self.n_states)
        return _stepping.step(self._compiled, checked, np.zeros(0))

    def orbit(self, z0: ArrayLike, n_steps: int) -> FloatArray:
        """Apply the map `n_steps` times and keep every state.

        Parameters
        ----------
        z0 : (..., N) array_like
            A first state, or an array of first states.
        n_steps : int
            Number of steps, at least 0.

        Returns
        -------
        (..., n_steps + 1, N) array
            The states in order, `z0` first.

        Raises
        ------
        OverflowError
            If a state is not finite; the message names the step.
        """
        first = _stepping.to_states("z0", z0, self.n_states)
        n_steps = _stepping.to_n_steps(n_steps)
        return _stepping.orbit(self._compiled, first, np.zeros((1, 0)), n_steps)

    def jacobian(self, states: ArrayLike) -> FloatArray:
        """Return the Jacobian at each state: (..., N, N) for states (..., N)."""
        checked = _stepping.to_states("states", states, self.n_states)
        return _stepping.jacobian(self._compiled, checked, np.zeros(0))

    def _repr_html_(self) -> str:
        rows = [
            (name, getattr(function, "__qualname__", type(function).__name__))
            for name, function in zip(("step", "jacobian"), self._functions, strict=True)
        ]
        return html_text(Table(repr(self), ("what", "function"), rows, {"what", "function"}))

    def __repr__(self) -> str:
        return f"DifferentiableMap(n_states={self.n_states})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._n_states == other._n_states and self._functions == other._functions

    def __hash__(self) -> int:
        return hash((self._n_states, self._functions))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (*self._functions, self._n_states))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("DifferentiableMap is immutable; make a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"DifferentiableMap is immutable: {name} cannot be deleted")


class _CheckedFunction:
    """A function of states whose results have the right type and shape, or say what is wrong."""

    def __init__(self, name: str, function: MapFunction, shape: tuple[int, ...]) -> None:
        self._name = name
        self._function = function
        self._shape = shape

    def __call__(self, states: FloatArray) -> FloatArray:
        # A function that changed its argument would change the orbit; now it says so.
        states = states.view()
        states.flags.writeable = False
        try:
            values = np.asarray(plain_array(self._name, self._function(states)))
        except Exception as error:
            error.add_note(
                f"raised by {self._name}, which rnndyn called with states of shape {states.shape}: "
                "one state in each row"
            )
            raise
        if values.dtype.kind not in "biuf":
            raise TypeError(f"{self._name} must return real numbers, got dtype {values.dtype}")
        expected = (len(states), *self._shape)
        if values.shape != expected:
            letters = "(B, N, N)" if len(self._shape) == 2 else "(B, N)"
            raise ValueError(
                f"{self._name} must return shape {letters} = {expected} for states of shape "
                f"{states.shape}, one state in each row, got {values.shape}"
            )
        return np.ascontiguousarray(values, dtype=np.float64)


def _to_n_states(value: object) -> int:
    try:
        n_states = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        n_states = 0
        wrong = True
    else:
        wrong = isinstance(value, (bool, np.bool_))
    if wrong:
        raise TypeError(f"n_states must be a whole number from 1, got {value!r:.60}")
    if n_states < 1:
        raise ValueError(f"n_states must be a whole number from 1, got {n_states}")
    return n_states
