"""How basins of attraction look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted, format_modulus
from rnndyn.basins_of_attraction.result import Basins
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
    n_points, run = max(basins.labels.size, 1), basins.run
    notes = []
    if basins.n_unbounded:
        notes.append(
            f"Unbounded, beyond {run.escape_radius:.3g}: {basins.n_unbounded / n_points:.2%}"
        )
    if basins.n_undecided:
        notes.append(
            f"Undecided after {run.max_steps:,} steps, no known attractor: "
            f"{basins.n_undecided / n_points:.2%}"
        )
    if basins.unclaimed:
        notes.append(
            f"No basin is claimed for {counted(len(basins.unclaimed), 'stable cycle')} "
            "too close to a border or to losing stability"
        )
    if not run.complete:
        notes.append(run.incomplete_text(f"{run.n_points_done:,} of {run.n_points:,} points"))
    return notes
