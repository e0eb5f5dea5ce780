"""How a set of cycles looks in a terminal and in a notebook."""

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnndyn._arrays import ComplexArray
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycles import STABILITY_NAMES, Cycle, format_modulus
from rnndyn.search_statistics import SearchStatistics

if TYPE_CHECKING:
    from rnndyn.cycle_set import CycleSet

#: Sets with more cycles than this are shortened to their head and tail.
_MAX_ROWS = 24
_HEAD_ROWS = 12
_TAIL_ROWS = 6

_HEADINGS = ("#", "order", "stability", "spectral radius", "margin", "hits", "certified")
_LEFT_ALIGNED = {"stability", "certified"}
_SHAPES = {1: "line", 2: "plane"}


def plain_text(cycle_set: "CycleSet") -> str:
    """Return the table that ``print`` shows."""
    lines = [_title(cycle_set)]
    rows = _rows(cycle_set)
    if rows:
        lines.extend(align_columns([_HEADINGS, *rows], _LEFT_ALIGNED))
    lines.extend(continuum_line(continuum) for continuum in cycle_set.continua)
    lines.extend(sureness(cycle_set))
    return "\n".join(lines)


def html_text(cycle_set: "CycleSet") -> str:
    """Return the table that a notebook shows."""
    notes = [continuum_line(continuum) for continuum in cycle_set.continua]
    notes.extend(sureness(cycle_set))
    return html_table(_title(cycle_set), _HEADINGS, _rows(cycle_set), notes)


def sureness(cycle_set: "CycleSet") -> list[str]:
    """How sure the answer is: what was proved first."""
    lines = cycle_set.search.summary()
    certificate = cycle_set.certificate
    if certificate is None:
        return lines
    proved = certificate.summary()
    if any(record.method != "complete" for record in cycle_set.search.orders):
        # Of the other orders the search says what it did.
        proved = [line for line in proved if not line.startswith("Not proved")]
    return [*proved, *lines]


def align_columns(rows: Sequence[Sequence[str]], left_aligned: set[str]) -> list[str]:
    """Return one line per row; the first row holds the headings.

    Columns are right-aligned but for those whose heading is in ``left_aligned``.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if heading in left_aligned else cell.rjust(width)
            for cell, width, heading in zip(row, widths, rows[0], strict=True)
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def html_table(
    title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> str:
    """Return a title, a table, where it has rows, and notes below it."""
    parts = [f"<div><strong>{html.escape(title)}</strong>"]
    if rows:
        parts.append("<table><thead>" + _html_row(headings, "th") + "</thead><tbody>")
        parts.extend(_html_row(row, "td") for row in rows)
        parts.append("</tbody></table>")
    parts.extend(f"<div>{html.escape(note)}</div>" for note in notes)
    return "".join(parts) + "</div>"


def cycle_cells(cycle: Cycle, search: SearchStatistics) -> tuple[str, ...]:
    """Return order, stability, spectral radius, margin, hits and certificate of a cycle as text."""
    return (
        str(cycle.order),
        cycle.stability,
        format_modulus(cycle.spectral_radius, cycle.log_spectral_radius),
        "on border" if cycle.on_border else f"{cycle.margin:.3g}",
        "listed" if cycle.order in search.listed_orders else f"{cycle.hits:,}",
        "yes" if cycle.certified else "no",
    )


def conjugate_pairs(multipliers: ComplexArray) -> Iterator[tuple[int, bool]]:
    """Yield the positions of the multipliers, of a complex pair one, and whether it is a pair."""
    position = 0
    while position < len(multipliers):
        value = multipliers[position]
        following = multipliers[position + 1 : position + 2]
        paired = bool(
            np.isfinite(value) and value.imag != 0.0 and (following == value.conjugate()).any()
        )
        yield position, paired
        position += 2 if paired else 1


def _title(cycle_set: "CycleSet") -> str:
    n = len(cycle_set)
    model = cycle_set.model
    counts: Counter[str] = Counter()
    for block in cycle_set.blocks:
        for code, name in enumerate(STABILITY_NAMES):
            counts[name] += int((block.stability == code).sum())
    kinds = ", ".join(f"{counts[name]:,} {name}" for name in STABILITY_NAMES if counts[name])
    what = f"{n:,} cycle{'' if n == 1 else 's'}" if n else "no cycle"
    units = f"{model.n_units} unit{'' if model.n_units == 1 else 's'}"
    states = f"{model.n_states} state{'' if model.n_states == 1 else 's'}"
    title = f"{what} of {model.family} ({states}, {units})"
    return f"{title}: {kinds}" if kinds else title


def _rows(cycle_set: "CycleSet") -> list[tuple[str, ...]]:
    n = len(cycle_set)
    shown = [*range(n)] if n <= _MAX_ROWS else [*range(_HEAD_ROWS), *range(n - _TAIL_ROWS, n)]
    rows = [(str(index), *cycle_cells(cycle_set[index], cycle_set.search)) for index in shown]
    if len(shown) < n:
        gap = ("...", "", f"{n - len(shown):,} more", "", "", "", "")
        rows.insert(_HEAD_ROWS, gap)
    return rows


def continuum_line(continuum: ContinuumOfFixedPoints) -> str:
    shape = _SHAPES.get(continuum.dimension, f"{continuum.dimension}-dimensional set")
    members = "fixed points" if continuum.order == 1 else f"cycles of order {continuum.order}"
    radius = format_modulus(continuum.spectral_radius, float(continuum.log_moduli.max()))
    return f"  and a {shape} of {members}, spectral radius {radius}"


def _html_row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
