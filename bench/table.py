"""Plain text tables."""

import math
from collections.abc import Iterable, Sequence

import numpy as np


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a title, a header and rows; text to the left, numbers to the right."""
    cells = [[format_cell(cell) for cell in row] for row in rows]
    numeric = [
        all(row[i][:1] in "+-0123456789>" for row in cells if row[i]) for i in range(len(header))
    ]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    print(f"\n{title}\n")
    rule = ["-" * width for width in widths]
    for row in [list(header), rule, *cells]:
        padded = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        print("  " + "  ".join(padded).rstrip())
    print(flush=True)


def format_cell(cell: object) -> str:
    if isinstance(cell, float):
        return format_number(cell)
    return str(cell)


def format_number(value: float) -> str:
    """Three significant digits, with thousands separated."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1e15:
        return f"{value:.2e}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def format_seconds(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def geometric_mean(values: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(values)))))
