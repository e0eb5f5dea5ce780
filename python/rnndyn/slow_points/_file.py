"""The file format of slow points, described in ``docs/reference/slow-points-format.md``."""

from typing import Any

import numpy as np

from rnndyn.io._record import header_of, model_of, record_from, record_of
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.results.files import Arrays, ResultFormat, group_of
from rnndyn.slow_points.curve import SlowCurve
from rnndyn.slow_points.point import SlowPoint
from rnndyn.slow_points.run import SlowPointRun

#: Fields of a point -> whether there is a number for each state.
_POINT_FIELDS = {
    "state": True,
    "speed": False,
    "q": False,
    "gradient_norm": False,
    "curvatures": True,
    "multipliers": True,
    "log_moduli": True,
    "drift": True,
    "n_borders": False,
    "hits": False,
}
_CURVE_FIELDS = ("points", "speeds", "rates", "length", "across", "is_closed")


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    header = {
        "model": header_of(model),
        "run": state["run"].to_dict(),
        "n_curves": len(state["curves"]),
    }
    arrays: Arrays = {f"model/{name}": array for name, array in model.parameters.items()}
    if state["inputs"] is not None:
        arrays["inputs"] = state["inputs"]
    n = state["model"].n_states
    for name, is_wide in _POINT_FIELDS.items():
        column = np.array([getattr(point, name) for point in state["points"]])
        if name == "multipliers":
            column = np.stack([column.real, column.imag], axis=-1).reshape(-1, n, 2)
        arrays[f"points/{name}"] = column.reshape(-1, n) if is_wide and column.ndim < 3 else column
    for number, curve in enumerate(state["curves"]):
        for name in _CURVE_FIELDS:
            arrays[f"curve_{number}/{name}"] = np.asarray(getattr(curve, name))
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = model_of(record_from(header["model"], group_of(arrays, "model")))
    if not isinstance(model, PiecewiseLinearModel | RecurrentNetwork):
        raise ValueError(f"slow points are searched of no such model as {model!r}")
    columns = group_of(arrays, "points")
    pairs = columns["multipliers"]
    columns["multipliers"] = pairs[..., 0] + 1j * pairs[..., 1]
    names = list(_POINT_FIELDS)
    rows = zip(*(columns[name] for name in names), strict=True)
    curves = [group_of(arrays, f"curve_{number}") for number in range(header["n_curves"])]
    return {
        "model": model,
        "points": [SlowPoint(**dict(zip(names, row, strict=True))) for row in rows],
        "curves": [_curve(own) for own in curves],
        "run": SlowPointRun.from_dict(header["run"]),
        "inputs": arrays.get("inputs"),
    }


def _curve(fields: Arrays) -> SlowCurve:
    values: dict[str, Any] = {name: fields[name] for name in _CURVE_FIELDS}
    return SlowCurve(**values)


FORMAT = ResultFormat("rnndyn slow points", 1, "slow points", _taken_apart, _put_together)
