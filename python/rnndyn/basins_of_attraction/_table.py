"""How basins of attraction look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted, format_modulus, model_text
from rnndyn.basins_of_attraction.result import BasinFractions, Basins
from rnndyn.results.table import Row, Table, table_of

#: With more attractors than this the table is shortened to those with the largest basins.
_MAX_ROWS = 24
_HEADINGS = ("#", "order", "spectral radius", "share", "steps (median)", "certified")


@table_of.register
def _table(basins: Basins) -> Table:
    return Table(_title(basins), _HEADINGS, _rows(basins), {"certified"}, _notes(basins))


def _title(basins: Basins) -> str:
    cycles, states = (
        counted(len(basins.attractors), "stable cycle"),
        counted(basins.model.n_states, "state"),
    )
    points = " x ".join(f"{size:,}" for size in reversed(basins.labels.shape))
    return f"Basins of {cycles} of {basins.model.family} ({states}), {points} points"


def _rows(basins: Basins) -> list[Row]:
    shares = basins.shares
    shown = np.sort(np.argsort(-shares, kind="stable")[:_MAX_ROWS]).tolist()
    rows: list[Row] = []
    for number in shown:
        cycle = basins.attractors[number]
        steps = basins.n_steps[basins.labels == number]
        rows.append(
            (
                str(number),
                str(cycle.order),
                format_modulus(cycle.spectral_radius, cycle.log_spectral_radius),
                f"{shares[number]:.2%}",
                f"{np.median(steps):,.0f}" if len(steps) else "",
                "yes" if cycle.certified else "no",
            )
        )
    if len(shown) < len(shares):
        rows.append(("...", f"{len(shares) - len(shown):,} more", "", "", "", ""))
    return rows


def _notes(basins: Basins) -> list[str]:
    return _notes_of(basins, basins.labels.size, "points")


def _notes_of(result: Basins | BasinFractions, n_points: int, what: str) -> list[str]:
    n, run = max(n_points, 1), result.run
    notes = []
    if result.n_unbounded:
        notes.append(f"Unbounded, beyond {run.escape_radius:.3g}: {result.n_unbounded / n:.2%}")
    if result.n_undecided:
        notes.append(
            f"Undecided after {run.max_steps:,} steps, no known attractor: "
            f"{result.n_undecided / n:.2%}"
        )
    if result.unclaimed:
        notes.append(
            f"No basin is claimed for {counted(len(result.unclaimed), 'stable cycle')} "
            "too close to a border or to losing stability"
        )
    if not run.complete:
        notes.append(run.incomplete_text(f"{run.n_points_done:,} of {run.n_points:,} {what}"))
    return notes


@table_of.register
def _fractions_table(shares: BasinFractions) -> Table:
    fractions = shares.fractions
    lower, upper = shares.interval()
    shown = np.sort(np.argsort(-fractions, kind="stable")[:_MAX_ROWS]).tolist()
    rows: list[Row] = [
        (
            str(number),
            str(shares.attractors[number].order),
            f"{fractions[number]:.2%}",
            f"{lower[number]:.2%} to {upper[number]:.2%}",
        )
        for number in shown
    ]
    if len(shown) < len(fractions):
        rows.append(("...", f"{len(fractions) - len(shown):,} more", "", ""))
    title = (
        f"Basins of {counted(len(shares.attractors), 'stable cycle')} of "
        f"{model_text(shares.model)}, {counted(shares.n, 'random state')}"
    )
    headings = ("#", "order", "share", "95 % interval")
    return Table(title, headings, rows, notes=_notes_of(shares, shares.n, "states"))
