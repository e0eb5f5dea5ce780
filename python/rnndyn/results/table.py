"""How results are printed: one table for the terminal and for notebooks.

To print a kind of result, register a function with `table_of` in the file ``_table.py`` of its
room; everything else is done in `rnndyn._common.table`.
"""

from functools import singledispatch
from typing import Any

from rnndyn._common.table import (
    Row,
    Table,
    align_columns,
    head_and_tail,
    html_text,
    plain_text,
)

__all__ = [
    "Row",
    "Table",
    "align_columns",
    "head_and_tail",
    "html_text",
    "plain_text",
    "table_of",
]


@singledispatch
def table_of(result: Any) -> Table:
    """Return the table of a result; every kind of result registers its own."""
    raise TypeError(
        f"there is no table of {type(result).__name__}; register one with "
        "rnndyn.results.table_of.register"
    )
