"""Branches and events as columns: what the objects of the results are made from when asked for."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from rnndyn._common.arrays import frozen

Columns = dict[str, np.ndarray[Any, Any]]

EventKind = Literal[
    "border_collision",
    "degenerate_transcritical",
    "degenerate_flip",
    "center",
    "fold",
    "flip",
    "neimark_sacker",
]
Outcome = Literal["persistence", "nonsmooth_fold", "none", "infinity", "stability_change", "fold"]

#: The compiled core counts kinds and outcomes of piecewise-linear networks in this order; those of
#: tanh, GRU and LSTM networks follow.
KIND_NAMES: tuple[EventKind, ...] = (
    "border_collision",
    "degenerate_transcritical",
    "degenerate_flip",
    "center",
    "fold",
    "flip",
    "neimark_sacker",
)
OUTCOME_NAMES: tuple[Outcome, ...] = (
    "persistence",
    "nonsmooth_fold",
    "none",
    "infinity",
    "stability_change",
    "fold",
)
PERSISTENCE = OUTCOME_NAMES.index("persistence")

EVENT_TYPES: dict[str, Any] = {
    "kind": np.int8,
    "s": np.float64,
    "s_lower": np.float64,
    "s_upper": np.float64,
    "residual": np.float64,
    "converged": np.bool_,
    "itinerary": np.int64,
    "time_index": np.int64,
    "unit": np.int64,
    "partner": np.int64,
    "outcome": np.int8,
    "doubled": np.int64,
    "n_unstable_before": np.int64,
    "n_unstable_after": np.int64,
}
BRANCH_TYPES: dict[str, Any] = {
    "itinerary": np.int64,
    "s_begin": np.float64,
    "s_end": np.float64,
    "begin_event": np.int64,
    "end_event": np.int64,
    "lineage": np.int64,
}
ATTACHED_TYPES: dict[str, Any] = {"event": np.int64, "itinerary": np.int64}


def nothing_attached() -> Columns:
    """Return the columns of attached itineraries where there are none."""
    return {name: np.empty(0, dtype) for name, dtype in ATTACHED_TYPES.items()}


def changes_dynamics(columns: Columns) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which events create, destroy or destabilise cycles.

    A cycle that only crosses a border, persisting with as many unstable multipliers, does not; nor
    does one that only touches it.
    """
    before, after = columns["n_unstable_before"], columns["n_unstable_after"]
    # One of them is -1, not known, where a path begins or ends with a cycle on a border, such as
    # the fixed point of a network whose biases start at 0.
    destabilises = (before != after) & (before >= 0) & (after >= 0)
    persists = columns["outcome"] == PERSISTENCE
    touches = columns["outcome"] == OUTCOME_NAMES.index("none")
    return np.asarray(~touches & (~persists | destabilises | (columns["doubled"] >= 0)))


def frozen_columns(columns: Mapping[str, Any], types: Mapping[str, Any], what: str) -> Columns:
    """Return the columns with their types, read-only, all of one length."""
    if columns.keys() != types.keys():
        odd = sorted(columns.keys() ^ types.keys())
        raise ValueError(f"the {what} must have the columns {', '.join(types)}; see {odd}")
    result = {name: frozen(columns[name], dtype) for name, dtype in types.items()}
    shapes = {array.shape for array in result.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ValueError(f"the columns of the {what} must be vectors of one length, got {shapes}")
    return result


def checked_columns(columns: Columns, types: Mapping[str, Any], what: str) -> Columns:
    """Return columns that were read from a file; each must hold entries of its type."""
    for name, column in columns.items():
        if name in types and column.dtype != np.dtype(types[name]):
            raise ValueError(f"column {name!r} of the {what} holds {column.dtype} entries")
    return columns
