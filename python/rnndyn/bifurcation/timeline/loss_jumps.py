"""Jumps of the loss, and whether they coincide with bifurcations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Shown


@dataclass(frozen=True, eq=False)
class LossJumps(ByFields):
    """Intervals between checkpoints over which the loss changes unusually much.

    Attributes
    ----------
    intervals : ndarray of int64, shape (n,)
        Interval j is between the checkpoints j and j + 1.
    differences : ndarray of float64, shape (n,)
        Change of the loss over these intervals.
    scores : ndarray of float64, shape (n,)
        Modified z-scores of these changes.
    threshold : float
        Scores beyond this, on either side, count as jumps.
    """

    intervals: IntArray
    differences: FloatArray
    scores: FloatArray
    threshold: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "intervals", frozen(self.intervals, np.int64))
        object.__setattr__(self, "differences", frozen(self.differences, np.float64))
        object.__setattr__(self, "scores", frozen(self.scores, np.float64))

    def __len__(self) -> int:
        return len(self.intervals)


@dataclass(frozen=True)
class Coincidence(Shown):
    """How jumps of the loss coincide with bifurcations.

    Attributes
    ----------
    n_jumps : int
        Number of jumps.
    n_with_event : int
        Those with a bifurcation in their interval, or within `window` intervals of it.
    expected : float
        Mean number with a bifurcation of as many intervals chosen at random.
    p_value : float
        Share of random choices with at least as many, where the actual one counts as one of them.
    window : int
        Intervals on both sides that count.
    n_permutations : int
        Number of random choices.
    seed : int
        Their seed.
    """

    n_jumps: int
    n_with_event: int
    expected: float
    p_value: float
    window: int
    n_permutations: int
    seed: int


def modified_z_scores(differences: FloatArray) -> FloatArray:
    """Return robust scores: deviations from the median over their typical size.

    Where more than half of the deviations are 0, their mean takes the place of their median.
    """
    # B. Iglewicz, D. C. Hoaglin, "How to Detect and Handle Outliers", ASQC Quality Press 1993:
    # 0.6745 is the median modulus of a standard normal variable, 1.253314 sqrt(pi / 2).
    deviations = differences - np.median(differences)
    typical = float(np.median(np.abs(deviations))) / 0.6745
    if typical == 0.0:
        typical = 1.253314 * float(np.abs(deviations).mean())
    if typical == 0.0:
        return np.zeros(len(differences))
    return np.asarray(deviations / typical)


def loss_jumps(losses: FloatArray, threshold: float) -> LossJumps:
    """Return the outliers among the differences of the loss."""
    differences = np.diff(losses)
    scores = modified_z_scores(differences)
    intervals = np.flatnonzero(np.abs(scores) > threshold)
    return LossJumps(intervals, differences[intervals], scores[intervals], threshold)


def coincidence(
    jumps: LossJumps, has_event: BoolArray, window: int, n_permutations: int, seed: int
) -> Coincidence:
    """Compare the jumps with random choices of as many intervals."""
    n = len(has_event)
    near = has_event.copy()
    for shift in range(1, min(window, n - 1) + 1):
        near[shift:] |= has_event[:-shift]
        near[:-shift] |= has_event[shift:]
    observed = int(near[jumps.intervals].sum())
    rng = np.random.default_rng(seed)
    # Of intervals chosen without repetition, the number near an event is hypergeometric.
    drawn = rng.hypergeometric(int(near.sum()), int((~near).sum()), len(jumps), n_permutations)
    # B. Phipson, G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39: a p-value is never 0.
    p_value = (int((drawn >= observed).sum()) + 1) / (n_permutations + 1)
    return Coincidence(
        n_jumps=len(jumps),
        n_with_event=observed,
        expected=len(jumps) * float(near.mean()),
        p_value=p_value,
        window=window,
        n_permutations=n_permutations,
        seed=seed,
    )
