"""The file format of timelines: that of branch sets, with numbers for every checkpoint."""

from typing import Any

from rnndyn.bifurcation.path import _file
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.results.files import Arrays

#: What may be given for every checkpoint.
_SERIES = ("losses", "gradient_norms")


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    header, arrays = _file.taken_apart(state["branch_set"]._state())
    given = {name: state[name] for name in _SERIES if state[name] is not None}
    return header, arrays | {f"series/{name}": values for name, values in given.items()}


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    return {
        "branch_set": BranchSet(**_file.put_together(header, arrays)),
        **{name: arrays.get(f"series/{name}") for name in _SERIES},
    }


FORMAT = _file.FORMAT._replace(taken_apart=_taken_apart, put_together=_put_together)
