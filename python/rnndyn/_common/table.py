"""Tables for terminals and notebooks: what results, cycles and models look like."""

import html
from collections.abc import Callable, Sequence, Set
from typing import NamedTuple, TypeVar

_T = TypeVar("_T")
Row = tuple[str, ...]

#: Tables with more rows than this are shortened to their head and tail.
_MAX_ROWS = 24
_HEAD_ROWS = 12
_TAIL_ROWS = 6


class Table(NamedTuple):
    """What is printed of a result.

    Attributes
    ----------
    title : str
        The first line.
    headings : sequence of str
        Of the columns.
    rows : sequence of sequence of str
        Cells; without rows there are no headings either.
    left_aligned : set of str
        Headings of the columns that are not aligned on the right.
    notes : sequence of str
        Lines below.
    """

    title: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    left_aligned: Set[str] = frozenset()
    notes: Sequence[str] = ()


class Shown:
    """Base of the parts of results: a notebook shows a table, here their text, line by line."""

    __slots__ = ()

    def _shown(self) -> Table:
        title, *notes = repr(self).splitlines()
        return Table(title, notes=notes)

    def _repr_html_(self) -> str:
        return html_text(self._shown())


def plain_text(table: Table) -> str:
    """Return what ``print`` shows."""
    lines = [table.title]
    if table.rows:
        lines += align_columns([table.headings, *table.rows], table.left_aligned)
    return "\n".join([*lines, *table.notes])


def html_text(table: Table) -> str:
    """Return what a notebook shows."""
    parts = [f"<div><strong>{html.escape(table.title)}</strong>"]
    if table.rows:
        parts.append("<table><thead>" + _html_row(table.headings, "th") + "</thead><tbody>")
        parts.extend(_html_row(row, "td") for row in table.rows)
        parts.append("</tbody></table>")
    parts.extend(f"<div>{html.escape(note)}</div>" for note in table.notes)
    return "".join(parts) + "</div>"


def align_columns(rows: Sequence[Sequence[str]], left_aligned: Set[str]) -> list[str]:
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


def head_and_tail(items: Sequence[_T], row_of: Callable[[_T], Row], more_in: int = 1) -> list[Row]:
    """Return the rows of all items, or, of a long list, those of its head and of its tail.

    Between them a row says, in the column `more_in`, how many are left out.
    """
    if len(items) <= _MAX_ROWS:
        return [row_of(item) for item in items]
    head = [row_of(item) for item in items[:_HEAD_ROWS]]
    tail = [row_of(item) for item in items[-_TAIL_ROWS:]]
    between = ["..."] + [""] * (len(head[0]) - 1)
    between[more_in] = f"{len(items) - _HEAD_ROWS - _TAIL_ROWS:,} more"
    return [*head, tuple(between), *tail]


def _html_row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"
