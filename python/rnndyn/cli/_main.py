"""Parser, error messages and exit codes of the command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from rnndyn._common.optional import MissingPackageError
from rnndyn._version import __version__
from rnndyn.cli import (
    _cite,
    _completion,
    _convert,
    _cycles,
    _demo,
    _lyapunov,
    _manifolds,
    _regions,
    _report,
    _slow_points,
    _sweep,
    _timeline,
    _verify,
)
from rnndyn.cli._exit_codes import MEANINGS, ExitCode, interrupted

_COMMANDS = (
    _demo, _cycles, _verify, _slow_points, _manifolds, _regions, _lyapunov, _sweep, _timeline,
    _report,
    _convert, _cite, _completion,
)  # fmt: skip

_EPILOG = """\
examples:
  rnndyn demo                                   search the bundled networks
  rnndyn cycles network.npz --max-order 10      fixed points and cycles of a network
  rnndyn cycles example:plrnn-10d --max-order 10 --plot cycles.png
  rnndyn cycles network.npz --max-order 4 --json | jq '.cycles[].spectral_radius'
  rnndyn verify certificate.npz network.npz     check a proof that no cycle is missing
  rnndyn slow-points gru.pt --states z.npy      slow points and line attractors
  rnndyn manifolds network.npz --max-order 4    boundaries between basins of attraction
  rnndyn regions network.npz --box 3            linear regions, possible transitions
  rnndyn lyapunov network.npz --inputs x.npy    Lyapunov exponents with their errors
  rnndyn sweep network.npz --x "A[0,0]=-1:1:200" --max-order 8 --plot diagram.png
  rnndyn timeline checkpoints/ --losses l.npy   bifurcations over a training run
  rnndyn report network.npz -o report.html      one page about a network, for a browser
  rnndyn convert checkpoint.pt network.npz      read a network of another program
  rnndyn cite cycles.npz                        the papers behind a result

exit codes:
{codes}
"""

# What a user can mend. All other errors are faults of the program, or memory.
_USER_ERRORS = (ValueError, TypeError, OverflowError, NotImplementedError, OSError)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    codes = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())
    parser = _Parser(
        prog="rnndyn",
        description="Exact dynamical-systems analysis of recurrent neural networks.",
        epilog=_EPILOG.format(codes=codes),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rnndyn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    # For the command that prints what a shell needs to complete all of it.
    parser.set_defaults(parser=parser)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all errors are, and not the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.ERROR, f"{self.prog}: error: {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what a command does not know in its own name: its help says what there is."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has what it wanted.
        _discard_output()
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        # The output could not be written, such as to a full disk.
        _discard_output()
        return _complain(_reason(error), ExitCode.ERROR)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = build_parser().parse_args(arguments)
        code: int = options.run(options)
    except KeyboardInterrupt:
        return interrupted()
    except BrokenPipeError:
        raise
    except SystemExit:
        # Help and usage, which argparse prints; what a pipe does not take is found here.
        if sys.stdout is not None:
            sys.stdout.flush()
        raise
    except (*_USER_ERRORS, MissingPackageError) as error:
        return _complain(_reason(error), ExitCode.ERROR)
    except MemoryError as error:
        return _complain(f"out of memory: {_reason(error)}".rstrip(": "), ExitCode.FAILED)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        return _complain(
            f"{type(error).__name__}: {_reason(error)} (this is a fault of rnndyn; "
            "python -X dev -m rnndyn ... shows where)",
            ExitCode.FAILED,
        )
    return code


def _complain(message: str, code: ExitCode) -> ExitCode:
    print(f"rnndyn: error: {message}", file=sys.stderr)
    return code


def _reason(error: BaseException) -> str:
    """Return the message of an error in one line."""
    if isinstance(error, OSError) and error.strerror is not None:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _discard_output() -> None:
    """Lose what is still in the buffer; Python would try to write it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
