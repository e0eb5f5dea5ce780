"""Where orbits settle, and the largest Lyapunov exponent of each of these attractors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn.cycles.result import CycleSet
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum
from rnndyn.reporting._state_space import N_STEPS

#: Steps after which an exponent of an orbit that settles on no cycle is taken as it is.
_STEPS = 2000
#: Part of the size of the cycles within which an orbit has come to one.
_NEAR = 1e-4
#: Exponents farther apart than so many standard errors are those of different attractors.
_APART = 3.0


#: What rounding leaves of the difference of equal exponents.
_SAME = 1e-9


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


class _Ends(NamedTuple):
    """Where orbits ended: states, periods of cycles they settled on, exponents and errors."""

    states: FloatArray
    periods: IntArray
    exponents: FloatArray
    errors: FloatArray


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
    ends = _ends_of(model, orbits, inputs, options)
    here = _cycles_at(cycles, ends.states)
    if cycles is not None:
        for number, cycle in enumerate(cycles):
            if cycle.stability == "stable":
                found.append(
                    Attractor(
                        f"cycle {number}, of order {cycle.order}",
                        number,
                        int((here == number).sum()),
                        cycle.log_spectral_radius / cycle.order,
                        0.0,
                    )
                )
    unknown = np.flatnonzero(here < 0)
    for period in sorted(set(ends.periods[unknown].tolist()) - {0}):
        own = unknown[ends.periods[unknown] == period]
        found += _groups(ends, own, f"a cycle of order {period} that is not listed")
    found += _groups(ends, unknown[ends.periods[unknown] == 0], "")
    return tuple(found)


def attractor_of_spectrum(cycles: CycleSet | None, spectrum: LyapunovSpectrum | None) -> int | None:
    """Return the number of the cycle on which the orbit of a spectrum has settled, if it has."""
    if spectrum is None or cycles is None or spectrum.n_sequences != 1:
        return None
    if spectrum.states.shape[1] != cycles.model.n_states or spectrum.orbit[0] <= 0:
        return None
    number = int(_cycles_at(cycles, spectrum.states)[0])
    return None if number < 0 else number


def _ends_of(
    model: Any, orbits: Sequence[FloatArray], inputs: ArrayLike | None, options: dict[str, Any]
) -> _Ends:
    """Follow the orbits that stay; those that diverge later have no attractor either."""
    n_states = int(model.n_states)
    starts = np.array([orbit[-1] for orbit in orbits if len(orbit) > N_STEPS])
    while len(starts):
        try:
            spectrum = lyapunov_spectrum(
                model, inputs, starts, n_steps=_STEPS, n_exponents=1, **options
            )
        except DivergenceError as error:
            starts = starts[error.steps < 0]
            continue
        stays = ~spectrum.unbounded & np.isfinite(spectrum.standard_error[:, 0])
        exact = spectrum.exact[:, 0]
        return _Ends(
            spectrum.states[stays],
            spectrum.orbit[stays],
            spectrum.exponents[stays, 0],
            np.where(exact, 0.0, spectrum.standard_error[:, 0])[stays],
        )
    return _Ends(np.empty((0, n_states)), np.empty(0, np.int64), np.empty(0), np.empty(0))


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


def _groups(ends: _Ends, members: IntArray, name: str) -> list[Attractor]:
    """Return one attractor for all orbits whose exponents agree."""
    groups: list[list[int]] = []
    for index in members[np.argsort(-ends.exponents[members], kind="stable")].tolist():
        if groups:
            last = groups[-1][-1]
            error = float(np.hypot(ends.errors[last], ends.errors[index]))
            # Infinite ones, of cycles at which the network forgets everything, are equal.
            if ends.exponents[last] <= ends.exponents[index] + max(_APART * error, _SAME):
                groups[-1].append(index)
                continue
        groups.append([index])
    return [_pooled(ends, np.array(group), name) for group in groups]


def _pooled(ends: _Ends, group: IntArray, name: str) -> Attractor:
    exponents, errors = ends.exponents[group], ends.errors[group]
    n = len(group)
    error = float(np.sqrt((errors**2).sum())) / n
    if n > 1 and error > 0.0:
        error = max(error, float(exponents.std(ddof=1)) / n**0.5)
    exponent = float(exponents.mean())
    if not name:
        if exponent > 2.0 * error:
            name = "no cycle: chaos"
        elif exponent < -2.0 * error:
            name = "no cycle within reach: a long cycle, or a slow approach"
        else:
            name = "no cycle: a closed curve, a continuum, or a slow approach"
    return Attractor(name, None, n, exponent, error)
