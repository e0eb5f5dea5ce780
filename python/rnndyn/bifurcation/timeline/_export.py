"""What a timeline exports."""

import dataclasses
from typing import Any

import numpy as np

from rnndyn._common.words import plain
from rnndyn.bifurcation.timeline.result import Timeline
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)


@columns_of.register
def _columns(timeline: Timeline, table: str) -> dict[str, Any]:
    if table == "checkpoints":
        return _checkpoints(timeline)
    columns = columns_of(timeline.branch_set, table)
    if table == "events":
        n = len(timeline.epochs) - 1
        interval = np.clip(np.floor(timeline.events.s).astype(np.int64), 0, n - 1)
        columns["interval"] = interval
        if timeline.losses is not None:
            columns["loss"] = timeline.losses[interval]
            columns["loss_change"] = np.diff(timeline.losses)[interval]
        if timeline.gradient_norms is not None:
            columns["gradient_norm"] = timeline.gradient_norms[interval]
    return columns


def _checkpoints(timeline: Timeline) -> dict[str, Any]:
    columns: dict[str, Any] = {"epoch": timeline.epochs}
    for name in ("losses", "gradient_norms"):
        series = getattr(timeline, name)
        if series is not None:
            columns[name.removesuffix("es" if name == "losses" else "s")] = series
    # No interval follows the last checkpoint.
    return {**columns, "n_events_after": np.append(timeline.events_per_interval, 0)}


@labelled_of.register
def _labelled(timeline: Timeline) -> LabelledArrays:
    variables, coordinates, attributes = labelled_of(timeline.branch_set)
    del coordinates["model"], coordinates["axis_value"]
    checkpoints = _checkpoints(timeline)
    coordinates["checkpoint"] = np.arange(len(timeline.epochs))
    coordinates["epoch"] = ("checkpoint", checkpoints.pop("epoch"))
    variables |= {name: ("checkpoint", column) for name, column in checkpoints.items()}
    events = _columns(timeline, "events")
    for name in ("interval", "loss", "loss_change", "gradient_norm"):
        if name in events:
            variables[f"event_{name}"] = ("event", events[name])
    return LabelledArrays(variables, coordinates, attributes)


@dictionary_of.register
def _dictionary(timeline: Timeline) -> dict[str, Any]:
    # Not of a run that was stopped: intervals that were not reached hold no events, which says
    # nothing about their jumps.
    own = timeline.branch_set
    events = _columns(timeline, "events")
    extra = [name for name in ("interval", "loss", "loss_change") if name in events]
    jumps = None if timeline.losses is None else timeline.loss_jumps()
    tested = jumps is not None and own.run.finished
    coincides = timeline.coincidence(seed=own.run.seed) if tested else None
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(own.models[0]),
            "checkpoints": _checkpoints(timeline),
            "events": [
                # The axis is the epoch for all of them.
                {"epoch": event.epoch}
                | {k: v for k, v in event.to_dict().items() if k not in ("axis", "value")}
                | {name: events[name][index] for name in extra}
                for index, event in enumerate(timeline.events)
            ],
            "branches": [
                {
                    **branch.to_dict(),
                    "epoch_begin": own.value_at(branch.s_begin),
                    "epoch_end": own.value_at(branch.s_end),
                }
                for branch in timeline.branches
            ],
            "gaps": [{**gap.to_dict(), "epoch": own.value_at(gap.s)} for gap in timeline.gaps],
            "loss_jumps": None
            if jumps is None
            else {name: getattr(jumps, name) for name in ("intervals", "differences", "scores")},
            "coincidence": None if coincides is None else dataclasses.asdict(coincides),
            "run": own.run.to_dict(),
        }
    )
    return values
