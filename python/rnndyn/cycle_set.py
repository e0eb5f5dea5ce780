"""The result of a search: every cycle found, and how sure the answer is."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np

from rnndyn import _cycle_file, _cycle_table
from rnndyn._arrays import BoolArray, itinerary_text
from rnndyn._latex import DEFAULT_COLUMNS, LatexEnvironment, latex_table
from rnndyn._result import LabelledArrays, TabularResult, model_sizes, text_column
from rnndyn.certificate import Certificate
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import COLUMNS, CycleBlock
from rnndyn.cycles import STABILITY_NAMES, Cycle, Stability
from rnndyn.models import PiecewiseLinearModel
from rnndyn.search_statistics import SearchStatistics

_CONTINUUM_COLUMNS: dict[str, Any] = {
    "order": np.int64,
    "dimension": np.int64,
    "spectral_radius": np.float64,
    "residual": np.float64,
    "on_border": np.bool_,
    "hits": np.int64,
}


class CycleSet(TabularResult, Sequence[Cycle]):
    """The cycles that a search found: a sequence of `Cycle`, sorted by order and itinerary.

    Iterate over it, index and slice it, or ask for a part of it: `fixed_points`, `of_order`,
    `stable`, `saddles`, `unstable`, `select`. A part is a `CycleSet` again and keeps `search`.
    Large sets are held as columns (`blocks`); `Cycle` objects are made when asked for.

    Two sets are equal if they hold the same cycles and continua of the same model; how long the
    search took and on how many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network that was searched.
    blocks : tuple of CycleBlock
        The cycles as arrays, one block per order.
    continua : tuple of ContinuumOfFixedPoints
        Lines, planes and so on of fixed points or cycles. They are not counted as cycles.
    search : SearchStatistics
        What the search did and how sure its answer is.
    certificate : Certificate or None
        What was proved about completeness.

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

    FORMAT = _cycle_file.FORMAT
    TABLES: ClassVar = ("cycles", "continua")

    def __init__(
        self,
        model: PiecewiseLinearModel,
        blocks: Sequence[CycleBlock],
        continua: Sequence[ContinuumOfFixedPoints],
        search: SearchStatistics,
        certificate: Certificate | None = None,
    ) -> None:
        self._model = model
        self._blocks = tuple(block for block in blocks if len(block))
        self._continua = tuple(continua)
        self._search = search
        self._certificate = certificate
        self._starts = [0, *accumulate(len(block) for block in self._blocks)]

    @property
    def model(self) -> PiecewiseLinearModel:
        """The network that was searched."""
        return self._model

    @property
    def blocks(self) -> tuple[CycleBlock, ...]:
        """The cycles as arrays, one block per order that has cycles."""
        return self._blocks

    @property
    def continua(self) -> tuple[ContinuumOfFixedPoints, ...]:
        """Lines, planes and so on of fixed points or cycles."""
        return self._continua

    @property
    def search(self) -> SearchStatistics:
        """What the search did and how sure its answer is."""
        return self._search

    @property
    def certificate(self) -> Certificate | None:
        """What was proved about completeness; None if no proof was tried.

        It speaks of the whole search, also in a part of its cycles.
        """
        return self._certificate

    @property
    def complete(self) -> bool:
        """Whether the search ran to its own end; False after Ctrl-C or a time limit.

        True does not mean that nothing was missed: see ``search.coverage`` and
        ``search.listed_orders``.
        """
        return self._search.complete

    @property
    def orders(self) -> tuple[int, ...]:
        """Orders that have at least one cycle in this set, ascending."""
        return tuple(block.order for block in self._blocks)

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Cycle: ...
    @overload
    def __getitem__(self, index: slice) -> "CycleSet": ...
    def __getitem__(self, index: int | slice) -> "Cycle | CycleSet":
        n = len(self)
        if isinstance(index, slice):
            if index.step is not None and index.step < 0:
                raise ValueError(
                    "a set of cycles is sorted by order and itinerary, so the step of a slice must "
                    f"be positive, got {index.step}; for another sequence use list(cycles)"
                )
            chosen = np.zeros(n, dtype=np.bool_)
            chosen[index] = True
            return self._masked(chosen, self._continua)
        position = int(index)
        if not -n <= position < n:
            raise IndexError(f"index {position} is out of range for a set of {n} cycles")
        position %= n
        number = bisect_right(self._starts, position) - 1
        return self._blocks[number].cycle(position - self._starts[number])

    def __iter__(self) -> Iterator[Cycle]:
        for block in self._blocks:
            for index in range(len(block)):
                yield block.cycle(index)

    def of_order(self, order: int) -> "CycleSet":
        """Return the cycles, and the continua, of one order."""
        return CycleSet(
            self._model,
            [block for block in self._blocks if block.order == order],
            [continuum for continuum in self._continua if continuum.order == order],
            self._search,
            self._certificate,
        )

    @property
    def fixed_points(self) -> "CycleSet":
        """The fixed points, so the cycles of order 1."""
        return self.of_order(1)

    @property
    def stable(self) -> "CycleSet":
        """The cycles with all multipliers inside the unit circle."""
        return self._of_stability("stable")

    @property
    def saddles(self) -> "CycleSet":
        """The cycles with multipliers on both sides of the unit circle."""
        return self._of_stability("saddle")

    @property
    def unstable(self) -> "CycleSet":
        """The cycles with all multipliers outside the unit circle."""
        return self._of_stability("unstable")

    @property
    def nonhyperbolic(self) -> "CycleSet":
        """The cycles with a multiplier that cannot be told from the unit circle."""
        return self._of_stability("nonhyperbolic")

    def select(self, predicate: Callable[[Cycle], bool]) -> "CycleSet":
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

    def _of_stability(self, stability: Stability) -> "CycleSet":
        code = STABILITY_NAMES.index(stability)
        blocks = [block.take(block.stability == code) for block in self._blocks]
        return CycleSet(self._model, blocks, (), self._search, self._certificate)

    def _masked(self, chosen: BoolArray, continua: Sequence[ContinuumOfFixedPoints]) -> "CycleSet":
        blocks = [
            block.take(chosen[start : start + len(block)])
            for block, start in zip(self._blocks, self._starts, strict=False)
        ]
        return CycleSet(self._model, blocks, continua, self._search, self._certificate)

    def _columns(self, table: str) -> dict[str, Any]:
        # Points and multipliers, whose shapes differ between orders, stay in `blocks`.
        if table == "continua":
            return {
                name: np.array([getattr(continuum, name) for continuum in self._continua], dtype)
                for name, dtype in _CONTINUUM_COLUMNS.items()
            } | {"itinerary": [itinerary_text(c.itinerary) for c in self._continua]}
        lengths = [len(block) for block in self._blocks]
        log_radius = [block.log_moduli.max(axis=1) for block in self._blocks]
        return {
            "order": np.repeat(np.array(self.orders, dtype=np.int64), lengths),
            "stability": np.array(STABILITY_NAMES, dtype=object)[self._column("stability")],
            "spectral_radius": self._column("spectral_radius"),
            "log_spectral_radius": np.concatenate([np.empty(0), *log_radius]),
            "margin": self._column("margin"),
            "residual": self._column("residual"),
            "error_bound": self._column("error_bound"),
            "on_border": self._column("on_border"),
            "certified": self._column("certified"),
            "hits": self._column("hits"),
            "itinerary": [text for block in self._blocks for text in block.itinerary_texts()],
        }

    def _column(self, name: str) -> np.ndarray[Any, Any]:
        empty: np.ndarray[Any, Any] = np.empty(0, dtype=COLUMNS[name][0])
        return np.concatenate([empty, *(getattr(block, name) for block in self._blocks)])

    def _labelled(self) -> LabelledArrays:
        m, h = self._model.n_states, self._model.n_units
        columns = self._columns("cycles")
        orders = columns["order"]
        points = [block.points.reshape(-1, m) for block in self._blocks]
        regions = [block.itinerary.reshape(-1, h) for block in self._blocks]
        times = [np.tile(np.arange(block.order), len(block)) for block in self._blocks]
        wide = {
            name: np.concatenate(
                [np.empty((0, m), COLUMNS[name][0]), *(getattr(b, name) for b in self._blocks)]
            )
            for name in ("multipliers", "log_moduli")
        }
        texts = {name: text_column(list(columns.pop(name))) for name in ("stability", "itinerary")}
        continua = self._columns("continua")
        continua["itinerary"] = text_column(continua["itinerary"])
        first = [continuum.points[0] for continuum in self._continua]
        return LabelledArrays(
            {
                **{name: ("cycle", values) for name, values in (columns | texts).items()},
                **{name: (("cycle", "state"), values) for name, values in wide.items()},
                "points": (("point", "state"), np.concatenate([np.empty((0, m)), *points])),
                "region": (
                    ("point", "unit"),
                    np.concatenate([np.empty((0, h), dtype=np.bool_), *regions]),
                ),
                "point_cycle": ("point", np.repeat(np.arange(len(self)), orders)),
                "point_time": ("point", np.concatenate([np.empty(0, dtype=np.int64), *times])),
                **{
                    f"continuum_{name}": ("continuum", np.asarray(values))
                    for name, values in continua.items()
                },
                "continuum_point": (("continuum", "state"), np.array(first).reshape(-1, m)),
            },
            {
                "cycle": np.arange(len(self)),
                "state": np.arange(m),
                "unit": np.arange(h),
                "continuum": np.arange(len(self._continua)),
            },
            {
                "family": self._model.family,
                "orders": [record.order for record in self._search.orders],
                "listed_orders": list(self._search.listed_orders),
                "complete": int(self.complete),
                "method": str(self._search.options.get("method", "")),
                "seed": str(self._search.seed),
                "stopped_by": self._search.stopped_by,
                "rnndyn_version": self._search.version,
            },
        )

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
            certified, hits, itinerary``. Complex pairs of multipliers are written once; ``|x|`` is
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
        return latex_table(self, columns, environment, caption, label, digits)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the model as plain numbers, lists and strings for JSON."""
        content = self._exported()
        return {**content, "cycles": list(content["cycles"])}

    def _exported(self) -> dict[str, Any]:
        return {
            "model": model_sizes(self._model),
            "search": self._search.to_dict(),
            "certificate": None if self._certificate is None else self._certificate.to_dict(),
            "cycles": (cycle.to_dict() for cycle in self),
            "continua": [continuum.to_dict() for continuum in self._continua],
        }

    def _write(self, path: Path) -> None:
        _cycle_file.write(path, self)

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        return cls(*_cycle_file.read(path, max_bytes))

    def _identity(self) -> tuple[Any, ...]:
        return self._blocks, self._continua, self._model

    def _state(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "blocks": self._blocks,
            "continua": self._continua,
            "search": self._search,
            "certificate": self._certificate,
        }

    def __repr__(self) -> str:
        return _cycle_table.plain_text(self)

    def _repr_html_(self) -> str:
        return _cycle_table.html_text(self)
