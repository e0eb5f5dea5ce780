"""How much of a box each basin of attraction takes, in any dimension."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_integer
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.basins_of_attraction._work import N_SUSPECTS, Work
from rnndyn.basins_of_attraction.following import (
    escape_radius_of,
    model_and_cycles,
)
from rnndyn.basins_of_attraction.result import (
    NOT_REACHED,
    UNBOUNDED,
    UNDECIDED,
    BasinFractions,
)
from rnndyn.cycles.result import CycleSet
from rnndyn.models import PiecewiseLinearModel

#: States drawn and followed at a time.
_AT_A_TIME = 65_536


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

    radius = escape_radius_of(model, lower, upper, *(cycle.points for cycle in known))
    work = _Work(model, n, max_steps, radius, common, lower, upper)
    run = work.do([cycle for cycle in known if cycle.stability == "stable"], "basin_fractions")
    labels = work.labels
    return BasinFractions(
        model,
        attractors=tuple(work.fates.attractors),
        unclaimed=tuple(work.fates.unclaimed),
        counts=np.bincount(labels[labels >= 0], minlength=len(work.fates.attractors)),
        n_unbounded=int((labels == UNBOUNDED).sum()),
        n_undecided=int((labels == UNDECIDED).sum()),
        lower=lower,
        upper=upper,
        run=run,
    )


class _Work(Work):
    """The orbits of random states in a box."""

    def __init__(
        self,
        model: PiecewiseLinearModel,
        n: int,
        max_steps: int,
        escape_radius: float,
        options: Options,
        lower: FloatArray,
        upper: FloatArray,
    ) -> None:
        super().__init__(model, n, max_steps, escape_radius, options)
        self._lower, self._upper = lower, upper
        self._states = np.empty((n, model.n_states))

    def follow_all(self) -> None:
        n, m = self._states.shape
        # In parts, so that a time limit is kept and what is done by then counts.
        for begin in range(0, n, _AT_A_TIME):
            part = np.arange(begin, min(begin + _AT_A_TIME, n))
            drawn = self.random.random((len(part), m))
            self._states[part] = self._lower + (self._upper - self._lower) * drawn
            if not self._follow(part, 0, begin):
                return
        chosen, first = np.arange(n), len(self.fates.attractors)
        while self.stopped_by == "finished":
            chosen = chosen[self.labels[chosen] == UNDECIDED]
            if not self.find_more(self._states[chosen[:N_SUSPECTS]]):
                return
            for begin in range(0, len(chosen), _AT_A_TIME):
                if not self._follow(chosen[begin : begin + _AT_A_TIME], first, n):
                    return
            first = len(self.fates.attractors)

    def _follow(self, chosen: IntArray, first: int, n_before: int) -> bool:
        """Follow orbits to the attractors from a number on, and tell whether to go on."""
        found = self.fates.of(self._states[chosen], self.options, self.observer(n_before), first)
        done = found != NOT_REACHED
        self.labels[chosen[done]] = found[done]
        self.stopped_by = self.fates.stopped_by
        return self.stopped_by == "finished"
