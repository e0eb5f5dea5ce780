"""What graphs of regions export."""

from typing import Any

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.words import plain
from rnndyn.regions.result import STATUS_NAMES, RegionGraph
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
    text_column,
)


@columns_of.register
def _columns(graph: RegionGraph, table: str) -> dict[str, Any]:
    if table == "regions":
        return {
            "region": text_column([itinerary_text(bits[np.newaxis]) for bits in graph.regions]),
            "visits": graph.visits,
            "initial": graph.initial,
            "component": graph.components,
            "recurrent": graph.recurrent,
        }
    labels = graph.components
    return {
        "source": graph.sources,
        "target": graph.targets,
        "count": graph.counts,
        "status": text_column([STATUS_NAMES[code] for code in graph.status]),
        "source_component": labels[graph.sources],
        "target_component": labels[graph.targets],
    }


@labelled_of.register
def _labelled(graph: RegionGraph) -> LabelledArrays:
    orbits = tuple(f"orbit_{axis}" for axis in range(graph.symbols.ndim - 1))
    variables: dict[str, Any] = {
        "region": (("region_number", "unit"), graph.regions),
        "state": (("region_number", "coordinate"), graph.states),
        "visits": ("region_number", graph.visits),
        "initial": ("region_number", graph.initial),
        "component": ("region_number", graph.components),
        "recurrent": ("region_number", graph.recurrent),
        "symbol": ((*orbits, "step"), graph.symbols),
        **{
            name: ("transition", column)
            for name, column in _columns(graph, "transitions").items()
            if not name.endswith("component")
        },
    }
    attributes: dict[str, Any] = {
        "family": graph.model.family,
        "entropy": graph.entropy,
        "bounds_entropy": int(graph.bounds_entropy),
        "end": graph.run.end,
        "stopped_by": graph.run.stopped_by,
        "rnndyn_version": graph.run.version,
    }
    for name in ("lower", "upper", "start_lower", "start_upper"):
        if getattr(graph, name) is not None:
            attributes[f"box_{name}"] = getattr(graph, name)
    return LabelledArrays(variables, {}, attributes)


@dictionary_of.register
def _dictionary(graph: RegionGraph) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(graph.model),
            "regions": _rows(graph, "regions"),
            "transitions": _rows(graph, "transitions"),
            "states": graph.states,
            "symbols": graph.symbols,
            "entropy": graph.entropy,
            "bounds_entropy": graph.bounds_entropy,
            "lower": graph.lower,
            "upper": graph.upper,
            "start_lower": graph.start_lower,
            "start_upper": graph.start_upper,
            "run": graph.run.to_dict(),
        }
    )
    return values


def _rows(graph: RegionGraph, table: str) -> list[dict[str, Any]]:
    columns = {name: column.tolist() for name, column in _columns(graph, table).items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
