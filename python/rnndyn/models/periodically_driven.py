"""A piecewise-linear network under an input that repeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from rnndyn import _core
from rnndyn._common.arrays import FloatArray, finite_numbers
from rnndyn.models import _stepping
from rnndyn.models._base import ModelWithInput
from rnndyn.models._canonical import CanonicalForm
from rnndyn.models._composition import Composition, applied
from rnndyn.models._declarations import freeze
from rnndyn.models._families import FAMILIES, register_family

#: Name of the option that holds the family of the network.
_FAMILY = "network"


@register_family
class PeriodicallyDriven(Composition):
    """A ReLU network under a periodic external input: each step of a period has its own constants.

    What ``rnndyn.find_cycles(model, inputs=inputs, periodic=True)`` searches. An orbit is one only
    together with its phase: the first state of `orbit`, and the first point of a cycle, is the one
    on which the first input acts.

    Parameters
    ----------
    model : model with external input
        A network with weights C of an external input, such as
        ``rnndyn.PLRNN(A, W, h, C=C, s=s)`` or the `RNN.as_piecewise_linear` of a ReLU `RNN`. Its
        own constant input s plays no part.
    inputs : (T, K) array_like
        The input of every step of one period. Where a part of it repeats, that part is the period.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    See Also
    --------
    rnndyn.find_cycles : With ``periodic=True`` it makes this of a network itself.

    Notes
    -----
    States under the input have no fixed points but orbits that repeat with it: the order of a cycle
    is a multiple of T. All T maps, one after another, are one piecewise-linear map of a period. Its
    cycles are found as fixed points of the map that takes every state of the cycle to the next, of
    which the parameters are blocks of those of the T maps.

    Examples
    --------
    >>> import rnndyn as rd
    >>> unit = rd.PLRNN([0.5], [[-1.0]], [0.5], C=[[1.0]], s=[0.0])
    >>> driven = rd.PeriodicallyDriven(unit, [[1.0], [-1.0]])
    >>> driven
    PeriodicallyDriven(PLRNN(n_states=1, n_units=1), period=2)
    >>> driven.orbit([0.0], 4).ravel()
    array([ 0.    ,  1.5   , -1.25  ,  0.875 , -0.9375])
    """

    _network: ModelWithInput
    _forms: tuple[CanonicalForm, ...]

    def __init__(self, model: ModelWithInput, inputs: ArrayLike) -> None:
        if not isinstance(model, ModelWithInput):
            raise TypeError(
                "model must be a piecewise-linear network with an external input, such as "
                f"rnndyn.PLRNN(A, W, h, C=C, s=s), got {model!r:.80}"
            )
        period = _one_period(check_period(model, inputs))
        network = model.with_parameters(s=np.zeros(model.n_inputs))
        parameters = {name: a for name, a in network.parameters.items() if name != "s"}
        object.__setattr__(self, "_network", network)
        object.__setattr__(self, "_parameters", {**parameters, "inputs": freeze(period)})
        object.__setattr__(self, "_options", {**network.options, _FAMILY: network.family})
        maps = [network.with_parameters(s=row).canonical for row in period]
        forms = [CanonicalForm(m.A, m.W1, m.W2, m.h1, m.h2) for m in maps]
        object.__setattr__(self, "_forms", tuple(forms))

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Self:
        """Build it from the parameters and options of the network, its family, and the inputs."""
        known = dict(values)
        name, inputs = known.pop(_FAMILY, None), known.pop("inputs", None)
        family = FAMILIES.get(name) if isinstance(name, str) else None
        if family is None or not issubclass(family, ModelWithInput):
            raise ValueError(f"{_FAMILY} must be a family with an external input, got {name!r:.60}")
        known.setdefault("s", np.zeros(np.shape(known.get("C", [[]]))[-1]))
        network = family.from_parameters(known)
        assert isinstance(network, ModelWithInput)
        return cls(network, inputs)

    @classmethod
    def _is_name(cls, name: str) -> bool:
        # Parameters are those of a network of any family.
        return name.isidentifier()

    @property
    def network(self) -> ModelWithInput:
        """The network without its input."""
        return self._network

    @property
    def inputs(self) -> FloatArray:
        """The input (T, K) of every step of one period."""
        return self._parameters["inputs"]

    @property
    def period(self) -> int:
        """Number T of steps of a period."""
        return len(self.inputs)

    @property
    def n_states(self) -> int:
        """Number of states M."""
        return self._network.n_states

    @property
    def forms(self) -> tuple[CanonicalForm, ...]:
        """The maps of the steps of one period."""
        return self._forms

    @property
    def steps_per_round(self) -> int:
        """The period."""
        return self.period

    def step(self, z: ArrayLike) -> FloatArray:
        """Return what a whole period makes of states (..., M), the first input acting first."""
        return self.orbit(z, self.period)[..., -1, :]

    def orbit(self, z0: ArrayLike, n_steps: int) -> FloatArray:
        """Return the states that the network goes through from the beginning of a period on.

        Parameters
        ----------
        z0 : (..., M) array_like
            A first state, or an array of first states, on which the first input acts.
        n_steps : int
            Number of steps, at least 0.

        Returns
        -------
        (..., n_steps + 1, M) array
            The states in order, `z0` first.

        Raises
        ------
        OverflowError
            If an orbit leaves the range of float64; the message names the step.
        """
        first = _stepping.to_states("z0", z0, self.n_states, "M")
        n_steps = _stepping.to_n_steps(n_steps)
        points = np.empty((*first.shape[:-1], n_steps + 1, self.n_states))
        points[..., 0, :] = first
        with np.errstate(over="ignore", invalid="ignore"):
            for t in range(n_steps):
                points[..., t + 1, :] = applied(self._forms[t % self.period], points[..., t, :])
        finite = np.isfinite(points).all(axis=-1)
        if not finite.all():
            step = int(np.argwhere(~finite)[:, -1].min())
            raise OverflowError(
                f"an orbit exceeds the range of float64 at step {step}: the map expands there; ask "
                f"for fewer than {step} steps or start elsewhere"
            )
        return points

    def jacobian(
        self, z: ArrayLike | None = None, *, region: ArrayLike | None = None
    ) -> FloatArray:
        """Return the Jacobians (..., M, M) of one step in regions (..., H).

        At a state it depends on the step of the period, so that regions must be given.
        """
        if z is not None or region is None:
            raise TypeError(
                "the region of a state under a periodic input depends on the step of the period: "
                "give region=, such as that of model.network.with_parameters(s=inputs[t]).region(z)"
            )
        return self._network.jacobian(region=region)

    def _system(self) -> _core.System:
        return _no_system()

    def __repr__(self) -> str:
        return f"PeriodicallyDriven({self._network!r}, period={self.period})"


def _no_system() -> NoReturn:
    raise TypeError(
        "a network under a periodic input depends on time as well as on its state: give the "
        "network itself and the input of every step, inputs of shape (T, K), such as "
        "numpy.tile(model.inputs, (100, 1)) with model.network"
    )


def check_period(model: ModelWithInput, inputs: object) -> FloatArray:
    """Return the input (T, K) of every step of one period, or say what is wrong with it."""
    if not model.n_inputs:
        raise ValueError(f"this {model.family} has no external input, so that it cannot be driven")
    rows = finite_numbers("inputs", inputs)
    if rows.ndim != 2 or rows.shape[1] != model.n_inputs or not len(rows):
        hint = ": for a column of single inputs write inputs[:, None]" if rows.ndim == 1 else ""
        raise ValueError(
            "inputs under periodic=True must be the input of every step of one period, of shape "
            f"(T, K) with K = {model.n_inputs}, got {rows.shape}{hint}"
        )
    return rows


def _one_period(rows: FloatArray) -> FloatArray:
    """Return the shortest part that gives the rows when it is repeated."""
    n = len(rows)
    lengths = (length for length in range(1, n + 1) if n % length == 0)
    return next(
        rows[:length]
        for length in lengths
        if (rows.reshape(n // length, length, -1) == rows[:length]).all()
    )
