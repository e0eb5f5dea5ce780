"""What a scan measures at one point, and chunks of points."""

import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn._common.stopping import NEVER, Deadline
from rnndyn.lyapunov.spectrum import DivergenceError, lyapunov_spectrum
from rnndyn.models import Model
from rnndyn.scale_out import ChunkStoppedError, Record, raise_if_cancelled

MAX_LYAPUNOV = "max_lyapunov"
OK, DIVERGED, NOT_REACHED = "ok", "diverged", "not reached"
#: Longer messages are cut.
_LONGEST_STATUS = 200

#: The name of a measure of the package, or a function of the model.
Measure = str | Callable[[Any], float | Mapping[str, float]]


class LyapunovOptions(NamedTuple):
    """Options of the measure ``max_lyapunov``, as those of `rnndyn.lyapunov_spectrum`."""

    n_steps: int
    transient: int | None
    seed: int


class Points(NamedTuple):
    """Some points of the grid.

    Attributes
    ----------
    names : tuple of str
        One or two parameters.
    values : ndarray of float64, shape (n, n_parameters)
        Their values.
    """

    names: tuple[str, ...]
    values: FloatArray


def measure_points(
    points: Points,
    model: Model,
    measures: Mapping[str, Measure],
    options: LyapunovOptions,
    deadline: Deadline = NEVER,
) -> Record:
    """Measure at some points.

    Returns
    -------
    dict of str to ndarray
        ``variables``: names, shape (v,), and in ``measure`` which measure each belongs to;
        ``values`` and ``known`` (whether there is a value), shape (v, n); ``status`` of the
        measures, shape (n_measures, n).

    Raises
    ------
    ChunkStoppedError
        If the deadline has passed.
    """
    rows: list[dict[str, tuple[dict[str, float], str]]] = []
    for values in points.values.tolist():
        raise_if_cancelled()
        if deadline():
            raise ChunkStoppedError("time_limit")
        place = dict(zip(points.names, values, strict=True))
        rows.append(_measured(model, place, measures, options, deadline))
    owner: dict[str, int] = {}
    for row in rows:
        for number, (found, _) in enumerate(row.values()):
            for variable in found:
                if owner.setdefault(variable, number) != number:
                    raise ValueError(f"two measures give the variable {variable!r}; rename one")
    flat = [{k: v for found, _ in row.values() for k, v in found.items()} for row in rows]
    shape = len(owner), len(rows)
    return {
        "variables": np.array(list(owner), dtype=np.str_),
        "measure": np.array(list(owner.values()), dtype=np.int64),
        "values": np.array([[row.get(name, 0.0) for row in flat] for name in owner]).reshape(shape),
        "known": np.array([[name in row for row in flat] for name in owner], np.bool_).reshape(
            shape
        ),
        "status": np.array([[row[name][1] for row in rows] for name in measures], np.str_),
    }


def _measured(
    model: Model,
    place: dict[str, float],
    measures: Mapping[str, Measure],
    options: LyapunovOptions,
    deadline: Deadline,
) -> dict[str, tuple[dict[str, float], str]]:
    """Return numbers by name, and the status, of every measure."""
    try:
        here = model.with_parameters(place)
    except ValueError as error:
        return {name: ({}, _status_of(error)) for name in measures}
    result: dict[str, tuple[dict[str, float], str]] = {}
    for name, measure in measures.items():
        try:
            if isinstance(measure, str):
                result[name] = _max_lyapunov(name, here, options, deadline), OK
            else:
                result[name] = _numbers(name, measure(here), place), OK
        except (ArithmeticError, ValueError) as error:
            result[name] = {}, _status_of(error)
    return result


def _max_lyapunov(
    name: str, model: Any, options: LyapunovOptions, deadline: Deadline
) -> dict[str, float]:
    spectrum = lyapunov_spectrum(
        model,
        n_steps=options.n_steps,
        n_exponents=1,
        transient=options.transient,
        seed=options.seed,
        n_threads=1,
        time_limit=deadline.seconds_left(),
        progress=False,
    )
    if spectrum.stopped_by == "interrupt":
        raise KeyboardInterrupt
    if spectrum.stopped_by == "time_limit":
        # The first steps of an orbit are another measure than all of them.
        raise ChunkStoppedError("time_limit")
    if spectrum.unbounded.any():
        # Whether the numbers overflow before the last step says nothing about the network.
        raise DivergenceError("the orbit grows without bound", np.zeros(0))
    return {
        name: float(spectrum.pooled[0]),
        f"{name}_error": float(spectrum.pooled_standard_error[0]),
    }


def _numbers(name: str, value: Any, place: dict[str, float]) -> dict[str, float]:
    """Return what a function returned as numbers by name."""
    entries = value if isinstance(value, Mapping) else {"": value}
    numbers: dict[str, float] = {}
    for key, entry in entries.items():
        try:
            number = float(entry)
        except (TypeError, ValueError):
            raise TypeError(
                f"measures[{name!r}] must return a number, or numbers by name, got {value!r:.80} "
                f"at {place}"
            ) from None
        if math.isnan(number):
            raise ValueError("not a number")
        numbers[f"{name}_{key}" if key else name] = number
    return numbers


def _status_of(error: Exception) -> str:
    if isinstance(error, DivergenceError):
        return DIVERGED
    return " ".join(str(error).split())[:_LONGEST_STATUS] or type(error).__name__


def check_measures(measures: Any) -> dict[str, Measure]:
    """Return measures by name."""
    if isinstance(measures, str):
        measures = {measures: measures}
    if not isinstance(measures, Mapping) or not measures:
        raise TypeError(
            f"measures must be {MAX_LYAPUNOV!r}, or functions by name such as "
            f'{{"radius": my_function}}, got {measures!r:.80}'
        )
    for name, measure in measures.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"names of measures must be words, got {name!r:.60}")
        if isinstance(measure, str):
            if measure != MAX_LYAPUNOV:
                raise ValueError(
                    f"a measure must be {MAX_LYAPUNOV!r} or a function, got {measure!r:.60}"
                )
        elif not callable(measure):
            raise TypeError(
                f"measures[{name!r}] must be {MAX_LYAPUNOV!r} or a function of the model, "
                f"got {measure!r:.60}"
            )
    return dict(measures)


def identity_of(name: str, measure: Measure) -> Any:
    """Return what a fingerprint takes for a measure: of a function its own code.

    What the function calls is not part of it.

    Raises
    ------
    TypeError
        If the measure is an object that cannot be pickled.
    """
    if isinstance(measure, str):
        return measure
    if isinstance(measure, FunctionType):
        return [measure.__module__, measure.__qualname__, _code(measure.__code__)]
    try:
        return pickle.dumps(measure).hex()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            f"measures[{name!r}] must be a function defined at the top level of a module where a "
            f"store is given, so that another run can tell whether it is the same: {error}"
        ) from error


def _code(code: CodeType) -> list[Any]:
    # Code inside code shows its address, which differs from run to run.
    constants: Sequence[Any] = code.co_consts
    parts = [_code(part) if isinstance(part, CodeType) else repr(part) for part in constants]
    return [code.co_code.hex(), parts, list(code.co_names)]
