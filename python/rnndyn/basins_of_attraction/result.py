"""The results of following orbits to the attractors, from a plane or from a box."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn.basins_of_attraction._file import FORMAT, FRACTIONS_FORMAT
from rnndyn.basins_of_attraction.run import BasinsRun
from rnndyn.cycles.cycle import Cycle
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.base import TabularResult

#: Labels that are no attractor; the compiled core and the files use the same numbers.
UNDECIDED, UNBOUNDED, NOT_REACHED = -1, -2, -3

_ARRAYS: dict[str, type] = {
    "labels": np.int32,
    "n_steps": np.int64,
    "origin": np.float64,
    "directions": np.float64,
    "x_values": np.float64,
    "y_values": np.float64,
}


@dataclass(frozen=True, eq=False, repr=False)
class Basins(TabularResult):
    """Basins of attraction in a plane of state space, or along the line of a single state.

    Two results are equal if they say the same about the same points of the same model; how long it
    took and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    attractors : tuple of Cycle
        The stable cycles that orbits can be said to converge to.
    unclaimed : tuple of Cycle
        Stable cycles around which no neighbourhood could be verified that orbits do not leave, so
        that no orbit is said to converge to them.
    labels : ndarray of int32, shape (n_y, n_x), or (n_x,) for a network with one state
        Number of the attractor that the orbit from the point goes to; -1 undecided, -2 unbounded,
        -3 not reached.
    n_steps : ndarray of int64, of this shape
        Steps until the orbit had entered the neighbourhood of the attractor, or exceeded the escape
        radius; ``run.max_steps`` where it is undecided, 0 where it was not reached.
    origin : ndarray of float64, shape (M,)
        The state at x = y = 0.
    directions : ndarray of float64, shape (2, M), or (1, 1) for a network with one state
        Directions of x and y.
    axis_labels : tuple of str
        What the axes are called in figures.
    x_values, y_values : ndarray of float64; the latter None for a network with one state
        Coordinates of the points.
    run : BasinsRun
        How it was made.

    See Also
    --------
    rnndyn.basins : Compute them.
    rnndyn.plot.basins : Draw them.
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("points", "attractors")

    model: PiecewiseLinearModel
    attractors: tuple[Cycle, ...]
    unclaimed: tuple[Cycle, ...]
    labels: np.ndarray[Any, np.dtype[np.int32]]
    n_steps: IntArray
    origin: FloatArray
    directions: FloatArray
    axis_labels: tuple[str, ...]
    x_values: FloatArray
    y_values: FloatArray | None
    run: BasinsRun = field(compare=False)

    def __post_init__(self) -> None:
        for name, dtype in _ARRAYS.items():
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        for name in ("attractors", "unclaimed"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "axis_labels", tuple(map(str, self.axis_labels)))
        axes = [values for values in (self.y_values, self.x_values) if values is not None]
        n_axes, shape = len(axes), tuple(map(len, axes))
        if self.labels.shape != shape or self.n_steps.shape != shape:
            raise ValueError(
                f"labels and n_steps must have shape {shape}, "
                f"got {self.labels.shape} and {self.n_steps.shape}"
            )
        m = self.model.n_states
        if self.origin.shape != (m,) or self.directions.shape != (n_axes, m):
            raise ValueError(f"origin and directions must be those of {m} states")
        if len(self.axis_labels) != n_axes:
            raise ValueError(f"there must be {n_axes} axis labels, got {len(self.axis_labels)}")
        if not ((self.labels >= NOT_REACHED) & (self.labels < len(self.attractors))).all():
            raise ValueError("labels must be numbers of attractors, or -1 to -3")

    @property
    def complete(self) -> bool:
        """Whether every point was reached; False after Ctrl-C or a time limit."""
        return self.run.complete

    @property
    def states(self) -> FloatArray:
        """The first states, shape (n_y, n_x, M) or (n_x, M)."""
        states = self.origin + self.x_values[:, np.newaxis] * self.directions[0]
        if self.y_values is not None:
            states = states + self.y_values[:, np.newaxis, np.newaxis] * self.directions[1]
        return np.asarray(states)

    @property
    def shares(self) -> FloatArray:
        """Share of the points that go to each attractor, shape (number of attractors,)."""
        counts = np.bincount(self.labels[self.labels >= 0].ravel(), minlength=len(self.attractors))
        return np.asarray(counts / max(self.labels.size, 1))

    @property
    def n_undecided(self) -> int:
        """Points whose orbits stayed bounded and arrived nowhere."""
        return int((self.labels == UNDECIDED).sum())

    @property
    def n_unbounded(self) -> int:
        """Points whose orbits exceeded the escape radius."""
        return int((self.labels == UNBOUNDED).sum())

    @property
    def n_not_reached(self) -> int:
        """Points whose orbits were not followed to the end."""
        return int((self.labels == NOT_REACHED).sum())

    def basin(self, attractor: int) -> BoolArray:
        """Return which points go to an attractor, given by its number."""
        if not 0 <= attractor < len(self.attractors):
            raise ValueError(
                f"attractor must be between 0 and {len(self.attractors) - 1}, got {attractor}"
            )
        return np.asarray(self.labels == attractor)


@dataclass(frozen=True, eq=False, repr=False)
class BasinFractions(TabularResult):
    """What share of a box goes to each attractor, estimated from random first states.

    Two results are equal if they say the same about the same states of the same model; how long it
    took and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    attractors : tuple of Cycle
        The stable cycles that orbits can be said to converge to.
    unclaimed : tuple of Cycle
        Stable cycles around which no neighbourhood could be verified that orbits do not leave, so
        that no orbit is said to converge to them.
    counts : ndarray of int64, shape (number of attractors,)
        First states whose orbits go to each.
    n_unbounded, n_undecided : int
        Those whose orbits left all bounds, and those that arrived nowhere.
    lower, upper : ndarray of float64, shape (M,)
        The box.
    run : BasinsRun
        How it was made.

    See Also
    --------
    rnndyn.basin_fractions : Compute them.
    rnndyn.plot.basin_fractions : Draw them.
    """

    FORMAT = FRACTIONS_FORMAT
    TABLES: ClassVar = ("attractors",)

    model: PiecewiseLinearModel
    attractors: tuple[Cycle, ...]
    unclaimed: tuple[Cycle, ...]
    counts: IntArray
    n_unbounded: int
    n_undecided: int
    lower: FloatArray
    upper: FloatArray
    run: BasinsRun = field(compare=False)

    def __post_init__(self) -> None:
        for name in ("attractors", "unclaimed"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "counts", frozen(self.counts, np.int64))
        for name in ("lower", "upper"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        for name in ("n_unbounded", "n_undecided"):
            object.__setattr__(self, name, int(getattr(self, name)))
        m, n_attractors = self.model.n_states, len(self.attractors)
        if self.lower.shape != (m,) or self.upper.shape != (m,):
            raise ValueError(f"lower and upper must have shape ({m},)")
        if self.counts.shape != (n_attractors,):
            raise ValueError(f"counts must have shape ({n_attractors},), got {self.counts.shape}")
        if min(self.n_unbounded, self.n_undecided, int(self.counts.min(initial=0))) < 0:
            raise ValueError("counts, n_unbounded and n_undecided must not be negative")

    @property
    def n(self) -> int:
        """Number of first states whose orbits were followed."""
        return int(self.counts.sum()) + self.n_unbounded + self.n_undecided

    @property
    def complete(self) -> bool:
        """Whether all orbits were followed; False after Ctrl-C or a time limit."""
        return self.run.complete

    @property
    def fractions(self) -> FloatArray:
        """Share of the box that goes to each attractor, shape (number of attractors,)."""
        return np.asarray(self.counts / max(self.n, 1))

    def interval(self, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper ends of confidence intervals of the shares.

        They are those of Wilson for a binomial share [1]_, so an attractor that no orbit went to
        has an interval as well.

        Parameters
        ----------
        confidence : float
            Between 0 and 1.

        References
        ----------
        .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical
           inference", J. Amer. Statist. Assoc. 22 (1927) 209-212.
        """
        if not isinstance(confidence, Real) or not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence must be a number between 0 and 1, got {confidence!r}")
        z, n, share = NormalDist().inv_cdf(0.5 + 0.5 * confidence), max(self.n, 1), self.fractions
        middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
        half = z * np.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / (1.0 + z * z / n)
        return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
