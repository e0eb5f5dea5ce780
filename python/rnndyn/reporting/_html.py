"""Pieces of HTML; everything that comes from outside is escaped here."""

import html
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """A cell of a table.

    Attributes
    ----------
    html : str
        What it shows, as HTML.
    value : float or None
        What it is sorted by; None for its text. A number is aligned to the right.
    """

    html: str
    value: float | None = None


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    heading : str
        Its heading, as text.
    numeric : bool
        Whether it is aligned to the right.
    """

    heading: str
    numeric: bool = True


def text(value: object) -> str:
    """Return text that shows as it is."""
    return html.escape(str(value), quote=True)


def paragraph(content: object, kind: str = "") -> str:
    """Return a paragraph of text."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{text(content)}</p>"


def definitions(pairs: Iterable[tuple[object, object]]) -> str:
    """Return a list of names and what they stand for."""
    rows = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs]
    return f"<dl>{''.join(rows)}</dl>" if rows else ""


def table(
    columns: Sequence[Column],
    rows: Iterable[tuple[str, Sequence[Cell]]],
    *,
    sortable: bool = False,
    tall: bool = False,
    label: str = "",
) -> str:
    """Return a table; each row is its attributes, as HTML, and its cells."""
    head = "".join(_heading(column, sortable) for column in columns)
    body = "".join(
        f"<tr{attributes}>{''.join(map(_cell, cells, columns))}</tr>" for attributes, cells in rows
    )
    kinds = "scroll tall" if tall else "scroll"
    # A region that scrolls must be within reach of the keyboard.
    region = f' role="region" aria-label="{text(label)}" tabindex="0"' if label else ""
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="{kinds}"{region}><table{kind}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def folded(summary: str, content: str) -> str:
    """Return text whose rest shows on request; both are text."""
    return f"<details><summary>{text(summary)}</summary><code>{text(content)}</code></details>"


def figure(name: str, description: str, kind: str = "") -> str:
    """Return the place of a figure and of the picture that prints instead."""
    return (
        f'<div class="plot {kind}" id="{name}" role="img" aria-label="{text(description)}"></div>'
        f'<img class="print" id="{name}-print" alt="{text(description)}">'
    )


def _heading(column: Column, sortable: bool) -> str:
    kind = ' class="n"' if column.numeric else ""
    if not sortable:
        return f'<th scope="col"{kind}>{text(column.heading)}</th>'
    button = f'<button type="button">{text(column.heading)}</button>'
    return f'<th scope="col"{kind} aria-sort="none">{button}</th>'


def _cell(cell: Cell, column: Column) -> str:
    kind = ' class="n"' if column.numeric else ""
    # JavaScript writes infinity as a word.
    value = "" if cell.value is None else f"{cell.value!r}".replace("inf", "Infinity")
    attribute = f' data-value="{value}"' if value else ""
    return f"<td{kind}{attribute}>{cell.html}</td>"
