"""What a training run reports: its history, its progress, what it calls, and how it fails."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch

from rnndyn._common.arrays import FloatArray


class Monitor(Protocol):
    """What a training loop calls after every update; see `BifurcationMonitor`."""

    def step(
        self,
        module: torch.nn.Module,
        loss: float | None = None,
        gradient_norm: float | None = None,
    ) -> object:
        """Look at the network as it is now."""


class History(NamedTuple):
    """What happened at every update.

    Attributes
    ----------
    losses : ndarray of float64, shape (n,)
        Loss of the batch before the update, without penalties.
    gradient_norms : ndarray of float64, shape (n,)
        Euclidean norm of the gradient of all parameters, penalties included, before it is clipped.
    alphas : ndarray of float64, shape (n,)
        Strength of the forcing.
    learning_rates : ndarray of float64, shape (n,)
        Learning rate.
    """

    losses: FloatArray
    gradient_norms: FloatArray
    alphas: FloatArray
    learning_rates: FloatArray


class TrainingProgress(NamedTuple):
    """State of a training run, as a progress meter sees it.

    Attributes
    ----------
    n_done : int
        Updates done by this call.
    n_updates : int
        Updates that it was asked for.
    loss : float
        Loss of the last batch.
    alpha : float
        Strength of the forcing.
    """

    n_done: int
    n_updates: int
    loss: float
    alpha: float

    @property
    def fraction(self) -> float:
        """Share of the updates that are done, 0 to 1."""
        return self.n_done / self.n_updates

    def text(self, seconds: float) -> str:
        """Describe the state in a few words, given the seconds since the start."""
        rate = self.n_done / seconds if seconds > 0.0 else 0.0
        text = f"{self.n_done:,} of {self.n_updates:,} updates, {rate:,.0f}/s, loss {self.loss:.4g}"
        return f"{text}, alpha {self.alpha:.3g}" if self.alpha else text


class TrainingDivergedError(ArithmeticError):
    """The loss or its gradient is not finite; the message says at which update and what helps."""
