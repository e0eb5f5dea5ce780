"""How basins of attraction look in a terminal and in a notebook."""

from typing import TYPE_CHECKING

import numpy as np

from rnndyn._cycle_table import align_columns, html_table
from rnndyn.cycles import format_modulus

if TYPE_CHECKING:
    from rnndyn.basins_result import Basins

#: With more attractors than this the table is shortened to those with the largest basins.
_MAX_ROWS = 24
_HEADINGS = ("#", "order", "spectral radius", "share", "steps (median)", "certified")
_LEFT_ALIGNED = {"certified"}


def plain_text(basins: "Basins") -> str:
    """Return the table that ``print`` shows."""
    rows = _rows(basins)
    table = align_columns([_HEADINGS, *rows], _LEFT_ALIGNED) if rows else []
    return "\n".join([_title(basins), *table, *_notes(basins)])


def html_text(basins: "Basins") -> str:
    """Return the table that a notebook shows."""
    return html_table(_title(basins), _HEADINGS, _rows(basins), _notes(basins))


def _title(basins: "Basins") -> str:
    n = len(basins.attractors)
    states = f"{basins.model.n_states:,} state{'' if basins.model.n_states == 1 else 's'}"
    points = " x ".join(f"{size:,}" for size in reversed(basins.labels.shape))
    return (
        f"Basins of {n:,} stable cycle{'' if n == 1 else 's'} of {basins.model.family} ({states}), "
        f"{points} points"
    )


def _rows(basins: "Basins") -> list[tuple[str, ...]]:
    shares = basins.shares
    shown = np.sort(np.argsort(-shares, kind="stable")[:_MAX_ROWS]).tolist()
    rows: list[tuple[str, ...]] = []
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


def _notes(basins: "Basins") -> list[str]:
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
        n = len(basins.unclaimed)
        notes.append(
            f"No basin is claimed for {n:,} stable cycle{'' if n == 1 else 's'} "
            "too close to a border or to losing stability"
        )
    if not run.complete:
        reason = {"time_limit": "the time limit", "interrupt": "an interrupt"}
        notes.append(
            f"INCOMPLETE: stopped by {reason.get(run.stopped_by, 'something')} after "
            f"{run.n_points_done:,} of {run.n_points:,} points"
        )
    return notes
