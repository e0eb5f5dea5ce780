"""The bifurcations that a network went through during its training."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._arrays import FloatArray, frozen
from rnndyn._checks import check_count, check_integer
from rnndyn._optional import import_optional
from rnndyn._progress import ProgressMeter
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


class Timeline:
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

    def to_columns(self, table: str = "events") -> dict[str, Any]:
        """Return events, branches, gaps or checkpoints as columns, by name.

        Events get the columns ``interval``, and ``loss``, ``loss_change`` and ``gradient_norm``
        where these were given: the values at the checkpoint before, and the change of the loss
        until the checkpoint after.
        """
        if table == "checkpoints":
            return self._checkpoints()
        if table not in _export.TABLES:
            allowed = ", ".join((*_export.TABLES, "checkpoints"))
            raise ValueError(f"table must be one of {allowed}, got {table!r}")
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

    def to_dataframe(self, table: str = "events") -> Any:
        """Return a pandas DataFrame of events, branches, gaps or checkpoints (see `to_columns`).

        Raises
        ------
        MissingPackageError
            If pandas is not installed (``pip install "rnndyn[tables]"``).
        """
        pandas = import_optional("pandas", "Timeline.to_dataframe()")
        return pandas.DataFrame(self.to_columns(table))

    def to_xarray(self) -> Any:
        """Return an xarray Dataset of events, branches and checkpoints.

        Raises
        ------
        MissingPackageError
            If xarray is not installed (``pip install "rnndyn[tables]"``).
        """
        dataset = self._branch_set.to_xarray().rename(
            {"model": "checkpoint", "axis_value": "epoch"}
        )
        for name, column in self._checkpoints().items():
            if name != "epoch":
                dataset[name] = ("checkpoint", column)
        for name in ("interval", "loss", "loss_change", "gradient_norm"):
            columns = self.to_columns("events")
            if name in columns:
                dataset[f"event_{name}"] = ("event", columns[name])
        return dataset

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the timeline, with losses and gradient norms, to one ``.npz`` file.

        Nothing is pickled. The format is that of `BranchSet`, which can load the file as well; it
        is described in ``docs/reference/branch-set-format.md``. The file appears under its name
        only when it is complete.
        """
        series = {name: getattr(self, name) for name in _SERIES}
        given = {name: values for name, values in series.items() if values is not None}
        _file.write(FilePath(path), self._branch_set, given)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> "Timeline":
        """Read a timeline that `save` wrote, or a branch set. No code of the file is run.

        Parameters
        ----------
        path : path-like
            The file.
        max_bytes : int
            Refuse a file that takes more memory than this.

        Raises
        ------
        ValueError
            If the file is no such file, is damaged, was written in a newer format, or is too large.
        """
        return _file.read(
            FilePath(path),
            max_bytes,
            lambda branch_set, series: cls(branch_set, *(series.get(name) for name in _SERIES)),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        return self._branch_set == other._branch_set and all(
            np.array_equal(mine, theirs)
            if mine is not None and theirs is not None
            else mine is theirs
            for mine, theirs in (
                (self._losses, other._losses),
                (self._gradient_norms, other._gradient_norms),
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._branch_set, self._losses, self._gradient_norms)

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
        series = np.asarray(values, dtype=np.float64)
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
