"""What a look ahead sees, and how one can react to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rnndyn._common.table import Shown
from rnndyn.bifurcation import BifurcationEvent
from rnndyn.models import PiecewiseLinearModel
from rnndyn.training.forcing import check_share


@dataclass(frozen=True)
class Outlook(Shown):
    """What lies ahead of a network.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network now.
    ahead : PiecewiseLinearModel
        The network after `n_steps` updates like the next one.
    n_steps : int
        Number of these updates.
    alpha : float or None
        Strength of the forcing of the map that was analysed; None for the free map.
    events : tuple of BifurcationEvent
        Bifurcations of that map between now and then that change the dynamics; ``event.value``
        counts the updates from now on, 0 to `n_steps`.
    """

    model: PiecewiseLinearModel
    ahead: PiecewiseLinearModel
    n_steps: int
    alpha: float | None
    events: tuple[BifurcationEvent, ...]
    _events_with: Callable[[float], tuple[BifurcationEvent, ...]] = field(repr=False)

    def events_with(self, alpha: float) -> tuple[BifurcationEvent, ...]:
        """Return the bifurcations that the forced map would pass were alpha set to this now.

        Parameters
        ----------
        alpha : float
            Strength of the forcing, 0 to 1.

        Returns
        -------
        tuple of BifurcationEvent
            Those on the way from the forced map of the last look, with the alpha that it had after
            its action, to that of now with the new alpha (``event.value`` is negative), and on to
            the one ahead with the new alpha. The first look has no such way behind it.

        Raises
        ------
        ValueError
            If the free map was analysed, or alpha is not from 0 to 1.
        """
        if self.alpha is None:
            raise ValueError("this is a look at the free map: give LookAhead(forcing=...)")
        return self._events_with(check_share("alpha", alpha))


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
    return event.changes_dynamics
