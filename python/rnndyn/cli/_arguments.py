"""What several commands share: options, and how networks, orders and boxes are written."""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from rnndyn import examples, io
from rnndyn._arrays import FloatArray
from rnndyn._optional import import_optional
from rnndyn.models._canonical_map_of import canonical_map_of

_EXAMPLE_PREFIX = "example:"
#: More are a typing error.
_MAX_VALUES = 1_000_000


def load_network(text: str) -> Any:
    """Return the network named on the command line: a file, or ``example:NAME``."""
    if text.startswith(_EXAMPLE_PREFIX):
        return examples.load(text.removeprefix(_EXAMPLE_PREFIX))
    found = io.import_model(text)
    for note in found.notes:
        print(f"rnndyn: {text}: {note}", file=sys.stderr)
    return found.model


def load_piecewise_linear(text: str) -> Any:
    """Return the network named on the command line if it is one whose cycles can be searched."""
    network = load_network(text)
    try:
        canonical_map_of(network)
    except TypeError as error:
        # What a file holds is a value; a TypeError would be shown as a fault of the program.
        raise ValueError(f"{text}: {error}") from None
    return network


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


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add ``--seed``."""
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the random numbers (default: 0)"
    )


def add_threads(parser: Any) -> None:
    """Add ``--threads`` to a parser or a group."""
    parser.add_argument(
        "--threads", type=int, metavar="N", help="number of threads (default: all processors)"
    )


def add_results(parser: argparse.ArgumentParser, picture: str, file: str) -> None:
    """Add ``--json``, ``--plot`` and ``--output``; the words say what is drawn and saved."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--plot", type=Path, metavar="FILE", help=f"write a picture of {picture}")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"save {file}")


def without_infinity(value: Any) -> Any:
    """Return a value as JSON can hold it: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {name: without_infinity(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinity(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_output(path: Path) -> None:
    """Complain about a folder that does not exist now, not after a long search."""
    if not path.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no folder {path.parent}")


def prepare_plot(path: Path) -> Any:
    """Return matplotlib's ``pyplot``, for files only, after checking where it shall write."""
    check_output(path)
    matplotlib = import_optional("matplotlib", "drawing a picture")
    matplotlib.use("Agg")
    pyplot = import_optional("matplotlib.pyplot", "drawing a picture")
    known = pyplot.Figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise ValueError(f"cannot write {path}: the name must end in one of .{', .'.join(known)}")
    return pyplot
