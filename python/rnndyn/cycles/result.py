"""The result of a search: every cycle found, and how sure the answer is."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from typing import ClassVar, overload

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, finite_numbers, frozen
from rnndyn.certificate.result import Certificate
from rnndyn.cycles._file import FORMAT
from rnndyn.cycles._latex import DEFAULT_COLUMNS, LatexEnvironment, latex_table, without_regions
from rnndyn.cycles._origin import ModelWithCycles, Origin
from rnndyn.cycles.block import CycleBlock
from rnndyn.cycles.continuum import ContinuumOfFixedPoints
from rnndyn.cycles.cycle import STABILITY_NAMES, Cycle, Stability
from rnndyn.cycles.run import SearchStatistics
from rnndyn.models import RecurrentNetwork
from rnndyn.results.base import TabularResult


@dataclass(frozen=True, eq=False, repr=False)
class CycleSet(TabularResult, Sequence[Cycle]):
    """The cycles that a search found: a sequence of `Cycle`, sorted by order and itinerary.

    Iterate over it, index and slice it, or ask for a part of it: `fixed_points`, `of_order`,
    `stable`, `saddles`, `unstable`, `select`. A part is a `CycleSet` again and keeps `search`.
    Large sets are held as columns (`blocks`); `Cycle` objects are made when asked for.

    Two sets are equal if they hold the same cycles and continua of the same model; how long the
    search took and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel, RecurrentNetwork, PeriodicallyDriven or DeepPLRNN
        The network that was searched.
    blocks : tuple of CycleBlock
        The cycles as arrays, one block per order that has cycles.
    continua : tuple of ContinuumOfFixedPoints
        Lines, planes and so on of fixed points or cycles. They are not counted as cycles.
    search : SearchStatistics
        What the search did and how sure its answer is.
    certificate : Certificate or None
        What was proved about completeness, under periodic input and of a `DeepPLRNN` a
        `CompositionCertificate`; None if no proof was tried, and for tanh, GRU and LSTM networks,
        of which `search` says it. It speaks of the whole search, also in a part of its
        cycles.
    inputs : ndarray of float64, shape (K,), or None
        Constant input of a tanh, GRU or LSTM network; None is the input 0.

    Examples
    --------
    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> cycles = rd.find_cycles(tent, max_order=3)
    >>> cycles
    5 cycles of PLRNN (1 state, 1 unit): 5 unstable
      #  order  stability  spectral radius  margin    hits  certified
      0      1  unstable                 2       1  listed  yes
      1      1  unstable                 2   0.333  listed  yes
      2      2  unstable                 4     0.2  listed  yes
      3      3  unstable                 8   0.111  listed  yes
      4      3  unstable                 8   0.143  listed  yes
    Proved: orders 1 to 3 have no other cycles anywhere in R^1.
    Orders 1 to 3: all 9 itineraries listed, nothing is missing
    >>> len(cycles.of_order(3)), len(cycles.stable)
    (2, 0)
    >>> [cycle.order for cycle in cycles if cycle.margin < 0.15]
    [3, 3]
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("cycles", "continua")

    model: ModelWithCycles
    blocks: tuple[CycleBlock, ...]
    continua: tuple[ContinuumOfFixedPoints, ...]
    search: SearchStatistics = field(compare=False)
    certificate: Certificate | None = field(default=None, compare=False)
    inputs: FloatArray | None = None

    def __post_init__(self) -> None:
        blocks = tuple(block for block in self.blocks if len(block))
        object.__setattr__(self, "blocks", blocks)
        object.__setattr__(self, "continua", tuple(self.continua))
        if self.is_smooth and (self.continua or self.certificate is not None):
            raise ValueError("tanh, GRU and LSTM networks have no continua and no certificate here")
        if self.inputs is not None:
            if not self.is_smooth:
                raise ValueError("only cycles of tanh, GRU and LSTM networks have inputs")
            checked = finite_numbers("inputs", self.inputs, (self.model.n_inputs,))
            object.__setattr__(self, "inputs", frozen(checked, np.float64))

    @property
    def is_smooth(self) -> bool:
        """Whether the network is a tanh, GRU or LSTM network: without regions, so without margins.

        Its cycles have empty itineraries, and tables and exports leave out what belongs to regions.
        """
        return isinstance(self.model, RecurrentNetwork)

    @property
    def free_model(self) -> ModelWithCycles:
        """The model with the constant input, if any, as a part of its bias."""
        if isinstance(self.model, RecurrentNetwork) and self.inputs is not None:
            return self.model.with_constant_input(self.inputs)
        return self.model

    @property
    def _origin(self) -> Origin:
        return Origin(self.model, self.inputs)

    @property
    def index_sum(self) -> int | None:
        """Sum of ``sign det(I - J)`` over the fixed points that the search found.

        None where fixed points were not searched, and for piecewise-linear networks where
        `index_expected` is. It speaks of the whole search, also in a part of its cycles.
        ``search.orders`` has the sums of all orders.
        """
        return self._of_fixed_points("index_sum")

    @property
    def index_expected(self) -> int | None:
        """What `index_sum` is if no fixed point is missing, 1; None where that is not known.

        Another sum proves that one is missing. The right sum does not prove that none is. Of a
        piecewise-linear network it is known where interval arithmetic finds a box that the network
        maps into itself; `index_unknown` says why not.
        """
        return self._of_fixed_points("index_expected")

    @property
    def index_unknown(self) -> str | None:
        """Why `index_expected` is not known, where fixed points were searched; None if it is."""
        record = next((record for record in self.search.orders if record.order == 1), None)
        if record is None or record.index_expected is not None:
            return None
        if self.is_smooth:
            return "a fixed point found is not certified"
        return record.index_unknown or "no box is known that the network maps into itself"

    def _of_fixed_points(self, name: str) -> int | None:
        found = (getattr(record, name) for record in self.search.orders if record.order == 1)
        return next(found, None)

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(block) for block in self.blocks)]

    def _made_by(self) -> SearchStatistics:
        return self.search

    @property
    def finished(self) -> bool:
        """Whether the search ran to its end; False after Ctrl-C or a time limit.

        True does not mean that nothing was missed: see `complete` and ``search.coverage``.
        """
        return self.search.finished

    @property
    def complete(self) -> bool:
        """Whether no cycle of the orders is missing: all itineraries were listed, or a proof.

        False where an itinerary could not be decided. It speaks of the whole search, also in a part
        of its cycles.
        """
        undecided = self.certificate is not None and len(self.certificate.undecided) > 0
        return self.search.complete and not undecided

    @property
    def n_certified(self) -> int:
        """Number of cycles of which it is proved that they exist; ``len`` counts others, too."""
        return sum(int(block.certified.sum()) for block in self.blocks)

    @property
    def orders(self) -> tuple[int, ...]:
        """Orders that have at least one cycle in this set, ascending."""
        return tuple(block.order for block in self.blocks)

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Cycle: ...
    @overload
    def __getitem__(self, index: slice) -> CycleSet: ...
    def __getitem__(self, index: int | slice) -> Cycle | CycleSet:
        n = len(self)
        if isinstance(index, slice):
            if index.step is not None and index.step < 0:
                raise ValueError(
                    "a set of cycles is sorted by order and itinerary, so the step of a slice must "
                    f"be positive, got {index.step}; for another sequence use list(cycles)"
                )
            chosen = np.zeros(n, dtype=np.bool_)
            chosen[index] = True
            return self._masked(chosen, self.continua)
        position = _check_index(index)
        if not -n <= position < n:
            raise IndexError(f"index {position} is out of range for a set of {n} cycles")
        position %= n
        number = bisect_right(self._starts, position) - 1
        return self.blocks[number].cycle(position - self._starts[number], self._origin)

    def __iter__(self) -> Iterator[Cycle]:
        origin = self._origin
        for block in self.blocks:
            for index in range(len(block)):
                yield block.cycle(index, origin)

    def of_order(self, order: int) -> CycleSet:
        """Return the cycles, and the continua, of one order."""
        return self._part(
            [block for block in self.blocks if block.order == order],
            [continuum for continuum in self.continua if continuum.order == order],
        )

    @property
    def fixed_points(self) -> CycleSet:
        """The fixed points, so the cycles of order 1."""
        return self.of_order(1)

    @property
    def stable(self) -> CycleSet:
        """The cycles with all multipliers inside the unit circle."""
        return self._of_stability("stable")

    @property
    def saddles(self) -> CycleSet:
        """The cycles with multipliers on both sides of the unit circle."""
        return self._of_stability("saddle")

    @property
    def unstable(self) -> CycleSet:
        """The cycles with all multipliers outside the unit circle."""
        return self._of_stability("unstable")

    @property
    def nonhyperbolic(self) -> CycleSet:
        """The cycles with a multiplier that cannot be told from the unit circle."""
        return self._of_stability("nonhyperbolic")

    def select(self, predicate: Callable[[Cycle], bool]) -> CycleSet:
        """Return the cycles for which a function is true; continua are left out.

        Examples
        --------
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> robust = rd.find_cycles(tent, max_order=3).select(lambda cycle: cycle.margin > 0.15)
        >>> [cycle.order for cycle in robust]
        [1, 1, 2]
        """
        chosen = np.fromiter((bool(predicate(cycle)) for cycle in self), np.bool_, len(self))
        return self._masked(chosen, ())

    def _of_stability(self, stability: Stability) -> CycleSet:
        code = STABILITY_NAMES.index(stability)
        blocks = [block.take(block.stability == code) for block in self.blocks]
        return self._part(blocks, ())

    def _masked(self, chosen: BoolArray, continua: Sequence[ContinuumOfFixedPoints]) -> CycleSet:
        blocks = [
            block.take(chosen[start : start + len(block)])
            for block, start in zip(self.blocks, self._starts, strict=False)
        ]
        return self._part(blocks, continua)

    def _part(
        self, blocks: Sequence[CycleBlock], continua: Sequence[ContinuumOfFixedPoints]
    ) -> CycleSet:
        return replace(self, blocks=tuple(blocks), continua=tuple(continua))

    def to_latex(
        self,
        columns: Sequence[str] = DEFAULT_COLUMNS,
        *,
        environment: LatexEnvironment = "tabular",
        caption: str | None = None,
        label: str | None = None,
        digits: int = 4,
    ) -> str:
        """Return a LaTeX table with one row per cycle; it needs the package booktabs.

        Parameters
        ----------
        columns : sequence of str
            Of ``order, stability, spectral_radius, multipliers, margin, residual, error_bound,
            certified, hits, itinerary``; without margin and itinerary where there are no regions.
            Complex pairs of multipliers are written once; ``|x|`` is
            the modulus of one that exceeds the range of floating-point numbers.
        environment : {"tabular", "table", "longtable"}
            The table alone; as a float; or over several pages (package longtable).
        caption, label : str, optional
            LaTeX code for ``\\caption`` and ``\\label``, with ``table`` and ``longtable``.
        digits : int
            Significant digits, 1 to 17; residuals and error bounds have two.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If a column or the environment is unknown, or a caption has no place.

        Examples
        --------
        >>> import rnndyn as rd
        >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
        >>> print(rd.find_cycles(tent, max_order=2).to_latex(["order", "multipliers", "margin"]))
        \\begin{tabular}{rlr}
        \\toprule
        order & multipliers & margin \\\\
        \\midrule
        1 & $2$ & $1$ \\\\
        1 & $-2$ & $0.3333$ \\\\
        2 & $-4$ & $0.2$ \\\\
        \\bottomrule
        \\end{tabular}
        <BLANKLINE>
        """
        if self.is_smooth:
            columns = without_regions(columns)
        return latex_table(self, columns, environment, caption, label, digits)


def _check_index(index: object) -> int:
    try:
        return operator.index(index)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"cycles are taken by their number or by a slice, such as cycles[0] or cycles[:3], got "
            f"{index!r:.60}; for cycles of one kind use cycles.of_order(k), .stable or .saddles"
        ) from None
