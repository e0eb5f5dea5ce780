"""The bifurcations that a network went through during its training."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._arrays import FloatArray, frozen, real_numbers
from rnndyn._checks import check_count, check_integer
from rnndyn._progress import ProgressMeter
from rnndyn._result import LabelledArrays, TabularResult, model_sizes, plain
from rnndyn.bifurcation import _export, _file, _table
from rnndyn.bifurcation._branch import Branches
from rnndyn.bifurcation._events import BifurcationEvents
from rnndyn.bifurcation._gap import Gap
from rnndyn.bifurcation._loss_jumps import Coincidence, LossJumps, coincidence, loss_jumps
from rnndyn.bifurcation._path import Path
from rnndyn.bifurcation.branch_set import BranchSet
from rnndyn.bifurcation.checkpoints import load_checkpoints
from rnndyn.bifurcation.continuation import continue_along
from rnndyn.models import PiecewiseLinearModel
from rnndyn.scale_out import Executor

#: What was given for every checkpoint.
_SERIES = ("losses", "gradient_norms")


class Timeline(TabularResult):
    """Branches and bifurcations of cycles over the epochs of a training run.

    Attributes
    ----------
    events : sequence of BifurcationEvent
        Sorted by epoch; ``event.epoch`` is fractional.
    branches : sequence of Branch
        The cycles over time, matched by continuation and not by nearest distance. Branches with
        the same ``lineage`` are one cycle.
    gaps : tuple of Gap
        Everything that they do not explain.
    branch_set : BranchSet
        The continuation itself; its models are the checkpoints, its ``axis`` is ``"epoch"``.
    epochs : ndarray of float64, shape (n_checkpoints,)
        Epochs of the checkpoints; 0, 1, 2, ... where none were given.
    losses, gradient_norms : ndarray of float64, shape (n_checkpoints,), or None
        As given.

    See Also
    --------
    rnndyn.training_timeline : Compute it.
    """

    FORMAT = _file.FORMAT
    TABLES: ClassVar = ("events", "branches", "gaps", "checkpoints")

    def __init__(
        self,
        branch_set: BranchSet,
        losses: ArrayLike | None = None,
        gradient_norms: ArrayLike | None = None,
    ) -> None:
        n = len(branch_set.models)
        self._branch_set = branch_set
        self._losses = _check_series("losses", losses, n)
        self._gradient_norms = _check_series("gradient_norms", gradient_norms, n)

    @property
    def branch_set(self) -> BranchSet:
        """The continuation itself."""
        return self._branch_set

    @property
    def events(self) -> BifurcationEvents:
        """The events, sorted by epoch."""
        return self._branch_set.events

    @property
    def branches(self) -> Branches:
        """The cycles over time."""
        return self._branch_set.branches

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Everything that branches and events do not explain."""
        return self._branch_set.gaps

    @property
    def epochs(self) -> FloatArray:
        """Epochs of the checkpoints."""
        return self._branch_set.axis_values

    @property
    def losses(self) -> FloatArray | None:
        """Losses of the checkpoints, where they were given."""
        return self._losses

    @property
    def gradient_norms(self) -> FloatArray | None:
        """Norms of the loss gradient at the checkpoints, where they were given."""
        return self._gradient_norms

    @property
    def events_per_interval(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Number of events between the checkpoints j and j + 1, shape (n_checkpoints - 1,)."""
        n = len(self.epochs) - 1
        pieces = np.clip(np.floor(self.events.s).astype(np.int64), 0, n - 1)
        return np.bincount(pieces, minlength=n).astype(np.int64)

    def loss_jumps(self, threshold: float = 3.5) -> LossJumps:
        """Return the intervals between checkpoints over which the loss jumps.

        Parameters
        ----------
        threshold : float
            A change of the loss is a jump where its modified z-score exceeds this on either side.

        Returns
        -------
        LossJumps

        Raises
        ------
        ValueError
            If the timeline has no losses, or the threshold is not positive.

        Notes
        -----
        The score is 0.6745 (d - median d) / MAD with MAD the median of ``|d - median d|``; 3.5 is
        the threshold that Iglewicz and Hoaglin recommend ("How to Detect and Handle Outliers", ASQC
        Quality Press 1993).
        """
        if self._losses is None:
            raise ValueError(
                "this timeline has no losses; give training_timeline(..., losses=[...])"
            )
        if not threshold > 0.0:
            raise ValueError(f"threshold must be a positive number, got {threshold!r}")
        return loss_jumps(self._losses, float(threshold))

    def coincidence(
        self,
        threshold: float = 3.5,
        *,
        window: int = 0,
        n_permutations: int = 9999,
        seed: int = 0,
    ) -> Coincidence:
        """Tell how jumps of the loss coincide with bifurcations, against random intervals.

        Parameters
        ----------
        threshold : float
            As for `loss_jumps`.
        window : int
            Intervals before and after a jump in which an event counts.
        n_permutations : int
            Number of random choices of as many intervals.
        seed : int
            Their seed.

        Returns
        -------
        Coincidence

        Raises
        ------
        ValueError
            If the timeline has no losses, or an argument is out of range.
        """
        window = check_integer("window", window, 0, 2**31)
        n_permutations = check_count("n_permutations", n_permutations)
        seed = check_integer("seed", seed, 0, 2**64 - 1)
        jumps = self.loss_jumps(threshold)
        return coincidence(jumps, self.events_per_interval > 0, window, n_permutations, seed)

    def _columns(self, table: str) -> dict[str, Any]:
        if table == "checkpoints":
            return self._checkpoints()
        columns = _export.columns(self._branch_set, table)
        if table == "events":
            n = len(self.epochs) - 1
            interval = np.clip(np.floor(self.events.s).astype(np.int64), 0, n - 1)
            columns["interval"] = interval
            if self._losses is not None:
                columns["loss"] = self._losses[interval]
                columns["loss_change"] = np.diff(self._losses)[interval]
            if self._gradient_norms is not None:
                columns["gradient_norm"] = self._gradient_norms[interval]
        return columns

    def _checkpoints(self) -> dict[str, Any]:
        columns: dict[str, Any] = {"epoch": self.epochs}
        for name in ("losses", "gradient_norms"):
            series = getattr(self, name)
            if series is not None:
                columns[name.removesuffix("es" if name == "losses" else "s")] = series
        # No interval follows the last checkpoint.
        return {**columns, "n_events_after": np.append(self.events_per_interval, 0)}

    def _labelled(self) -> LabelledArrays:
        variables, coordinates, attributes = _export.labelled(self._branch_set)
        del coordinates["model"], coordinates["axis_value"]
        checkpoints = self._checkpoints()
        coordinates["checkpoint"] = np.arange(len(self.epochs))
        coordinates["epoch"] = ("checkpoint", checkpoints.pop("epoch"))
        variables |= {name: ("checkpoint", column) for name, column in checkpoints.items()}
        events = self._columns("events")
        for name in ("interval", "loss", "loss_change", "gradient_norm"):
            if name in events:
                variables[f"event_{name}"] = ("event", events[name])
        return LabelledArrays(variables, coordinates, attributes)

    def to_dict(self) -> dict[str, Any]:
        """Return checkpoints, events, branches, gaps and loss jumps for JSON.

        ``coincidence`` is what the method of this name returns with the seed of the run; None
        without losses, and where the run was stopped: intervals that were not reached hold no
        events, which says nothing about their jumps.
        """
        own = self._branch_set
        events = self._columns("events")
        extra = [name for name in ("interval", "loss", "loss_change") if name in events]
        jumps = None if self._losses is None else self.loss_jumps()
        tested = jumps is not None and own.run.complete
        coincides = self.coincidence(seed=own.run.seed) if tested else None
        values: dict[str, Any] = plain(
            {
                "model": model_sizes(own.models[0]),
                "checkpoints": self._checkpoints(),
                "events": [
                    # The axis is the epoch for all of them.
                    {"epoch": event.epoch}
                    | {k: v for k, v in event.to_dict().items() if k not in ("axis", "value")}
                    | {name: events[name][index] for name in extra}
                    for index, event in enumerate(self.events)
                ],
                "branches": [
                    {
                        **branch.to_dict(),
                        "epoch_begin": own.value_at(branch.s_begin),
                        "epoch_end": own.value_at(branch.s_end),
                    }
                    for branch in self.branches
                ],
                "gaps": [{**gap.to_dict(), "epoch": own.value_at(gap.s)} for gap in self.gaps],
                "loss_jumps": None
                if jumps is None
                else {
                    name: getattr(jumps, name) for name in ("intervals", "differences", "scores")
                },
                "coincidence": None if coincides is None else dataclasses.asdict(coincides),
                "run": own.run.to_dict(),
            }
        )
        return values

    def _write(self, path: FilePath) -> None:
        series = {name: getattr(self, name) for name in _SERIES}
        given = {name: values for name, values in series.items() if values is not None}
        _file.write(path, self._branch_set, given)

    @classmethod
    def _read(cls, path: FilePath, max_bytes: int) -> Any:
        return _file.read(
            path,
            max_bytes,
            lambda branch_set, series: cls(branch_set, *(series.get(name) for name in _SERIES)),
        )

    def _schema(self) -> dict[str, Any]:
        # Its files are those of branch sets, what it exports is more.
        return {**super()._schema(), "schema": "rnndyn timeline"}

    def _identity(self) -> tuple[Any, ...]:
        return self._branch_set, self._losses, self._gradient_norms

    def _state(self) -> dict[str, Any]:
        return {
            "branch_set": self._branch_set,
            "losses": self._losses,
            "gradient_norms": self._gradient_norms,
        }

    def __repr__(self) -> str:
        title = f"Training timeline of {len(self.epochs):,} checkpoints"
        if self._losses is not None:
            jumps = self.loss_jumps()
            near = int((self.events_per_interval[jumps.intervals] > 0).sum())
            title += (
                f", {_table.count_text(len(jumps), 'loss jump')}, {near:,} of them in an interval "
                "with an event"
            )
        return f"{title}\n{self._branch_set!r}"


def training_timeline(
    checkpoints: str | os.PathLike[str] | Mapping[str, Any] | Iterable[PiecewiseLinearModel],
    losses: ArrayLike | None = None,
    epochs: ArrayLike | None = None,
    *,
    max_order: int | None = None,
    orders: Iterable[int] | None = None,
    gradient_norms: ArrayLike | None = None,
    method: str = "auto",
    seed: int = 0,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: bool | ProgressMeter | None = None,
    executor: Executor | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Timeline:
    """List the bifurcations that a network went through during its training.

    The parameters are taken to change along straight lines of the canonical map between the
    checkpoints (see `rnndyn.continue_cycles`), and every cycle is followed along them.

    Parameters
    ----------
    checkpoints : path-like, mapping, or iterable of PiecewiseLinearModel
        The models in the order of time, at least two; a folder of model files; or stacked arrays
        (see `rnndyn.load_checkpoints`).
    losses : array_like of shape (n_checkpoints,), optional
        Loss at every checkpoint.
    epochs : array_like of shape (n_checkpoints,), optional
        Epochs of the checkpoints, ascending. Default: 0, 1, 2, ...
    max_order : int, optional
        Follow cycles of the orders 1, 2, ..., `max_order`. Default: 1, the fixed points.
    orders : iterable of int, optional
        Follow cycles of these orders instead.
    gradient_norms : array_like of shape (n_checkpoints,), optional
        Norm of the loss gradient at every checkpoint, for the tables.
    method, seed, n_threads, time_limit, progress, executor, store
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
    models = tuple(load_checkpoints(checkpoints))
    if len(models) < 2:
        raise ValueError(f"checkpoints must hold at least two models, got {len(models)}")
    if max_order is None and orders is None:
        max_order = 1
    # Checked here, so that a wrong length shows before the work and not after it.
    losses = _check_series("losses", losses, len(models))
    gradient_norms = _check_series("gradient_norms", gradient_norms, len(models))
    times = _check_series("epochs", epochs, len(models))
    if times is None:
        times = np.arange(len(models), dtype=np.float64)
    if not np.all(np.diff(times) > 0.0):
        raise ValueError("epochs must ascend, without repetition")
    branch_set = continue_along(
        Path(models, "epoch", times),
        "training_timeline",
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


def _check_series(name: str, values: Any, n: int) -> FloatArray | None:
    if values is None:
        return None
    try:
        series = real_numbers(values)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be numbers, one for every checkpoint") from None
    if series.shape != (n,):
        raise ValueError(
            f"{name} must have shape ({n},), one number for every checkpoint, got {series.shape}"
        )
    if not np.isfinite(series).all():
        index = int(np.argmin(np.isfinite(series)))
        raise ValueError(f"{name} must be finite, but {name}[{index}] is {series[index]}")
    return frozen(series, np.float64)
