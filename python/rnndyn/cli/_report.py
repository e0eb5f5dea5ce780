"""``rnndyn report``: one page about a network."""

import argparse
import json
from pathlib import Path
from typing import Any

from rnndyn.cli._arguments import (
    add_command,
    add_effort,
    add_inputs,
    add_json,
    add_method,
    add_model,
    add_orders,
    load_network,
    read_array,
    read_inputs,
)
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.cycles.run import METHODS
from rnndyn.io import load_metadata
from rnndyn.reporting import report
from rnndyn.reporting._report import DEFAULT_MAX_CYCLES, DEFAULT_MAX_ORDER, check_page

_EPILOG = """\
examples:
  rnndyn report network.npz -o report.html
  rnndyn report example:plrnn-10d --max-order 10 -o plrnn-10d.html
  rnndyn report network.npz --inputs sequences.npy --steps 100000 -o report.html
  rnndyn report network.npz --max-order 3 --method complete -o proved.html

The page needs no network and no other file. Open it in any browser.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "report",
        summary="write a page about a network, to be opened in a browser",
        description="Write one self-contained page about a network: parameters, cycles, state "
        "space,\nmultipliers, Lyapunov exponents, and how sure all of it is.",
        epilog=_EPILOG,
    )
    add_model(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", required=True, help="the page, FILE.html"
    )
    parser.add_argument("--title", help="title of the page (default: the name of the model)")
    add_orders(parser, "search", default=f"1 to {DEFAULT_MAX_ORDER}")
    add_method(
        parser,
        METHODS,
        "how to search (default: auto); complete proves that no cycle is missing",
    )
    add_inputs(parser)
    parser.add_argument(
        "--data", type=Path, metavar="D.npy", help="draw these states, or outputs, over the orbits"
    )
    parser.add_argument(
        "--readout", type=Path, metavar="W.npy", help="weights that make outputs of states"
    )
    parser.add_argument(
        "--steps", type=int, metavar="N", help="average the Lyapunov exponents over N steps"
    )
    parser.add_argument(
        "--exponents", type=int, metavar="M", help="compute the M largest (default: all)"
    )
    parser.add_argument(
        "--max-cycles",
        type=int,
        default=DEFAULT_MAX_CYCLES,
        metavar="N",
        help=f"list and draw at most N cycles, stable ones first (default: {DEFAULT_MAX_CYCLES})",
    )
    add_effort(parser, "for the search, and as long for the exponents")
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, compute and write the page; return the exit code."""
    check_page(options.output)
    network = load_network(options.model, options.nonlinearity)
    from_file = not options.model.startswith("example:")
    path = report(
        network,
        options.output,
        max_order=options.max_order,
        orders=options.orders,
        method=options.method,
        inputs=read_inputs(options.inputs),
        data=read_array(options.data, "data"),
        readout=read_array(options.readout, "readout"),
        title=options.title or (Path(options.model).name if from_file else options.model),
        metadata=load_metadata(options.model) if from_file else None,
        n_steps=options.steps,
        n_exponents=options.exponents,
        max_cycles=options.max_cycles,
        seed=options.seed,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
    )
    if options.json:
        print(json.dumps({"report": str(path), "bytes": path.stat().st_size}))
    else:
        print(f"Report: {path}")
    return ExitCode.DONE
