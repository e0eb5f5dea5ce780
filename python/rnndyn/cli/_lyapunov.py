"""``rnndyn lyapunov``: the Lyapunov exponents of one network."""

import argparse
from typing import Any

from rnndyn import plot
from rnndyn.cli._arguments import (
    add_command,
    add_effort,
    add_inputs,
    add_model,
    add_results,
    load_network,
    read_inputs,
)
from rnndyn.cli._outputs import Outputs
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.lyapunov.spectrum import lyapunov_spectrum

_EPILOG = """\
examples:
  rnndyn lyapunov network.npz
  rnndyn lyapunov network.npz --inputs sequences.npy --exponents 10
  rnndyn lyapunov network.npz --steps 100000 --time-limit 60 --plot spectrum.png -o spectrum.npz
  rnndyn lyapunov network.npz --dt 0.01 --base 2 --json > spectrum.json

X.npy holds real numbers of shape (K,), the same input at every step, (T, K), one
sequence, or (B, T, K), a batch of sequences.

Ctrl-C ends the run and shows the estimate until then with its error (exit code 130).
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "lyapunov",
        summary="compute the Lyapunov exponents of a network",
        description="Compute Lyapunov exponents with their standard errors, of a network that runs "
        "freely or\nis driven by input sequences.",
        epilog=_EPILOG,
    )
    add_model(parser)
    add_inputs(parser)
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="average over N steps (default: all of the inputs after the transient, else 10000)",
    )
    parser.add_argument(
        "--transient",
        type=int,
        metavar="N",
        help="take N steps before (default: a tenth of the inputs or of the steps)",
    )
    parser.add_argument(
        "--exponents", type=int, metavar="M", help="compute the M largest (default: all)"
    )
    parser.add_argument(
        "--sequences",
        type=int,
        metavar="B",
        help="run B sequences from random starts (default: as many as the inputs, else 1)",
    )
    parser.add_argument(
        "--joint", action="store_true", help="treat the states of all layers as one"
    )
    parser.add_argument(
        "--dtype",
        choices=("float64", "float32"),
        default="float64",
        help="precision of the computation (default: float64)",
    )
    parser.add_argument(
        "--dt", type=float, metavar="SECONDS", help="duration of a step; print rates per second"
    )
    parser.add_argument(
        "--base", type=float, metavar="X", help="base of the logarithm, such as 2 (default: e)"
    )
    add_effort(parser, "stop then and show the estimate so far")
    add_results(parser, "the spectrum", "the spectrum")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compute, draw, save and print; return the exit code."""
    outputs = Outputs(options)
    spectrum = lyapunov_spectrum(
        load_network(options.model, options.nonlinearity),
        read_inputs(options.inputs),
        n_steps=options.steps,
        transient=options.transient,
        n_exponents=options.exponents,
        n_sequences=options.sequences,
        joint=options.joint,
        dtype=options.dtype,
        dt=options.dt,
        base=options.base,
        seed=options.seed,
        n_threads=options.threads,
        time_limit=options.time_limit,
        progress=options.progress,
    )
    return outputs.write(spectrum, lambda pyplot: _drawn(pyplot, spectrum))


def _drawn(pyplot: Any, spectrum: LyapunovSpectrum) -> Any:
    figure, axes = pyplot.subplots(1, 2, figsize=(10.0, 4.4), layout="constrained")
    plot.lyapunov(spectrum, axes[0])
    plot.lyapunov_convergence(spectrum, axes[1])
    return figure
