"""What a stability diagram exports."""

from typing import Any

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.words import plain
from rnndyn.bifurcation.plane.result import StabilityDiagram
from rnndyn.results.export import (
    LabelledArrays,
    as_array,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)

_CURVE_WORDS = ("kind", "outcome")


@columns_of.register
def _columns(diagram: StabilityDiagram, table: str) -> dict[str, Any]:
    if table == "gaps":
        rows = [gap.to_dict() for gap in diagram.gaps]
        return {
            **{name: np.array([row[name] for row in rows], np.float64) for name in ("x", "y")},
            **{name: [row[name] for row in rows] for name in ("reason", "itinerary")},
        }
    if table == "curves":
        return {
            **{name: [getattr(curve, name) for curve in diagram.curves] for name in _CURVE_WORDS},
            "order": np.array([curve.order for curve in diagram.curves], dtype=np.int64),
            "n_points": np.array([len(curve.points) for curve in diagram.curves], dtype=np.int64),
            "itinerary": [itinerary_text(curve.itinerary) for curve in diagram.curves],
            "partner": [
                None if curve.partner is None else itinerary_text(curve.partner)
                for curve in diagram.curves
            ],
        }
    order, y, x = np.meshgrid(diagram.orders, diagram.y_values, diagram.x_values, indexing="ij")
    return {
        diagram.x_name: x.ravel(),
        diagram.y_name: y.ravel(),
        "order": order.ravel(),
        "n_cycles": diagram.n_cycles.ravel(),
        "n_stable": diagram.n_stable.ravel(),
    }


@labelled_of.register
def _labelled(diagram: StabilityDiagram) -> LabelledArrays:
    # The points of the curves follow each other, one curve after the other.
    curves, gaps = _columns(diagram, "curves"), _columns(diagram, "gaps")
    n_points = curves.pop("n_points")
    points = np.concatenate([np.empty((0, 2)), *(curve.points for curve in diagram.curves)])
    return LabelledArrays(
        {
            "n_cycles": (("order", "y", "x"), diagram.n_cycles),
            "n_stable": (("order", "y", "x"), diagram.n_stable),
            "curve_point_x": ("curve_point", points[:, 0]),
            "curve_point_y": ("curve_point", points[:, 1]),
            "curve_point_curve": (
                "curve_point",
                np.repeat(np.arange(len(n_points)), n_points),
            ),
            **{
                f"{dimension}_{name}": (
                    dimension,
                    as_array(values),
                )
                for dimension, columns in (("curve", curves), ("gap", gaps))
                for name, values in columns.items()
            },
        },
        {
            "order": np.array(diagram.orders),
            "y": ("y", diagram.y_values, {"parameter": diagram.y_name}),
            "x": ("x", diagram.x_values, {"parameter": diagram.x_name}),
            "curve": np.arange(len(diagram.curves)),
            "gap": np.arange(len(diagram.gaps)),
        },
        {
            "x_name": diagram.x_name,
            "y_name": diagram.y_name,
            "family": diagram.model.family,
            "complete": int(diagram.run.complete),
            "listed_orders": list(diagram.run.listed_orders),
            "n_gaps": len(diagram.gaps),
            "seed": str(diagram.run.seed),
            "rnndyn_version": diagram.run.version,
        },
    )


@dictionary_of.register
def _dictionary(diagram: StabilityDiagram) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(diagram.model),
            "x": {"name": diagram.x_name, "values": diagram.x_values},
            "y": {"name": diagram.y_name, "values": diagram.y_values},
            "orders": diagram.orders,
            "n_cycles": diagram.n_cycles,
            "n_stable": diagram.n_stable,
            "curves": [curve.to_dict() for curve in diagram.curves],
            "gaps": [gap.to_dict() for gap in diagram.gaps],
            "run": diagram.run.to_dict(),
        }
    )
    return values
