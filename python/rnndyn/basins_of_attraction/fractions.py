"""How much of a box each basin of attraction takes, in any dimension."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray, IntArray
from rnndyn._common.boxes import box_ends
from rnndyn._common.checks import check_count, check_integer
from rnndyn._common.options import Options, check_options
from rnndyn._common.progress import ProgressMeter
from rnndyn.basins_of_attraction._fates import Labels
from rnndyn.basins_of_attraction._work import N_SUSPECTS, Work
from rnndyn.basins_of_attraction.following import (
    as_known,
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
from rnndyn.models._layers_apart import states_of_map

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
        orbits settle on them. With a stacked ReLU RNN itself the box holds states of the RNN, with
        its cycles, states of ``cycles.model``.
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
    source = as_known(cycles)
    lower, upper = box_ends(box, model.n_states)
    n = check_count("n", n)
    max_steps = check_integer("max_steps", max_steps, 1, 10**15)
    common = check_options(n_threads, time_limit, progress, seed)

    radius = escape_radius_of(model, lower, upper, *(cycle.points for cycle in known))

    def draw(begin: int, end: int) -> FloatArray:
        # One number of the stream for each coordinate, wherever a block begins.
        bits = np.random.PCG64(common.seed).advance(begin * model.n_states)
        drawn = np.random.Generator(bits).random((end - begin, model.n_states))
        return states_of_map(source, lower + (upper - lower) * drawn)

    work = _Work(model, draw, n, max_steps, radius, common)
    run = work.do([cycle for cycle in known if cycle.stability == "stable"], "basin_fractions")
    counts = work.counts()
    return BasinFractions(
        model,
        attractors=tuple(work.fates.attractors),
        unclaimed=tuple(work.fates.unclaimed),
        counts=np.array(
            [counts.get(number, 0) for number in range(len(work.fates.attractors))], dtype=np.int64
        ),
        n_unbounded=counts.get(UNBOUNDED, 0),
        n_undecided=counts.get(UNDECIDED, 0),
        lower=lower,
        upper=upper,
        run=run,
    )


class _Work(Work):
    """The orbits of random states in a box.

    States are drawn in blocks, and drawn again where they are needed again, so that only labels are
    kept, and only of the blocks that were followed.
    """

    def __init__(
        self,
        model: PiecewiseLinearModel,
        draw: Callable[[int, int], FloatArray],
        n: int,
        max_steps: int,
        escape_radius: float,
        options: Options,
    ) -> None:
        super().__init__(model, n, max_steps, escape_radius, options)
        self._draw = draw
        self._blocks: list[Labels] = []

    def n_done(self) -> int:
        return sum(self.counts().values())

    def counts(self) -> dict[int, int]:
        """Return how many states have each label, but `NOT_REACHED`."""
        total: dict[int, int] = {}
        for block in self._blocks:
            for label, count in zip(*np.unique(block, return_counts=True), strict=True):
                total[int(label)] = total.get(int(label), 0) + int(count)
        total.pop(NOT_REACHED, None)
        return total

    def follow_all(self) -> None:
        for begin in range(0, self.n, _AT_A_TIME):
            if self.options.deadline():
                self.stopped_by = "time_limit"
                return
            states = self._states(len(self._blocks))
            self._blocks.append(np.full(len(states), NOT_REACHED, dtype=np.int32))
            if not self._follow(len(self._blocks) - 1, states, None, 0, begin):
                return
        first = len(self.fates.attractors)
        while self.find_more(self._suspects()):
            for number, labels in enumerate(self._blocks):
                chosen = np.flatnonzero(labels == UNDECIDED)
                if not len(chosen):
                    continue
                states = self._states(number)[chosen]
                if not self._follow(number, states, chosen, first, self.n):
                    return
            first = len(self.fates.attractors)

    def _states(self, number: int) -> FloatArray:
        begin = number * _AT_A_TIME
        return self._draw(begin, min(begin + _AT_A_TIME, self.n))

    def _follow(
        self, number: int, states: FloatArray, chosen: IntArray | None, first: int, n_before: int
    ) -> bool:
        """Follow orbits to the attractors from a number on, and tell whether to go on."""
        found = self.fates.of(states, self.options, self.observer(n_before), first)
        done = np.flatnonzero(found != NOT_REACHED)
        self._blocks[number][done if chosen is None else chosen[done]] = found[done]
        self.stopped_by = self.fates.stopped_by
        return self.stopped_by == "finished"

    def _suspects(self) -> FloatArray:
        """Return the first of the undecided states."""
        parts = [np.empty((0, self.model.n_states))]
        missing = N_SUSPECTS
        for number, labels in enumerate(self._blocks):
            chosen = np.flatnonzero(labels == UNDECIDED)[:missing]
            if len(chosen):
                parts.append(self._states(number)[chosen])
                missing -= len(chosen)
            if not missing:
                break
        return np.concatenate(parts)
