"""What basins of attraction export."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn._common.words import plain
from rnndyn.basins_of_attraction.result import BasinFractions, Basins
from rnndyn.cycles.cycle import Cycle
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)


@columns_of.register
def _columns(basins: Basins, table: str) -> dict[str, Any]:
    if table == "attractors":
        return {**_attractor_columns(basins.attractors), "share": basins.shares}
    if basins.y_values is None:
        columns: dict[str, np.ndarray[Any, Any]] = {"x": basins.x_values}
    else:
        y, x = np.meshgrid(basins.y_values, basins.x_values, indexing="ij")
        columns = {"x": x.ravel(), "y": y.ravel()}
    return {**columns, "label": basins.labels.ravel(), "n_steps": basins.n_steps.ravel()}


@columns_of.register
def _fractions_columns(shares: BasinFractions, table: str) -> dict[str, Any]:
    lower, upper = shares.interval()
    return {
        **_attractor_columns(shares.attractors),
        "count": shares.counts,
        "share": shares.fractions,
        "lower": lower,
        "upper": upper,
    }


def _attractor_columns(attractors: Sequence[Cycle]) -> dict[str, Any]:
    return {
        "order": np.array([cycle.order for cycle in attractors], dtype=np.int64),
        "spectral_radius": np.array([cycle.spectral_radius for cycle in attractors], np.float64),
        "certified": np.array([cycle.certified for cycle in attractors], np.bool_),
    }


@labelled_of.register
def _labelled(basins: Basins) -> LabelledArrays:
    dims = ("y", "x")[-basins.labels.ndim :]
    coordinates: dict[str, Any] = {"x": basins.x_values}
    if basins.y_values is not None:
        coordinates["y"] = basins.y_values
    attributes = {
        "family": basins.model.family,
        "meaning": "label: number of the attractor, -1 undecided, -2 unbounded, -3 not reached",
        "origin": basins.origin,
        "max_steps": basins.run.max_steps,
        "escape_radius": basins.run.escape_radius,
        "stopped_by": basins.run.stopped_by,
        "rnndyn_version": basins.run.version,
    }
    for axis, direction in zip("xy", basins.directions, strict=False):
        attributes[f"direction_{axis}"] = direction
    variables = {
        "label": (dims, basins.labels),
        "n_steps": (dims, basins.n_steps),
        **{
            f"attractor_{name}": ("attractor", column)
            for name, column in _columns(basins, "attractors").items()
        },
    }
    return LabelledArrays(variables, coordinates, attributes)


@dictionary_of.register
def _dictionary(basins: Basins) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(basins.model),
            "attractors": [
                {**cycle.to_dict(), "share": share}
                for cycle, share in zip(basins.attractors, basins.shares.tolist(), strict=True)
            ],
            "unclaimed": [cycle.to_dict() for cycle in basins.unclaimed],
            "origin": basins.origin,
            "directions": basins.directions,
            "axis_labels": basins.axis_labels,
            "x": basins.x_values,
            "y": basins.y_values,
            "labels": basins.labels,
            "n_steps": basins.n_steps,
            "run": basins.run.to_dict(),
        }
    )
    return values


@labelled_of.register
def _fractions_labelled(shares: BasinFractions) -> LabelledArrays:
    columns = _fractions_columns(shares, "attractors")
    variables = {
        **{name: ("attractor", column) for name, column in columns.items()},
        "box_lower": ("state", shares.lower),
        "box_upper": ("state", shares.upper),
    }
    attributes = {
        "family": shares.model.family,
        "meaning": "lower, upper: 95 % confidence interval of the share",
        "n": shares.n,
        "n_unbounded": shares.n_unbounded,
        "n_undecided": shares.n_undecided,
        "max_steps": shares.run.max_steps,
        "escape_radius": shares.run.escape_radius,
        "stopped_by": shares.run.stopped_by,
        "rnndyn_version": shares.run.version,
    }
    return LabelledArrays(variables, {}, attributes)


@dictionary_of.register
def _fractions_dictionary(shares: BasinFractions) -> dict[str, Any]:
    lower, upper = shares.interval()
    rows = zip(
        shares.attractors,
        shares.counts.tolist(),
        shares.fractions.tolist(),
        lower.tolist(),
        upper.tolist(),
        strict=True,
    )
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(shares.model),
            "attractors": [
                {**cycle.to_dict(), "count": count, "share": share, "lower": low, "upper": high}
                for cycle, count, share, low, high in rows
            ],
            "unclaimed": [cycle.to_dict() for cycle in shares.unclaimed],
            "n": shares.n,
            "n_unbounded": shares.n_unbounded,
            "n_undecided": shares.n_undecided,
            "box_lower": shares.lower,
            "box_upper": shares.upper,
            "run": shares.run.to_dict(),
        }
    )
    return values
