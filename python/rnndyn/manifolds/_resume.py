"""Checks of results that a computation is to go on with."""

from typing import Any, TypeVar

import numpy as np

from rnndyn.manifolds._arguments import Limits
from rnndyn.manifolds.result import BasinBoundary, Manifold
from rnndyn.manifolds.tree import TreeState
from rnndyn.models import PiecewiseLinearModel

_Result = TypeVar("_Result", Manifold, BasinBoundary)


def check_resume(
    resume: Any, kind: type[_Result], call: str, model: PiecewiseLinearModel, limits: Limits
) -> tuple[_Result, tuple[TreeState, ...]]:
    """Return the result to go on with, and its trees; an error says what is asked differently."""
    if not isinstance(resume, kind):
        raise TypeError(
            f"resume must be what an earlier {call} returned, got {type(resume).__name__}"
        )
    if resume.model != model:
        raise ValueError("resume must be of the same network; this one has other parameters")
    if not resume.pieces.has_errors or resume.trees is None:
        raise ValueError(
            "resume must know the rounding errors of its rows, but it comes from a file of format "
            "version 1, which does not hold them: compute it anew, without resume"
        )
    run = resume.run
    box = limits.box
    if (
        run.bounded != box.bounded
        or not np.array_equal(run.lower, box.lower)
        or not np.array_equal(run.upper, box.upper)
    ):
        raise ValueError("resume must be of the same box; give the same box= as then")
    for name in ("depth", "max_pieces"):
        before, now = getattr(run, name), getattr(limits, name)
        if now < before:
            raise ValueError(
                f"{name} must be at least {before:,}, as it was for resume, whose pieces stay, "
                f"got {now:,}"
            )
    return resume, resume.trees
