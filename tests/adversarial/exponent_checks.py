"""What must hold of Lyapunov exponents of an orbit on a cycle that is known exactly."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from adversarial.multipliers import characteristic_polynomial, return_matrix, roots_inside
from reference.enumeration import IsolatedCycle, Truth
from reference.exact_map import ExactMap

#: Exponents are compared with the moduli of exact polynomials at radii rounded to doubles, this
#: much beyond what is stated.
ROUNDED = 1e-14


def problems_of_spectrum(spectrum: Any, model: Any, truths: Sequence[Truth]) -> list[str]:
    """Everything that is wrong with the spectrum of one orbit of a piecewise linear model."""
    problems = list(_not_numbers(spectrum))
    period = int(spectrum.orbit[0])
    if period < 1:
        return problems
    truth = next((own for own in truths if own.order == period), None)
    if truth is None or not spectrum.exact.any():
        return problems
    map_ = ExactMap.of(model.canonical)
    known = [cycle for cycle in truth.cycles if _is_at(spectrum.states[0], cycle)]
    if len(known) == 1:
        problems += _wrong_exponents(spectrum, map_, known[0])
    return problems


def _not_numbers(spectrum: Any) -> Iterator[str]:
    for name in (
        "exponents",
        "standard_error",
        "log_growth",
        "running",
        "exponent_sum",
        "exponent_sum_error",
        "entropy_sum",
        "entropy_sum_error",
        "cycle_exponents",
        "cycle_error",
    ):
        if np.isnan(getattr(spectrum, name)).any():
            yield f"{name} is NaN"
    if not spectrum.unbounded.any() and np.isnan(spectrum.kaplan_yorke_dimension).any():
        yield "kaplan_yorke_dimension of a bounded orbit is NaN"
    for bounds in spectrum.interval(0.95):
        if np.isnan(bounds).any():
            yield "the interval is NaN"
    if not np.isfinite(spectrum.states).all():
        yield "the last state is not finite"


def _is_at(state: Any, cycle: IsolatedCycle) -> bool:
    return any(
        all(abs(Fraction(float(a)) - x) <= Fraction(1, 10**6) * (1 + abs(x)) for a, x in pair)
        for pair in (list(zip(state, z, strict=True)) for z in cycle.points)
    )


def _wrong_exponents(spectrum: Any, map_: ExactMap, cycle: IsolatedCycle) -> Iterator[str]:
    polynomial = characteristic_polynomial(return_matrix(map_, cycle))
    degree = len(polynomial) - 1
    n_zero = next((i for i, c in enumerate(reversed(polynomial)) if c != 0), degree)
    exponents, errors = spectrum.cycle_exponents[0], spectrum.cycle_error[0]
    for i, (exponent, error) in enumerate(zip(exponents, errors, strict=True)):
        if error == 0.0:
            continue
        if np.isneginf(exponent):
            if i < degree - n_zero:
                yield f"exponent {i} is -inf, but only {n_zero} multipliers are 0"
            continue
        slack = error + ROUNDED * (1.0 + abs(exponent))
        above = _n_below(polynomial, cycle.order * (exponent + slack))
        below = _n_below(polynomial, cycle.order * (exponent - slack))
        if above is not None and above < degree - i:
            yield f"exponent {i} is {exponent} +- {error}, exactly it is larger"
        if below is not None and below > degree - 1 - i:
            yield f"exponent {i} is {exponent} +- {error}, exactly it is smaller"


def _n_below(polynomial: Sequence[Fraction], log_radius: float) -> int | None:
    """How many roots have a modulus below exp(log_radius)."""
    if abs(log_radius) > 700.0:
        return None
    radius = Fraction(math.exp(log_radius))
    degree = len(polynomial) - 1
    return roots_inside([c * radius ** (degree - i) for i, c in enumerate(polynomial)])
