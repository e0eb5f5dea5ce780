"""The result of following the cycles of a network through its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers, frozen
from rnndyn._common.checks import check_count, check_integer
from rnndyn.bifurcation.path.branch import Branches
from rnndyn.bifurcation.path.events import BifurcationEvents
from rnndyn.bifurcation.path.gap import Gap
from rnndyn.bifurcation.path.result import BranchSet
from rnndyn.bifurcation.timeline._file import FORMAT
from rnndyn.bifurcation.timeline.loss_jumps import Coincidence, LossJumps, coincidence, loss_jumps
from rnndyn.results.base import TabularResult
from rnndyn.results.run import Run


@dataclass(frozen=True, eq=False, repr=False)
class Timeline(TabularResult):
    """Branches and bifurcations of cycles over the epochs of a training run.

    Attributes
    ----------
    events : sequence of BifurcationEvent
        Sorted by epoch; ``event.epoch`` is fractional.
    branches : sequence of Branch
        The cycles over time, matched by continuation and not by nearest distance. Branches with
        the same ``lineage`` are one cycle.
    gaps : tuple of Gap
        Everything that they do not explain.
    branch_set : BranchSet
        The continuation itself; its models are the checkpoints, its ``axis`` is ``"epoch"``.
    epochs : ndarray of float64, shape (n_checkpoints,)
        Epochs of the checkpoints; 0, 1, 2, ... where none were given.
    losses, gradient_norms : ndarray of float64, shape (n_checkpoints,), or None
        As given.

    See Also
    --------
    rnndyn.training_timeline : Compute it.
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("events", "branches", "gaps", "checkpoints")

    branch_set: BranchSet
    losses: FloatArray | None = None
    gradient_norms: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("losses", "gradient_norms"):
            series = check_series(name, getattr(self, name), len(self.branch_set.models))
            object.__setattr__(self, name, series)

    @classmethod
    def _is_in(cls, header: Mapping[str, Any]) -> bool:
        # Its files are those of branch sets; only a timeline is over epochs.
        return header.get("axis") == "epoch"

    def _made_by(self) -> Run:
        return self.branch_set.run

    @property
    def events(self) -> BifurcationEvents:
        """The events, sorted by epoch."""
        return self.branch_set.events

    @property
    def branches(self) -> Branches:
        """The cycles over time."""
        return self.branch_set.branches

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Everything that branches and events do not explain."""
        return self.branch_set.gaps

    @property
    def epochs(self) -> FloatArray:
        """Epochs of the checkpoints."""
        return self.branch_set.axis_values

    @property
    def events_per_interval(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Number of events between the checkpoints j and j + 1, shape (n_checkpoints - 1,)."""
        n = len(self.epochs) - 1
        pieces = np.clip(np.floor(self.events.s).astype(np.int64), 0, n - 1)
        return np.bincount(pieces, minlength=n).astype(np.int64)

    def loss_jumps(self, threshold: float = 3.5) -> LossJumps:
        """Return the intervals between checkpoints over which the loss jumps.

        Parameters
        ----------
        threshold : float
            A change of the loss is a jump where its modified z-score exceeds this on either side.

        Returns
        -------
        LossJumps

        Raises
        ------
        ValueError
            If the timeline has no losses, or the threshold is not positive.

        Notes
        -----
        The score is 0.6745 (d - median d) / MAD with MAD the median of ``|d - median d|``; 3.5 is
        the threshold that Iglewicz and Hoaglin recommend ("How to Detect and Handle Outliers", ASQC
        Quality Press 1993).
        """
        if self.losses is None:
            raise ValueError(
                "this timeline has no losses; give training_timeline(..., losses=[...])"
            )
        if not threshold > 0.0:
            raise ValueError(f"threshold must be a positive number, got {threshold!r}")
        return loss_jumps(self.losses, float(threshold))

    def coincidence(
        self,
        threshold: float = 3.5,
        *,
        window: int = 0,
        n_permutations: int = 9999,
        seed: int = 0,
    ) -> Coincidence:
        """Tell how jumps of the loss coincide with bifurcations, against random intervals.

        Parameters
        ----------
        threshold : float
            As for `loss_jumps`.
        window : int
            Intervals before and after a jump in which an event counts.
        n_permutations : int
            Number of random choices of as many intervals.
        seed : int
            Their seed.

        Returns
        -------
        Coincidence

        Raises
        ------
        ValueError
            If the timeline has no losses, or an argument is out of range.

        Notes
        -----
        Chance places the jumps anywhere in the run. Where jumps and events are both frequent in one
        part of it, mostly the start, a small ``p_value`` says that and no more. Losses that fall by
        orders of magnitude make every early change an outlier: give their logarithms.
        """
        window = check_integer("window", window, 0, 2**31)
        n_permutations = check_count("n_permutations", n_permutations)
        seed = check_integer("seed", seed, 0, 2**64 - 1)
        jumps = self.loss_jumps(threshold)
        return coincidence(jumps, self.events_per_interval > 0, window, n_permutations, seed)

    def _schema(self) -> dict[str, Any]:
        # Its files are those of branch sets, what it exports is more.
        return {**super()._schema(), "schema": "rnndyn timeline"}


def check_series(name: str, values: Any, n: int) -> FloatArray | None:
    """Return a number for every checkpoint as an array; None where none were given."""
    if values is None:
        return None
    return frozen(finite_numbers(name, values, (n,)), np.float64)
