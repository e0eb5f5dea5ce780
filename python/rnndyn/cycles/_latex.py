"""Tables of cycles for LaTeX."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.checks import check_integer
from rnndyn._common.words import format_modulus
from rnndyn.cycles.cycle import Cycle, conjugate_pairs

LatexEnvironment = Literal["tabular", "table", "longtable"]

_ENVIRONMENTS = ("tabular", "table", "longtable")
DEFAULT_COLUMNS = ("order", "stability", "spectral_radius", "margin", "certified")


class _Column:
    """How one column is headed, aligned and written; digits are significant ones."""

    def __init__(self, heading: str, alignment: str, cell: Callable[[Cycle, int], str]) -> None:
        self.heading = heading
        self.alignment = alignment
        self.cell = cell


def _itinerary(cycle: Cycle, digits: int) -> str:
    return rf"\texttt{{{itinerary_text(cycle.itinerary)}}}"


def _multipliers(cycle: Cycle, digits: int) -> str:
    """Write the multipliers by decreasing modulus, complex pairs once."""
    parts = []
    for position, paired in conjugate_pairs(cycle.multipliers):
        value = cycle.multipliers[position]
        if not np.isfinite(value):
            modulus = format_modulus(math.inf, cycle.log_moduli[position], digits)
            parts.append(f"|{number(modulus)}|")
        elif value.imag == 0.0:
            parts.append(number(f"{value.real:.{digits}g}"))
        else:
            sign = r"\pm" if paired else ("-" if value.imag < 0.0 else "+")
            real = number(f"{value.real:.{digits}g}")
            imaginary = number(f"{abs(value.imag):.{digits}g}")
            parts.append(rf"{real} {sign} {imaginary}\,\mathrm{{i}}")
    return f"${', '.join(parts)}$"


def _margin(cycle: Cycle, digits: int) -> str:
    return "on border" if cycle.on_border else _real(cycle.margin, digits)


COLUMNS: dict[str, _Column] = {
    "order": _Column("order", "r", lambda cycle, digits: str(cycle.order)),
    "stability": _Column("stability", "l", lambda cycle, digits: cycle.stability),
    "spectral_radius": _Column(
        "spectral radius",
        "r",
        lambda cycle, digits: (
            f"${number(format_modulus(cycle.spectral_radius, cycle.log_spectral_radius, digits))}$"
        ),
    ),
    "multipliers": _Column("multipliers", "l", _multipliers),
    "margin": _Column("margin", "r", _margin),
    "residual": _Column("residual", "r", lambda cycle, digits: _real(cycle.residual, 2)),
    "error_bound": _Column("error bound", "r", lambda cycle, digits: _real(cycle.error_bound, 2)),
    "certified": _Column(
        "certified", "l", lambda cycle, digits: "yes" if cycle.certified else "no"
    ),
    "hits": _Column("hits", "r", lambda cycle, digits: str(cycle.hits)),
    "itinerary": _Column("itinerary", "l", _itinerary),
}  # fmt: skip


def without_regions(columns: Sequence[str]) -> Sequence[str]:
    """Return the columns of cycles without regions: the default ones without the margin."""
    if columns is DEFAULT_COLUMNS:
        return [name for name in columns if name != "margin"]
    if wrong := [name for name in ("margin", "itinerary") if name in columns]:
        raise ValueError(
            f"columns must not have {' and '.join(wrong)} here: tanh, GRU and LSTM networks have "
            "no regions"
        )
    return columns


def latex_table(
    cycles: Iterable[Cycle],
    columns: Sequence[str],
    environment: LatexEnvironment,
    caption: str | None,
    label: str | None,
    digits: int,
) -> str:
    """Return a set of cycles as a table; `CycleSet.to_latex` says what the arguments are."""
    if isinstance(columns, str) or not columns or any(name not in COLUMNS for name in columns):
        raise ValueError(f"columns must be some of {', '.join(COLUMNS)}, got {columns!r}")
    if environment not in _ENVIRONMENTS:
        raise ValueError(
            f"environment must be one of {', '.join(_ENVIRONMENTS)}, got {environment!r:.60}"
        )
    if environment == "tabular" and (caption is not None or label is not None):
        raise ValueError(
            "a caption or label needs environment='table' or 'longtable', got 'tabular'"
        )
    digits = check_integer("digits", digits, 1, 17)
    chosen = [COLUMNS[name] for name in columns]
    alignment = "".join(column.alignment for column in chosen)
    heading = _row([column.heading for column in chosen])
    rows = [_row([column.cell(cycle, digits) for column in chosen]) for cycle in cycles]
    named = _named(caption, label)
    if environment == "longtable":
        # The part before \endhead comes again on every page; the caption only on the first.
        head = [r"\toprule", heading, r"\midrule"]
        first = [*([rf"{''.join(named)} \\"] if named else []), *head, r"\endfirsthead"]
        body = [*first, *head, r"\endhead", r"\bottomrule", r"\endlastfoot", *rows]
        return _inside("longtable", f"{{{alignment}}}", body)
    body = [r"\toprule", heading, r"\midrule", *rows, r"\bottomrule"]
    tabular = _inside("tabular", f"{{{alignment}}}", body)
    if environment == "tabular":
        return tabular
    return _inside("table", "", [r"\centering", *named, tabular.rstrip("\n")])


def number(text: str) -> str:
    """Write a formatted number in math mode: ``1.5e-05`` as ``1.5 \\times 10^{-5}``."""
    mantissa, e, exponent = text.partition("e")
    if "inf" in mantissa:
        return mantissa.replace("inf", r"\infty")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if e else mantissa


def _real(value: float, digits: int) -> str:
    return f"${number(f'{value:.{digits}g}')}$"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _named(caption: str | None, label: str | None) -> list[str]:
    lines = [] if caption is None else [rf"\caption{{{caption}}}"]
    if label is not None:
        lines.append(rf"\label{{{label}}}")
    return lines


def _inside(environment: str, arguments: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"\\begin{{{environment}}}{arguments}\n{body}\n\\end{{{environment}}}\n"
