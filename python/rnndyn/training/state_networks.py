"""Trainable networks whose units are their states: PLRNN, ALRNN and dendritic PLRNN."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from rnndyn._common.checks import check_flag, check_integer
from rnndyn.models import ALRNN, PLRNN, DendriticPLRNN
from rnndyn.training._module import TrainableModel, check_size, generator
from rnndyn.training.initialization import normalized_positive_definite, uniform_fan_in


class _StateNetwork(TrainableModel):
    """``F(z) = A z + W phi(z) + h + C s`` with phi acting on every state by itself."""

    W: Tensor
    h: Tensor

    def __init__(
        self,
        n_states: int,
        *,
        n_inputs: int = 0,
        diagonal: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        rng = generator(seed)
        n_states = check_size("n_states", n_states)
        matrix = normalized_positive_definite(n_states, rng)
        if check_flag("diagonal", diagonal):
            A, W = np.diag(matrix).copy(), matrix - np.diag(np.diag(matrix))
        else:
            # W would start as the same matrix twice; the linear part holds it.
            A, W = matrix, np.zeros((n_states, n_states))
        parameters = {"A": A, "W": W, "h": np.zeros(n_states), **self._more(n_states, rng)}
        super().__init__(n_states, n_inputs, parameters, rng, dtype)

    def _more(self, n_states: int, rng: np.random.Generator) -> dict[str, ArrayLike]:
        """Draw the parameters besides A, W and h."""
        return {}

    @abstractmethod
    def _activation(self, z: Tensor) -> Tensor: ...

    @abstractmethod
    def _slopes(self, z: Tensor) -> Tensor: ...

    def _without_input(self, z: Tensor) -> Tensor:
        return self._linear(z, torch.nn.functional.linear(self._activation(z), self.W, self.h))

    def jacobian(self, z: Tensor) -> Tensor:
        """Return the Jacobians, shape (..., M, M), at states of shape (..., M)."""
        return self._linear_matrix() + self.W * self._slopes(z).unsqueeze(-2)

    @property
    def state_weights(self) -> Tensor:
        """The weights W."""
        return self.W

    @property
    def state_bias(self) -> Tensor:
        """The bias h."""
        return self.h


class TrainablePLRNN(_StateNetwork):
    """Trainable twin of `rnndyn.PLRNN`: ``F(z) = A z + W relu(z) + h + C s``.

    Parameters
    ----------
    n_states : int
        Number M of states.
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
    A and W start as the diagonal and the rest of a normalised positive definite matrix, h at 0, as
    in [1]_; see `normalized_positive_definite`. A full A starts as the whole matrix and W at 0. C
    starts by `glorot_uniform`.

    References
    ----------
    .. [1] M. Brenner, F. Hess, J. M. Mikhaeil, L. F. Bereska, Z. Monfared, P.-C. Kuo,
       D. Durstewitz, "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems",
       ICML 2022.

    Examples
    --------
    >>> import torch
    >>> from rnndyn.training import TrainablePLRNN
    >>> module = TrainablePLRNN(3, seed=1)
    >>> module(torch.ones(5, 3, dtype=torch.float64)).shape
    torch.Size([5, 3])
    >>> module.to_model()
    PLRNN(n_states=3, n_units=3)
    """

    family = PLRNN

    def _activation(self, z: Tensor) -> Tensor:
        return torch.relu(z)

    def _slopes(self, z: Tensor) -> Tensor:
        return (z > 0.0).to(z.dtype)

    @classmethod
    def _of_size(cls, model: Any, **options: Any) -> Self:
        return cls(model.n_states, **options)


class TrainableALRNN(_StateNetwork):
    """Trainable twin of `rnndyn.ALRNN`: a PLRNN in which only the last states are rectified.

    Parameters
    ----------
    n_states : int
        Number M of states.
    n_relu : int
        Number P of rectified states, from 0 to M.
    n_inputs, diagonal, seed, dtype
        As for `TrainablePLRNN`, with the same starting values.

    References
    ----------
    M. Brenner, C. J. Hemmer, Z. Monfared, D. Durstewitz, "Almost-linear RNNs yield highly
    interpretable symbolic codes in dynamical systems reconstruction", NeurIPS 2024.

    Examples
    --------
    >>> from rnndyn.training import TrainableALRNN
    >>> TrainableALRNN(10, n_relu=2).to_model()
    ALRNN(n_states=10, n_units=2)
    """

    family = ALRNN

    def __init__(
        self,
        n_states: int,
        n_relu: int,
        *,
        n_inputs: int = 0,
        diagonal: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.n_relu = check_integer("n_relu", n_relu, 0, check_size("n_states", n_states))
        super().__init__(n_states, n_inputs=n_inputs, diagonal=diagonal, seed=seed, dtype=dtype)

    @property
    def options(self) -> dict[str, Any]:
        """``n_relu``."""
        return {"n_relu": self.n_relu}

    def _activation(self, z: Tensor) -> Tensor:
        n_linear = self.n_states - self.n_relu
        return torch.cat([z[..., :n_linear], torch.relu(z[..., n_linear:])], dim=-1)

    def _slopes(self, z: Tensor) -> Tensor:
        slopes = (z > 0.0).to(z.dtype)
        slopes[..., : self.n_states - self.n_relu] = 1.0
        return slopes

    @classmethod
    def _of_size(cls, model: Any, **options: Any) -> Self:
        return cls(model.n_states, model.n_relu, **options)

    def extra_repr(self) -> str:
        """Describe the sizes, for ``repr``."""
        return f"{super().extra_repr()}, n_relu={self.n_relu}"


class TrainableDendriticPLRNN(_StateNetwork):
    """Trainable twin of `rnndyn.DendriticPLRNN`: every unit has B branches with thresholds.

    Parameters
    ----------
    n_states : int
        Number M of states.
    n_branches : int
        Number B of branches.
    clipped : bool
        Whether every branch is bounded.
    threshold_range : sequence of two float, optional
        Draw the thresholds uniformly between these, such as the smallest and largest value of the
        data, as in [1]_. Default: draw them from the standard normal distribution.
    n_inputs, diagonal, seed, dtype
        As for `TrainablePLRNN`, with the same starting values of A, W, h and C; the slopes alpha
        start by `uniform_fan_in`.

    References
    ----------
    .. [1] M. Brenner, F. Hess, J. M. Mikhaeil, L. F. Bereska, Z. Monfared, P.-C. Kuo,
       D. Durstewitz, "Tractable dendritic RNNs for reconstructing nonlinear dynamical systems",
       ICML 2022.

    Examples
    --------
    >>> from rnndyn.training import TrainableDendriticPLRNN
    >>> TrainableDendriticPLRNN(3, n_branches=5, threshold_range=(-2.0, 2.0)).to_model()
    DendriticPLRNN(n_states=3, n_units=15)
    """

    family = DendriticPLRNN
    alpha: Tensor
    thresholds: Tensor

    def __init__(
        self,
        n_states: int,
        n_branches: int,
        *,
        clipped: bool = False,
        threshold_range: Sequence[float] | None = None,
        n_inputs: int = 0,
        diagonal: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        self._n_branches = check_size("n_branches", n_branches)
        self._threshold_range = threshold_range
        self.clipped = check_flag("clipped", clipped)
        super().__init__(n_states, n_inputs=n_inputs, diagonal=diagonal, seed=seed, dtype=dtype)

    def _more(self, n_states: int, rng: np.random.Generator) -> dict[str, ArrayLike]:
        shape = (self._n_branches, n_states)
        return {
            "alpha": uniform_fan_in((self._n_branches,), rng),
            "thresholds": _draw_thresholds(shape, self._threshold_range, rng),
        }

    @property
    def options(self) -> dict[str, Any]:
        """``clipped``."""
        return {"clipped": self.clipped}

    def _activation(self, z: Tensor) -> Tensor:
        branches = torch.relu(z.unsqueeze(-2) - self.thresholds)
        activation = torch.einsum("b,...bm->...m", self.alpha, branches)
        return activation - self.alpha.sum() * torch.relu(z) if self.clipped else activation

    def _slopes(self, z: Tensor) -> Tensor:
        active = (z.unsqueeze(-2) > self.thresholds).to(z.dtype)
        slopes = torch.einsum("b,...bm->...m", self.alpha, active)
        return slopes - self.alpha.sum() * (z > 0.0).to(z.dtype) if self.clipped else slopes

    @classmethod
    def _of_size(cls, model: Any, **options: Any) -> Self:
        return cls(model.n_states, len(model.alpha), clipped=model.clipped, **options)

    def extra_repr(self) -> str:
        """Describe the sizes, for ``repr``."""
        return f"{super().extra_repr()}, n_branches={len(self.alpha)}, clipped={self.clipped}"


def _draw_thresholds(
    shape: tuple[int, int], bounds: Sequence[float] | None, rng: np.random.Generator
) -> ArrayLike:
    if bounds is None:
        return rng.normal(size=shape)
    try:
        low, high = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        raise TypeError(
            f"threshold_range must be two numbers such as (-2.0, 2.0), got {bounds!r:.60}"
        ) from None
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"threshold_range must be finite and ascending, got {low} and {high}")
    return rng.uniform(low, high, size=shape)
