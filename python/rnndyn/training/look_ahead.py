"""Seeing bifurcations before they happen: where the next updates of the optimiser would lead."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike

from rnndyn._arrays import BoolArray
from rnndyn._checks import check_count, check_integer
from rnndyn.bifurcation import BifurcationEvent, forced
from rnndyn.bifurcation._path import Path
from rnndyn.bifurcation.continuation import continue_along
from rnndyn.models import PiecewiseLinearModel
from rnndyn.search import find_cycles
from rnndyn.training._as_model import as_piecewise_linear
from rnndyn.training.forcing import GeneralizedForcing, check_share


class Outlook(NamedTuple):
    """What lies ahead of a network.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network now.
    ahead : PiecewiseLinearModel
        The network after `n_steps` updates like the next one.
    n_steps : int
        Number of these updates.
    events : tuple of BifurcationEvent
        Bifurcations between them that change the dynamics; ``event.value`` counts the updates from
        now on, 0 to `n_steps`.
    """

    model: PiecewiseLinearModel
    ahead: PiecewiseLinearModel
    n_steps: int
    events: tuple[BifurcationEvent, ...]


class Action(Protocol):
    """What a `LookAhead` calls after every look; see `RaiseForcing`."""

    def __call__(self, outlook: Outlook) -> bool | None:
        """React to what lies ahead; return True if the gradient should be computed again."""


def changes_dynamics(event: BifurcationEvent) -> bool:
    """Tell whether an event creates, destroys or destabilises cycles.

    A cycle that only crosses a border, persisting with as many unstable multipliers, does not.

    Parameters
    ----------
    event : BifurcationEvent

    Returns
    -------
    bool

    Examples
    --------
    >>> import rnndyn as rd
    >>> from rnndyn.training import changes_dynamics
    >>> start = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> path = rd.continue_cycles(start, start.with_parameters(W=[[-3.5]]), max_order=1)
    >>> [changes_dynamics(event) for event in path.events]
    [True]
    """
    if event.outcome == "none":
        return False
    if event.outcome != "persistence":
        return True
    return event.n_unstable_before != event.n_unstable_after or event.doubled is not None


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
    max_order : int
        Look for bifurcations of cycles of the orders 1, 2, ..., `max_order`.
    every : int
        Look at every so many calls.
    search_every : int
        At every so many looks, and at the first, search afresh for cycles; between, those that are
        known are continued.
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
    >>> from rnndyn.training import LookAhead, to_trainable
    >>> module = to_trainable(rd.PLRNN(A=[[0.5]], W=[[-1.2]], h=[1.0]))
    >>> optimizer = torch.optim.SGD([module.W], lr=0.1)
    >>> module.W.sum().backward()
    >>> look_ahead = LookAhead(n_steps=5)
    >>> look_ahead.before_step(module, optimizer)
    False
    >>> [(event.kind, round(event.value, 9)) for event in look_ahead.outlook.events]
    [('degenerate_flip', 3.0)]
    """

    def __init__(
        self,
        n_steps: int = 10,
        *,
        max_order: int = 1,
        every: int = 1,
        search_every: int = 100,
        action: Action | Callable[[Outlook], Any] | None = None,
        relevant: Callable[[BifurcationEvent], bool] = changes_dynamics,
        seed: int = 0,
        n_threads: int = 1,
    ) -> None:
        self.n_steps = check_count("n_steps", n_steps)
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
        if self.n_looks % self.search_every == 0 or not self._known:
            found = find_cycles(
                model,
                max_order=self.max_order,
                seed=self._seed,
                n_threads=self._n_threads,
                progress=False,
            )
            self._known = [cycle.itinerary for cycle in found]
            self._last = model
        events = self._events(model, ahead) if self._known else ()
        self._last = model
        self.outlook = Outlook(model, ahead, self.n_steps, events)
        self.n_looks += 1
        self.n_warnings += bool(events)
        return self._action is not None and self._action(self.outlook) is True

    def _events(
        self, model: PiecewiseLinearModel, ahead: PiecewiseLinearModel
    ) -> tuple[BifurcationEvent, ...]:
        """Continue the known cycles to now, and on to the end; return the relevant events ahead."""
        assert self._last is not None
        # The values of the axis before now are negative: they are over.
        branch_set = continue_along(
            Path((self._last, model, ahead), "updates", np.array([-1.0, 0.0, self.n_steps])),
            "LookAhead",
            cycles=self._known,
            max_order=self.max_order,
            n_threads=self._n_threads,
            progress=False,
        )
        self._known = [cycle.itinerary for cycle in branch_set.at(1.0)]
        return tuple(e for e in branch_set.events if e.s > 1.0 and self._relevant(e))

    def __repr__(self) -> str:
        return (
            f"LookAhead(n_steps={self.n_steps}, max_order={self.max_order}: {self.n_looks:,} looks,"
            f" {self.n_warnings:,} with a bifurcation ahead)"
        )


class RaiseForcing:
    """Raises alpha until the forced map has no bifurcation ahead, and lets it sink afterwards.

    An action for `LookAhead`.

    Parameters
    ----------
    forcing : GeneralizedForcing
        The strategy whose alpha is raised. Its value now is the one that alpha sinks back to.
    step : float
        By how much alpha is raised until no event is left.
    maximum : float
        Largest alpha.
    relax : float
        Where nothing is ahead, the distance of alpha to its first value shrinks by this factor.
    target : array_like, shape (M,), optional
        The data state of the forced map, such as the mean of the data; see `rnndyn.forced`.
        Default: zero.
    max_order : int
        Orders of the cycles of the forced map that are looked at.
    relevant : callable
        Which events count. Default: `changes_dynamics`.

    Attributes
    ----------
    n_raised : int
        How often alpha was raised.

    Notes
    -----
    For alpha so large that ``(1 - alpha) L < 1``, with L the largest norm of the Jacobians of all
    regions, the forced map contracts; it has one fixed point, which is stable, and no bifurcation
    that changes the dynamics.

    Examples
    --------
    >>> import torch
    >>> import rnndyn as rd
    >>> from rnndyn.training import GeneralizedForcing, LookAhead, RaiseForcing, to_trainable
    >>> module = to_trainable(rd.PLRNN(A=[[0.5]], W=[[-1.2]], h=[1.0]))
    >>> optimizer = torch.optim.SGD([module.W], lr=0.1)
    >>> module.W.sum().backward()
    >>> forcing = GeneralizedForcing(0.0)
    >>> look_ahead = LookAhead(n_steps=5, action=RaiseForcing(forcing))
    >>> look_ahead.before_step(module, optimizer)
    True
    >>> round(forcing.alpha, 9)  # (1 - alpha) * 1.2 is below 1
    0.2
    """

    def __init__(
        self,
        forcing: GeneralizedForcing,
        *,
        step: float = 0.05,
        maximum: float = 1.0,
        relax: float = 0.95,
        target: ArrayLike | None = None,
        max_order: int = 1,
        relevant: Callable[[BifurcationEvent], bool] = changes_dynamics,
    ) -> None:
        if not isinstance(forcing, GeneralizedForcing):
            raise TypeError(
                f"forcing must be a GeneralizedForcing, got {type(forcing).__name__}: only its "
                "alpha can be raised"
            )
        self.forcing = forcing
        self.base = forcing.alpha
        self.step = check_share("step", step)
        if self.step == 0.0:
            raise ValueError("step must be positive, got 0")
        self.maximum = check_share("maximum", maximum)
        if self.maximum < self.base:
            raise ValueError(f"maximum must be at least alpha = {self.base:g}, got {maximum}")
        self.relax = check_share("relax", relax)
        self.target = None if target is None else np.array(target, dtype=np.float64)
        self.max_order = check_count("max_order", max_order)
        self._relevant = relevant
        self.n_raised = 0

    def __call__(self, outlook: Outlook) -> bool:
        """Set alpha; return whether it was raised."""
        if not outlook.events:
            self.forcing.alpha = self.base + self.relax * (self.forcing.alpha - self.base)
            return False
        before = alpha = self.forcing.alpha
        while alpha < self.maximum and self._has_event(outlook, alpha):
            alpha = min(alpha + self.step, self.maximum)
        if alpha == before:
            return False
        self.forcing.alpha = alpha
        self.n_raised += 1
        return True

    def _has_event(self, outlook: Outlook, alpha: float) -> bool:
        ends = [forced(model, alpha, self.target) for model in (outlook.model, outlook.ahead)]
        branch_set = continue_along(
            Path(tuple(ends), "updates", np.array([0.0, outlook.n_steps])),
            "RaiseForcing",
            max_order=self.max_order,
            n_threads=1,
            progress=False,
        )
        return any(self._relevant(event) for event in branch_set.events)

    def __repr__(self) -> str:
        return (
            f"RaiseForcing(alpha={self.forcing.alpha:.4g}, base={self.base:g}: raised "
            f"{self.n_raised:,} times)"
        )
