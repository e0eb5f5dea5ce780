"""``rnndyn regions``: which linear regions orbits visit or can come to, and from which to which."""

import argparse
from pathlib import Path
from typing import Any

from rnndyn import plot
from rnndyn.cli._arguments import (
    add_box,
    add_command,
    add_effort,
    add_model,
    add_results,
    load_with_regions,
    parse_box,
    read_states,
)
from rnndyn.cli._outputs import Outputs
from rnndyn.regions.graph import region_graph

_EPILOG = """\
examples:
  rnndyn regions network.npz --box 3
  rnndyn regions network.npz --box 3 --start=-0.1,0.1 --plot regions.png
  rnndyn regions network.npz --start states.npy --steps 500
  rnndyn regions network.npz --orbit visited.npy --box 5 -o regions.npz
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "regions",
        summary="linear regions as symbols, and the transitions that are possible",
        description="List the linear regions that orbits visit or can come to, with transitions.",
        epilog=_EPILOG,
    )
    add_model(parser)
    add_box(parser, "all that is possible for orbits that stay in this box:")
    parser.add_argument(
        "--start",
        type=_start,
        metavar="R|LO,HI|Z.npy",
        help="the box where they begin: only what can be reached from there; or states (..., M), "
        "whose orbits are counted",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="steps of the orbits from states of --start (default: 1000)",
    )
    parser.add_argument(
        "--orbit",
        type=Path,
        metavar="Z.npy",
        help="states one after another, (T, M) or (B, T, M): what they visit, and how often",
    )
    parser.add_argument(
        "--max-regions",
        type=int,
        default=10_000,
        metavar="N",
        help="largest number of regions (default: 10000)",
    )
    add_effort(parser, "stop then and show what was found")
    add_results(parser, "the graph", "the graph")
    parser.set_defaults(run=run)


def _start(text: str) -> float | tuple[float, float] | Path:
    return Path(text) if text.endswith(".npy") else parse_box(text)


def run(options: argparse.Namespace) -> int:
    """Compute, print, draw and save; return the exit code."""
    start = options.start
    if isinstance(start, Path):
        start = read_states(start)
    elif options.box is None and options.orbit is None:
        raise ValueError(
            "give --box, the box that orbits stay in, or --orbit, or --start with states"
        )
    outputs = Outputs(options)
    network = load_with_regions(options.model, options.nonlinearity)
    graph = region_graph(
        network,
        read_states(options.orbit),
        box=options.box,
        start=start,
        n_steps=options.steps,
        max_regions=options.max_regions,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
        seed=options.seed,
    )
    return outputs.write(graph, lambda pyplot: plot.region_graph(graph).figure)
