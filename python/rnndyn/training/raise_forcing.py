"""Raising alpha where a bifurcation is ahead, and letting it sink where that brings none."""

from rnndyn.training.forcing import GeneralizedForcing, TeacherForcing, check_share
from rnndyn.training.outlook import Outlook

#: How often the interval between an alpha with events and one without is halved.
_N_HALVINGS = 3


class RaiseForcing:
    """Raises alpha until the forced map has no bifurcation ahead, and lets it sink afterwards.

    An action for `LookAhead`, which then looks at the map that is forced by `forcing`.

    Parameters
    ----------
    forcing : GeneralizedForcing
        The strategy whose alpha is raised. Its value now is the one that alpha sinks back to.
    step : float
        By how much alpha is raised at a time until no event is left.
    maximum : float
        Largest alpha.
    relax : float
        Where alpha may sink, the distance to its first value shrinks by this factor.

    Attributes
    ----------
    n_raised, n_sunk, n_held : int
        How often alpha was raised, sank, and would have sunk but for an event.
    n_unavoidable : int
        How often no alpha was without event; then the one with the fewest was taken.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    Every alpha is judged by the path that it would lead the forced map along
    (`Outlook.events_with`): from the map of the last look, with the alpha of then, to that of now
    and on to the one ahead, both with the new alpha. So the change of alpha itself is checked,
    upwards and downwards. The first of these without event is taken: the next smaller alpha, the
    present one, larger ones by `step`; the last one is then lowered by bisection.

    For alpha so large that ``(1 - alpha) L < 1``, with L the largest norm of the Jacobians of all
    regions, the forced map contracts; it has one fixed point, which is stable, and no bifurcation
    that changes the dynamics. So from one stable fixed point there is always a way without
    event, if steps are short. Where there is more now, the way there has events of its own.

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
    0.16875
    """

    def __init__(
        self,
        forcing: GeneralizedForcing,
        *,
        step: float = 0.05,
        maximum: float = 1.0,
        relax: float = 0.95,
    ) -> None:
        if not isinstance(forcing, GeneralizedForcing):
            raise TypeError(
                f"forcing must be a GeneralizedForcing, got {type(forcing).__name__}: only its "
                "alpha can be raised"
            )
        if type(forcing).update is not TeacherForcing.update:
            raise TypeError(
                f"forcing must keep its alpha between updates, got {type(forcing).__name__}: "
                "use GeneralizedForcing(alpha)"
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
        self.n_raised = self.n_sunk = self.n_held = self.n_unavoidable = 0

    def __call__(self, outlook: Outlook) -> bool:
        """Set alpha; return whether it was raised."""
        now = self.forcing.alpha
        chosen = self._choose(outlook, now)
        self.forcing.alpha = chosen
        self.n_raised += chosen > now
        self.n_sunk += chosen < now
        return chosen > now

    def _choose(self, outlook: Outlook, now: float) -> float:
        lower = self.base + self.relax * (now - self.base)
        if lower < now:
            if not outlook.events_with(lower):
                return lower
            self.n_held += 1
        numbers = {now: len(outlook.events_with(now))}
        alpha = now
        while numbers[alpha] and alpha < self.maximum:
            below, alpha = alpha, min(alpha + self.step, self.maximum)
            numbers[alpha] = len(outlook.events_with(alpha))
        if numbers[alpha]:
            self.n_unavoidable += 1
            # The smallest of those with the fewest, so that alpha stays where raising is no use.
            return min(numbers, key=lambda own: (numbers[own], own))
        if alpha == now:
            return now
        for _ in range(_N_HALVINGS):
            middle = 0.5 * (below + alpha)
            if outlook.events_with(middle):
                below = middle
            else:
                alpha = middle
        return alpha

    def __repr__(self) -> str:
        return (
            f"RaiseForcing(alpha={self.forcing.alpha:.4g}, base={self.base:g}: raised "
            f"{self.n_raised:,}, sunk {self.n_sunk:,}, held {self.n_held:,} times; "
            f"{self.n_unavoidable:,} times every alpha had an event)"
        )
