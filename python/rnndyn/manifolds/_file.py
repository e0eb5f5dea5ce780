"""The file formats of manifolds and boundaries: see ``docs/reference/manifold-format.md``."""

from typing import Any

import numpy as np

from rnndyn.cycles._file import cycle_from_members, cycle_members
from rnndyn.cycles.cycle import Cycle
from rnndyn.io._record import header_of, piecewise_linear_model_of, record_of
from rnndyn.manifolds.gate import Gate
from rnndyn.manifolds.pieces import _ERROR_TYPES, _TYPES, Pieces
from rnndyn.manifolds.run import ManifoldRun
from rnndyn.manifolds.tree import TreeState
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.files import Arrays, ResultFormat, group_of


def _common_parts(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    header = {"model": header_of(model), "run": state["run"].to_dict()}
    arrays: Arrays = {f"model/{name}": value for name, value in model.parameters.items()}
    trees = state["trees"]
    header["trees"] = None if trees is None else [tree._asdict() for tree in trees]
    pieces = state["pieces"]
    for name in _types_of(pieces.has_errors):
        arrays[f"pieces/{name}"] = getattr(pieces, name)
    return header, arrays


def _types_of(has_errors: bool) -> dict[str, Any]:
    return {**_TYPES, **(_ERROR_TYPES if has_errors else {})}


def _trees_of(header: dict[str, Any]) -> tuple[TreeState, ...] | None:
    # Files of version 1 have none.
    trees = header.get("trees")
    return None if trees is None else tuple(map(TreeState.from_dict, trees))


def _model_and_pieces(
    header: dict[str, Any], arrays: Arrays, what: str
) -> tuple[PiecewiseLinearModel, Pieces]:
    model = piecewise_linear_model_of(header["model"], group_of(arrays, "model"), what)
    members = group_of(arrays, "pieces")
    # Files of version 1 have no errors.
    types = _types_of(all(name in members for name in _ERROR_TYPES))
    for name, dtype in types.items():
        if members[name].dtype != dtype:
            raise ValueError(f"member 'pieces/{name}' must hold {np.dtype(dtype)} numbers")
    return model, Pieces(**{name: members[name] for name in types})


def _manifold_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    header, arrays = _common_parts(state)
    arrays.update(_members_of("cycle", state["cycle"]))
    own = {"kind": state["kind"], "order": state["cycle"].order, "max_length": state["max_length"]}
    return {**header, **own}, arrays


def _manifold_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model, pieces = _model_and_pieces(header, arrays, "a manifold")
    return {
        "model": model,
        "cycle": cycle_from_members(header["order"], group_of(arrays, "cycle"), model),
        "kind": header["kind"],
        "pieces": pieces,
        "run": ManifoldRun.from_dict(header["run"]),
        "trees": _trees_of(header),
        # Files of version 1 do not say it.
        "max_length": header.get("max_length"),
    }


def _boundary_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    header, arrays = _common_parts(state)
    arrays["gate_numbers"] = state["gate_numbers"]
    for number, cycle in enumerate(state["attractors"]):
        arrays.update(_members_of(f"attractors_{number}", cycle))
    for number, gate in enumerate(state["gates"]):
        arrays.update(_members_of(f"gates_{number}", gate.cycle))
    return {
        **header,
        "attractors": [cycle.order for cycle in state["attractors"]],
        "gates": [gate.cycle.order for gate in state["gates"]],
        "sides": [[list(side) for side in gate.sides] for gate in state["gates"]],
    }, arrays


def _boundary_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model, pieces = _model_and_pieces(header, arrays, "a basin boundary")
    cycles = {
        kind: [
            cycle_from_members(order, group_of(arrays, f"{kind}_{number}"), model)
            for number, order in enumerate(header[kind])
        ]
        for kind in ("attractors", "gates")
    }
    gates = [
        Gate(cycle, sides) for cycle, sides in zip(cycles["gates"], header["sides"], strict=True)
    ]
    return {
        "model": model,
        "attractors": cycles["attractors"],
        "gates": gates,
        "pieces": pieces,
        "gate_numbers": arrays["gate_numbers"],
        "run": ManifoldRun.from_dict(header["run"]),
        "trees": _trees_of(header),
    }


def _members_of(folder: str, cycle: Cycle) -> Arrays:
    return {f"{folder}/{name}": column for name, column in cycle_members(cycle).items()}


FORMAT = ResultFormat(
    "rnndyn manifold", 2, "a manifold", _manifold_taken_apart, _manifold_put_together
)
BOUNDARY_FORMAT = ResultFormat(
    "rnndyn basin boundary",
    2,
    "a basin boundary",
    _boundary_taken_apart,
    _boundary_put_together,
)


CONNECTION_ARRAYS: dict[str, Any] = {
    "points": np.float64,
    "sources": np.int64,
    "targets": np.int64,
    "source_phases": np.int64,
    "target_phases": np.int64,
    "lengths": np.int64,
    "transversality": np.float64,
    "margins": np.float64,
    "words": np.bool_,
}
CHAOS_ARRAYS = (
    "center",
    "expanding",
    "contracting",
    "half_expanding",
    "half_contracting",
    "places",
    "half_widths",
)


def _connections_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    header = {
        "model": header_of(model),
        "run": state["run"].to_dict(),
        "cycles": [cycle.order for cycle in state["cycles"]],
    }
    arrays: Arrays = {f"model/{name}": value for name, value in model.parameters.items()}
    arrays.update({name: state[name] for name in CONNECTION_ARRAYS})
    for number, cycle in enumerate(state["cycles"]):
        arrays.update(_members_of(f"cycles_{number}", cycle))
    return header, arrays


def _connections_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    model = piecewise_linear_model_of(
        header["model"], group_of(arrays, "model"), "homoclinic points"
    )
    for name, dtype in CONNECTION_ARRAYS.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"member {name!r} must hold {np.dtype(dtype)} numbers")
    return {
        "model": model,
        "cycles": [
            cycle_from_members(order, group_of(arrays, f"cycles_{number}"), model)
            for number, order in enumerate(header["cycles"])
        ],
        **{name: arrays[name] for name in CONNECTION_ARRAYS},
        "run": ManifoldRun.from_dict(header["run"]),
    }


def _chaos_taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    model = record_of(state["model"], None)
    arrays: Arrays = {f"model/{name}": value for name, value in model.parameters.items()}
    arrays.update({name: state[name] for name in CHAOS_ARRAYS})
    for number, word in enumerate(state["words"]):
        arrays[f"word_{number}"] = word
    return {"model": header_of(model)}, arrays


def _chaos_put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    for name in CHAOS_ARRAYS:
        if arrays[name].dtype != np.float64:
            raise ValueError(f"member {name!r} must hold float64 numbers")
    return {
        "model": piecewise_linear_model_of(
            header["model"], group_of(arrays, "model"), "a proof of chaos"
        ),
        "words": tuple(arrays[f"word_{number}"] for number in range(len(arrays["places"]))),
        **{name: arrays[name] for name in CHAOS_ARRAYS},
    }


CONNECTIONS_FORMAT = ResultFormat(
    "rnndyn homoclinic points",
    1,
    "homoclinic points",
    _connections_taken_apart,
    _connections_put_together,
)
CHAOS_FORMAT = ResultFormat(
    "rnndyn chaos certificate", 1, "a proof of chaos", _chaos_taken_apart, _chaos_put_together
)
