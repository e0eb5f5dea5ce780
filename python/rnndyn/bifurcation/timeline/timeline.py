"""The bifurcations that a network went through during its training."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.progress import ProgressMeter
from rnndyn.bifurcation.path._path import Path
from rnndyn.bifurcation.path.continuation import continue_along
from rnndyn.bifurcation.timeline.checkpoints import load_checkpoints
from rnndyn.bifurcation.timeline.result import Timeline, check_series
from rnndyn.io._as_model import as_followed
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.scale_out import Executor


def _models_of(checkpoints: Any, inputs: ArrayLike | None) -> tuple[Any, ...]:
    """Return the checkpoints, networks of ReLU units as the piecewise-linear maps that they are."""
    if isinstance(checkpoints, str | os.PathLike | Mapping):
        loaded = load_checkpoints(checkpoints)
        return tuple(as_followed(model, inputs) for model in loaded)
    if isinstance(checkpoints, Iterable):
        checkpoints = [
            as_followed(model, inputs, f"checkpoints[{i}]") for i, model in enumerate(checkpoints)
        ]
    return tuple(load_checkpoints(checkpoints))


def training_timeline(
    checkpoints: str
    | os.PathLike[str]
    | Mapping[str, Any]
    | Iterable[PiecewiseLinearModel | RecurrentNetwork],
    losses: ArrayLike | None = None,
    epochs: ArrayLike | None = None,
    *,
    inputs: ArrayLike | None = None,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    gradient_norms: ArrayLike | None = None,
    method: str = "auto",
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Timeline:
    """List the bifurcations that a network went through during its training.

    The parameters are taken to change along straight lines between the checkpoints, those of the
    canonical map or the weights of a tanh, GRU or LSTM network (see `rnndyn.continue_cycles`), and
    every cycle is followed along them.

    Parameters
    ----------
    checkpoints : path-like, mapping, or iterable of PiecewiseLinearModel or RecurrentNetwork
        The models in the order of time, at least two; a folder of model files; or stacked arrays
        (see `rnndyn.load_checkpoints`).
    losses : array_like of shape (n_checkpoints,), optional
        Loss at every checkpoint.
    epochs : array_like of shape (n_checkpoints,), optional
        Epochs of the checkpoints, ascending. Default: 0, 1, 2, ...
    inputs : array_like of shape (K,), optional
        Constant input of a `RNN`, `GRU` or `LSTM`, the same at all checkpoints. Default: 0.
    max_order : int, optional
        Follow cycles of the orders 1, 2, ..., `max_order`. Default: 1, the fixed points.
    orders : iterable of int, optional
        Follow cycles of these orders instead.
    gradient_norms : array_like of shape (n_checkpoints,), optional
        Norm of the loss gradient at every checkpoint, for the tables.
    method, n_threads, time_limit, progress, seed, executor, store
        As for `rnndyn.continue_cycles`.

    Returns
    -------
    Timeline

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, a file cannot be read, or the checkpoints do not fit
        together; the message names the argument or the file.

    References
    ----------
    L. Eisenmann, Z. Monfared, N. Göring, D. Durstewitz, "Bifurcations and loss jumps in RNN
    training", NeurIPS 2023.

    Examples
    --------
    >>> import rnndyn as rd
    >>> first = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
    >>> models = [first.with_parameters({"W[0,0]": w}) for w in (-1.0, -1.2, -1.7, -1.8)]
    >>> timeline = rd.training_timeline(models, epochs=[0, 10, 20, 30])
    >>> [(event.kind, round(event.epoch, 9)) for event in timeline.events]
    [('degenerate_flip', 16.0)]
    """
    models = _models_of(checkpoints, inputs)
    if len(models) < 2:
        raise ValueError(f"checkpoints must hold at least two models, got {len(models)}")
    if max_order is None and orders is None:
        max_order = 1
    # Checked here, so that a wrong length shows before the work and not after it.
    losses = check_series("losses", losses, len(models))
    gradient_norms = check_series("gradient_norms", gradient_norms, len(models))
    times = check_series("epochs", epochs, len(models))
    if times is None:
        times = np.arange(len(models), dtype=np.float64)
    if not np.all(np.diff(times) > 0.0):
        raise ValueError("epochs must ascend, without repetition")
    branch_set = continue_along(
        Path(models, "epoch", times),
        "training_timeline",
        inputs=inputs,
        max_order=max_order,
        orders=orders,
        method=method,
        seed=seed,
        n_threads=n_threads,
        time_limit=time_limit,
        progress=progress,
        executor=executor,
        store=store,
    )
    return Timeline(branch_set, losses, gradient_norms)
