"""Where orbits settle, and the largest Lyapunov exponent of each of these attractors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn.cycles.result import CycleSet
from rnndyn.lyapunov.by_attractor import exponents_by_attractor
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum
from rnndyn.reporting._state_space import N_STEPS

#: Steps after which an exponent of an orbit that settles on no cycle is taken as it is.
_STEPS = 2000
#: Part of the size of the cycles within which an orbit has come to one.
_NEAR = 1e-4


class Attractor(NamedTuple):
    """One of the sets that orbits settle on.

    Attributes
    ----------
    name : str
        What it is, in words.
    cycle : int or None
        Its number among the cycles.
    n_orbits : int
        Orbits from random states that settle there.
    exponent, error : float
        Its largest Lyapunov exponent in nats per step, and the standard error; 0 where it is that
        of a cycle.
    """

    name: str
    cycle: int | None
    n_orbits: int
    exponent: float
    error: float


def attractors_of(
    model: Any,
    cycles: CycleSet | None,
    orbits: Sequence[FloatArray],
    inputs: ArrayLike | None,
    **options: Any,
) -> tuple[Attractor, ...]:
    """Return the stable cycles, and whatever else the orbits settle on.

    Parameters
    ----------
    model : model
        The network whose orbits they are.
    cycles : CycleSet or None
        Its cycles.
    orbits : sequence of ndarray of float64, shapes (T, N)
        Free orbits from random states.
    inputs : array_like or None
        A constant input.
    **options
        As for `rnndyn.lyapunov_spectrum`.
    """
    found = []
    spectrum = _spectrum_of(model, orbits, inputs, options)
    groups = () if spectrum is None else exponents_by_attractor(model, spectrum, inputs)
    # Without an attractor are what grows, and what the time did not suffice for.
    known = [one for one in groups if one.period >= 0 and np.isfinite(one.standard_error[0])]
    here = np.full(0 if spectrum is None else spectrum.n_sequences, -1, dtype=np.int64)
    if spectrum is not None:
        settled = np.concatenate([np.empty(0, np.int64), *(one.sequences for one in known)])
        here[settled] = _cycles_at(cycles, spectrum.states[settled])
    for number, cycle in enumerate(() if cycles is None else cycles):
        if cycle.stability == "stable":
            name = f"cycle {number}, of order {cycle.order}"
            exponent = cycle.log_spectral_radius / cycle.order
            found.append(Attractor(name, number, int((here == number).sum()), exponent, 0.0))
    for one in known:
        # Slow approaches to a cycle in the list are among those that are not yet on any.
        n_orbits = int((here[one.sequences] < 0).sum())
        if n_orbits:
            exponent = float(one.exponents[0])
            error = 0.0 if one.exact else float(one.standard_error[0])
            found.append(
                Attractor(_name(one.period, exponent, error), None, n_orbits, exponent, error)
            )
    return tuple(found)


def attractor_of_spectrum(cycles: CycleSet | None, spectrum: LyapunovSpectrum | None) -> int | None:
    """Return the number of the cycle on which the orbit of a spectrum has settled, if it has."""
    if spectrum is None or cycles is None or spectrum.n_sequences != 1:
        return None
    if spectrum.states.shape[1] != cycles.model.n_states or spectrum.orbit[0] <= 0:
        return None
    number = int(_cycles_at(cycles, spectrum.states)[0])
    return None if number < 0 else number


def _spectrum_of(
    model: Any, orbits: Sequence[FloatArray], inputs: ArrayLike | None, options: dict[str, Any]
) -> LyapunovSpectrum | None:
    """Follow the orbits that stay; those that diverge later have no attractor either."""
    starts = np.array([orbit[-1] for orbit in orbits if len(orbit) > N_STEPS])
    while len(starts):
        try:
            return lyapunov_spectrum(
                model, inputs, starts, n_steps=_STEPS, n_exponents=1, **options
            )
        except DivergenceError as error:
            starts = starts[error.steps < 0]
    return None


def _cycles_at(cycles: CycleSet | None, states: FloatArray) -> IntArray:
    """Return the number of the stable cycle at each state, or -1."""
    numbers = np.full(len(states), -1, dtype=np.int64)
    if cycles is None:
        return numbers
    nearest = np.full(len(states), np.inf)
    for number, cycle in enumerate(cycles):
        if cycle.stability != "stable":
            continue
        scale = max(1.0, float(np.abs(cycle.points).max()))
        for index, state in enumerate(states):
            distance = float(np.abs(cycle.points - state).max(axis=1).min()) / scale
            if distance < min(nearest[index], _NEAR):
                nearest[index], numbers[index] = distance, number
    return numbers


def _name(period: int, exponent: float, error: float) -> str:
    if period > 0:
        return f"a cycle of order {period} that is not listed"
    if exponent > 2.0 * error:
        return "no cycle: chaos"
    if exponent < -2.0 * error:
        return "no cycle within reach: a long cycle, or a slow approach"
    return "no cycle: a closed curve, a continuum, or a slow approach"
