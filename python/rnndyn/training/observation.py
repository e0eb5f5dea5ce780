"""Observation models: how the data come from the states, and how the data force the states."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnndyn._common.checks import check_flag
from rnndyn.training._module import check_size, generator
from rnndyn.training.initialization import glorot_uniform, kaiming_normal

#: What moves states at time t the share alpha of the way to the data of that time.
Force = Callable[[Tensor, int, float], Tensor]


class ObservationModel(torch.nn.Module, ABC):
    """Base class of the observation models: ``observation(z)`` are the observations of states z.

    Attributes
    ----------
    n_states, n_observations : int
        Numbers M of states and N of observed variables.
    """

    def __init__(self, n_states: int, n_observations: int) -> None:
        super().__init__()
        self.n_states = check_size("n_states", n_states)
        self.n_observations = check_size("n_observations", n_observations)

    @abstractmethod
    def forward(self, z: Tensor) -> Tensor:
        """Return the observations, shape (..., N), of states of shape (..., M)."""

    @abstractmethod
    def initial_state(self, x: Tensor) -> Tensor:
        """Return states, shape (..., M), that an orbit starts from at data of shape (..., N)."""

    @abstractmethod
    def data_states(self, x: Tensor) -> Tensor:
        """Return the states, shape (..., M), that forcing moves to; 0 in what is not observed.

        No gradient passes through them.
        """

    @abstractmethod
    def forcing(self, x: Tensor) -> Force:
        """Prepare the forcing by data of shape (..., T, N).

        Returns
        -------
        callable
            ``force(z, t, alpha)`` moves states z, shape (..., M), the share `alpha` of the way to
            the data ``x[..., t, :]``: to ``z + alpha B^+ (x_t - B z - b)``. Directions of z that
            are not observed stay as they are. No gradient passes through the data states.
        """

    def extra_repr(self) -> str:
        """Describe the sizes, for ``repr``."""
        return f"n_states={self.n_states}, n_observations={self.n_observations}"


class IdentityObservation(ObservationModel):
    """The first N states are the observations: ``x = z[:N]``.

    Parameters
    ----------
    n_states : int
        Number M of states, at least N.
    n_observations : int
        Number N of observed variables.
    seed : int
        Seed of the starting values of L.
    dtype : torch.dtype, optional
        Type of L. Default: float64.

    Notes
    -----
    An orbit starts at ``(x, L x)`` with a trained matrix L of shape (M - N, N), which starts by
    `glorot_uniform`; there is none where M = N. Forcing acts on the first N states only, as the
    teacher forcing of [1]_.

    References
    ----------
    .. [1] M. Brenner, F. Hess, J. M. Mikhaeil, L. F. Bereska, Z. Monfared, P.-C. Kuo,
       D. Durstewitz, "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems",
       ICML 2022.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import IdentityObservation
    >>> observation = IdentityObservation(3, 2)
    >>> observation(torch.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2.])
    """

    L: Tensor | None

    def __init__(
        self,
        n_states: int,
        n_observations: int,
        *,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(n_states, n_observations)
        n_hidden = self.n_states - self.n_observations
        if n_hidden < 0:
            raise ValueError(
                f"n_states must be at least n_observations = {n_observations}, got {n_states}; "
                "AffineObservation observes more variables than there are states"
            )
        L = None
        if n_hidden:
            start = glorot_uniform((n_hidden, self.n_observations), generator(seed))
            L = torch.nn.Parameter(torch.tensor(start, dtype=dtype or torch.float64))
        self.register_parameter("L", L)

    def forward(self, z: Tensor) -> Tensor:
        """Return the first N states."""
        return z[..., : self.n_observations]

    def initial_state(self, x: Tensor) -> Tensor:
        """Return (x, L x)."""
        if self.L is None:
            return x
        return torch.cat([x, torch.nn.functional.linear(x, self.L)], dim=-1)

    def data_states(self, x: Tensor) -> Tensor:
        """Return (x, 0)."""
        missing = self.n_states - self.n_observations
        return torch.nn.functional.pad(x.detach(), (0, missing))

    def forcing(self, x: Tensor) -> Force:
        """Prepare the forcing of the first N states by data of shape (..., T, N)."""
        # Split once: indexing at every step costs as much as the step.
        data, n = x.detach().unbind(-2), self.n_observations

        def force(z: Tensor, t: int, alpha: float) -> Tensor:
            # lerp gives the data bit for bit at alpha = 1, and the states at alpha = 0.
            moved = torch.lerp(z[..., :n], data[t], alpha)
            return torch.cat([moved, z[..., n:]], dim=-1)

        if n == self.n_states:
            return lambda z, t, alpha: torch.lerp(z, data[t], alpha)

        return force


class AffineObservation(ObservationModel):
    """Observations are an affine map of the states: ``x = B z + b``, both trained.

    Parameters
    ----------
    n_states : int
        Number M of states.
    n_observations : int
        Number N of observed variables.
    bias : bool
        Whether there is a b.
    seed : int
        Seed of the starting values.
    dtype : torch.dtype, optional
        Type of the parameters. Default: float64.

    Notes
    -----
    B starts by `kaiming_normal`, b at 0. The data states are ``B^+ (x - b)`` with the
    pseudoinverse B^+ [1]_. Where there are more states than observations, or B has not full rank,
    forcing acts on the row space of B only and leaves the rest of the state as it is.

    References
    ----------
    .. [1] J. M. Mikhaeil, Z. Monfared, D. Durstewitz, "On the difficulty of learning chaotic
       dynamics with RNNs", NeurIPS 2022.

    Examples
    --------
    >>> from rnndyn.training import AffineObservation
    >>> AffineObservation(3, 20)
    AffineObservation(n_states=3, n_observations=20)
    """

    B: Tensor
    b: Tensor | None

    def __init__(
        self,
        n_states: int,
        n_observations: int,
        *,
        bias: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(n_states, n_observations)
        start = kaiming_normal((self.n_observations, self.n_states), generator(seed))
        chosen = dtype or torch.float64
        self.B = torch.nn.Parameter(torch.tensor(start, dtype=chosen))
        zeros = torch.nn.Parameter(torch.zeros(self.n_observations, dtype=chosen))
        self.register_parameter("b", zeros if check_flag("bias", bias) else None)

    def forward(self, z: Tensor) -> Tensor:
        """Return B z + b."""
        return torch.nn.functional.linear(z, self.B, self.b)

    def initial_state(self, x: Tensor) -> Tensor:
        """Return B^+ (x - b), through which gradients pass."""
        centered = x if self.b is None else x - self.b
        return torch.nn.functional.linear(centered, torch.linalg.pinv(self.B))

    def data_states(self, x: Tensor) -> Tensor:
        """Return B^+ (x - b)."""
        return self.initial_state(x).detach()

    def forcing(self, x: Tensor) -> Force:
        """Prepare the forcing of the row space of B by data of shape (..., T, N)."""
        targets = self.data_states(x).unbind(-2)
        weights = self.B.detach()
        observed = torch.linalg.pinv(weights) @ weights
        everything = int(torch.linalg.matrix_rank(weights)) == self.n_states

        def force(z: Tensor, t: int, alpha: float) -> Tensor:
            if everything:
                return torch.lerp(z, targets[t], alpha)
            return z + alpha * (targets[t] - torch.nn.functional.linear(z, observed))

        return force


def default_observation(module: Any, n_observations: int) -> ObservationModel:
    """Return the identity observation of a network, or say that the sizes do not fit."""
    if n_observations > module.n_states:
        raise ValueError(
            f"the data have {n_observations} variables and the network only {module.n_states} "
            "states: give observation=AffineObservation(n_states, n_observations)"
        )
    default = IdentityObservation(module.n_states, n_observations, dtype=module.A.dtype)
    return default.to(module.A.device)


def observe(observation: ObservationModel, states: np.ndarray[Any, Any]) -> Any:
    """Return the observations of states as an array, without gradients."""
    parameter = next(observation.parameters(), None)
    z = torch.tensor(states) if parameter is None else parameter.new_tensor(states)
    with torch.no_grad():
        return observation(z).double().cpu().numpy()
