"""``rnndyn sweep``: cycles or Lyapunov exponents over one or two parameters."""

import argparse
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnndyn import plot
from rnndyn.bifurcation import (
    BranchSet,
    StabilityDiagram,
    bifurcation_diagram,
    stability_diagram,
)
from rnndyn.cli._arguments import (
    add_command,
    add_effort,
    add_inputs,
    add_model,
    add_orders,
    add_results,
    add_threads,
    load_network,
    load_piecewise_linear,
    parse_axis,
    read_inputs,
)
from rnndyn.cli._outputs import Outputs
from rnndyn.models._canonical_map_of import under_constant_input
from rnndyn.parameter_scan.result import Scan
from rnndyn.parameter_scan.scanning import scan

_MEASURES = ("stability", "max_lyapunov")
_DEFAULT_STEPS = 10_000

_EPILOG = """\
examples:
  rnndyn sweep network.npz --x "A[0,0]=-1:1:50" --max-order 8 --plot diagram.png
  rnndyn sweep network.npz --x "A[0,0]=-1:1:200" --y "h[1]=0:2:200" --max-order 4 -o plane.npz
  rnndyn sweep network.npz --x "W[0,1]=-1:1:500" --measure max_lyapunov --steps 20000
  rnndyn sweep network.npz --x "A[0,0]=-1:1:200" --y "h[1]=0:2:200" --measure max_lyapunov \\
      --workers 8 --store chunks/

A parameter goes from a number to a larger one, in N values. The names of all
parameters are in the message that an unknown name gets.

Ctrl-C ends the run (exit code 130). With --store, the same command goes on from there.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "sweep",
        summary="follow cycles or Lyapunov exponents over one or two parameters",
        description="Change one or two parameters of a network. The measure 'stability' follows\n"
        "its cycles, with exact bifurcations between the values; 'max_lyapunov' computes the\n"
        "largest Lyapunov exponent at every value.",
        epilog=_EPILOG,
    )
    add_model(parser)
    parser.add_argument(
        "--x",
        type=parse_axis,
        required=True,
        metavar="NAME=LO:HI:N",
        help='a parameter and its values, like "A[0,0]=-1:1:200"',
    )
    parser.add_argument(
        "--y", type=parse_axis, metavar="NAME=LO:HI:N", help="another parameter and its values"
    )
    parser.add_argument(
        "--measure",
        choices=_MEASURES,
        default="stability",
        help="what to measure (default: stability)",
    )
    add_orders(parser, "stability: follow", default="1")
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help=f"max_lyapunov: average over N steps (default: {_DEFAULT_STEPS})",
    )
    add_inputs(parser, "constant external input, an array of shape (K,)")
    add_effort(
        parser,
        "stop then and show the part that is done",
        threads=False,
    )
    where = parser.add_mutually_exclusive_group()
    add_threads(where)
    where.add_argument("--workers", type=int, metavar="N", help="use N processes instead")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FOLDER",
        help="keep finished parts in this folder, and go on from what it holds",
    )
    add_results(parser, "the diagram", "the result")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Sweep, draw, save and print; return the exit code."""
    outputs = Outputs(options)
    _check_fits(options)
    with _workers(options.workers) as executor:
        how = {
            "seed": options.seed,
            "n_threads": options.threads,
            "time_limit": options.time_limit,
            "executor": executor,
            "store": options.store,
            "progress": options.progress,
        }
        result = _exponents(options, how) if _wants_exponents(options) else _cycles(options, how)
    return outputs.write(result, lambda _: _drawn(result).figure)


def _wants_exponents(options: argparse.Namespace) -> bool:
    return bool(options.measure == "max_lyapunov")


def _check_fits(options: argparse.Namespace) -> None:
    """Complain about options of the other measure."""
    if _wants_exponents(options) and (options.max_order or options.orders):
        raise ValueError("--max-order and --orders are for --measure stability")
    if not _wants_exponents(options) and options.steps is not None:
        raise ValueError("--steps is for --measure max_lyapunov")


@contextmanager
def _workers(count: int | None) -> Iterator[ProcessPoolExecutor | None]:
    if count is None:
        yield None
        return
    if not 1 <= count <= 1024:
        raise ValueError(f"--workers must be between 1 and 1024, got {count}")
    # Not by forking: the threads of this process would be missing in the copies.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as executor:
        yield executor


def _exponents(options: argparse.Namespace, how: dict[str, Any]) -> Scan:
    steps = _DEFAULT_STEPS if options.steps is None else options.steps
    network = load_network(options.model, options.nonlinearity)
    return scan(
        under_constant_input(network, read_inputs(options.inputs)),
        options.x,
        options.y,
        n_steps=steps,
        **how,
    )


def _cycles(options: argparse.Namespace, how: dict[str, Any]) -> BranchSet | StabilityDiagram:
    network = load_piecewise_linear(options.model, options.nonlinearity, options.inputs)
    default = 1 if options.orders is None else None
    max_order = default if options.max_order is None else options.max_order
    how |= {"max_order": max_order, "orders": options.orders}
    if options.y is None:
        name, values = options.x
        return bifurcation_diagram(network, name, values, **how)
    return stability_diagram(network, options.x, options.y, **how)


def _drawn(result: Scan | BranchSet | StabilityDiagram) -> Any:
    if isinstance(result, Scan):
        return plot.scan(result)
    if isinstance(result, BranchSet):
        return plot.bifurcation_diagram(result)
    return plot.stability_diagram(result)
