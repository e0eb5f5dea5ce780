"""What slow points export."""

from typing import Any

import numpy as np

from rnndyn._common.words import finite_or_none
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.point import slowest_time_scale
from rnndyn.slow_points.result import SlowPointSet

_NUMBERS = ("speed", "q", "gradient_norm", "n_unstable", "n_borders", "hits")
_VECTORS = ("state", "drift", "curvatures", "log_moduli", "time_scales")


@dictionary_of.register
def _dictionary(slow: SlowPointSet) -> dict[str, Any]:
    return {
        "model": model_sizes(slow.model),
        "inputs": None if slow.inputs is None else slow.inputs.tolist(),
        "run": slow.run.to_dict(),
        "points": [
            {
                **{name: getattr(point, name) for name in _NUMBERS},
                **{
                    name: [finite_or_none(float(value)) for value in getattr(point, name)]
                    for name in _VECTORS
                },
                "multipliers": [[value.real, value.imag] for value in point.multipliers.tolist()],
            }
            for point in slow
        ],
        "curves": [
            {
                "length": curve.length,
                "across": curve.across,
                "is_closed": curve.is_closed,
                "is_attractor": curve.is_attractor,
                "points": curve.points.tolist(),
                "speeds": curve.speeds.tolist(),
                "rates": curve.rates.tolist(),
            }
            for curve in slow.curves
        ],
    }


@columns_of.register
def _columns(slow: SlowPointSet, table: str) -> dict[str, Any]:
    if table == "curves":
        return {
            name: np.array([getattr(curve, name) for curve in slow.curves])
            for name in ("length", "max_speed", "across", "is_closed", "is_attractor")
        }
    columns = {name: np.array([getattr(point, name) for point in slow]) for name in _NUMBERS}
    columns["time_scale"] = np.array([slowest_time_scale(point) for point in slow])
    return columns


@labelled_of.register
def _labelled(slow: SlowPointSet) -> LabelledArrays:
    n = slow.model.n_states
    wide = {
        name: (("slow_point", "state"), np.array([getattr(p, name) for p in slow]).reshape(-1, n))
        for name in (*_VECTORS, "multipliers")
    }
    # The state itself is what has the dimension of this name.
    wide["point"] = wide.pop("state")
    curves = [curve.points for curve in slow.curves]
    lengths = [len(points) for points in curves]
    return LabelledArrays(
        {
            **{name: ("slow_point", column) for name, column in _columns(slow, "points").items()},
            **wide,
            "curve_points": (
                ("curve_point", "state"),
                np.concatenate([np.empty((0, n)), *curves]),
            ),
            "curve_speeds": (
                "curve_point",
                np.concatenate([np.empty(0), *(curve.speeds for curve in slow.curves)]),
            ),
            "curve_of_point": ("curve_point", np.repeat(np.arange(len(curves)), lengths)),
            **{f"curve_{k}": ("curve", column) for k, column in _columns(slow, "curves").items()},
            **({} if slow.inputs is None else {"inputs": ("input", slow.inputs)}),
        },
        {
            "slow_point": np.arange(len(slow)),
            "state": np.arange(n),
            "curve": np.arange(len(curves)),
        },
        {
            "family": slow.model.family,
            "finished": int(slow.finished),
            "stopped_by": slow.run.stopped_by,
            "seed": str(slow.run.seed),
            "rnndyn_version": slow.run.version,
        },
    )


@dictionary_of.register
def _by_input_dictionary(found: SlowPointsByInput) -> dict[str, Any]:
    return {
        "model": model_sizes(found.model),
        "inputs": found.inputs.tolist(),
        "sets": (slow.to_dict() for slow in found.sets),
    }


@columns_of.register
def _by_input_columns(found: SlowPointsByInput, table: str) -> dict[str, Any]:
    sets = found.sets
    if table == "inputs":
        return {
            "input": np.arange(len(sets)),
            **{f"input_{k}": column for k, column in enumerate(found.inputs.T)},
            "n_points": np.array([len(slow) for slow in sets]),
            "n_curves": np.array([len(slow.curves) for slow in sets]),
            "slowest": np.array([slow[0].speed if slow else np.nan for slow in sets]),
            "n_restarts": np.array([slow.run.n_restarts for slow in sets]),
            "finished": np.array([slow.finished for slow in sets]),
        }
    parts = [_columns(slow, table) for slow in sets]
    counts = [len(slow) if table == "points" else len(slow.curves) for slow in sets]
    return {"input": np.repeat(np.arange(len(sets)), counts)} | {
        name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())
    }


@labelled_of.register
def _by_input_labelled(found: SlowPointsByInput) -> LabelledArrays:
    n = found.model.n_states
    parts = [_labelled(slow).variables for slow in found.sets]
    curves = [len(slow.curves) for slow in found.sets]
    # Curves are numbered within their own set.
    firsts = np.concatenate([[0], np.cumsum(curves)])[:-1]
    joined: dict[str, Any] = {}
    for name in (name for name in (parts[0] if parts else ()) if name != "inputs"):
        values = [
            part[name][1] + first if name == "curve_of_point" else part[name][1]
            for part, first in zip(parts, firsts, strict=True)
        ]
        joined[name] = (parts[0][name][0], np.concatenate(values))
    points, of_curves = (_by_input_columns(found, table)["input"] for table in ("points", "curves"))
    summary = _by_input_columns(found, "inputs")
    return LabelledArrays(
        {
            **joined,
            "of_input": ("slow_point", points),
            "curve_of_input": ("curve", of_curves),
            "inputs": (("condition", "input"), found.inputs),
            **{
                name: ("condition", values)
                for name, values in summary.items()
                if not name.startswith("input")
            },
        },
        {
            "slow_point": np.arange(found.n_points),
            "state": np.arange(n),
            "curve": np.arange(sum(curves)),
            "condition": np.arange(len(found.sets)),
        },
        {
            "family": found.model.family,
            "finished": int(found.finished),
            "stopped_by": found.stopped_by,
            "seed": ", ".join(sorted({str(slow.run.seed) for slow in found.sets})),
            "rnndyn_version": ", ".join(sorted({slow.run.version for slow in found.sets})),
        },
    )
