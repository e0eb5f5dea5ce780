"""The result of a search for slow points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, overload

import numpy as np

from rnndyn._common.arrays import FloatArray, finite_numbers, frozen
from rnndyn.models import PiecewiseLinearModel, RecurrentNetwork
from rnndyn.results.base import TabularResult
from rnndyn.slow_points._file import FORMAT
from rnndyn.slow_points.curve import SlowCurve
from rnndyn.slow_points.point import SlowPoint
from rnndyn.slow_points.run import SlowPointRun


@dataclass(frozen=True, eq=False, repr=False)
class SlowPointSet(TabularResult, Sequence[SlowPoint]):
    """The slow points that a search found: a sequence of `SlowPoint`, the slowest first.

    Attributes
    ----------
    model : RecurrentNetwork or PiecewiseLinearModel
        The network.
    points : tuple of SlowPoint
        Minima of the speed that are not zero.
    curves : tuple of SlowCurve
        Curves along which the network is slow, the longest first.
    run : SlowPointRun
        How the search went.
    inputs : ndarray of float64, shape (K,), or None
        Constant input of a recurrent network; None is the input 0.

    Examples
    --------
    A tanh unit just after a fold, in which two fixed points have vanished:

    >>> import rnndyn as rd
    >>> slow = rd.find_slow_points(rd.RNN(None, [[2.0]], None, [0.54]))
    >>> slow
    1 slow point of RNN (1 state, 1 unit)
      #    speed         q  time scale  unstable  hits
      0  0.00358  6.41e-06     > 1e+06         0    53
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("points", "curves")

    model: RecurrentNetwork | PiecewiseLinearModel
    points: tuple[SlowPoint, ...]
    curves: tuple[SlowCurve, ...]
    run: SlowPointRun = field(compare=False)
    inputs: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple(self.points))
        object.__setattr__(self, "curves", tuple(self.curves))
        if self.inputs is not None:
            checked = finite_numbers("inputs", self.inputs, (self.model.n_inputs,))
            object.__setattr__(self, "inputs", frozen(checked, np.float64))
        n = self.model.n_states
        if any(point.state.shape != (n,) for point in self.points) or any(
            curve.points.shape[1] != n for curve in self.curves
        ):
            raise ValueError("the slow points are not those of their model")

    @property
    def free_model(self) -> RecurrentNetwork | PiecewiseLinearModel:
        """The model with the constant input, if any, as a part of its bias."""
        if isinstance(self.model, RecurrentNetwork) and self.inputs is not None:
            return self.model.with_constant_input(self.inputs)
        return self.model

    @property
    def line_attractors(self) -> tuple[SlowCurve, ...]:
        """The curves towards which the network contracts."""
        return tuple(curve for curve in self.curves if curve.is_attractor)

    @property
    def states(self) -> FloatArray:
        """The states of all points, shape (P, N)."""
        rows = [point.state for point in self.points]
        return np.array(rows).reshape(-1, self.model.n_states)

    @property
    def finished(self) -> bool:
        """Whether the search ran to its end; True does not mean that no minimum was missed."""
        return self.run.finished

    def __len__(self) -> int:
        return len(self.points)

    @overload
    def __getitem__(self, index: int) -> SlowPoint: ...
    @overload
    def __getitem__(self, index: slice) -> SlowPointSet: ...
    def __getitem__(self, index: int | slice) -> SlowPoint | SlowPointSet:
        if isinstance(index, slice):
            return replace(self, points=self.points[index])
        return self.points[index]

    def __iter__(self) -> Iterator[SlowPoint]:
        return iter(self.points)
