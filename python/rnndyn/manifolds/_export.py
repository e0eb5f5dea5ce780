"""What manifolds and boundaries export."""

from typing import Any

import numpy as np

from rnndyn._common.arrays import itinerary_text
from rnndyn._common.words import plain
from rnndyn.manifolds._file import CHAOS_ARRAYS
from rnndyn.manifolds.chaos import ChaosCertificate
from rnndyn.manifolds.connections import HomoclinicPoints
from rnndyn.manifolds.pieces import Pieces
from rnndyn.manifolds.result import BasinBoundary, Manifold
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.results.export import (
    LabelledArrays,
    columns_of,
    dictionary_of,
    labelled_of,
    model_sizes,
)


@columns_of.register
def _manifold_columns(manifold: Manifold, table: str) -> dict[str, Any]:
    return _columns(manifold.pieces)


@columns_of.register
def _boundary_columns(boundary: BasinBoundary, table: str) -> dict[str, Any]:
    return {"gate": boundary.gate_numbers, **_columns(boundary.pieces)}


def _columns(pieces: Pieces) -> dict[str, Any]:
    return {
        "depth": pieces.depths,
        "parent": pieces.parents,
        "phase": pieces.phases,
        "radius": pieces.radii,
        "n_inequalities": np.diff(pieces.starts),
    }


@labelled_of.register
def _manifold_labelled(manifold: Manifold) -> LabelledArrays:
    attributes = {"family": manifold.model.family, "kind": manifold.kind}
    return _labelled(manifold.pieces, manifold.run, {}, attributes)


@labelled_of.register
def _boundary_labelled(boundary: BasinBoundary) -> LabelledArrays:
    gates = {"gate": ("piece", boundary.gate_numbers)}
    return _labelled(boundary.pieces, boundary.run, gates, {"family": boundary.model.family})


def _labelled(
    pieces: Pieces, run: ManifoldRun, more: dict[str, Any], attributes: dict[str, Any]
) -> LabelledArrays:
    owners = np.repeat(np.arange(len(pieces)), np.diff(pieces.starts))
    variables = {
        **more,
        "depth": ("piece", pieces.depths),
        "parent": ("piece", pieces.parents),
        "phase": ("piece", pieces.phases),
        "region": (("piece", "unit"), pieces.regions),
        "interior": (("piece", "state"), pieces.interiors),
        "radius": ("piece", pieces.radii),
        "equation": (("piece", "equation_row", "state"), pieces.equations),
        "value": (("piece", "equation_row"), pieces.values),
        "inequality": (("inequality_row", "state"), pieces.inequalities),
        "bound": ("inequality_row", pieces.bounds),
        "inequality_piece": ("inequality_row", owners),
    }
    return LabelledArrays(
        variables,
        {},
        {
            **attributes,
            "end": run.end,
            "stopped_by": run.stopped_by,
            "depth": run.depth,
            "rnndyn_version": run.version,
        },
    )


@dictionary_of.register
def _manifold_dictionary(manifold: Manifold) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(manifold.model),
            "kind": manifold.kind,
            "cycle": manifold.cycle.to_dict(),
            "pieces": _lists(manifold.pieces),
            "run": manifold.run.to_dict(),
        }
    )
    return values


@dictionary_of.register
def _boundary_dictionary(boundary: BasinBoundary) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(boundary.model),
            "attractors": [cycle.to_dict() for cycle in boundary.attractors],
            "gates": [gate.to_dict() for gate in boundary.gates],
            "gate_numbers": boundary.gate_numbers,
            "pieces": _lists(boundary.pieces),
            "run": boundary.run.to_dict(),
        }
    )
    return values


def _lists(pieces: Pieces) -> list[dict[str, Any]]:
    found = []
    for number in range(len(pieces)):
        rows, bounds = pieces.rows_of(number)
        found.append(
            {
                "depth": pieces.depths[number],
                "parent": pieces.parents[number],
                "phase": pieces.phases[number],
                "region": "".join("1" if bit else "0" for bit in pieces.regions[number]),
                "interior": pieces.interiors[number],
                "equations": pieces.equations[number],
                "values": pieces.values[number],
                "inequalities": rows,
                "bounds": bounds,
            }
        )
    return found


@columns_of.register
def _connections_columns(found: HomoclinicPoints, table: str) -> dict[str, Any]:
    return {
        "source": found.sources,
        "target": found.targets,
        "source_phase": found.source_phases,
        "target_phase": found.target_phases,
        "length": found.lengths,
        "transversality": found.transversality,
        "margin": found.margins,
    }


@labelled_of.register
def _connections_labelled(found: HomoclinicPoints) -> LabelledArrays:
    columns = _connections_columns(found, "points")
    variables = {
        **{name: ("orbit", column) for name, column in columns.items()},
        "point": (("orbit", "state"), found.points),
        "region": (("step", "unit"), found.words),
        "step_orbit": ("step", np.repeat(np.arange(len(found)), found.lengths)),
    }
    attributes = {
        "family": found.model.family,
        "end": found.run.end,
        "stopped_by": found.run.stopped_by,
        "depth": found.run.depth,
        "rnndyn_version": found.run.version,
    }
    return LabelledArrays(variables, {}, attributes)


@dictionary_of.register
def _connections_dictionary(found: HomoclinicPoints) -> dict[str, Any]:
    columns = _connections_columns(found, "points")
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(found.model),
            "cycles": [cycle.to_dict() for cycle in found.cycles],
            "points": [
                {
                    **{name: column[number] for name, column in columns.items()},
                    "point": found.points[number],
                    "word": itinerary_text(found.word(number)),
                }
                for number in range(len(found))
            ],
            "run": found.run.to_dict(),
        }
    )
    return values


@dictionary_of.register
def _chaos_dictionary(certificate: ChaosCertificate) -> dict[str, Any]:
    values: dict[str, Any] = plain(
        {
            "model": model_sizes(certificate.model),
            "fingerprint": certificate.fingerprint,
            "entropy": certificate.entropy,
            "words": [itinerary_text(word) for word in certificate.words],
            **{name: getattr(certificate, name) for name in CHAOS_ARRAYS},
        }
    )
    return values
