"""``rnndyn cycles``: search one network."""

import argparse
from typing import Any

import numpy as np

from rnndyn import plot
from rnndyn.cli._arguments import (
    add_box,
    add_certificate,
    add_command,
    add_constant_inputs,
    add_effort,
    add_method,
    add_model,
    add_orders,
    add_periodic,
    add_results,
    add_starts,
    load_network,
    read_inputs,
    read_states,
)
from rnndyn.cli._outputs import Outputs, check_suffix
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import METHODS
from rnndyn.cycles.search import find_cycles
from rnndyn.models._canonical_map_of import smooth_network
from rnndyn.models._composition import Composition

_EPILOG = """\
examples:
  rnndyn cycles network.npz --max-order 10
  rnndyn cycles network.json --orders 1,2,10-12 --method search --seed 7
  rnndyn cycles example:plrnn-10d --max-order 10 --plot cycles.png -o cycles.npz
  rnndyn cycles network.npz --max-order 4 --time-limit 60 --json > cycles.json
  rnndyn cycles network.npz --max-order 4 -o cycles.nc
  rnndyn cycles network.npz --max-order 3 --method complete --certificate proof.npz
  rnndyn cycles gru.pt --max-order 1 --inputs resting.npy --states visited.npy
  rnndyn cycles driven.npz --max-order 8 --inputs one_period.npy --periodic

Ctrl-C ends the search and shows what was found until then (exit code 130).
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "cycles",
        summary="find the fixed points and cycles of a network",
        description="Find the fixed points and cycles of a network and how stable they are.",
        epilog=_EPILOG,
    )
    add_model(parser)
    add_orders(parser, "search")
    add_constant_inputs(parser)
    add_periodic(parser)
    add_starts(parser, "searches")
    add_method(
        parser,
        METHODS,
        "how to search (default: auto); complete proves that no cycle is missing",
    )
    parser.add_argument(
        "--no-rigour",
        dest="rigorous",
        action="store_false",
        help="do not verify the rounding errors of a complete search; then nothing is proved",
    )
    parser.add_argument(
        "--max-restarts", type=int, metavar="N", help="end an order after N restarts without news"
    )
    parser.add_argument(
        "--max-iterations", type=int, metavar="N", help="end a restart after N candidates"
    )
    add_box(parser, "keep only cycles with")
    add_effort(parser, "stop then and show what was found")
    add_results(parser, "the cycles in state space", "the cycles")
    add_certificate(
        parser, "the proof of a complete search", ".npz or .json (with --periodic .npz)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, print, draw and save; return the exit code."""
    if options.certificate:
        _check_certificate(options)
    outputs = Outputs(options)
    network = load_network(options.model, options.nonlinearity)
    inputs = read_inputs(options.inputs)
    if options.certificate and np.ndim(inputs) > 1 and not options.periodic:
        raise ValueError(
            "--certificate is for one constant input, of shape (K,), or a period (T, K) with "
            "--periodic"
        )
    if options.certificate and smooth_network(network) is not None:
        raise ValueError(
            f"--certificate is for piecewise-linear networks; leave it out for a {network.family}"
        )
    if options.certificate and (options.periodic or isinstance(network, Composition)):
        check_suffix(options.certificate, (".npz",))
    cycles = find_cycles(
        network,
        options.max_order,
        options.orders,
        inputs=inputs,
        periodic=options.periodic,
        states=read_states(options.states),
        drive=read_inputs(options.drive),
        method=options.method,
        seed=options.seed,
        max_restarts=options.max_restarts,
        max_iterations=options.max_iterations,
        box=options.box,
        n_threads=options.threads,
        time_limit=options.time_limit,
        rigorous=options.rigorous,
        keep_tree=options.certificate is not None,
        progress=options.progress,
    )
    if isinstance(cycles, CycleSet) and cycles.certificate is not None and options.certificate:
        cycles.certificate.save(options.certificate)
    return outputs.write(cycles, lambda pyplot: _drawn(pyplot, cycles))


def _drawn(pyplot: Any, cycles: CycleSet | CyclesByInput) -> Any:
    figure, ax = pyplot.subplots(figsize=(5.6, 4.6), layout="constrained")
    plot.state_space(cycles, ax)
    return figure


def _check_certificate(options: argparse.Namespace) -> None:
    """Complain about a certificate that cannot be written now, not after a long search."""
    if options.method != "complete":
        raise ValueError(
            "--certificate writes the proof of a complete search: give --method complete, not "
            f"{options.method}"
        )
    if not options.rigorous:
        raise ValueError("--certificate needs verified rounding errors: leave out --no-rigour")
    check_suffix(options.certificate, (".npz", ".json"))
