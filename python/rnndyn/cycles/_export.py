"""What a set of cycles exports."""

from typing import Any

import numpy as np

from rnndyn._common.arrays import FloatArray, itinerary_text
from rnndyn.cycles.block import COLUMNS
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.cycle import STABILITY_NAMES
from rnndyn.cycles.result import CycleSet
from rnndyn.models import PeriodicallyDriven, RecurrentNetwork
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
    text_column,
)

_CONTINUUM_COLUMNS: dict[str, Any] = {
    "order": np.int64,
    "dimension": np.int64,
    "spectral_radius": np.float64,
    "residual": np.float64,
    "on_border": np.bool_,
    "hits": np.int64,
}


#: Columns that say nothing where there are no linear regions.
_OF_REGIONS = ("margin", "on_border", "itinerary")


@dictionary_of.register
def _dictionary(cycles: CycleSet) -> dict[str, Any]:
    return {
        "model": model_sizes(cycles.model),
        **({} if (inputs := _inputs(cycles)) is None else {"inputs": inputs.tolist()}),
        "search": cycles.search.to_dict(),
        "certificate": None if cycles.certificate is None else cycles.certificate.to_dict(),
        "cycles": (cycle.to_dict() for cycle in cycles),
        "continua": [continuum.to_dict() for continuum in cycles.continua],
    }


def _inputs(cycles: CycleSet) -> FloatArray | None:
    """Return the constant input (K,) of a smooth network, or one period (T, K) of a driven one."""
    if isinstance(cycles.model, PeriodicallyDriven):
        return cycles.model.inputs
    if not cycles.is_smooth:
        return None
    return np.zeros(cycles.model.n_inputs) if cycles.inputs is None else cycles.inputs


@columns_of.register
def _columns(cycles: CycleSet, table: str) -> dict[str, Any]:
    # Points and multipliers, whose shapes differ between orders, stay in `blocks`.
    if table == "continua":
        return {
            name: np.array([getattr(continuum, name) for continuum in cycles.continua], dtype)
            for name, dtype in _CONTINUUM_COLUMNS.items()
        } | {"itinerary": [itinerary_text(c.itinerary) for c in cycles.continua]}
    lengths = [len(block) for block in cycles.blocks]
    log_radius = [block.log_moduli.max(axis=1) for block in cycles.blocks]
    columns = {
        "order": np.repeat(np.array(cycles.orders, dtype=np.int64), lengths),
        "stability": np.array(STABILITY_NAMES, dtype=object)[_joined(cycles, "stability")],
        "spectral_radius": _joined(cycles, "spectral_radius"),
        "log_spectral_radius": np.concatenate([np.empty(0), *log_radius]),
        **{
            name: _joined(cycles, name)
            for name in ("margin", "residual", "error_bound", "on_border", "certified", "hits")
        },
        "itinerary": [text for block in cycles.blocks for text in block.itinerary_texts()],
    }
    if cycles.is_smooth:
        for name in _OF_REGIONS:
            del columns[name]
    return columns


def _joined(cycles: CycleSet, name: str) -> np.ndarray[Any, Any]:
    empty: np.ndarray[Any, Any] = np.empty(0, dtype=COLUMNS[name][0])
    return np.concatenate([empty, *(getattr(block, name) for block in cycles.blocks)])


@labelled_of.register
def _labelled(cycles: CycleSet) -> LabelledArrays:
    m = cycles.model.n_states
    h = 0 if isinstance(cycles.model, RecurrentNetwork) else cycles.model.n_units
    inputs = _inputs(cycles)
    columns = _columns(cycles, "cycles")
    orders = columns["order"]
    points = [block.points.reshape(-1, m) for block in cycles.blocks]
    regions = [block.itinerary.reshape(len(block) * block.order, h) for block in cycles.blocks]
    times = [np.tile(np.arange(block.order), len(block)) for block in cycles.blocks]
    wide = {
        name: np.concatenate(
            [np.empty((0, m), COLUMNS[name][0]), *(getattr(b, name) for b in cycles.blocks)]
        )
        for name in ("multipliers", "log_moduli")
    }
    texts = {
        name: text_column(list(columns.pop(name)))
        for name in ("stability", "itinerary")
        if name in columns
    }
    continua = _columns(cycles, "continua")
    continua["itinerary"] = text_column(continua["itinerary"])
    first = [continuum.points[0] for continuum in cycles.continua]
    return LabelledArrays(
        {
            **{name: ("cycle", values) for name, values in (columns | texts).items()},
            **{name: (("cycle", "state"), values) for name, values in wide.items()},
            "points": (("point", "state"), np.concatenate([np.empty((0, m)), *points])),
            **(
                {}
                if cycles.is_smooth
                else {
                    "region": (
                        ("point", "unit"),
                        np.concatenate([np.empty((0, h), dtype=np.bool_), *regions]),
                    )
                }
            ),
            "point_cycle": ("point", np.repeat(np.arange(len(cycles)), orders)),
            "point_time": ("point", np.concatenate([np.empty(0, dtype=np.int64), *times])),
            **({} if inputs is None else {"inputs": (("step", "input")[-inputs.ndim :], inputs)}),
            **{
                f"continuum_{name}": ("continuum", np.asarray(values))
                for name, values in continua.items()
            },
            "continuum_point": (("continuum", "state"), np.array(first).reshape(-1, m)),
        },
        {
            "cycle": np.arange(len(cycles)),
            "state": np.arange(m),
            **({} if cycles.is_smooth else {"unit": np.arange(h)}),
            "continuum": np.arange(len(cycles.continua)),
        },
        {
            "family": cycles.model.family,
            "orders": [record.order for record in cycles.search.orders],
            "listed_orders": list(cycles.search.listed_orders),
            "finished": int(cycles.finished),
            "complete": int(cycles.complete),
            "method": str(cycles.search.options.get("method", "")),
            "seed": str(cycles.search.seed),
            "stopped_by": cycles.search.stopped_by,
            "rnndyn_version": cycles.search.version,
        },
    )


@dictionary_of.register
def _by_input_dictionary(found: CyclesByInput) -> dict[str, Any]:
    return {
        "model": model_sizes(found.model),
        "inputs": found.inputs.tolist(),
        "sets": (cycles.to_dict() for cycles in found.sets),
    }


@columns_of.register
def _by_input_columns(found: CyclesByInput, table: str) -> dict[str, Any]:
    if table == "cycles":
        parts = [_columns(cycles, "cycles") for cycles in found.sets]
        numbers = np.repeat(np.arange(len(parts)), [len(cycles) for cycles in found.sets])
        names = parts[0] if parts else {}
        return {"input": numbers} | {
            name: np.concatenate([np.asarray(part[name], dtype=object) for part in parts]).tolist()
            if isinstance(names[name], list)
            else np.concatenate([part[name] for part in parts])
            for name in names
        }
    sets = found.sets
    inputs = {f"input_{k}": column for k, column in enumerate(found.inputs.T)}
    coverage = [cycles.search.coverage for cycles in sets]
    return {
        "input": np.arange(len(sets)),
        **inputs,
        "n_cycles": np.array([len(cycles) for cycles in sets]),
        **{
            f"n_{name}": np.array([len(getattr(cycles, attribute)) for cycles in sets])
            for name, attribute in _STABILITY_PARTS.items()
        },
        **{
            name: _with_gaps([getattr(cycles, name) for cycles in sets])
            for name in ("index_sum", "index_expected")
        },
        "coverage": _with_gaps(coverage),
        "finished": np.array([cycles.finished for cycles in sets]),
        "complete": np.array([cycles.complete for cycles in sets]),
    }


_STABILITY_PARTS = {
    "stable": "stable",
    "saddle": "saddles",
    "unstable": "unstable",
    "nonhyperbolic": "nonhyperbolic",
}


def _with_gaps(values: list[Any]) -> np.ndarray[Any, Any]:
    """Return numbers as an array, NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


@labelled_of.register
def _by_input_labelled(found: CyclesByInput) -> LabelledArrays:
    m = found.model.n_states
    columns = _by_input_columns(found, "cycles")
    blocks = [block for cycles in found.sets for block in cycles.blocks]
    points = [block.points.reshape(-1, m) for block in blocks]
    times = [np.tile(np.arange(block.order), len(block)) for block in blocks]
    wide = {
        name: np.concatenate(
            [np.empty((0, m), COLUMNS[name][0]), *(getattr(b, name) for b in blocks)]
        )
        for name in ("multipliers", "log_moduli")
    }
    n = found.n_cycles
    columns["of_input"] = columns.pop("input")
    cells = {
        name: text_column(list(values)) if name in ("stability", "itinerary") else values
        for name, values in columns.items()
    }
    summary = _by_input_columns(found, "inputs")
    return LabelledArrays(
        {
            **{
                ("of_input" if name == "input" else name): ("cycle", values)
                for name, values in cells.items()
            },
            **{name: (("cycle", "state"), values) for name, values in wide.items()},
            "points": (("point", "state"), np.concatenate([np.empty((0, m)), *points])),
            "point_cycle": ("point", np.repeat(np.arange(n), columns["order"])),
            "point_time": ("point", np.concatenate([np.empty(0, dtype=np.int64), *times])),
            "inputs": (("condition", "input"), found.inputs),
            **{
                name: ("condition", values)
                for name, values in summary.items()
                if not name.startswith("input")
            },
        },
        {
            "cycle": np.arange(n),
            "state": np.arange(m),
            "condition": np.arange(len(found.sets)),
        },
        {
            "family": found.model.family,
            "finished": int(found.finished),
            "complete": int(found.complete),
            "stopped_by": found.stopped_by,
            "seed": ", ".join(sorted({str(cycles.search.seed) for cycles in found.sets})),
            "rnndyn_version": ", ".join(sorted({cycles.search.version for cycles in found.sets})),
        },
    )
