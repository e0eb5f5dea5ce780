"""What several commands share: options, and how networks, orders and boxes are written."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnndyn import examples, io
from rnndyn._common.arrays import FloatArray
from rnndyn.io._archive import read_npy
from rnndyn.models._canonical_map_of import piecewise_linear

EXAMPLE_PREFIX = "example:"
#: More are a typing error.
_MAX_VALUES = 1_000_000
_MAX_INPUT_BYTES = 2**34


def load_network(text: str, nonlinearity: str | None = None) -> Any:
    """Return the network named on the command line: a file, or ``example:NAME``."""
    if text.startswith(EXAMPLE_PREFIX):
        return examples.load(text.removeprefix(EXAMPLE_PREFIX))
    found = io.import_model(text, nonlinearity=nonlinearity)
    for note in found.remarks:
        print(f"rnndyn: {text}: {note}", file=sys.stderr)
    return found.model


def load_piecewise_linear(
    text: str, nonlinearity: str | None = None, inputs: Path | None = None
) -> Any:
    """Return the network named on the command line if it is piecewise linear.

    `inputs` is a file with a constant input, which it then is under.
    """
    return _as_piecewise_linear(text, load_network(text, nonlinearity), inputs)


def load_with_regions(text: str, nonlinearity: str | None = None) -> Any:
    """Return the network itself if it is piecewise linear, for functions that take its states."""
    network = load_network(text, nonlinearity)
    _as_piecewise_linear(text, network, None)
    return network


def _as_piecewise_linear(text: str, network: Any, inputs: Path | None) -> Any:
    try:
        return piecewise_linear(network, read_inputs(inputs))
    except TypeError as error:
        # What a file holds is a value; a TypeError would be shown as a fault of the program.
        raise ValueError(f"{text}: {error}") from None


def parse_orders(text: str) -> list[int]:
    """Turn ``1,2,5-8`` into a list of orders."""
    orders: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(
                f"orders are written like 1,2,5-8, but {part.strip()!r} is neither a number nor a "
                "range"
            )
        orders.extend(range(int(first), int(last or first) + 1))
    return orders


def parse_axis(text: str) -> tuple[str, FloatArray]:
    """Turn ``NAME=LO:HI:N`` into the name of a parameter and N values, both ends included."""
    name, equals, values = text.rpartition("=")
    parts = values.split(":")
    try:
        if not equals or len(parts) != 3:
            raise ValueError
        low, high, count = float(parts[0]), float(parts[1]), int(parts[2])
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'a parameter is written like "A[0,0]=-1:1:200" (from, to, number), not {text!r}'
        ) from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise argparse.ArgumentTypeError(f"{text!r} must go from a number to a larger one")
    if not 2 <= count <= _MAX_VALUES:
        raise argparse.ArgumentTypeError(
            f"{text!r} must name 2 to {_MAX_VALUES:,} values, not {count}"
        )
    return name.strip(), np.linspace(low, high, count)


def parse_box(text: str) -> float | tuple[float, float]:
    """Turn ``R`` or ``LOWER,UPPER`` into a box."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        return numbers[0]
    if len(numbers) == 2:
        return numbers[0], numbers[1]
    raise argparse.ArgumentTypeError(
        f"a box is written like 10 or -2,5 (the same bounds for every state), not {text!r}"
    )


def add_box(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--box``; `what` says what the box does."""
    parser.add_argument(
        "--box",
        type=parse_box,
        metavar="R|LO,HI",
        help=f"{what} all |states| <= R, or all states between LO and HI "
        "(write --box=LO,HI where LO is negative)",
    )


def add_certificate(parser: argparse.ArgumentParser, what: str, suffixes: str) -> None:
    """Add ``--certificate``, which writes a proof for ``rnndyn verify``."""
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help=f"write {what} to this {suffixes} file, for rnndyn verify",
    )


def add_orders(parser: argparse.ArgumentParser, verb: str, *, default: str | None = None) -> None:
    """Add ``--max-order`` and ``--orders``; without a default one of them must be given."""
    orders = parser.add_mutually_exclusive_group(required=default is None)
    note = f" (default: {default})" if default else ""
    orders.add_argument(
        "--max-order", type=int, metavar="K", help=f"{verb} the orders 1 to K{note}"
    )
    orders.add_argument(
        "--orders", type=parse_orders, metavar="LIST", help=f"{verb} these orders, like 1,2,5-8"
    )


def add_command(commands: Any, name: str, *, summary: str, description: str, epilog: str) -> Any:
    """Return the parser of a new command; its epilog has examples."""
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # --order would be taken for --orders, which is not what somebody means who writes it.
        allow_abbrev=False,
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the network that a command is about."""
    parser.add_argument("model", metavar="MODEL", help="a model file, or example:NAME")
    add_nonlinearity(parser)


def add_nonlinearity(parser: argparse.ArgumentParser) -> None:
    """Add ``--nonlinearity``."""
    parser.add_argument(
        "--nonlinearity",
        choices=("tanh", "relu"),
        help="which of the two an RNN of torch or Flux has, where the file does not say it",
    )


def add_inputs(parser: argparse.ArgumentParser, what: str = "drive the network with these") -> None:
    """Add ``--inputs``."""
    parser.add_argument("--inputs", type=Path, metavar="X.npy", help=what)


def add_constant_inputs(parser: argparse.ArgumentParser) -> None:
    """Add ``--inputs`` of searches under one constant input or several."""
    add_inputs(parser, "constant external input, an array of shape (K,), or several (C, K)")


def add_periodic(parser: argparse.ArgumentParser) -> None:
    """Add ``--periodic``, which says that ``--inputs`` is one period."""
    parser.add_argument(
        "--periodic",
        action="store_true",
        help="take --inputs as the input (T, K) of every step of one period",
    )


def add_starts(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--states`` and ``--drive``, which say where searches, or what they are, may begin."""
    parser.add_argument(
        "--states",
        type=Path,
        metavar="Z.npy",
        help=f"states (..., N), such as data: {what} may begin there as well",
    )
    parser.add_argument(
        "--drive",
        type=Path,
        metavar="U.npy",
        help=f"input sequences (B, T, K): {what} may begin where the network goes under them",
    )


def add_method(parser: argparse.ArgumentParser, methods: Sequence[str], text: str) -> None:
    """Add ``--method``."""
    parser.add_argument("--method", choices=methods, default="auto", help=text)


def add_effort(parser: argparse.ArgumentParser, stopped: str, *, threads: bool = True) -> None:
    """Add ``--seed``, ``--threads``, ``--time-limit`` and ``--quiet``, as every long command has.

    `stopped` says what a time limit leaves; without `threads` the command adds that one itself.
    """
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the random numbers (default: 0)"
    )
    if threads:
        add_threads(parser)
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help=stopped)
    parser.add_argument(
        "-q",
        "--quiet",
        dest="progress",
        action="store_const",
        const=False,
        help="show no progress bar; there is none in pipes and files anyway",
    )


def add_threads(parser: Any) -> None:
    """Add ``--threads`` to a parser or a group."""
    parser.add_argument(
        "--threads", type=int, metavar="N", help="number of threads (default: all processors)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def add_results(parser: argparse.ArgumentParser, picture: str, what: str) -> None:
    """Add ``--json``, ``--plot`` and ``--output``; the words say what is drawn and saved."""
    add_json(parser)
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help=f"write a picture of {picture} (.png, .pdf, ...)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=f"save {what} to this .npz file, or export to .json or .nc (netCDF)",
    )


def read_numbers(path: Path, what: str, max_bytes: int) -> Any:
    """Read an array of real numbers from a ``.npy`` file without running code of the file."""
    try:
        numbers = read_npy(path, max_bytes)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as {what}: {error}") from error
    if numbers.dtype.kind not in "iuf":
        raise ValueError(f"{path} cannot be read as {what}: it holds {numbers.dtype}, not numbers")
    return numbers


def read_array(path: Path | None, what: str) -> Any:
    """Read an array of numbers, if there is a file of it."""
    return None if path is None else read_numbers(path, what, _MAX_INPUT_BYTES)


def read_states(path: Path | None) -> Any:
    """Read states to start from, if there are any."""
    return read_array(path, "states")


def read_inputs(path: Path | None) -> Any:
    """Read input sequences, if there are any."""
    return read_array(path, "inputs")
