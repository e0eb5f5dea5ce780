"""Numbers in sentences, written the same way everywhere."""

import cmath
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: ``"1 branch"``, ``"1,024 branches"``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def found_in(n: int, noun: str, where: str) -> str:
    """Say what a search found: ``"3 cycles of PLRNN"``, ``"no cycle found in PLRNN"``.

    Not that there is none: what a search has proved of that it says elsewhere.
    """
    return f"{counted(n, noun)} of {where}" if n else f"no {noun} found in {where}"


def percent(share: float) -> str:
    """Format a share so that only a full one reads 100 %."""
    if share >= 1.0:
        return "100 %"
    return f"{min(100.0 * share, 99.99):.4g} %"


def orders_text(orders: Iterable[int]) -> str:
    """Return ``order 2`` or ``orders 1 to 3 and 5``."""
    runs: list[list[int]] = []
    for order in sorted(orders):
        if runs and order == runs[-1][-1] + 1:
            runs[-1].append(order)
        else:
            runs.append([order])
    parts: list[str] = []
    for run in runs:
        parts.extend([f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(k) for k in run])
    single = len(parts) == 1 and len(runs[0]) == 1
    joined = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
    return f"{'order' if single else 'orders'} {joined}"


def model_text(model: Any) -> str:
    """Return family and sizes of a model with units: ``"PLRNN (2 states, 2 units)"``."""
    states, units = counted(model.n_states, "state"), counted(n_units_of(model), "unit")
    return f"{model.family} ({states}, {units})"


def n_units_of(model: Any) -> int:
    """Return the number of units of a piecewise-linear model, or of all layers of a network."""
    n_units = getattr(model, "n_units", None)
    return int(model.n_layers * model.hidden_size if n_units is None else n_units)


def format_modulus(modulus: float, log_modulus: float, digits: int = 6) -> str:
    """Format a modulus, from its natural logarithm where the number itself overflows."""
    if np.isfinite(modulus):
        return f"{modulus:.{digits}g}"
    exponent, fraction = divmod(float(log_modulus) / math.log(10.0), 1.0)
    # At most 14 digits: the logarithm of a number near 1e+400 holds no more.
    mantissa = round(10.0**fraction, min(digits, 14) - 1)
    if mantissa >= 10.0:
        mantissa, exponent = mantissa / 10.0, exponent + 1.0
    return f"{mantissa:.{digits}g}e+{int(exponent)}"


def finite_or_none(value: float) -> float | None:
    """Return the value as a Python float, or None where it is infinite (JSON has no infinity)."""
    return float(value) if np.isfinite(value) else None


def plain(value: Any) -> Any:
    """Return numbers, lists and strings as JSON has them; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        as_it_is = value.dtype.kind in "biuf" and np.isfinite(value).all()
        return value.tolist() if as_it_is else plain(value.tolist())
    if isinstance(value, complex):
        return [value.real, value.imag] if cmath.isfinite(value) else None
    return None if isinstance(value, float) and not math.isfinite(value) else value
