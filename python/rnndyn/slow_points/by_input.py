"""The result of a search under several constant inputs: a set of slow points for each."""

from dataclasses import dataclass
from typing import ClassVar

from rnndyn.cycles._sets_by_input import SetsByInput, format_by_input
from rnndyn.slow_points.result import SlowPointSet


@dataclass(frozen=True, eq=False, repr=False)
class SlowPointsByInput(SetsByInput[SlowPointSet]):
    """The slow points of a network under several constant inputs: a `SlowPointSet` for each.

    Its tables and exports say by the column ``input`` under which of them a point exists.

    Attributes
    ----------
    model : model
        The network.
    inputs : ndarray of float64, shape (C, K)
        The constant inputs.
    sets : tuple of SlowPointSet
        The slow points under each, in the same order. Those of a ReLU network are of the
        piecewise-linear map that it is under the input.

    Examples
    --------
    A tanh unit on both sides of a fold, which leaves a slow point behind:

    >>> import rnndyn as rd
    >>> unit = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> found = rd.find_slow_points(unit, inputs=[[0.3], [0.54], [0.6]])
    >>> [len(slow) for slow in found]
    [0, 1, 1]
    >>> found.to_columns()["input"]
    array([1, 2])
    """

    FORMAT = format_by_input("rnndyn slow points by input", "slow points by input", SlowPointSet)
    TABLES: ClassVar = ("points", "curves", "inputs")

    @property
    def n_points(self) -> int:
        """Number of slow points under all inputs."""
        return sum(map(len, self.sets))
