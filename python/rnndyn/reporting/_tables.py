"""Tables of a page: parameters, cycles, and what was done at every order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.words import format_modulus, percent
from rnndyn.cycles.cycle import Cycle, conjugate_pairs
from rnndyn.cycles.run import SearchStatistics
from rnndyn.lyapunov._table import error_text, number_text
from rnndyn.lyapunov.result import LyapunovSpectrum
from rnndyn.reporting import _html
from rnndyn.reporting._attractors import Attractor
from rnndyn.reporting._content import Numbered
from rnndyn.reporting._html import Cell, Column
from rnndyn.results.table import html_text, table_of

#: Longer itineraries are folded, and much longer ones cut.
_FOLD_BITS, _SHOWN_BITS, _MAX_BITS = 20, 12, 2000
_STABLE_MARK = '<span class="stable"><span class="mark"></span></span>'
#: More multipliers are folded.
_MOST_MULTIPLIERS = 2


def parameters(model: Any) -> str:
    """Return the parameter arrays of a model with their ranges."""
    columns = [
        Column("parameter", numeric=False), Column("shape", numeric=False), Column("numbers"),
        Column("smallest"), Column("mean"), Column("largest"), Column("standard deviation"),
        Column("zeros"),
    ]  # fmt: skip
    rows = []
    for name, array in model.parameters.items():
        cells = [
            Cell(f"<code>{_html.text(name)}</code>"),
            Cell(_html.text(" × ".join(map(str, array.shape)) or "number")),
            Cell(f"{array.size:,}", array.size),
        ]
        if array.size:
            numbers = [array.min(), array.mean(), array.max(), array.std()]
            cells += [Cell(f"{value:.4g}", float(value)) for value in numbers]
        else:
            cells += [Cell("")] * 4
        n_zeros = int((array == 0.0).sum())
        rows.append(("", [*cells, Cell(f"{n_zeros:,}", n_zeros)]))
    return _html.table(columns, rows, sortable=True, label="Parameters")


def cycles(shown: Sequence[Numbered], search: SearchStatistics) -> str:
    """Return the cycles, one a row, to be sorted; without what belongs to regions they lack."""
    with_regions = all(cycle.has_regions for _, cycle in shown)
    columns = [
        Column("#"), Column("order"), Column("stability", numeric=False), Column("spectral radius"),
        Column("multipliers", numeric=False), *([Column("margin")] if with_regions else []),
        Column("error bound"), Column("certified", numeric=False), Column("hits"),
        *([Column("itinerary", numeric=False)] if with_regions else []),
    ]  # fmt: skip
    rows = [
        (
            f' data-cycle="{number}" tabindex="0" aria-selected="false"',
            _cycle_cells(number, cycle, cycle.order in search.listed_orders),
        )
        for number, cycle in shown
    ]
    return _html.table(columns, rows, sortable=True, tall=True, label="Fixed points and cycles")


def _cycle_cells(number: int, cycle: Cycle, listed: bool) -> list[Cell]:
    log_radius = cycle.log_spectral_radius
    kind = _html.text(cycle.stability)
    margin = Cell("on border" if cycle.on_border else f"{cycle.margin:.3g}", cycle.margin)
    return [
        Cell(f"{number}", number),
        Cell(f"{cycle.order}", cycle.order),
        Cell(f'<span class="{kind}"><span class="mark"></span>{kind}</span>'),
        Cell(format_modulus(cycle.spectral_radius, log_radius), log_radius),
        Cell(_multipliers(cycle), log_radius),
        *([margin] if cycle.has_regions else []),
        Cell(f"{cycle.error_bound:.2g}", cycle.error_bound),
        Cell("yes" if cycle.certified else "no"),
        Cell("listed" if listed else f"{cycle.hits:,}", cycle.hits),
        *([Cell(_itinerary(cycle))] if cycle.has_regions else []),
    ]


def _multipliers(cycle: Cycle) -> str:
    texts = [
        multiplier_text(cycle.multipliers[position], cycle.log_moduli[position], paired)
        for position, paired in conjugate_pairs(cycle.multipliers)
    ]
    joined = ", ".join(texts)
    if len(texts) <= _MOST_MULTIPLIERS:
        return f'<span class="whole">{_html.text(joined)}</span>'
    return _html.folded(f"{', '.join(texts[:_MOST_MULTIPLIERS])}, …", joined)


def multiplier_text(value: complex, log_modulus: float, paired: bool) -> str:
    """Write a multiplier, or a complex pair with ±; of one that overflows, its modulus."""
    if not np.isfinite(value):
        return f"|{format_modulus(np.inf, log_modulus, 4)}|"
    if value.imag == 0.0:
        return f"{value.real:.4g}"
    sign = "±" if paired else ("−" if value.imag < 0.0 else "+")
    return f"{value.real:.4g} {sign} {abs(value.imag):.4g}i"


def _itinerary(cycle: Cycle) -> str:
    bits = itinerary_text(cycle.itinerary)
    if len(bits) <= _FOLD_BITS:
        return f"<code>{_html.text(bits)}</code>"
    rest = bits
    if len(bits) > _MAX_BITS:
        rest = f"{bits[:_MAX_BITS]} … ({cycle.itinerary.size:,} bits; CycleSet.save keeps them)"
    return _html.folded(f"{bits[:_SHOWN_BITS]}…", rest)


def attractors(known: Sequence[Attractor]) -> str:
    """Return where orbits settle, with the largest exponents."""
    columns = [
        Column("attractor", numeric=False), Column("orbits"), Column("largest exponent"),
        Column("standard error"),
    ]  # fmt: skip
    rows = []
    for attractor in known:
        mark = "" if attractor.cycle is None else _STABLE_MARK
        error = attractor.error
        cells = [
            Cell(mark + _html.text(attractor.name)),
            Cell(f"{attractor.n_orbits:,}", attractor.n_orbits),
            Cell(number_text(attractor.exponent, error), attractor.exponent),
            Cell("exact" if error == 0.0 else error_text(error), error),
        ]
        rows.append(("", cells))
    return _html.table(columns, rows, sortable=True, label="Attractors")


def exponents(spectrum: LyapunovSpectrum) -> str:
    """Return the table of a spectrum, with the names of the exponents for their numbers."""
    table = table_of(spectrum)
    rows = [(f"λ{int(row[0]) + 1}" if row[0].isdigit() else row[0], *row[1:]) for row in table.rows]
    return html_text(table._replace(rows=rows))


def orders(search: SearchStatistics) -> str:
    """Return what the search did at every order."""
    columns = [
        Column("order"), Column("method", numeric=False), Column("itineraries listed"),
        Column("restarts"), Column("solves"), Column("coverage"), Column("coverage at least"),
        Column("ended by itself", numeric=False), Column("seconds"),
    ]  # fmt: skip
    rows = []
    for record in search.orders:
        # What was listed or proved needs no estimate.
        sure = record.complete
        coverage = None if sure else record.coverage
        at_least = None if sure else record.coverage_lower
        cells = [
            Cell(f"{record.order}", record.order),
            Cell(_html.text(record.method)),
            Cell(f"{record.n_itineraries:,}", record.n_itineraries),
            Cell(f"{record.n_restarts:,}", record.n_restarts),
            Cell(f"{record.n_solves:,}", record.n_solves),
            Cell(_share(coverage), coverage),
            Cell(_share(at_least), at_least),
            Cell("yes" if record.finished else "no"),
            Cell(f"{record.seconds:.3g}", record.seconds),
        ]
        rows.append(("", cells))
    return _html.table(columns, rows, label="What the search did at every order")


def _share(share: float | None) -> str:
    return "–" if share is None else percent(share)
