"""``rnndyn slow-points``: where a network is slow without standing still."""

import argparse
from typing import Any

import numpy as np

from rnndyn import plot
from rnndyn.cli._arguments import (
    add_command,
    add_constant_inputs,
    add_effort,
    add_model,
    add_results,
    add_starts,
    load_network,
    read_inputs,
    read_states,
)
from rnndyn.cli._outputs import Outputs
from rnndyn.slow_points.by_input import SlowPointsByInput
from rnndyn.slow_points.finding import find_slow_points
from rnndyn.slow_points.result import SlowPointSet

_EPILOG = """\
examples:
  rnndyn slow-points gru.pt --states visited.npy
  rnndyn slow-points gru.pt --inputs resting.npy --drive task.npy --plot slow.png
  rnndyn slow-points network.npz --max-speed 0.01 --json > slow.json

Fixed points are not listed: see rnndyn cycles --max-order 1.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "slow-points",
        summary="where a network is slow: minima of its speed, line attractors",
        description="Find minima of the speed that are not zero, and approximate line attractors.",
        epilog=_EPILOG,
    )
    add_model(parser)
    add_constant_inputs(parser)
    add_starts(parser, "descents")
    parser.add_argument(
        "--max-speed",
        type=float,
        default=0.1,
        metavar="V",
        help="list no minima of a larger speed (default: 0.1)",
    )
    parser.add_argument(
        "--max-restarts", type=int, metavar="N", help="end after N descents without news"
    )
    add_effort(parser, "stop then and show what was found")
    add_results(parser, "the slow points in state space", "the slow points")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, print, draw and save; return the exit code."""
    outputs = Outputs(options)
    inputs = read_inputs(options.inputs)
    if options.plot and np.ndim(inputs) > 1:
        raise ValueError("--plot draws the slow points of one input: give --inputs of shape (K,)")
    found = find_slow_points(
        load_network(options.model, options.nonlinearity),
        inputs,
        read_states(options.states),
        drive=read_inputs(options.drive),
        max_speed=options.max_speed,
        max_restarts=options.max_restarts,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
        seed=options.seed,
    )
    return outputs.write(found, lambda pyplot: _drawn(pyplot, found))


def _drawn(pyplot: Any, found: SlowPointSet | SlowPointsByInput) -> Any:
    figure, ax = pyplot.subplots(figsize=(5.6, 4.6), layout="constrained")
    # With several inputs it was refused before the search.
    (slow,) = found.sets if isinstance(found, SlowPointsByInput) else (found,)
    plot.slow_points(slow, ax)
    return figure
