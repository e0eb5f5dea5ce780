"""The bifurcations of a network while it is being trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from rnndyn._common.arrays import FloatArray
from rnndyn._common.checks import check_count, check_integer
from rnndyn.bifurcation import BifurcationEvent, Timeline
from rnndyn.bifurcation.path._path import Path
from rnndyn.bifurcation.path._starts import key_of, n_itineraries
from rnndyn.bifurcation.path.continuation import continue_along
from rnndyn.cycles._smooth import cycles_near
from rnndyn.cycles.by_input import only_set
from rnndyn.cycles.cycle import Cycle
from rnndyn.cycles.result import CycleSet
from rnndyn.cycles.search import find_cycles
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.models._canonical_map_of import smooth_network
from rnndyn.training._as_model import as_followed

#: Multiplications of solving all itineraries that take up to some ten milliseconds. Measured with
#: 2 to 20 states; searches that do not list took 20 ms and more.
_CHEAP_WORK = 5e6
#: Solves of a search for the fixed points of a tanh, GRU or LSTM network, which ends no earlier;
#: and multiplications of them that take about as long as to continue what is known. With 32 states
#: a search took 0.05 s.
_SMOOTH_SOLVES = 3000
_CHEAP_SMOOTH_WORK = 1e8


class BifurcationMonitor:
    """Follows the cycles of a network from update to update, in any training loop.

    Call ``monitor.step(module, loss)`` after every update, or give it to `Trainer`. Every `every`
    calls it takes the network, continues the cycles that it knows to the new parameters, and notes
    the bifurcations on the way. Where a search takes milliseconds, or of tanh, GRU and LSTM
    networks some hundredths of a second, it also searches afresh at every look, for cycles that
    were born from nothing it knew; else now and then.

    Parameters
    ----------
    max_order : int
        Follow cycles of the orders 1, 2, ..., `max_order`.
    every : int
        Number of calls between looks at the network; the first call is one.
    search_every : int
        Where a search takes longer, search afresh at the first look and then at every look of this
        number; where no cycle is known any more, a quarter of it after the last search.
    inputs : array_like of shape (K,), optional
        Constant input under which the cycles of a tanh, GRU or LSTM network are looked at.
        Default: 0.
    to_model : callable, optional
        Makes the model of what `step` is given. Default: trainable networks of `rnndyn.training`,
        RNN, GRU and LSTM of torch, and models are understood.
    callback : callable, optional
        Called with the list of events after every look that saw any.
    seed : int
        Seed of the searches.
    n_threads : int
        Number of threads.
    **search_options
        For `rnndyn.find_cycles`, such as ``method`` or ``max_restarts``.

    Attributes
    ----------
    events : list of BifurcationEvent
        Seen so far; ``event.epoch`` counts the updates, fractions included.
    models : list of PiecewiseLinearModel or RecurrentNetwork
        The network at the looks.
    updates : list of int
        Their numbers of updates: calls of `step` so far.
    searched : list of int
        Of these, the updates at which it searched afresh. What was born between two of them from
        nothing that was known, and vanished again, was not looked for.

    See Also
    --------
    rnndyn.training_timeline : The same for checkpoints that are there already.

    Notes
    -----
    Between two looks the parameters are taken to change along a straight line, as in
    `rnndyn.continue_cycles`. A tanh, GRU or LSTM network is also searched where the indices of the
    fixed points that are known tell that one is missing. Cycles that a search finds are followed
    back to the look before and on from there; where they were born still earlier, `timeline` tells,
    which follows everything over the whole run.

    Examples
    --------
    In your own loop, here one that moves a weight through the flip at W = -1.5:

    >>> import torch
    >>> import rnndyn as rd
    >>> from rnndyn.training import BifurcationMonitor, to_trainable
    >>> module = to_trainable(rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0]))
    >>> monitor = BifurcationMonitor(max_order=1, every=2)
    >>> for _ in range(9):
    ...     _ = monitor.step(module)
    ...     with torch.no_grad():
    ...         module.W -= 0.08
    >>> [(event.kind, round(event.epoch, 9)) for event in monitor.events]
    [('degenerate_flip', 7.25)]
    """

    def __init__(
        self,
        max_order: int = 1,
        *,
        every: int = 10,
        search_every: int = 200,
        inputs: ArrayLike | None = None,
        to_model: Callable[[Any], PiecewiseLinearModel | RecurrentNetwork] | None = None,
        callback: Callable[[list[BifurcationEvent]], object] | None = None,
        seed: int = 0,
        n_threads: int = 1,
        **search_options: Any,
    ) -> None:
        self.max_order = check_count("max_order", max_order)
        self.every = check_count("every", every)
        self.search_every = check_count("search_every", search_every)
        self._inputs = inputs
        self._to_model = to_model
        self._callback = callback
        self._seed = check_integer("seed", seed, 0, 2**64 - 1)
        self._n_threads = check_count("n_threads", n_threads)
        self._search_options = search_options
        self._n_steps = 0
        self._known: list[Any] = []  # itineraries; of smooth networks points
        self._is_missing = False
        self._last_search = 0
        self._found: list[Any] = []
        self._sums = np.zeros(3)
        self._records: list[tuple[float, float]] = []
        self.events: list[BifurcationEvent] = []
        self.models: list[Any] = []
        self.updates: list[int] = []
        self.searched: list[int] = []

    def step(
        self,
        module: Any,
        loss: float | torch.Tensor | None = None,
        gradient_norm: float | torch.Tensor | None = None,
    ) -> list[BifurcationEvent]:
        """Note that an update was made, and look at the network where it is time to.

        Parameters
        ----------
        module : TrainableModel, torch.nn.RNN, GRU or LSTM, or model
            The network as it is now; or anything else that `to_model` understands.
        loss : float or Tensor, optional
            Loss of the update; `timeline` holds the mean over the updates since the last look.
        gradient_norm : float or Tensor, optional
            Norm of its gradient, likewise.

        Returns
        -------
        list of BifurcationEvent
            What happened since the last look; empty between looks.

        Raises
        ------
        TypeError
            If the module is no network whose cycles can be followed.
        ValueError
            If its parameters are not finite.
        """
        self._n_steps += 1
        self._sums += (1.0, _number(loss), _number(gradient_norm))
        if (self._n_steps - 1) % self.every:
            return []
        model = as_followed(module, self._to_model, self._inputs)
        found = self._search(model) if self._is_search_due(model) else None
        events = self._follow(model, found) if self.models else []
        if smooth_network(model) is not None and not self.models:
            self._keep(found or [])
        self.models.append(model)
        self.updates.append(self._n_steps)
        n, losses, norms = self._sums
        self._records.append((losses / n, norms / n))
        self._sums[:] = 0.0
        self.events += events
        if events and self._callback is not None:
            self._callback(events)
        return events

    def _is_search_due(self, model: Any) -> bool:
        # Work, not time: the same run has to give the same events on any machine.
        orders = range(1, self.max_order + 1)
        if smooth_network(model) is not None:
            work = _SMOOTH_SOLVES * sum(orders) * model.n_states**3
            if self._is_missing or work <= _CHEAP_SMOOTH_WORK:
                return True
        else:
            work = self._listing_work(model)
        if not self.searched or work <= _CHEAP_WORK:
            return True
        since = len(self.models) - self._last_search
        return since >= self.search_every or (not self._known and 4 * since >= self.search_every)

    def _listing_work(self, model: PiecewiseLinearModel) -> float:
        orders = range(1, self.max_order + 1)
        counts = (n_itineraries(model.n_units, [k]) * k for k in orders)
        return float(sum(counts) * model.n_states**3)

    def _follow(self, model: Any, found: CycleSet | None) -> list[BifurcationEvent]:
        """Continue the known cycles from the last model, and return the events on the way."""
        times = np.array([self.updates[-1], self._n_steps], dtype=np.float64)
        if smooth_network(model) is not None:
            return self._follow_smooth(model, found, times)
        if not self._known:
            return []
        branch_set = continue_along(
            Path((self.models[-1], model), "epoch", times),
            "BifurcationMonitor",
            cycles=self._known,
            max_order=self.max_order,
            n_threads=self._n_threads,
            progress=False,
        )
        self._known = [cycle.itinerary for cycle in branch_set.at(1.0)]
        return list(branch_set.events)

    def _follow_smooth(
        self, model: Any, found: CycleSet | None, times: FloatArray
    ) -> list[BifurcationEvent]:
        inputs = None if self._inputs is None else np.asarray(self._inputs, dtype=np.float64)
        known = cycles_near(self.models[-1], inputs, self._known)
        starts = [cycles for cycles in (known, found) if cycles is not None and len(cycles)]
        if not starts:
            return []
        branch_set = continue_along(
            Path((self.models[-1], model), "epoch", times),
            "BifurcationMonitor",
            inputs=self._inputs,
            cycles=starts,
            max_order=self.max_order,
            n_threads=self._n_threads,
            progress=False,
        )
        self._keep(branch_set.at(1.0))
        return list(branch_set.events)

    def _keep(self, cycles: Iterable[Cycle]) -> None:
        """Remember the cycles of a smooth network, and whether their indices miss one."""
        members = list(cycles)
        self._known = [cycle.points for cycle in members]
        fixed = [cycle.jacobian for cycle in members if cycle.order == 1]
        signs = (np.sign(np.linalg.det(np.eye(len(j)) - j)) for j in fixed)
        self._is_missing = sum(signs) != 1

    def _search(self, model: Any) -> CycleSet:
        is_smooth = smooth_network(model) is not None
        found = only_set(
            find_cycles(
                model,
                inputs=self._inputs if is_smooth else None,
                max_order=self.max_order,
                seed=self._seed,
                n_threads=self._n_threads,
                progress=False,
                **self._search_options,
            )
        )
        self._found.append(found)
        self._last_search = len(self.models)
        self.searched.append(self._n_steps)
        if is_smooth:
            return found
        known = {key_of(bits): bits for bits in self._known}
        for cycle in found:
            known.setdefault(key_of(cycle.itinerary), cycle.itinerary)
        self._known = list(known.values())
        return found

    def timeline(self) -> Timeline:
        """Return the branches and events of all cycles over all looks.

        Everything that the monitor saw or found is followed over the whole run, also backwards from
        where it was found, and compared with the searches; differences are gaps of the result.

        Returns
        -------
        Timeline
            Its epochs are numbers of updates.

        Raises
        ------
        ValueError
            If there were fewer than two looks, or no cycle was ever seen.
        """
        if len(self.models) < 2:
            raise ValueError(
                f"a timeline needs two looks at the network, got {len(self.models)} from "
                f"{self._n_steps} calls of step() with every={self.every}"
            )
        seen: dict[bytes, Any] = {}
        is_smooth = smooth_network(self.models[0]) is not None
        for event in self.events if not is_smooth else ():
            for bits in (event.itinerary, event.partner, event.doubled):
                if bits is not None and len(bits) <= self.max_order:
                    seen.setdefault(key_of(bits), bits)
        starts = [*(found for found in self._found if len(found)), *seen.values()]
        if not starts:
            raise ValueError("no cycle was seen at any look, so that there is nothing to follow")
        branch_set = continue_along(
            Path(tuple(self.models), "epoch", np.array(self.updates, dtype=np.float64)),
            "BifurcationMonitor.timeline",
            inputs=self._inputs if is_smooth else None,
            cycles=starts,
            max_order=self.max_order,
            n_threads=self._n_threads,
            progress=False,
        )
        losses, norms = np.array(self._records).T
        return Timeline(
            branch_set,
            None if np.isnan(losses).any() else losses,
            None if np.isnan(norms).any() else norms,
        )

    def __repr__(self) -> str:
        n_looks, n_searched = len(self.models), len(self.searched)
        text = (
            f"BifurcationMonitor(max_order={self.max_order}, every={self.every}: "
            f"{self._n_steps:,} updates, {n_looks:,} looks, {len(self.events):,} events"
        )
        if n_searched < n_looks:
            text += f"; searched at {n_searched:,} looks only, what was born between may be missing"
        return f"{text})"


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    return float(value.detach() if isinstance(value, torch.Tensor) else value)
