"""How a set of cycles looks in a terminal and in a notebook."""

from collections import Counter

import numpy as np

from rnndyn._common.arrays import ComplexArray, FloatArray
from rnndyn._common.words import counted, format_modulus, found_in, model_text, percent
from rnndyn.cycles.by_input import CyclesByInput
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, conjugate_pairs
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.run import SearchStatistics
from rnndyn.models import PeriodicallyDriven
from rnndyn.results.table import Row, Table, head_and_tail, table_of

_HEADINGS = ("#", "order", "stability", "spectral radius", "margin", "hits", "certified")
MULTIPLIER_HEADINGS = ("#", "multiplier", "modulus", "time constant")
#: Longer inputs are not written out.
_MAX_INPUTS = 12
_LEFT_ALIGNED = {"stability", "certified"}
_SHAPES = {1: "line", 2: "plane"}


@table_of.register
def _table(cycles: CycleSet) -> Table:
    def row(index: int) -> Row:
        return str(index), *cycle_cells(cycles[index], cycles.search)

    # Where there are no regions there are no margins.
    shown = [name for name in _HEADINGS if not (cycles.is_smooth and name == "margin")]
    return Table(
        title=_title(cycles),
        headings=shown,
        rows=head_and_tail(range(len(cycles)), row, more_in=shown.index("stability")),
        left_aligned=_LEFT_ALIGNED,
        notes=[
            *_inputs_lines(cycles),
            *map(continuum_line, cycles.continua),
            *_degenerate_lines(cycles),
            *sureness(cycles),
        ],
    )


@table_of.register
def _table_of_one(cycle: Cycle) -> Table:
    if cycle.is_degenerate:
        error = f"degenerate, not verified: not told from others within {cycle.error_bound:.1e}"
    else:
        error = f"within {cycle.error_bound:.1e}, proved" if cycle.certified else "not verified"
    notes = [f"{counted(cycle.n_unstable, 'unstable direction')}; points {error}"]
    rows = multiplier_rows(cycle.multipliers, cycle.log_moduli, cycle.time_constants)
    return Table(repr(cycle), MULTIPLIER_HEADINGS, rows, notes=notes)


@table_of.register
def _table_of_continuum(continuum: ContinuumOfFixedPoints) -> Table:
    with np.errstate(divide="ignore"):
        scales = -continuum.order / continuum.log_moduli
    rows = multiplier_rows(continuum.multipliers, continuum.log_moduli, scales)
    return Table(repr(continuum), MULTIPLIER_HEADINGS, rows)


def multiplier_rows(
    multipliers: ComplexArray, log_moduli: FloatArray, time_constants: FloatArray
) -> list[Row]:
    """Return a row for each multiplier, or pair of them."""
    rows: list[Row] = []
    for position, paired in conjugate_pairs(multipliers):
        value, tau = multipliers[position], time_constants[position]
        modulus = format_modulus(abs(value), float(log_moduli[position]))
        text = f"{value.real:.6g} ± {abs(value.imag):.6g}i" if paired else f"{value.real:.6g}"
        rows.append((str(position), text, modulus, f"{tau:.6g}"))
    return rows


def _inputs_lines(cycles: CycleSet) -> list[str]:
    if isinstance(cycles.model, PeriodicallyDriven):
        return [f"Period of the input: {counted(cycles.model.period, 'step')}"]
    if cycles.inputs is None or len(cycles.inputs) > _MAX_INPUTS:
        return []
    return [f"Constant input: {', '.join(f'{value:g}' for value in cycles.inputs)}"]


def _degenerate_lines(cycles: CycleSet) -> list[str]:
    """Say what cycles are listed for several that cannot be told from each other."""
    if not cycles.is_smooth:
        return []
    lines = []
    for number, cycle in enumerate(cycles):
        if cycle.is_degenerate:
            lines.append(
                f"  {number} is degenerate, with a multiplier 1 within rounding errors: it stands "
                f"for all that may be within {cycle.error_bound:.1e} of it"
            )
    return lines


def sureness(cycles: CycleSet) -> list[str]:
    """How sure the answer is: what was proved first."""
    lines = cycles.search.summary()
    certificate = cycles.certificate
    if certificate is None:
        return lines
    proved = certificate.summary()
    if any(record.method != "complete" for record in cycles.search.orders):
        # Of the other orders the search says what it did.
        proved = [line for line in proved if not line.startswith("Not proved")]
    return [*proved, *lines]


def cycle_cells(cycle: Cycle, search: SearchStatistics) -> Row:
    """Return order, stability, spectral radius, margin, hits and certificate of a cycle as text.

    Without the margin where there are no regions.
    """
    margin = "on border" if cycle.on_border else f"{cycle.margin:.3g}"
    return (
        str(cycle.order),
        cycle.stability,
        format_modulus(cycle.spectral_radius, cycle.log_spectral_radius),
        *([margin] if cycle.has_regions else []),
        "listed" if cycle.order in search.listed_orders else f"{cycle.hits:,}",
        "yes" if cycle.certified else "no",
    )


def _title(cycles: CycleSet) -> str:
    counts: Counter[str] = Counter()
    for block in cycles.blocks:
        for code, name in enumerate(STABILITY_NAMES):
            counts[name] += int((block.certified & (block.stability == code)).sum())
    n, n_doubtful = cycles.n_certified, len(cycles) - cycles.n_certified
    kinds = ", ".join(f"{counts[name]:,} {name}" for name in STABILITY_NAMES if counts[name])
    title = _cycles_text(n, n_doubtful, model_text(cycles.model))
    title = f"{title}: {kinds}" if kinds else title
    return title + _doubtful_text(n, n_doubtful)


def _doubtful_text(n_certified: int, n_doubtful: int) -> str:
    if not n_doubtful:
        return ""
    return f"; {n_doubtful:,} {'more ' if n_certified else ''}not certified"


def _cycles_text(n_certified: int, n_doubtful: int, model: str) -> str:
    """Return the number of cycles of which it is proved that they exist."""
    noun = "certified cycle" if n_doubtful and not n_certified else "cycle"
    return found_in(n_certified, noun, model)


def continuum_line(continuum: ContinuumOfFixedPoints) -> str:
    """Return the line about a continuum."""
    shape = _SHAPES.get(continuum.dimension, f"{continuum.dimension}-dimensional set")
    members = "fixed points" if continuum.order == 1 else f"cycles of order {continuum.order}"
    radius = format_modulus(continuum.spectral_radius, float(continuum.log_moduli.max()))
    return f"  and a {shape} of {members}, spectral radius {radius}"


_BY_INPUT_HEADINGS = (
    "#",
    "input",
    "cycles",
    "stable",
    "saddle",
    "unstable",
    "certified",
    "index sum",
    "sure",
)
#: Longer inputs are told by their number only.
_MAX_INPUTS_IN_TABLE = 6


@table_of.register
def _by_input_table(found: CyclesByInput) -> Table:
    short = found.inputs.shape[1] <= _MAX_INPUTS_IN_TABLE

    def row(index: int) -> Row:
        cycles = found.sets[index]
        inputs = ", ".join(f"{value:g}" for value in found.inputs[index])
        return (
            str(index),
            *([inputs] if short else []),
            f"{len(cycles):,}",
            *(f"{len(part):,}" for part in (cycles.stable, cycles.saddles, cycles.unstable)),
            f"{cycles.n_certified:,}",
            "" if cycles.index_sum is None else str(cycles.index_sum),
            _sure_text(cycles),
        )

    shown = [name for name in _BY_INPUT_HEADINGS if short or name != "input"]
    n = sum(cycles.n_certified for cycles in found.sets)
    n_doubtful = found.n_cycles - n
    return Table(
        title=f"{_cycles_text(n, n_doubtful, model_text(found.model))} under "
        f"{counted(len(found), 'constant input')}" + _doubtful_text(n, n_doubtful),
        headings=shown,
        rows=head_and_tail(range(len(found)), row, more_in=1),
        left_aligned={"sure"},
        notes=[
            f"Input {number}: {line}"
            for number, cycles in enumerate(found.sets)
            for line in cycles.search.warnings()
        ],
    )


def _sure_text(cycles: CycleSet) -> str:
    if not cycles.finished:
        return "not finished"
    if cycles.complete:
        return "nothing is missing"
    coverage = cycles.search.coverage
    return "" if coverage is None else f"coverage {percent(coverage)}"
