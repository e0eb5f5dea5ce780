"""How manifolds and boundaries look in a terminal and in a notebook."""

import numpy as np

from rnndyn._common.words import counted, format_modulus, model_text
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.gate import Gate
from rnndyn.manifolds.result import BasinBoundary, Manifold
from rnndyn.manifolds.run import END_TEXTS, ManifoldRun
from rnndyn.results.table import Table, table_of

_LABELS = {-1: "undecided", -2: "unbounded", -3: "not reached"}


@table_of.register
def _manifold_table(manifold: Manifold) -> Table:
    cycle, pieces = manifold.cycle, manifold.pieces
    article = "an" if cycle.stability.startswith("u") else "a"
    title = (
        f"{manifold.kind.capitalize()} manifold of {article} {cycle.stability} cycle of order "
        f"{cycle.order} of {model_text(manifold.model)}: {counted(len(pieces), 'piece')} of "
        f"dimension {pieces.dimension}"
    )
    counts = np.bincount(pieces.depths)
    rows = [(str(depth), f"{count:,}") for depth, count in enumerate(counts)]
    return Table(title, ("depth", "pieces"), rows, notes=_notes(manifold.run))


@table_of.register
def _boundary_table(boundary: BasinBoundary) -> Table:
    title = (
        f"Boundary between the basins of {counted(len(boundary.attractors), 'stable cycle')} of "
        f"{model_text(boundary.model)}: {counted(len(boundary.pieces), 'piece')} of "
        f"{counted(int(boundary.separating.sum()), 'gate')}"
    )
    counts = np.bincount(boundary.gate_numbers, minlength=len(boundary.gates))
    rows = [
        (
            str(number),
            str(gate.cycle.order),
            format_modulus(gate.cycle.spectral_radius, gate.cycle.log_spectral_radius),
            sides_text(gate),
            f"{counts[number]:,}",
        )
        for number, gate in enumerate(boundary.gates)
    ]
    headings = ("gate", "order", "spectral radius", "between", "pieces")
    # Nothing of their part of the boundary is known, whatever the run says.
    missing = {
        "outside the box and without pieces": boundary.gates_outside,
        "undecided whether they separate basins, and without pieces": boundary.gates_undecided,
    }
    notes = [
        f"Not complete: {reason}: gate {', '.join(map(str, gates))}"
        for reason, gates in missing.items()
        if gates
    ]
    notes += [] if notes and boundary.run.complete else _notes(boundary.run)
    return Table(title, headings, rows, {"between"}, notes)


@table_of.register
def _connections_table(found: HomoclinicPoints) -> Table:
    title = (
        f"{counted(len(found), 'connecting orbit')} between {counted(len(found.cycles), 'saddle')} "
        f"of {model_text(found.model)}: {int(found.homoclinic.sum()):,} homoclinic"
    )
    rows = [
        (
            str(number),
            f"{found.sources[number]} -> {found.targets[number]}",
            str(found.lengths[number]),
            f"{found.transversality[number]:.3g}",
            f"{found.margins[number]:.3g}",
        )
        for number in range(len(found))
    ]
    headings = ("#", "saddles", "steps", "transversality", "margin")
    return Table(title, headings, rows, notes=_notes(found.run))


@table_of.register
def _chaos_table(certificate: ChaosCertificate) -> Table:
    title = f"Proof of chaos of {model_text(certificate.model)}"
    return Table(title, notes=certificate.summary())


def sides_text(gate: Gate) -> str:
    """Return where orbits go from the two sides of a gate: ``"0 | 1"``."""
    return " | ".join(
        ", ".join(_LABELS.get(label, str(label)) for label in side) for side in gate.sides
    )


def _notes(run: ManifoldRun) -> list[str]:
    where = "within the box" if run.bounded else f"for orbits within |z_i| <= {run.upper[0]:.3g}"
    if run.complete:
        return [f"Complete {where}: no longer word has a piece"]
    notes = []
    if not run.finished:
        notes.append(run.incomplete_text(f"{run.seconds:.3g} s"))
    elif run.end != "exhausted":
        notes.append(f"Not complete: {END_TEXTS[run.end]}")
    if run.n_undecided:
        notes.append(f"{counted(run.n_undecided, 'word')} too thin to be told from none")
    return notes
