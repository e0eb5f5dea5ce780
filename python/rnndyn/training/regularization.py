"""Penalties on the parameters, to be added to the loss."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from rnndyn._common.checks import check_integer
from rnndyn.training._module import TrainableModel


class ManifoldAttractorRegularization:
    """Pull some states towards a line attractor, which keeps information for long.

    Parameters
    ----------
    strength : float
        Factor lambda of the penalty.
    n_states : int, optional
        Number of states that are regularised; the last ones. Default: half of them.

    Notes
    -----
    With R the regularised states, the penalty is
    ``lambda sum_{i in R} [(A_ii - 1)^2 + sum_{j != i} A_ij^2 + sum_j W_ij^2 + h_i^2]`` [1]_, with
    W1 and h1 for the shallow networks. At 0 these states keep their value permanently.

    References
    ----------
    .. [1] D. Schmidt, G. Koppe, Z. Monfared, M. Beutelspacher, D. Durstewitz, "Identifying
       nonlinear dynamical systems with multiple time scales and long-range dependencies", ICLR
       2021.

    Examples
    --------
    >>> from rnndyn.training import ManifoldAttractorRegularization, TrainablePLRNN
    >>> penalty = ManifoldAttractorRegularization(0.1)(TrainablePLRNN(4))
    >>> bool(penalty > 0.0)
    True
    """

    def __init__(self, strength: float, n_states: int | None = None) -> None:
        self.strength = _check_strength(strength)
        if n_states is not None:
            n_states = check_integer("n_states", n_states, 1, 2**31)
        self.n_states = n_states

    def __call__(self, module: TrainableModel) -> Tensor:
        """Return the penalty, with gradients."""
        n = module.n_states // 2 if self.n_states is None else self.n_states
        if n > module.n_states:
            raise ValueError(f"n_states = {n} is more than the network has: {module.n_states}")
        first = module.n_states - n
        if module.A.ndim == 1:
            linear = (module.A[first:] - 1.0).square().sum()
        else:
            identity = torch.eye(module.n_states, dtype=module.A.dtype, device=module.A.device)
            linear = (module.A - identity)[first:].square().sum()
        weights = module.state_weights[first:].square().sum()
        bias = module.state_bias[first:].square().sum()
        penalty: Tensor = self.strength * (linear + weights + bias)
        return penalty

    def __repr__(self) -> str:
        return f"ManifoldAttractorRegularization({self.strength:g}, n_states={self.n_states})"


class L2Regularization:
    """Penalise the squares of parameters.

    Parameters
    ----------
    strength : float
        Factor lambda of the penalty ``lambda sum theta^2``.
    parameters : iterable of str, optional
        Names of the parameters, such as ``("W1", "W2")``. Default: all.

    Examples
    --------
    >>> from rnndyn.training import L2Regularization, TrainablePLRNN
    >>> module = TrainablePLRNN(4)
    >>> bool(L2Regularization(0.1, ["W"])(module) == 0.1 * module.W.square().sum())
    True
    """

    def __init__(self, strength: float, parameters: Iterable[str] | None = None) -> None:
        self.strength = _check_strength(strength)
        if isinstance(parameters, str):
            raise TypeError(f"parameters must be a list of names, got the str {parameters!r:.60}")
        self.parameters = None if parameters is None else tuple(parameters)

    def __call__(self, module: torch.nn.Module) -> Tensor:
        """Return the penalty, with gradients."""
        named = dict(module.named_parameters())
        names = tuple(named) if self.parameters is None else self.parameters
        for name in names:
            if name not in named:
                raise ValueError(f"the network has no parameter {name!r}, only {', '.join(named)}")
        squares = [named[name].square().sum() for name in names]
        return self.strength * torch.stack(squares).sum()

    def __repr__(self) -> str:
        return f"L2Regularization({self.strength:g}, parameters={self.parameters})"


def _check_strength(value: Any) -> float:
    strength = float(value)
    if not 0.0 <= strength < float("inf"):
        raise ValueError(f"strength must be a finite number from 0, got {value!r}")
    return strength
