"""What several commands share: how a network, orders and a box are written on the command line."""

import argparse
from pathlib import Path
from typing import Any

from rnndyn import examples, io
from rnndyn._optional import import_optional
from rnndyn.models._canonical_map_of import canonical_map_of

_EXAMPLE_PREFIX = "example:"


def load_network(text: str) -> Any:
    """Return the network named on the command line: a file, or ``example:NAME``."""
    if text.startswith(_EXAMPLE_PREFIX):
        return examples.load(text.removeprefix(_EXAMPLE_PREFIX))
    return io.load_model(text)


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
