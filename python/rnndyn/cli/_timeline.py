"""``rnndyn timeline``: the bifurcations over a training run."""

import argparse
from pathlib import Path
from typing import Any

from rnndyn import plot
from rnndyn.bifurcation import Timeline, load_checkpoints, training_timeline
from rnndyn.bifurcation.path.continuation import METHODS, SMOOTH_METHODS
from rnndyn.cli._arguments import (
    add_command,
    add_effort,
    add_inputs,
    add_method,
    add_orders,
    add_results,
    read_inputs,
    read_numbers,
)
from rnndyn.cli._outputs import Outputs

_LAYOUTS = ("auto", "canonical", "swapped")
_MAX_BYTES = 2**30

_EPILOG = """\
examples:
  rnndyn timeline checkpoints/
  rnndyn timeline checkpoints/ --pattern "epoch*.npz" --losses losses.npy --plot timeline.png
  rnndyn timeline checkpoints.mat --max-order 3 --time-limit 60 -o timeline.npz
  rnndyn timeline gru_checkpoints/ --inputs resting.npy
  rnndyn timeline checkpoints/ --json | jq '.events[] | [.epoch, .kind, .outcome]'

The files of a folder are taken in the order of their names, with numbers in names as
numbers. A file (.mat, .npz, .pt and others) holds stacked arrays A, W1, W2, h1, h2 and
perhaps C, s, the checkpoints first. L.npy and E.npy hold a number for every checkpoint.

Ctrl-C ends the run and shows the first part of the timeline (exit code 130).
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "timeline",
        summary="list the bifurcations over the checkpoints of a training run",
        description="List the bifurcations that a network went through during its training, and "
        "tell whether\njumps of the loss coincide with them.",
        epilog=_EPILOG,
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
    add_method(
        parser,
        tuple(dict.fromkeys(METHODS + SMOOTH_METHODS)),
        "where cycles are taken from (default: auto); exhaustive misses nothing; complete, for an "
        "RNN, GRU or LSTM, proves that at every checkpoint",
    )
    add_inputs(parser, "constant input of an RNN, GRU or LSTM, an array of shape (K,)")
    add_effort(parser, "stop then and show the first part")
    add_results(parser, "the losses and the cycles", "the timeline")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Follow the cycles, draw, save and print; return the exit code."""
    outputs = Outputs(options)
    timeline = training_timeline(
        _load(options),
        _numbers(options.losses, "losses"),
        _numbers(options.epochs, "epochs"),
        inputs=read_inputs(options.inputs),
        max_order=options.max_order,
        orders=options.orders,
        method=options.method,
        seed=options.seed,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
    )
    return outputs.write(timeline, lambda _: _drawn(timeline))


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


def _numbers(path: Path | None, what: str) -> Any:
    """Read one number for every checkpoint, if they are given."""
    return None if path is None else read_numbers(path, what, _MAX_BYTES)


def _drawn(timeline: Timeline) -> Any:
    # Its type would be that of a figure or a part of one.
    figure: Any = plot.training_timeline(timeline)[0].figure
    return figure
