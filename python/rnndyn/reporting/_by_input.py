"""Several constant inputs on a page that is about one of them."""

import numpy as np
from numpy.typing import ArrayLike

from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.result import CycleSet
from rnndyn.reporting import _html
from rnndyn.results.table import html_text, table_of


def chosen(
    found: CyclesByInput, inputs: ArrayLike | None
) -> tuple[CyclesByInput, CycleSet, ArrayLike]:
    """Return all sets, the one under `inputs`, which the page is about, and this input.

    Default: the first.

    Raises
    ------
    ValueError
        If no set is one under this input.
    """
    if not len(found):
        raise ValueError("cycles must hold the cycles under one input at least, got none")
    if inputs is None:
        return found, found[0], found.inputs[0]
    wanted = np.asarray(inputs)
    for row, cycles in zip(found.inputs, found, strict=True):
        if np.array_equal(row, wanted):
            return found, cycles, row
    raise ValueError(
        "inputs must be one of the inputs of cycles, such as cycles.inputs[0], the one that the "
        f"page is about; got {inputs!r:.60}"
    )


def section(found: CyclesByInput | None, cycles: CycleSet | None) -> str:
    """Return the table of all inputs; nothing where there is only one."""
    if found is None:
        return ""
    numbers = [number for number, own in enumerate(found) if own is cycles]
    names = " and ".join(str(number) for number in numbers)
    words = (
        "The cycles under each constant input, each searched from those under the others. All else "
        f"on this page is about input {names}."
    )
    return _html.paragraph(words) + html_text(table_of(found))
