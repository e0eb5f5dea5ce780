"""``rnndyn manifolds``: boundaries of basins, manifolds and connecting orbits of one network."""

import argparse
from typing import Any

from rnndyn import plot
from rnndyn._common.words import counted
from rnndyn.cli._arguments import (
    add_box,
    add_certificate,
    add_command,
    add_effort,
    add_model,
    add_orders,
    add_results,
    load_piecewise_linear,
)
from rnndyn.cli._outputs import Outputs, check_suffix
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.search import find_cycles
from rnndyn.manifolds.boundary import basin_boundary
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.homoclinic import homoclinic_points
from rnndyn.manifolds.horseshoe import prove_chaos
from rnndyn.manifolds.invariant import manifold
from rnndyn.manifolds.result import BasinBoundary, Manifold

_WHAT = ("boundary", "stable", "unstable", "connections", "chaos")

_Result = BasinBoundary | Manifold | HomoclinicPoints | ChaosCertificate

_EPILOG = """\
examples:
  rnndyn manifolds network.npz --max-order 4 --depth 12
  rnndyn manifolds network.npz --max-order 4 --box 10 --plot boundary.png -o boundary.npz
  rnndyn manifolds network.npz --orders 1 --what unstable --cycle 0 --depth 30
  rnndyn manifolds network.npz --orders 1 --what unstable --cycle 0 --depth 200 --max-length 50
  rnndyn manifolds network.npz --max-order 2 --what connections --certificate chaos.npz
  rnndyn manifolds network.npz --max-order 8 --what chaos --certificate chaos.npz

Cycles are numbered as rnndyn cycles prints them.
A proof of chaos is checked by rnndyn verify.
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "manifolds",
        summary="boundaries between basins, manifolds of cycles, connecting orbits",
        description="Compute the boundaries between basins of attraction, and what lies behind.",
        epilog=_EPILOG,
    )
    add_model(parser)
    add_orders(parser, "search")
    parser.add_argument(
        "--what",
        choices=_WHAT,
        default="boundary",
        help="the boundaries between basins (default), the stable or unstable manifold of a cycle, "
        "the orbits that connect saddles, or a proof of chaos",
    )
    parser.add_argument("--cycle", type=int, metavar="N", help="the cycle whose manifold is meant")
    parser.add_argument(
        "--depth",
        type=int,
        default=12,
        metavar="N",
        help="steps away from the cycles (default: 12)",
    )
    parser.add_argument(
        "--max-pieces",
        type=int,
        default=10_000,
        metavar="N",
        help="largest number of pieces of one manifold (default: 10000)",
    )
    parser.add_argument(
        "--max-length",
        type=float,
        metavar="L",
        help="arc length at which the branches of a stable or unstable manifold of dimension 1 end",
    )
    add_box(parser, "the box that orbits stay in:")
    add_effort(parser, "stop then and show what was found; the search for cycles has as long")
    add_results(parser, "the result", "the result")
    add_certificate(parser, "a proof of chaos", ".npz")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Search, compute, print, draw and save; return the exit code."""
    _check(options)
    outputs = Outputs(options)
    network = load_piecewise_linear(options.model, options.nonlinearity)
    cycles = find_cycles(
        network,
        options.max_order,
        options.orders,
        # A proof of chaos needs many cycles, and not to know that there are no others.
        method="search" if options.what == "chaos" else "auto",
        seed=options.seed,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
    )
    result = _result(options, cycles)
    if options.certificate:
        proof = result.chaos() if isinstance(result, HomoclinicPoints) else result
        if proof is None:
            raise ValueError(
                "no proof of chaos was found, so --certificate has nothing to write; try a larger "
                "--depth or --max-order, or leave it out"
            )
        proof.save(options.certificate)
    return outputs.write(result, lambda pyplot: _drawn(pyplot, result))


def _check(options: argparse.Namespace) -> None:
    """Complain about options that do not go together, before the work begins."""
    if (options.cycle is None) == (options.what in ("stable", "unstable")):
        raise ValueError(
            "--cycle N says whose manifold is meant: give it with --what stable or unstable, and "
            "only then"
        )
    if options.max_length is not None and options.what not in ("stable", "unstable"):
        raise ValueError("--max-length is for manifolds: give --what stable or unstable")
    if options.certificate:
        if options.what not in ("connections", "chaos"):
            raise ValueError(
                "--certificate writes a proof of chaos: give --what connections or --what chaos"
            )
        check_suffix(options.certificate, (".npz",))
    if options.what == "chaos" and options.output:
        # A proof is no table.
        check_suffix(options.output, (".npz", ".json"))


def _result(options: argparse.Namespace, cycles: CycleSet) -> _Result:
    if options.what == "chaos":
        proof = prove_chaos(cycles)
        if proof is None:
            raise ValueError(
                f"no proof of chaos was found from {counted(len(cycles), 'cycle')}; try a larger "
                "--max-order, or --what connections with --certificate FILE"
            )
        return proof
    common: dict[str, Any] = {
        "box": options.box,
        "depth": options.depth,
        "max_pieces": options.max_pieces,
        "n_threads": options.threads,
        "time_limit": options.time_limit,
        "progress": options.progress,
        "seed": options.seed,
    }
    if options.what == "boundary":
        return basin_boundary(cycles, **common)
    if options.what == "connections":
        return homoclinic_points(cycles, **common)
    if not 0 <= options.cycle < len(cycles):
        raise ValueError(
            f"--cycle must be the number of a cycle, 0 to {len(cycles) - 1}, got {options.cycle}"
        )
    return manifold(cycles[options.cycle], options.what, max_length=options.max_length, **common)


def _drawn(pyplot: Any, result: _Result) -> Any:
    if isinstance(result, ChaosCertificate):
        return plot.horseshoe(result).figure
    if isinstance(result, HomoclinicPoints):
        return plot.connections(result).figure
    if isinstance(result, BasinBoundary):
        return plot.basin_boundary(result).figure
    return plot.manifold(result).figure
