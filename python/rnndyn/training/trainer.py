"""A training loop made of the pieces of this package, each of which is usable alone."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from rnndyn._common.checks import check_count, check_integer, check_positive
from rnndyn._common.progress import ProgressMeter, make_progress_meter
from rnndyn.io import save_model
from rnndyn.training._module import TrainableModel, generator
from rnndyn.training._tensorboard import open_tensorboard
from rnndyn.training.batches import SubsequenceSampler
from rnndyn.training.checkpoint import load_state, save_state
from rnndyn.training.forcing import TeacherForcing, as_forcing
from rnndyn.training.history import History, Monitor, TrainingDivergedError, TrainingProgress
from rnndyn.training.look_ahead import LookAhead
from rnndyn.training.observation import ObservationModel, default_observation
from rnndyn.training.schedule import as_schedule
from rnndyn.training.unrolling import prediction_loss

STATE_FILE = "state.npz"


class Trainer:
    """Trains a network on time series by backpropagation through time with teacher forcing.

    Every update draws a batch of subsequences, predicts them with teacher forcing
    (`prediction_loss`), and steps the optimiser. The same seed gives the same numbers.

    Parameters
    ----------
    module : TrainableModel
        The network. It is changed in place.
    data : array_like, shape (T_total, N), or sequence of such
        One time series or several.
    observation : ObservationModel, optional
        How the data come from the states; trained as well. Default: the first N states are the
        data.
    inputs : array_like, shape (T_total, K), or sequence of such, optional
        External inputs; row t acts on the step from time t to t + 1.
    forcing : TeacherForcing or float, optional
        Strategy, or the alpha of generalised teacher forcing. Default: none.
    sequence_length : int
        Number of steps of a subsequence.
    batch_size : int
        Number of subsequences in a batch.
    optimizer : callable
        Makes the optimiser of an iterable of parameters, such as a class of `torch.optim`.
    learning_rate : float or callable
        Learning rate, or a function of the number of updates done; see `exponential_decay`.
    max_gradient_norm : float, optional
        Scale larger gradients down to this norm. Default: do not.
    regularization : sequence of callable
        Penalties, functions of `module`, that are added to the loss.
    noise : float
        Standard deviation of Gaussian noise on the data that states start from and are forced to.
    monitors : sequence of Monitor
        Called after every update.
    look_ahead : LookAhead, optional
        Called before every update. Where its action asks for it, the gradient is computed again,
        on the same batch.
    folder : path-like, optional
        Where checkpoints go: a model file ``models/update00000100.npz`` every `checkpoint_every`
        updates, the first before any update, which `rnndyn.training_timeline` reads; and
        ``state.npz``, from which `resume` continues. Default: none are written.
    checkpoint_every : int
        Number of updates between checkpoints.
    tensorboard : path-like, optional
        Folder of a TensorBoard log of losses, gradient norms and alphas.
    seed : int
        Seed of batches and noise.

    Attributes
    ----------
    n_updates : int
        Updates done so far.
    history : History
        Loss, gradient norm, alpha and learning rate of every update.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.
    MissingPackageError
        If `tensorboard` is given and TensorBoard is not installed.

    See Also
    --------
    rollout, prediction_loss, SubsequenceSampler, save_state : The pieces, for a loop of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from rnndyn.training import Trainer, TrainableShallowPLRNN
    >>> angle = 0.1 * np.arange(2000)
    >>> data = np.column_stack([np.cos(angle), 0.5 * np.sin(angle)])
    >>> trainer = Trainer(TrainableShallowPLRNN(2, 8), data, forcing=0.2, sequence_length=20)
    >>> history = trainer.fit(30, progress=False)
    >>> bool(history.losses[-5:].mean() < history.losses[:5].mean())
    True
    """

    def __init__(
        self,
        module: TrainableModel,
        data: ArrayLike | Sequence[ArrayLike],
        *,
        observation: ObservationModel | None = None,
        inputs: ArrayLike | Sequence[ArrayLike] | None = None,
        forcing: TeacherForcing | float | None = None,
        sequence_length: int = 200,
        batch_size: int = 16,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.RAdam,
        learning_rate: float | Callable[[int], float] = 1e-3,
        max_gradient_norm: float | None = None,
        regularization: Iterable[Callable[[TrainableModel], Tensor]] = (),
        noise: float = 0.0,
        monitors: Iterable[Monitor] = (),
        look_ahead: LookAhead | None = None,
        folder: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 100,
        tensorboard: str | os.PathLike[str] | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(module, TrainableModel):
            raise TypeError(
                f"module must be a trainable network of this package, got {type(module).__name__}"
            )
        self.module = module
        self.sampler = SubsequenceSampler(data, sequence_length, batch_size, inputs)
        if self.sampler.n_inputs not in (0, module.n_inputs):
            raise ValueError(
                f"inputs have {self.sampler.n_inputs} columns, but the network has "
                f"{module.n_inputs} inputs"
            )
        n = self.sampler.n_variables
        self.observation = default_observation(module, n) if observation is None else observation
        if (self.observation.n_states, self.observation.n_observations) != (module.n_states, n):
            raise ValueError(f"observation must be for {module.n_states} states and {n} variables")
        self.forcing = as_forcing(forcing)
        self.learning_rate = as_schedule(learning_rate)
        self.parameters = [*module.parameters(), *self.observation.parameters()]
        self.optimizer = optimizer(self.parameters, lr=self.learning_rate(0))
        if max_gradient_norm is not None:
            max_gradient_norm = check_positive("max_gradient_norm", max_gradient_norm, "the norm")
        self.max_gradient_norm = max_gradient_norm
        self.regularization = tuple(regularization)
        if not (math.isfinite(noise) and noise >= 0.0):
            raise ValueError(f"noise must be a finite standard deviation from 0, got {noise!r}")
        self.noise = float(noise)
        self.monitors = tuple(monitors)
        if look_ahead is not None and look_ahead.forcing not in (None, self.forcing):
            raise ValueError(
                "look_ahead must look at the forcing of the trainer: give the same "
                "GeneralizedForcing to both"
            )
        self.look_ahead = look_ahead
        self.folder = None if folder is None else Path(folder)
        self.checkpoint_every = check_count("checkpoint_every", checkpoint_every)
        self._writer = None if tensorboard is None else open_tensorboard(tensorboard)
        self._rng = generator(seed)
        self._rows: list[tuple[float, float, float, float]] = []

    @property
    def n_updates(self) -> int:
        """Updates done so far."""
        return len(self._rows)

    @property
    def history(self) -> History:
        """Loss, gradient norm, alpha and learning rate of every update so far."""
        columns = np.array(self._rows, dtype=np.float64).reshape(-1, len(History._fields)).T
        return History(*(np.ascontiguousarray(column) for column in columns))

    def fit(self, n_updates: int, *, progress: bool | ProgressMeter | None = None) -> History:
        """Make some more updates.

        Parameters
        ----------
        n_updates : int
            Number of updates.
        progress : bool or ProgressMeter, optional
            Show a progress bar with the loss: True, False, or an object with the methods of
            `rnndyn.ProgressMeter`. Default: only where standard error is a terminal.

        Returns
        -------
        History
            Of all updates so far.

        Raises
        ------
        TrainingDivergedError
            If the loss or its gradient is not finite. Parameters are left as they were before
            that update.
        """
        n_updates = check_integer("n_updates", n_updates, 0, 2**40)
        meter = make_progress_meter(progress)
        meter.init("training")
        try:
            if self.folder is not None and self.n_updates == 0:
                self._write_checkpoint(self.folder)
            for n_done in range(1, n_updates + 1):
                loss, gradient_norm = self.update()
                for monitor in self.monitors:
                    monitor.step(self.module, loss, gradient_norm)
                if self.folder is not None and self.n_updates % self.checkpoint_every == 0:
                    self._write_checkpoint(self.folder)
                meter.step(TrainingProgress(n_done, n_updates, loss, self.forcing.alpha))
        finally:
            meter.close()
            if self._writer is not None:
                self._writer.flush()
        return self.history

    def update(self) -> tuple[float, float]:
        """Make one update, without monitors and checkpoints.

        Returns
        -------
        tuple of float
            Loss of the batch and norm of the gradient before the update.
        """
        n_done = self.n_updates
        batch = self.sampler.draw(self._rng)
        like = self.module.A.detach()
        x = like.new_tensor(batch.x)
        inputs = None if batch.inputs is None else like.new_tensor(batch.inputs)
        noise = None
        if self.noise:
            noise = like.new_tensor(self._rng.normal(scale=self.noise, size=x.shape))
        data_states = self.observation.data_states(x[..., 1:-1, :] if len(x[0]) > 2 else x)
        self.forcing.update(self.module, data_states, n_done)
        rate = self.learning_rate(n_done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        value, gradient_norm = self._compute_gradient(x, inputs, noise)
        if self.look_ahead is not None and self.look_ahead.before_step(self.module, self.optimizer):
            value, gradient_norm = self._compute_gradient(x, inputs, noise)
        self.optimizer.step()
        self._rows.append((value, gradient_norm, self.forcing.alpha, rate))
        if self._writer is not None:
            for name, number in zip(History._fields, self._rows[-1], strict=True):
                self._writer.add_scalar(name, number, n_done)
        return value, gradient_norm

    def _compute_gradient(
        self, x: Tensor, inputs: Tensor | None, noise: Tensor | None
    ) -> tuple[float, float]:
        """Leave the clipped gradient in the parameters; return the loss and the full norm."""
        loss = prediction_loss(
            self.module,
            x,
            observation=self.observation,
            forcing=self.forcing,
            inputs=inputs,
            noise=noise,
        )
        total = loss
        for penalty in self.regularization:
            total = total + penalty(self.module)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        limit = math.inf if self.max_gradient_norm is None else self.max_gradient_norm
        gradient_norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, limit))
        value = loss.item()
        if not (math.isfinite(value) and math.isfinite(gradient_norm)):
            raise TrainingDivergedError(
                f"the loss is {value:.4g} and its gradient has the norm {gradient_norm:.4g} at "
                f"update {self.n_updates}: force more strongly (alpha), take shorter sequences, or "
                "lower learning_rate or max_gradient_norm"
            )
        return value, gradient_norm

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that decides what comes next, so that `load` continues with the same numbers.

        What monitors and a look-ahead have seen is not part of it.

        Parameters
        ----------
        path : path-like
            A ``.npz`` file; see `save_state`.
        """
        state = {
            "module": dict(self.module.state_dict()),
            "observation": dict(self.observation.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "forcing": self.forcing.state_dict(),
            "random": self._rng.bit_generator.state,
            "history": np.array(self._rows, dtype=np.float64).reshape(-1, len(History._fields)),
        }
        save_state(path, state)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Take back a state that `save` wrote; the trainer must have been made the same way.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        ValueError
            If the file is damaged, or belongs to a network of another shape. Parts of the state may
            have been taken then, so make a new trainer.
        """
        state = load_state(path)
        try:
            self.module.load_state_dict(state["module"])
            self.observation.load_state_dict(state["observation"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.forcing.load_state_dict(state["forcing"])
            self._rng.bit_generator.state = state["random"]
            self._rows = [tuple(row) for row in state["history"].tolist()]
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            raise ValueError(f"{path} does not fit this trainer: {error}") from error

    def resume(self) -> bool:
        """Continue from the last checkpoint in `folder`, where there is one.

        Returns
        -------
        bool
            Whether there was one.
        """
        if self.folder is None:
            raise ValueError("resume() needs the folder of the checkpoints: Trainer(folder=...)")
        file = self.folder / STATE_FILE
        if not file.exists():
            return False
        self.load(file)
        return True

    def _write_checkpoint(self, folder: Path) -> None:
        models = folder / "models"
        models.mkdir(parents=True, exist_ok=True)
        save_model(self.module.to_model(), models / f"update{self.n_updates:08d}.npz")
        self.save(folder / STATE_FILE)

    def __repr__(self) -> str:
        last = f", loss={self._rows[-1][0]:.4g}" if self._rows else ""
        return (
            f"Trainer({self.module!r}, forcing={self.forcing!r}, {self.n_updates:,} updates{last})"
        )
