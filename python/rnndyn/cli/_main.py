"""Parser, error messages and exit codes of the command line."""

import argparse
import os
import sys
from collections.abc import Sequence

from rnndyn._optional import MissingPackageError
from rnndyn._version import __version__
from rnndyn.cli import _convert, _cycles, _demo, _lyapunov, _report, _sweep, _timeline, _verify
from rnndyn.cli._exit_codes import ExitCode

_EPILOG = """\
examples:
  rnndyn demo                                   search the bundled networks
  rnndyn cycles network.npz --max-order 10      fixed points and cycles of a network
  rnndyn cycles example:plrnn-10d --max-order 10 --plot cycles.png
  rnndyn cycles network.npz --max-order 4 --json | jq '.cycles[].spectral_radius'
  rnndyn lyapunov network.npz --inputs x.npy    Lyapunov exponents with their errors
  rnndyn report network.npz -o report.html      one page about a network, for a browser
  rnndyn sweep network.npz --x "A[0,0]=-1:1:200" --max-order 8 --plot diagram.png
  rnndyn timeline checkpoints/ --losses l.npy   bifurcations over a training run
  rnndyn convert checkpoint.pt network.npz      read a network of another program
  rnndyn verify certificate.npz network.npz     check a proof that no cycle is missing

exit codes:
  0 done    1 certificate refused    2 wrong input or a missing package
  130 stopped by Ctrl-C
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="rnndyn",
        description="Exact dynamical-systems analysis of recurrent neural networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"rnndyn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (_convert, _cycles, _demo, _lyapunov, _report, _sweep, _timeline, _verify):
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("rnndyn: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has what it wanted. Python would flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except (ValueError, OverflowError, OSError, MissingPackageError) as error:
        print(f"rnndyn: error: {_one_line(error)}", file=sys.stderr)
        return ExitCode.ERROR
    return code


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
