"""Trainable networks with one hidden layer: shallow PLRNN, plain and clipped."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from rnndyn._common.checks import check_flag
from rnndyn.models import ClippedShallowPLRNN, ShallowPLRNN
from rnndyn.training._module import TrainableModel, check_size, generator
from rnndyn.training.initialization import normalized_positive_definite, uniform_fan_in


class _ShallowNetwork(TrainableModel):
    """``F(z) = A z + W1 phi(W2 z) + h1 + C s`` with phi acting on every hidden unit by itself."""

    W1: Tensor
    W2: Tensor
    h1: Tensor
    h2: Tensor

    #: Whether the hidden bias starts at 0; without it a clipped hidden layer would be 0.
    _zero_hidden_bias = True

    def __init__(
        self,
        n_states: int,
        n_units: int,
        *,
        n_inputs: int = 0,
        diagonal: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        rng = generator(seed)
        n_states, n_units = check_size("n_states", n_states), check_size("n_units", n_units)
        matrix = normalized_positive_definite(n_states, rng)
        parameters = {
            "A": np.diag(matrix).copy() if check_flag("diagonal", diagonal) else matrix,
            "W1": uniform_fan_in((n_states, n_units), rng),
            "W2": uniform_fan_in((n_units, n_states), rng),
            "h1": np.zeros(n_states),
            "h2": np.zeros(n_units) if self._zero_hidden_bias else uniform_fan_in((n_units,), rng),
        }
        super().__init__(n_states, n_inputs, parameters, rng, dtype)

    @abstractmethod
    def _hidden(self, z: Tensor) -> Tensor: ...

    @abstractmethod
    def _slopes(self, z: Tensor) -> Tensor: ...

    def _without_input(self, z: Tensor) -> Tensor:
        return self._linear(z, torch.nn.functional.linear(self._hidden(z), self.W1, self.h1))

    def jacobian(self, z: Tensor) -> Tensor:
        """Return the Jacobians, shape (..., M, M), at states of shape (..., M)."""
        return self._linear_matrix() + (self.W1 * self._slopes(z).unsqueeze(-2)) @ self.W2

    @property
    def state_weights(self) -> Tensor:
        """The weights W1."""
        return self.W1

    @property
    def state_bias(self) -> Tensor:
        """The bias h1."""
        return self.h1

    @classmethod
    def _of_size(cls, model: Any, **options: Any) -> Self:
        return cls(model.n_states, model.W1.shape[1], **options)

    def extra_repr(self) -> str:
        """Describe the sizes, for ``repr``."""
        return f"{super().extra_repr()}, n_units={len(self.h2)}"


class TrainableShallowPLRNN(_ShallowNetwork):
    """Trainable twin of `rnndyn.ShallowPLRNN`: ``F(z) = A z + W1 relu(W2 z + h2) + h1 + C s``.

    Parameters
    ----------
    n_states : int
        Number M of states.
    n_units : int
        Number H of hidden units.
    n_inputs : int
        Number K of external inputs.
    diagonal : bool
        Whether A is a diagonal, held as a vector, or a full matrix.
    seed : int
        Seed of the starting values.
    dtype : torch.dtype, optional
        Type of the parameters. Default: float64.

    Notes
    -----
    A starts as the diagonal of a normalised positive definite matrix (or all of it), W1 and W2 by
    `uniform_fan_in`, the biases at 0, C by `glorot_uniform`, as in [1]_.

    References
    ----------
    .. [1] F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for
       learning chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> from rnndyn.training import TrainableShallowPLRNN
    >>> TrainableShallowPLRNN(3, 20, seed=1).to_model()
    ShallowPLRNN(n_states=3, n_units=20)
    """

    family = ShallowPLRNN

    def _hidden(self, z: Tensor) -> Tensor:
        return torch.relu(torch.nn.functional.linear(z, self.W2, self.h2))

    def _slopes(self, z: Tensor) -> Tensor:
        return (torch.nn.functional.linear(z, self.W2, self.h2) > 0.0).to(z.dtype)


class TrainableClippedShallowPLRNN(_ShallowNetwork):
    """Trainable twin of `rnndyn.ClippedShallowPLRNN`, whose hidden units are bounded.

    ``F(z) = A z + W1 [relu(W2 z + h2) - relu(W2 z)] + h1 + C s``.

    Parameters
    ----------
    n_states, n_units, n_inputs, diagonal, seed, dtype
        As for `TrainableShallowPLRNN`. The hidden bias starts by `uniform_fan_in`: at 0 the hidden
        layer would be 0.

    References
    ----------
    F. Hess, Z. Monfared, M. Brenner, D. Durstewitz, "Generalized teacher forcing for learning
    chaotic dynamics", ICML 2023.

    Examples
    --------
    >>> from rnndyn.training import TrainableClippedShallowPLRNN
    >>> TrainableClippedShallowPLRNN(3, 20, seed=1).to_model()
    ClippedShallowPLRNN(n_states=3, n_units=40)
    """

    family = ClippedShallowPLRNN
    _zero_hidden_bias = False

    def _hidden(self, z: Tensor) -> Tensor:
        drive = torch.nn.functional.linear(z, self.W2)
        return torch.relu(drive + self.h2) - torch.relu(drive)

    def _slopes(self, z: Tensor) -> Tensor:
        drive = torch.nn.functional.linear(z, self.W2)
        return (drive + self.h2 > 0.0).to(z.dtype) - (drive > 0.0).to(z.dtype)
