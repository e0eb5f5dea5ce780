"""The file format of stability diagrams; see docs/reference/stability-diagram-format.md."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnndyn._common.arrays import BoolArray
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES, checked_columns
from rnndyn.bifurcation.plane._grid import NODE_TYPES
from rnndyn.bifurcation.plane.curve import BoundaryCurve
from rnndyn.bifurcation.plane.gap import PlaneGap
from rnndyn.bifurcation.plane.run import StabilityRun
from rnndyn.io._record import header_of, piecewise_linear_model_of, record_of
from rnndyn.results.files import Arrays, ResultFormat, group_of
from rnndyn.scale_out import pack_itineraries, unpack_itineraries

_CURVE_TYPES: dict[str, Any] = dict.fromkeys(
    ("kind", "outcome", "unit", "time_index", "n_points", "n_attached"), np.int64
)


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    record = record_of(state["model"], None)
    curves, gaps, n_units = state["curves"], state["gaps"], state["model"].n_units
    none = np.zeros((0, n_units), dtype=np.bool_)
    arrays: Arrays = {
        "x_values": state["x"][1],
        "y_values": state["y"][1],
        "points": np.concatenate([np.empty((0, 2)), *(curve.points for curve in curves)]),
        "residuals": np.concatenate([np.empty(0), *(curve.residuals for curve in curves)]),
        "reached": state["reached"],
        **{f"model/{name}": array for name, array in record.parameters.items()},
        **{f"nodes/{name}": column for name, column in state["node_columns"].items()},
        **{
            f"curves/{name}": np.array(values, dtype=np.int64)
            for name, values in {
                "kind": [KIND_NAMES.index(curve.kind) for curve in curves],
                "outcome": [OUTCOME_NAMES.index(curve.outcome) for curve in curves],
                "unit": [-1 if curve.unit is None else curve.unit for curve in curves],
                "time_index": [
                    -1 if curve.time_index is None else curve.time_index for curve in curves
                ],
                "n_points": [len(curve.points) for curve in curves],
                "n_attached": [len(curve.attached) for curve in curves],
            }.items()
        },
    }
    for name, itineraries in {
        "itineraries": state["itineraries"],
        "curve_itineraries": [curve.itinerary for curve in curves],
        "curve_partners": [none if c.partner is None else c.partner for c in curves],
        "curve_attached": [bits for curve in curves for bits in curve.attached],
        "gap_itineraries": [none if gap.itinerary is None else gap.itinerary for gap in gaps],
    }.items():
        arrays[f"{name}/bits"], arrays[f"{name}/orders"] = pack_itineraries(itineraries, n_units)
    header = {
        "run": state["run"].to_dict(),
        "x_name": state["x"][0],
        "y_name": state["y"][0],
        "model": header_of(record),
        "gaps": [{"x": gap.x, "y": gap.y, "reason": gap.reason} for gap in gaps],
    }
    return header, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = piecewise_linear_model_of(header["model"], group_of(arrays, "model"), "diagrams")
    gap_itineraries = _itineraries(arrays, "gap_itineraries", model.n_units)
    return {
        "model": model,
        "x": (str(header["x_name"]), arrays["x_values"]),
        "y": (str(header["y_name"]), arrays["y_values"]),
        "itineraries": _itineraries(arrays, "itineraries", model.n_units),
        "node_columns": checked_columns(group_of(arrays, "nodes"), NODE_TYPES, "nodes"),
        "curves": _curves(arrays, model.n_units),
        "gaps": [
            PlaneGap(
                float(gap["x"]), float(gap["y"]), str(gap["reason"]), bits if len(bits) else None
            )
            for gap, bits in zip(header["gaps"], gap_itineraries, strict=True)
        ],
        "run": StabilityRun.from_dict(header["run"]),
        **{name: arrays[name] for name in ("reached",) if header["format_version"] >= 2},
    }


#: Version 2 says why the run ended, and which points it had reached.
FORMAT = ResultFormat(
    "rnndyn stability diagram", 2, "a stability diagram", _taken_apart, _put_together
)


def _curves(arrays: dict[str, NDArray[Any]], n_units: int) -> list[BoundaryCurve]:
    columns = checked_columns(group_of(arrays, "curves"), _CURVE_TYPES, "curves")
    ends = np.cumsum(columns["n_points"])
    if (columns["n_points"] < 1).any() or (ends[-1] if len(ends) else 0) != len(arrays["points"]):
        raise ValueError("the curves do not have as many points as they say")
    attached = _itineraries(arrays, "curve_attached", n_units)
    attached_ends = np.cumsum(columns["n_attached"]).tolist()
    curves = []
    for number, (itinerary, partner) in enumerate(
        zip(
            _itineraries(arrays, "curve_itineraries", n_units),
            _itineraries(arrays, "curve_partners", n_units),
            strict=True,
        )
    ):
        own = slice(int(ends[number] - columns["n_points"][number]), int(ends[number]))
        unit, time_index = int(columns["unit"][number]), int(columns["time_index"][number])
        curves.append(
            BoundaryCurve(
                kind=KIND_NAMES[_index(columns["kind"][number], len(KIND_NAMES))],
                outcome=OUTCOME_NAMES[_index(columns["outcome"][number], len(OUTCOME_NAMES))],
                itinerary=itinerary,
                partner=partner if len(partner) else None,
                unit=None if unit < 0 else unit,
                time_index=None if time_index < 0 else time_index,
                attached=tuple(
                    attached[
                        attached_ends[number] - int(columns["n_attached"][number]) : attached_ends[
                            number
                        ]
                    ]
                ),
                points=arrays["points"][own],
                residuals=arrays["residuals"][own],
            )
        )
    return curves


def _index(value: Any, limit: int) -> int:
    if not 0 <= value < limit:
        raise ValueError(f"a curve has the kind or outcome {value}, of {limit}")
    return int(value)


def _itineraries(arrays: dict[str, NDArray[Any]], name: str, n_units: int) -> list[BoolArray]:
    bits, orders = arrays[f"{name}/bits"], arrays[f"{name}/orders"]
    if bits.dtype != np.bool_ or bits.ndim != 2 or bits.shape[1] != n_units:
        raise ValueError(f"member '{name}/bits' must hold {n_units} bits a row")
    if orders.dtype != np.int64 or orders.ndim != 1 or (orders < 0).any():
        raise ValueError(f"member '{name}/orders' must hold numbers from 0")
    return unpack_itineraries(bits, orders)
