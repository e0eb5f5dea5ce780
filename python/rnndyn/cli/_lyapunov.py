"""``rnndyn lyapunov``: the Lyapunov exponents of one network."""

import argparse
import json
from pathlib import Path
from typing import Any

from rnndyn.cli._arguments import (
    add_results,
    add_seed,
    add_threads,
    check_output,
    load_network,
    prepare_plot,
)
from rnndyn.cli._exit_codes import ExitCode
from rnndyn.io._archive import read_npy
from rnndyn.lyapunov import lyapunov_spectrum

_MAX_INPUT_BYTES = 2**34

_EPILOG = """\
examples:
  rnndyn lyapunov network.npz
  rnndyn lyapunov network.npz --inputs sequences.npy --exponents 10
  rnndyn lyapunov network.npz --steps 100000 --time-limit 60 --plot spectrum.png -o spectrum.npz
  rnndyn lyapunov network.npz --dt 0.01 --base 2 --json > spectrum.json

X.npy holds real numbers of shape (K,), the same input at every step, (T, K), one sequence, or
(B, T, K), a batch of sequences.

Ctrl-C ends the run and shows the estimate until then with its error (exit code 130).
"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "lyapunov",
        help="compute the Lyapunov exponents of a network",
        description="Compute Lyapunov exponents with their standard errors, of a network that runs "
        "freely or\nis driven by input sequences.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a .npz or .json file, or example:NAME")
    parser.add_argument("--inputs", type=Path, metavar="X.npy", help="drive the network with these")
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
    add_seed(parser)
    add_threads(parser)
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="stop then and show the estimate so far"
    )
    add_results(parser, "the spectrum", "the spectrum to this .npz file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compute, draw, save and print; return the exit code."""
    pyplot = prepare_plot(options.plot) if options.plot else None
    if options.output:
        check_output(options.output)
    spectrum = lyapunov_spectrum(
        load_network(options.model),
        read_inputs(options.inputs) if options.inputs else None,
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
    )
    if options.output:
        spectrum.save(options.output)
    if pyplot is not None:
        from rnndyn import plot

        figure, axes = pyplot.subplots(1, 2, figsize=(10.0, 4.4), layout="constrained")
        plot.lyapunov(spectrum, axes[0])
        plot.lyapunov_convergence(spectrum, axes[1])
        figure.savefig(options.plot, dpi=150)
        pyplot.close(figure)
    # Last, so that a reader that closes the pipe early loses no file.
    print(json.dumps(spectrum.to_dict(), allow_nan=False) if options.json else spectrum)
    return ExitCode.INTERRUPTED if spectrum.stopped_by == "interrupt" else ExitCode.DONE


def read_inputs(path: Path) -> Any:
    """Read input sequences without running code of the file."""
    try:
        inputs = read_npy(path, _MAX_INPUT_BYTES)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as inputs: {error}") from error
    if inputs.dtype.kind not in "iuf":
        raise ValueError(f"{path} cannot be read as inputs: it holds {inputs.dtype}, not numbers")
    return inputs
