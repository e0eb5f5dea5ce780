"""Exponents for each attractor: what a mean over sequences in several basins says of none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray, finite_numbers, frozen
from rnndyn._common.compare import ByFields
from rnndyn.io._as_model import NetworkLike, as_model
from rnndyn.lyapunov._orbit import OPEN, UNBOUNDED
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.models import _stepping

#: Part of its size within which two orbits are on the same cycle.
_SAME = 1e-6
#: Joint standard errors beyond which two largest exponents are told apart, and what is nothing.
_APART, _NOTHING = 4.0, 1e-9


@dataclass(frozen=True, eq=False)
class AttractorExponents(ByFields):
    """The exponents of one attractor.

    Attributes
    ----------
    period : int
        Period of the cycle that the orbits settle on; 0 where they settle on none, such as on a
        chaotic attractor; -1 where they grow without bound, and so have no attractor.
    sequences : ndarray of int64, shape (n,)
        The sequences whose orbits go there.
    exponents, standard_error : ndarray of float64, shape (m,)
        Their means over these sequences. Those of a cycle are exact but for rounding, which
        `standard_error` bounds then; else it is as `LyapunovSpectrum.pooled_standard_error`.
    exact : bool
        Whether they are those of a cycle.
    """

    period: int
    sequences: IntArray
    exponents: FloatArray
    standard_error: FloatArray
    exact: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "sequences", frozen(self.sequences, np.int64))
        for name in ("exponents", "standard_error"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))


def exponents_by_attractor(
    model: NetworkLike, spectrum: LyapunovSpectrum, inputs: ArrayLike | None = None
) -> tuple[AttractorExponents, ...]:
    """Return the exponents of each attractor that the sequences of a spectrum go to.

    Parameters
    ----------
    model : model
        The network whose spectrum it is.
    spectrum : LyapunovSpectrum
        A spectrum from several first states, without input or with a constant one.
    inputs : (K,) array_like, optional
        The constant input. Default: none.

    Returns
    -------
    tuple of AttractorExponents
        Those with most sequences first.

    Raises
    ------
    TypeError, ValueError
        If it is no spectrum, or that of another network.

    Notes
    -----
    Orbits that settle on a cycle are on the same attractor if one is on the cycle of the other, to
    1e-6 of its size. Others, such as chaotic ones, are only told apart by their largest exponents,
    where these differ by more than four joint standard errors: two chaotic attractors with the same
    one count as one.

    Examples
    --------
    >>> import rnndyn as rd
    >>> from rnndyn.lyapunov import exponents_by_attractor
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5]], W1=[[1.0, -1.2]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    ... )
    >>> spectrum = rd.lyapunov_spectrum(model, z0=[[-1.0], [0.4], [2.0]], n_steps=500)
    >>> for found in exponents_by_attractor(model, spectrum):
    ...     print(found.period, found.sequences, found.exponents.round(4))
    1 [1 2] [-1.204]
    1 [0] [-0.6931]
    """
    if not isinstance(spectrum, LyapunovSpectrum):
        raise TypeError(
            "spectrum must be a LyapunovSpectrum, as rnndyn.lyapunov_spectrum returns, got "
            f"{type(spectrum).__name__}"
        )
    network = as_model(model)
    if network.n_states != spectrum.n_states:
        raise ValueError(
            f"spectrum must be that of a network with {network.n_states} states, got "
            f"{spectrum.n_states}"
        )
    codes = spectrum.orbit
    groups = [np.flatnonzero(codes == UNBOUNDED), *_open_groups(spectrum)]
    groups += _cycle_groups(network, spectrum, inputs)
    found = [_exponents_of(spectrum, group) for group in groups if len(group)]
    return tuple(sorted(found, key=lambda one: (-len(one.sequences), int(one.sequences[0]))))


def _open_groups(spectrum: LyapunovSpectrum) -> list[IntArray]:
    """Return the orbits on no cycle, by their largest exponents."""
    members = np.flatnonzero(spectrum.orbit == OPEN)
    largest = spectrum.exponents[members].max(axis=1, initial=-np.inf)
    errors = spectrum.standard_error[members].max(axis=1, initial=0.0)
    order = np.argsort(largest, kind="stable")
    # Equal ones, such as two of -inf, have no gap.
    with np.errstate(invalid="ignore"):
        gaps = np.nan_to_num(np.diff(largest[order]), nan=0.0)
    joint = np.hypot(errors[order][1:], errors[order][:-1])
    joint = np.nan_to_num(joint, nan=np.inf, posinf=np.inf)
    cuts = np.flatnonzero(gaps > _APART * joint + _NOTHING) + 1
    return [np.sort(members[part]) for part in np.split(order, cuts)]


def _cycle_groups(
    network: Any, spectrum: LyapunovSpectrum, inputs: ArrayLike | None
) -> list[IntArray]:
    """Return the orbits on cycles, those on the same one together."""
    drive = _constant_input(network, inputs)[np.newaxis]
    system = network._system()
    groups: list[list[int]] = []
    cycles: list[tuple[int, FloatArray]] = []
    for sequence in np.flatnonzero(spectrum.orbit > 0).tolist():
        period, state = int(spectrum.orbit[sequence]), spectrum.states[sequence]
        for (own, points), group in zip(cycles, groups, strict=True):
            near = _SAME * (1.0 + np.abs(points).max())
            if own == period and np.abs(points - state).max(axis=1).min() < near:
                group.append(sequence)
                break
        else:
            cycles.append((period, _stepping.orbit(system, state, drive, period - 1)))
            groups.append([sequence])
    return [np.array(group, dtype=np.int64) for group in groups]


def _constant_input(network: Any, inputs: ArrayLike | None) -> FloatArray:
    """Return the input, which is 0 or what a network without one is driven by."""
    if inputs is None:
        return np.asarray(network._default_input)
    drive = finite_numbers("inputs", inputs)
    if drive.shape != (network.n_inputs,):
        raise ValueError(
            f"inputs must have shape (K,) with K = {network.n_inputs}, a constant input, got "
            f"{drive.shape}"
        )
    return drive


def _exponents_of(spectrum: LyapunovSpectrum, group: IntArray) -> AttractorExponents:
    period = int(spectrum.orbit[group[0]])
    # Of a cycle the bound of the largest; of other orbits what also knows of their spread.
    error = (
        spectrum.standard_error[group].max(axis=0)
        if period > 0
        else spectrum._scaled(spectrum._estimates.pooled_error_of(group).standard_error)
    )
    return AttractorExponents(
        period, group, spectrum.exponents[group].mean(axis=0), error, exact=period > 0
    )
