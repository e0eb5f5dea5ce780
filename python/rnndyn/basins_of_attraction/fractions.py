"""How much of a box each basin of attraction takes, in any dimension."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray, frozen
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_integer
from rnndyn._common.compare import ByFields
from rnndyn._common.options import check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn._common.words import counted, model_text
from rnndyn.basins_of_attraction._fates import Fates
from rnndyn.basins_of_attraction.following import (
    escape_radius_of,
    model_and_cycles,
    settled_cycle,
)
from rnndyn.basins_of_attraction.progress import BasinsProgress
from rnndyn.basins_of_attraction.result import NOT_REACHED, UNBOUNDED, UNDECIDED
from rnndyn.basins_of_attraction.run import BasinsRun
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.table import Table, plain_text

#: Orbits that did not settle and are examined in one round.
_N_SUSPECTS = 16
#: States drawn and followed at a time.
_AT_A_TIME = 65_536


@dataclass(frozen=True, eq=False, repr=False)
class BasinFractions(ByFields):
    """What share of a box goes to each attractor, estimated from random first states.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    attractors : tuple of Cycle
        The stable cycles that orbits can be said to converge to.
    counts : ndarray of int64, shape (number of attractors,)
        First states whose orbits go to each.
    n_unbounded, n_undecided : int
        Those whose orbits left all bounds, and those that arrived nowhere.
    lower, upper : ndarray of float64, shape (M,)
        The box.
    run : BasinsRun
        How it was made.

    See Also
    --------
    rnndyn.basin_fractions : Compute them.
    """

    model: PiecewiseLinearModel
    attractors: tuple[Cycle, ...]
    counts: IntArray
    n_unbounded: int
    n_undecided: int
    lower: FloatArray
    upper: FloatArray
    run: BasinsRun = field(compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "attractors", tuple(self.attractors))
        object.__setattr__(self, "counts", frozen(self.counts, np.int64))
        for name in ("lower", "upper"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))

    @property
    def n(self) -> int:
        """Number of first states whose orbits were followed."""
        return int(self.counts.sum()) + self.n_unbounded + self.n_undecided

    @property
    def complete(self) -> bool:
        """Whether all orbits were followed; False after Ctrl-C or a time limit."""
        return self.run.complete

    @property
    def fractions(self) -> FloatArray:
        """Share of the box that goes to each attractor, shape (number of attractors,)."""
        return np.asarray(self.counts / max(self.n, 1))

    def interval(self, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper ends of confidence intervals of the shares.

        They are those of Wilson for a binomial share, so an attractor that no orbit went to has an
        interval as well.

        Parameters
        ----------
        confidence : float
            Between 0 and 1.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
        z, n, share = NormalDist().inv_cdf(0.5 + 0.5 * confidence), max(self.n, 1), self.fractions
        middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
        half = z * np.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / (1.0 + z * z / n)
        return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)

    def __repr__(self) -> str:
        lower, upper = self.interval()
        rows = [
            (
                str(number),
                str(cycle.order),
                f"{share:.2%}",
                f"{low:.2%} to {high:.2%}",
            )
            for number, (cycle, share, low, high) in enumerate(
                zip(self.attractors, self.fractions, lower, upper, strict=True)
            )
        ]
        title = (
            f"Basins of {counted(len(self.attractors), 'stable cycle')} of "
            f"{model_text(self.model)}, {counted(self.n, 'random state')}"
        )
        notes = []
        for name, count in (("Unbounded", self.n_unbounded), ("Undecided", self.n_undecided)):
            if count:
                notes.append(f"{name}: {count / max(self.n, 1):.2%}")
        if not self.complete:
            notes.append(self.run.incomplete_text(f"{self.n:,} of {self.run.n_points:,} states"))
        return plain_text(Table(title, ("#", "order", "share", "95 % interval"), rows, notes=notes))


def basin_fractions(
    cycles: CycleSet | PiecewiseLinearModel,
    box: float | tuple[ArrayLike, ArrayLike],
    *,
    n: int = 10_000,
    max_steps: int = 10_000,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
) -> BasinFractions:
    """Estimate what share of a box goes to each stable cycle, in any dimension.

    Parameters
    ----------
    cycles : CycleSet or PiecewiseLinearModel
        Known cycles, or just the network. Stable cycles that are not among them are found where
        orbits settle on them.
    box : float or (lower, upper)
        Where first states are drawn, uniformly: a number R for ``|z_i| <= R``, or two bounds, each
        a number or an array of shape (M,).
    n : int
        Number of first states.
    max_steps : int
        An orbit that has not arrived after this many steps is undecided.
    n_threads : int, optional
        Number of threads. The result does not depend on it. Default: the environment variable
        ``OMP_NUM_THREADS``, else the number of processors this process may use.
    time_limit : float, optional
        Stop after about this many seconds and return what is known.
    progress : bool or ProgressMeter, optional
        Show a progress bar: True, False, or an object with the methods of
        `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.
    seed : int
        Seed of the first states.

    Returns
    -------
    BasinFractions
        After Ctrl-C or when the time limit is reached, what is done; ``run.stopped_by`` tells.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.basins : The basins in a plane.
    rnndyn.basin_boundary : Where they end, exactly.

    Notes
    -----
    Orbits arrive in neighbourhoods that are verified to contract, as for `rnndyn.basins`; the
    shares are estimates with the error of a binomial distribution.

    Examples
    --------
    Two fixed points, 2 and -2, with the border of their basins at 0:

    >>> import rnndyn as rd
    >>> model = rd.PiecewiseLinearMap(
    ...     A=[[0.5]], W1=[[1.0, -1.0]], W2=[[1.0], [1.0]], h1=[-1.0], h2=[1.0, -1.0]
    ... )
    >>> shares = rd.basin_fractions(model, (-1.0, 3.0), n=2_000)
    >>> lower, upper = shares.interval()
    >>> larger = shares.fractions.argmax()
    >>> bool(lower[larger] < 0.75 < upper[larger])
    True
    """
    model, known = model_and_cycles(cycles)
    lower, upper = box_ends(box, model.n_states)
    n = check_count("n", n)
    max_steps = check_integer("max_steps", max_steps, 1, 10**15)
    common = check_options(n_threads, time_limit, progress, seed)

    start = time.perf_counter()
    random = np.random.default_rng(common.seed)
    radius = escape_radius_of(model, lower, upper, *(cycle.points for cycle in known))
    stable = [cycle for cycle in known if cycle.stability == "stable"]
    fates = Fates(model, stable, max_steps, radius)
    n_given = len(fates.attractors)
    labels = np.full(n, NOT_REACHED, dtype=np.int32)

    def observe(n_before: int, n_done: int) -> None:
        done = min(n_before + n_done, n)
        common.meter.step(BasinsProgress(done, n, len(fates.attractors)))

    def follow(chosen: IntArray, first: int, *, draw: bool) -> None:
        # In parts, so that a time limit is kept and what is done by then counts.
        for begin in range(0, len(chosen), _AT_A_TIME):
            part = chosen[begin : begin + _AT_A_TIME]
            if draw:
                drawn = random.random((len(part), model.n_states))
                states[part] = lower + (upper - lower) * drawn
            found = fates.of(states[part], common, partial(observe, begin), first)
            done = found != NOT_REACHED
            labels[part[done]] = found[done]
            if fates.stopped_by != "finished":
                return

    states = np.empty((n, model.n_states))
    common.meter.init("basin_fractions")
    try:
        chosen, first = np.arange(n), 0
        while len(chosen) and fates.stopped_by == "finished":
            follow(chosen, first, draw=len(chosen) == n)
            first = len(fates.attractors)
            chosen = chosen[labels[chosen] == UNDECIDED]
            for state in states[chosen[:_N_SUSPECTS]]:
                cycle = settled_cycle(model, state, max_steps)
                if cycle is not None:
                    fates.add(cycle)
            if len(fates.attractors) == first:
                break
    finally:
        common.meter.close()
    run = BasinsRun(
        n_points=n,
        n_points_done=int((labels != NOT_REACHED).sum()),
        n_given=n_given,
        max_steps=max_steps,
        escape_radius=radius,
        stopped_by=fates.stopped_by,
        seed=common.seed,
        n_threads=common.n_threads,
        seconds=time.perf_counter() - start,
    )
    return BasinFractions(
        model,
        tuple(fates.attractors),
        np.bincount(labels[labels >= 0], minlength=len(fates.attractors)),
        int((labels == UNBOUNDED).sum()),
        int((labels == UNDECIDED).sum()),
        lower,
        upper,
        run,
    )
