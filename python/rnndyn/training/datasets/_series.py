"""Time series of a dynamical system, and how they are made by integrating its equations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray, frozen
from rnndyn._common.checks import check_flag, check_integer, check_positive
from rnndyn._common.optional import import_optional

#: Tolerances of the integrator, relative and, for variables of order 1, absolute.
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """A simulated time series.

    Attributes
    ----------
    name : str
        What it is.
    x : ndarray of float64, shape (T, N)
        The data, in units of `scale` from `offset`: the variables are ``offset + scale * x``.
    dt : float
        Time from one row to the next.
    variables : tuple of str
        Names of the N variables.
    offset, scale : ndarray of float64, shape (N,)
        Mean and standard deviation of the variables where `x` is standardised, else 0 and 1.
    inputs : ndarray of float64, shape (T, K), or None
        External inputs; row t acts on the step from row t to t + 1.
    parameters : mapping of str to float
        Parameters of the system.
    seed : int
        Seed of the first state.
    """

    name: str
    x: FloatArray
    dt: float
    variables: tuple[str, ...]
    offset: FloatArray
    scale: FloatArray
    inputs: FloatArray | None
    parameters: Mapping[str, float]
    seed: int

    def __post_init__(self) -> None:
        for name in ("x", "offset", "scale", "inputs"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, frozen(array, np.float64))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return (
            f"TimeSeries({self.name!r}, {len(self):,} x {len(self.variables)}, dt={self.dt:g}, "
            f"seed={self.seed})"
        )


class Sampling(NamedTuple):
    """What all systems are asked for: rows, time between them, units, transient and seed."""

    n_steps: int
    dt: float
    standardize: bool
    transient: float
    seed: int


def integrate(
    name: str,
    derivative: Callable[[float, FloatArray], Any],
    first_state: Callable[[np.random.Generator], FloatArray],
    sampling: Sampling,
    *,
    variables: tuple[str, ...],
    parameters: Mapping[str, float],
    stiff: bool = False,
    inputs: Callable[[FloatArray], FloatArray] | None = None,
) -> TimeSeries:
    """Integrate a system and keep its states every `dt` after the transient."""
    n_steps, dt, standardize, transient, seed = sampling
    n_steps = check_integer("n_steps", n_steps, 2, 2**40)
    dt = check_positive("dt", dt, "time units")
    if not (np.isfinite(transient) and transient >= 0.0):
        raise ValueError(f"transient must be a finite time from 0, got {transient!r}")
    rng = np.random.default_rng(check_integer("seed", seed, 0, 2**64 - 1))
    solve = import_optional("scipy.integrate", f"rnndyn.training.datasets.{name}()").solve_ivp
    options: dict[str, Any] = {
        # LSODA switches to a stiff method where a neuron spikes.
        "method": "LSODA" if stiff else "DOP853",
        "rtol": _TOLERANCE,
        "atol": _TOLERANCE,
    }
    state = np.asarray(first_state(rng), dtype=np.float64)
    times = np.asarray(transient + dt * np.arange(n_steps), dtype=np.float64)
    solution = solve(derivative, (0.0, times[-1]), state, t_eval=times, **options)
    if not solution.success:
        raise ArithmeticError(f"{name} could not be integrated: {solution.message}")
    states: FloatArray = solution.y.T
    n = len(variables)
    offset: FloatArray = np.zeros(n)
    scale: FloatArray = np.ones(n)
    if check_flag("standardize", standardize):
        offset, scale = np.asarray(states.mean(axis=0)), np.asarray(states.std(axis=0))
        if not (scale > 0.0).all():
            raise ValueError(f"a variable of {name} is constant and cannot be standardised")
    drive = None if inputs is None else inputs(times)
    return TimeSeries(
        name, (states - offset) / scale, dt, variables, offset, scale, drive, parameters, seed
    )
