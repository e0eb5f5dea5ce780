"""``rnndyn timeline``: the bifurcations over a training run."""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from rnndyn.bifurcation import Timeline, load_checkpoints, training_timeline
from rnndyn.bifurcation.continuation import METHODS
from rnndyn.cli._arguments import (
    add_orders,
    add_results,
    add_seed,
    add_threads,
    check_output,
    prepare_plot,
    without_infinity,
)
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.io._archive import read_npy

_LAYOUTS = ("auto", "canonical", "swapped")
_MAX_BYTES = 2**30

_EPILOG = """\
examples:
  rnndyn timeline checkpoints/
  rnndyn timeline checkpoints/ --pattern "epoch*.npz" --losses losses.npy --plot timeline.png
  rnndyn timeline checkpoints.mat --max-order 3 --time-limit 60 -o timeline.npz
  rnndyn timeline checkpoints/ --json | jq '.events[] | [.epoch, .kind, .outcome]'

The files of a folder are taken in the order of their names, with numbers in names as numbers. A
file (.mat, .npz, .pt and others) holds stacked arrays A, W1, W2, h1, h2 and perhaps C, s, the
checkpoints first.
L.npy and E.npy hold one number for every checkpoint.

Ctrl-C ends the run and shows the first part of the timeline (exit code 130).
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "timeline",
        help="list the bifurcations over the checkpoints of a training run",
        description="List the bifurcations that a network went through during its training, and "
        "tell whether\njumps of the loss coincide with them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checkpoints",
        metavar="FOLDER|FILE",
        type=Path,
        help="a folder of model files, or a file of stacked arrays, such as .mat or .npz",
    )
    add_orders(parser, "follow", default="1")
    parser.add_argument("--losses", type=Path, metavar="L.npy", help="loss at every checkpoint")
    parser.add_argument(
        "--epochs",
        type=Path,
        metavar="E.npy",
        help="epochs of the checkpoints, ascending (default: 0, 1, 2, ...)",
    )
    parser.add_argument(
        "--pattern",
        metavar="GLOB",
        help="which files of a folder are checkpoints, like 'epoch*.npz' (default: all)",
    )
    parser.add_argument(
        "--layout",
        choices=_LAYOUTS,
        default="auto",
        help="meaning of stacked arrays: canonical for A z + W1 relu(W2 z + h2) + h1, swapped for "
        "A z + W2 relu(W1 z + h1) + h2 (default: auto, by their shapes)",
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="auto",
        help="where cycles are taken from (default: auto); exhaustive misses nothing",
    )
    add_seed(parser)
    add_threads(parser)
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="stop then and show the first part"
    )
    add_results(
        parser,
        "the losses and the cycles",
        "the timeline to this .npz file, for rnndyn.Timeline.load",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Follow the cycles, draw, save and print; return the exit code."""
    pyplot = prepare_plot(options.plot) if options.plot else None
    if options.output:
        check_output(options.output)
    timeline = training_timeline(
        _load(options),
        _read_numbers(options.losses, "losses"),
        _read_numbers(options.epochs, "epochs"),
        max_order=options.max_order,
        orders=options.orders,
        method=options.method,
        seed=options.seed,
        n_threads=options.threads,
        time_limit=options.time_limit,
    )
    if options.output:
        timeline.save(options.output)
    if pyplot is not None:
        from rnndyn import plot

        # Its type would be that of a figure or a part of one.
        figure: Any = plot.training_timeline(timeline)[0].figure
        figure.savefig(options.plot, dpi=150)
        pyplot.close(figure)
    # Last, so that a reader that closes the pipe early loses no file.
    print(
        json.dumps(_to_dict(timeline, options.seed), allow_nan=False) if options.json else timeline
    )
    stopped_by = timeline.branch_set.run.stopped_by
    return ExitCode.INTERRUPTED if stopped_by == "interrupt" else ExitCode.DONE


def _load(options: argparse.Namespace) -> Any:
    if options.pattern is not None and not options.checkpoints.is_dir():
        raise ValueError(f"--pattern chooses files of a folder, and {options.checkpoints} is none")
    try:
        return load_checkpoints(
            options.checkpoints, pattern=options.pattern or "*", layout=options.layout
        )
    except (TypeError, NotImplementedError) as error:
        # What a file holds is a value, and so is a pattern; as errors of other types they would be
        # shown as faults of the program.
        raise ValueError(str(error)) from None


def _read_numbers(path: Path | None, what: str) -> Any:
    """Read one number for every checkpoint without running code of the file."""
    if path is None:
        return None
    try:
        numbers = read_npy(path, _MAX_BYTES)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as {what}: {error}") from error
    if numbers.dtype.kind not in "iuf":
        raise ValueError(f"{path} cannot be read as {what}: it holds {numbers.dtype}, not numbers")
    return numbers


def _to_dict(timeline: Timeline, seed: int) -> dict[str, Any]:
    """Return a timeline as plain numbers, lists and strings; what JSON cannot hold is None."""
    branch_set = timeline.branch_set
    model = branch_set.models[0]
    result = {
        "family": model.family,
        "n_states": model.n_states,
        "n_units": model.n_units,
        "checkpoints": {
            name: column.tolist() for name, column in timeline.to_columns("checkpoints").items()
        },
        "events": _events(timeline),
        "branches": [
            {
                **branch.to_dict(),
                "epoch_begin": branch_set.value_at(branch.s_begin),
                "epoch_end": branch_set.value_at(branch.s_end),
            }
            for branch in timeline.branches
        ],
        "gaps": [{**gap.to_dict(), "epoch": branch_set.value_at(gap.s)} for gap in timeline.gaps],
        "loss_jumps": None,
        "coincidence": None,
        "run": branch_set.run.to_dict(),
    }
    if timeline.losses is not None:
        jumps = timeline.loss_jumps()
        result["loss_jumps"] = {
            name: getattr(jumps, name).tolist() for name in ("intervals", "differences", "scores")
        }
        # Intervals that were not reached hold no events, which says nothing about their jumps.
        if branch_set.run.complete:
            result["coincidence"] = dataclasses.asdict(timeline.coincidence(seed=seed))
    return {name: without_infinity(value) for name, value in result.items()}


def _events(timeline: Timeline) -> list[dict[str, Any]]:
    columns = timeline.to_columns("events")
    extra = {
        name: columns[name].tolist()
        for name in ("interval", "loss", "loss_change")
        if name in columns
    }
    rows: list[dict[str, Any]] = []
    for index, event in enumerate(timeline.events):
        values = event.to_dict()
        # The axis is the epoch for all of them.
        del values["axis"], values["value"]
        row = {"epoch": event.epoch, **values}
        rows.append(row | {name: column[index] for name, column in extra.items()})
    return rows
