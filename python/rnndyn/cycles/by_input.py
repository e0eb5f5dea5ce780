"""The result of a search under several constant inputs: a set of cycles for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rnndyn.cycles._sets_by_input import SetsByInput, format_by_input
from rnndyn.cycles.result import CycleSet


@dataclass(frozen=True, eq=False, repr=False)
class CyclesByInput(SetsByInput[CycleSet]):
    """The cycles of a network under several constant inputs: a sequence of `CycleSet`, one each.

    Its tables, `to_dataframe` and the exports, say by the column ``input`` under which of them a
    cycle exists.

    Attributes
    ----------
    model : model
        The network.
    inputs : ndarray of float64, shape (C, K)
        The constant inputs.
    sets : tuple of CycleSet
        The cycles under each, in the same order. Those of a ReLU network are sets of the
        piecewise-linear map that it is under the input.

    Examples
    --------
    >>> import rnndyn as rd
    >>> bit = rd.RNN(weight_ih=[[1.0]], weight_hh=[[2.0]])
    >>> found = rd.find_fixed_points(bit, inputs=[[0.0], [0.3], [0.8]])
    >>> found
    7 cycles of RNN (1 state, 1 unit) under 3 constant inputs
      #  input  cycles  stable  saddle  unstable  certified  index sum  sure
      0      0       3       2       0         1          3          1  nothing is missing
      1    0.3       3       2       0         1          3          1  nothing is missing
      2    0.8       1       1       0         0          1          1  nothing is missing
    >>> [len(points.stable) for points in found]
    [2, 2, 1]
    >>> found.to_columns()["input"]
    array([0, 0, 0, 1, 1, 1, 2])
    """

    FORMAT = format_by_input("rnndyn cycle sets by input", "cycle sets by input", CycleSet)
    TABLES: ClassVar = ("cycles", "inputs")

    @property
    def n_cycles(self) -> int:
        """Number of cycles under all inputs."""
        return sum(map(len, self.sets))


def only_set(found: CycleSet | CyclesByInput) -> CycleSet:
    """Return the result of a search under one input, which types do not tell from one of several.

    Raises
    ------
    TypeError
        If there were several.
    """
    if isinstance(found, CyclesByInput):
        raise TypeError(f"one constant input is needed here, got {len(found)}")
    return found
