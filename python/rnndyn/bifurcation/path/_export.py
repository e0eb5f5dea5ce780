"""What branches and events export."""

from typing import Any

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.words import plain
from rnndyn.bifurcation.path._columns import KIND_NAMES, OUTCOME_NAMES
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.results.export import (
    LabelledArrays,
    as_array,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)


@columns_of.register
def _columns(branch_set: BranchSet, table: str) -> dict[str, Any]:
    """Return one of the tables; what does not exist is None, or -1 among whole numbers."""
    if table == "gaps":
        rows = [gap.to_dict() for gap in branch_set.gaps]
        return {
            "s": np.array([row["s"] for row in rows], dtype=np.float64),
            **{name: [row[name] for row in rows] for name in ("reason", "itinerary")},
        }
    texts = [itinerary_text(bits) for bits in branch_set.itineraries]
    orders = np.array([len(bits) for bits in branch_set.itineraries], dtype=np.int64)
    if table == "branches":
        return _branches(branch_set, texts, orders)
    return _events(branch_set, texts, orders)


def _branches(branch_set: BranchSet, texts: list[str], orders: Any) -> dict[str, Any]:
    raw = branch_set.branch_columns
    result: dict[str, Any] = {
        "order": orders[raw["itinerary"]],
        "lineage": raw["lineage"],
        "s_begin": raw["s_begin"],
        "s_end": raw["s_end"],
    }
    if branch_set.axis != "s":
        result[f"{branch_set.axis}_begin"] = branch_set.value_at(raw["s_begin"])
        result[f"{branch_set.axis}_end"] = branch_set.value_at(raw["s_end"])
    return {
        **result,
        "begin_event": raw["begin_event"],
        "end_event": raw["end_event"],
        "itinerary": [texts[i] for i in raw["itinerary"].tolist()],
    }


def _events(branch_set: BranchSet, texts: list[str], orders: Any) -> dict[str, Any]:
    raw = branch_set.event_columns
    attached = branch_set.attached_columns
    n_attached = np.bincount(attached["event"], minlength=len(raw["s"]))
    own = {branch_set.axis: branch_set.value_at(raw["s"])} if branch_set.axis != "s" else {}
    return {
        **own,
        "kind": [KIND_NAMES[code] for code in raw["kind"].tolist()],
        "outcome": [OUTCOME_NAMES[code] for code in raw["outcome"].tolist()],
        "order": orders[raw["itinerary"]],
        "unit": raw["unit"],
        "time_index": raw["time_index"],
        "s": raw["s"],
        "s_lower": raw["s_lower"],
        "s_upper": raw["s_upper"],
        "residual": raw["residual"],
        "status": ["converged" if flag else "guess" for flag in raw["converged"].tolist()],
        "n_unstable_before": raw["n_unstable_before"],
        "n_unstable_after": raw["n_unstable_after"],
        "n_attached": n_attached.astype(np.int64),
        "changes_dynamics": branch_set.events.changes_dynamics,
        **{
            name: [None if i < 0 else texts[i] for i in raw[name].tolist()]
            for name in ("itinerary", "partner", "doubled")
        },
    }


@dictionary_of.register
def _dictionary(branch_set: BranchSet) -> dict[str, Any]:
    """Return branches, events and gaps for JSON."""
    model = branch_set.models[0]
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(model),
            "x": {"name": branch_set.axis, "values": branch_set.axis_values},
            "events": [event.to_dict() for event in branch_set.events],
            "branches": [branch.to_dict() for branch in branch_set.branches],
            "gaps": [gap.to_dict() for gap in branch_set.gaps],
            "run": branch_set.run.to_dict(),
        }
    )
    return values


@labelled_of.register
def _labelled(branch_set: BranchSet) -> LabelledArrays:
    """Return branches, events and gaps with the names of their dimensions."""
    variables = {
        f"{dimension}_{name}": (dimension, as_array(column))
        for dimension, table in (("branch", "branches"), ("event", "events"), ("gap", "gaps"))
        for name, column in _columns(branch_set, table).items()
    }
    run = branch_set.run
    return LabelledArrays(
        variables,
        {
            "branch": np.arange(len(branch_set.branches)),
            "event": np.arange(len(branch_set.events)),
            "gap": np.arange(len(branch_set.gaps)),
            "model": np.arange(len(branch_set.models)),
            "axis_value": ("model", branch_set.axis_values),
        },
        {
            "axis": branch_set.axis,
            "family": branch_set.models[0].family,
            "orders": list(run.orders),
            "method": run.method,
            "searched_completely": int(run.searched_completely),
            "n_gaps": len(branch_set.gaps),
            "seed": str(run.seed),
            "stopped_by": run.stopped_by,
            "rnndyn_version": run.version,
        },
    )
