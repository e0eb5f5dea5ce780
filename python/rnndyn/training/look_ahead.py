"""Seeing bifurcations before they happen: where the next updates of the optimiser would lead."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, finite_numbers
from rnndyn._common.checks import check_count, check_integer
from rnndyn.bifurcation import BifurcationEvent, BranchSet
from rnndyn.bifurcation.path._path import Path
from rnndyn.bifurcation.path._starts import is_quickly_proved
from rnndyn.bifurcation.path.continuation import continue_along
from rnndyn.cycles import find_cycles
from rnndyn.models import PiecewiseLinearModel, forced
from rnndyn.training._as_model import as_piecewise_linear
from rnndyn.training.forcing import GeneralizedForcing
from rnndyn.training.outlook import Action, Outlook, changes_dynamics


def extrapolated(module: Any, optimizer: torch.optim.Optimizer, n_steps: float) -> Any:
    """Return a copy of a network as it would be after some updates like the next one.

    Parameters
    ----------
    module : torch.nn.Module
        The network, with the gradients of its parameters. It is not changed.
    optimizer : torch.optim.Optimizer
        Its optimiser, whose next step is tried on a copy. It is not changed either.
    n_steps : float
        Number of updates: the parameters move `n_steps` times as far as in the next step.

    Returns
    -------
    torch.nn.Module

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import TrainablePLRNN, extrapolated
    >>> module = TrainablePLRNN(2)
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> module.h.sum().backward()
    >>> extrapolated(module, optimizer, 5).h.tolist(), module.h.tolist()
    ([-0.5, -0.5], [0.0, 0.0])
    """
    copied, trial = copy.deepcopy((module, optimizer))
    for group, own in zip(trial.param_groups, optimizer.param_groups, strict=True):
        for parameter, original in zip(group["params"], own["params"], strict=True):
            # A copy of a parameter comes without its gradient.
            parameter.grad = None if original.grad is None else original.grad.clone()
    trial.step()
    with torch.no_grad():
        for parameter, original in zip(copied.parameters(), module.parameters(), strict=True):
            parameter.copy_(original + n_steps * (parameter - original))
    return copied


class LookAhead:
    """Extrapolates the next update of the optimiser, and finds the bifurcations on the way there.

    Call ``look_ahead.before_step(module, optimizer)`` between ``loss.backward()`` and
    ``optimizer.step()``, or give it to `Trainer`.

    Parameters
    ----------
    n_steps : int
        Number of updates to look ahead.
    forcing : GeneralizedForcing, optional
        The forcing of the training: look at the map of `rnndyn.forced` with its alpha, which is
        the one that training differentiates. Default: that of the action, if it has one, such as
        `RaiseForcing`; else the free map.
    target : array_like, shape (M,), optional
        The data state of the forced map, such as the mean of the data; see `rnndyn.forced`.
        Default: zero.
    max_order : int
        Look for bifurcations of cycles of the orders 1, 2, ..., `max_order`.
    every : int
        Number of calls between two looks.
    search_every : int
        Search afresh for cycles, now and ahead, at the first look and then at every look of this
        number; between, those that are known are continued. A network so small that its cycles are
        listed or proved to be complete in milliseconds is searched at every look.
    action : callable, optional
        Called with the `Outlook` after every look, such as a `RaiseForcing`. If it returns True,
        `before_step` does, and the gradient should be computed again.
    relevant : callable
        Which events count. Default: `changes_dynamics`.
    seed : int
        Seed of the searches.
    n_threads : int
        Number of threads.

    Attributes
    ----------
    outlook : Outlook or None
        The last look.
    n_looks, n_warnings : int
        Looks, and those that saw a relevant event.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Between now and then the parameters of the canonical map change along a straight line, on which
    every event is exact; see `rnndyn.continue_cycles`. That the optimiser goes on as in its next
    step is an assumption, which gets worse the farther one looks.

    References
    ----------
    L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in RNN
    training", NeurIPS 2023.

    Examples
    --------
    Gradient descent moves a weight by -0.1 each step; the flip at W = -1.5 is 3 steps ahead:

    >>> import torch
    >>> import rnndyn as rd
    >>> from rnndyn.training import GeneralizedForcing, LookAhead, to_trainable
    >>> module = to_trainable(rd.PLRNN(A=[[0.5]], W=[[-1.2]], h=[1.0]))
    >>> optimizer = torch.optim.SGD([module.W], lr=0.1)
    >>> module.W.sum().backward()
    >>> look_ahead = LookAhead(n_steps=5)
    >>> look_ahead.before_step(module, optimizer)
    False
    >>> [(event.kind, round(event.value, 9)) for event in look_ahead.outlook.events]
    [('degenerate_flip', 3.0)]

    With alpha = 0.1 the flip of the forced map is later, and with alpha = 0.2 not in sight:

    >>> look_ahead = LookAhead(n_steps=5, forcing=GeneralizedForcing(0.1))
    >>> look_ahead.before_step(module, optimizer)
    False
    >>> [round(event.value, 6) for event in look_ahead.outlook.events]
    [4.111111]
    >>> look_ahead.outlook.events_with(0.2)
    ()
    """

    def __init__(
        self,
        n_steps: int = 10,
        *,
        forcing: GeneralizedForcing | None = None,
        target: ArrayLike | None = None,
        max_order: int = 1,
        every: int = 1,
        search_every: int = 100,
        action: Action | Callable[[Outlook], Any] | None = None,
        relevant: Callable[[BifurcationEvent], bool] = changes_dynamics,
        seed: int = 0,
        n_threads: int = 1,
    ) -> None:
        self.n_steps = check_count("n_steps", n_steps)
        self.forcing = _check_forcing(forcing, action)
        if target is not None and self.forcing is None:
            raise ValueError("target is given, but no forcing: the free map has no data state")
        self.target = None if target is None else finite_numbers("target", target)
        self.max_order = check_count("max_order", max_order)
        self.every = check_count("every", every)
        self.search_every = check_count("search_every", search_every)
        self._action = action
        self._relevant = relevant
        self._seed = check_integer("seed", seed, 0, 2**64 - 1)
        self._n_threads = check_count("n_threads", n_threads)
        self._n_calls = 0
        self._known: list[BoolArray] = []
        self._last: PiecewiseLinearModel | None = None
        self.outlook: Outlook | None = None
        self.n_looks = 0
        self.n_warnings = 0

    def before_step(self, module: Any, optimizer: torch.optim.Optimizer) -> bool:
        """Look ahead, where it is time to; neither the network nor the optimiser is changed.

        Parameters
        ----------
        module : TrainableModel
            The network, with gradients.
        optimizer : torch.optim.Optimizer
            Its optimiser.

        Returns
        -------
        bool
            Whether the action asks to compute the gradient again.
        """
        self._n_calls += 1
        if (self._n_calls - 1) % self.every:
            return False
        model = as_piecewise_linear(module)
        ahead = as_piecewise_linear(extrapolated(module, optimizer, self.n_steps))
        alpha = None if self.forcing is None else self.forcing.alpha
        small = is_quickly_proved(model.n_states, model.n_units, range(1, self.max_order + 1))
        if not small and (self.n_looks % self.search_every == 0 or not self._known):
            for own in (model, ahead):
                self._search(self._seen(own, alpha))
        behind = [] if self._last is None else [self._last]
        followed: dict[float | None, BranchSet | None] = {}

        def follow(strength: float | None) -> BranchSet | None:
            if strength not in followed:
                ends = [self._seen(own, strength) for own in (model, ahead)]
                followed[strength] = self._follow([*behind, *ends], small)
            return followed[strength]

        def events_with(strength: float | None) -> tuple[BifurcationEvent, ...]:
            branch_set = follow(strength)
            return () if branch_set is None else tuple(filter(self._relevant, branch_set.events))

        events = tuple(event for event in events_with(alpha) if event.s > len(behind))
        self.outlook = Outlook(model, ahead, self.n_steps, alpha, events, events_with)
        self.n_looks += 1
        self.n_warnings += bool(events)
        again = self._action is not None and self._action(self.outlook) is True
        # The action may have changed alpha; that map is the one that is trained now.
        alpha = None if self.forcing is None else self.forcing.alpha
        branch_set = follow(alpha)
        self._last = self._seen(model, alpha)
        if branch_set is not None and not small:
            self._known = [
                cycle.itinerary
                for own in (len(behind), len(behind) + 1)
                for cycle in branch_set.at(float(own))
            ]
        return again

    def _seen(self, model: PiecewiseLinearModel, alpha: float | None) -> PiecewiseLinearModel:
        """Return the map that is analysed."""
        return model if alpha is None else forced(model, alpha, self.target)

    def _search(self, seen: PiecewiseLinearModel) -> None:
        found = find_cycles(
            seen,
            max_order=self.max_order,
            seed=self._seed,
            n_threads=self._n_threads,
            progress=False,
        )
        # Some may be there twice, until they are followed.
        self._known += [cycle.itinerary for cycle in found]

    def _follow(self, maps: Sequence[PiecewiseLinearModel], small: bool) -> BranchSet | None:
        """Follow cycles over the maps at the last look, if any, now, and ahead."""
        if not (small or self._known):
            return None
        # What is known tells nothing of cycles that come from infinity, or in pairs.
        starts: dict[str, Any] = {"method": "search"} if small else {"cycles": self._known}
        updates = np.array([-self.every, 0.0, self.n_steps])[-len(maps) :]
        return continue_along(
            Path(tuple(maps), "updates", updates),
            "LookAhead",
            max_order=self.max_order,
            seed=self._seed,
            n_threads=self._n_threads,
            progress=False,
            **starts,
        )

    def __repr__(self) -> str:
        seen = "" if self.forcing is None else f", forcing={self.forcing!r}"
        return (
            f"LookAhead(n_steps={self.n_steps}{seen}, max_order={self.max_order}: "
            f"{self.n_looks:,} looks, {self.n_warnings:,} with a bifurcation ahead)"
        )


def _check_forcing(forcing: Any, action: Any) -> GeneralizedForcing | None:
    own = getattr(action, "forcing", None)
    chosen = own if forcing is None else forcing
    if chosen is not None and not isinstance(chosen, GeneralizedForcing):
        raise TypeError(
            f"forcing must be a GeneralizedForcing, got {type(chosen).__name__}: only a constant "
            "alpha makes one forced map"
        )
    if own is not None and chosen is not own:
        raise ValueError(
            f"forcing must be that of the action, got {forcing!r} and {own!r}: leave it out"
        )
    return chosen
