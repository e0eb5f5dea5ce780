"""The linear regions that orbits visit or can come to, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.checks import check_integer
from rnndyn.models import PiecewiseLinearModel
from rnndyn.regions._file import FORMAT
from rnndyn.regions._paths import components, reachable, spectral_radius
from rnndyn.regions.run import RegionGraphRun
from rnndyn.results.base import TabularResult

TransitionStatus = Literal["proved", "undecided", "seen", "impossible"]
#: What is known about transitions; files hold the place in this list.
STATUS_NAMES: tuple[TransitionStatus, ...] = ("proved", "undecided", "seen", "impossible")
PROVED, UNDECIDED, SEEN, IMPOSSIBLE = range(4)

_NUMBERS = ("symbols", "visits", "sources", "targets", "counts")
_ENDS = ("lower", "upper", "start_lower", "start_upper")


@dataclass(frozen=True, eq=False, repr=False)
class RegionGraph(TabularResult):
    """Regions as symbols, and the transitions between them.

    Of orbits it holds the regions that they visit and the transitions that were seen. Of a box it
    holds all regions and transitions that are possible for orbits that stay in it.

    Two results are equal if they are the same graph of the same model; how long it took and on how
    many threads does not matter.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    regions : ndarray of bool, shape (n, H)
        The regions by their symbols 0 to n - 1: those in the order in which they are reached from
        the box, then those in the order of their first visit. Units that change nothing, because
        nothing reads them, are off.
    states : ndarray of float64, shape (n, M)
        A state of each region: the mean of the visits, else the one deepest inside within the box.
    symbols : ndarray of int64, shape (..., T)
        The orbits as sequences of symbols; empty without orbits.
    visits : ndarray of int64, shape (n,)
        How often each region was visited.
    initial : ndarray of bool, shape (n,)
        The regions where orbits may begin: those that the box `start` meets, or without one all
        that the box meets.
    sources, targets : ndarray of int64, shape (m,)
        The transitions, from one symbol to another, ascending.
    counts : ndarray of int64, shape (m,)
        How often each was seen.
    status : ndarray of int64, shape (m,)
        What is known about each, as the place in ``("proved", "undecided", "seen",
        "impossible")``: there is a state in the box that takes it; the set of such states is too
        thin to be told from none; it was seen, and no box was asked about; it was seen, and no
        state of the network in the box takes it, as may be where the states are data.
    lower, upper : ndarray of float64, shape (M,), or None
        The box that orbits stay in.
    start_lower, start_upper : ndarray of float64, shape (M,), or None
        The box where they begin.
    run : RegionGraphRun
        How it was made.

    See Also
    --------
    rnndyn.region_graph : Compute it.
    rnndyn.plot.region_graph : Draw it.
    """

    FORMAT = FORMAT
    TABLES: ClassVar = ("transitions", "regions")

    model: PiecewiseLinearModel
    regions: BoolArray
    states: FloatArray
    symbols: IntArray
    visits: IntArray
    initial: BoolArray
    sources: IntArray
    targets: IntArray
    counts: IntArray
    status: IntArray
    lower: FloatArray | None
    upper: FloatArray | None
    start_lower: FloatArray | None
    start_upper: FloatArray | None
    run: RegionGraphRun = field(compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", frozen(self.states, np.float64))
        for name in ("regions", "initial"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.bool_))
        for name in (*_NUMBERS, "status"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))
        m, n = self.model.n_states, len(self.regions)
        for name in _ENDS:
            if getattr(self, name) is not None:
                object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
                if getattr(self, name).shape != (m,):
                    raise ValueError(f"{name} must have shape ({m},)")
        if (self.lower is None) != (self.upper is None):
            raise ValueError("lower and upper must be given both or not at all")
        if (self.start_lower is None) != (self.start_upper is None):
            raise ValueError("start_lower and start_upper must be given both or not at all")
        shapes = {
            "regions": (n, self.model.n_units),
            "states": (n, m),
            "visits": (n,),
            "initial": (n,),
            **dict.fromkeys(("sources", "targets", "counts", "status"), self.sources.shape[:1]),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {getattr(self, name).shape}")
        for name in ("symbols", "sources", "targets"):
            values = getattr(self, name)
            if values.size and not 0 <= values.min() <= values.max() < n:
                raise ValueError(f"{name} must be symbols from 0 to {n - 1}")
        if self.status.size and not 0 <= self.status.min() <= self.status.max() <= IMPOSSIBLE:
            raise ValueError(f"status must be from 0 to {IMPOSSIBLE}")
        if (np.diff(self.sources * n + self.targets) <= 0).any():
            raise ValueError("transitions must be ascending, by source and then by target")

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing of what was asked for."""
        return self.run.complete

    @property
    def possible(self) -> BoolArray:
        """Which transitions are not proved to be impossible, shape (m,)."""
        return np.asarray(self.status != IMPOSSIBLE)

    @property
    def bounds_entropy(self) -> bool:
        """Whether `entropy` is an upper bound for the network itself.

        It is for the graph of a box without `start` that is `complete`: then every orbit that
        stays in the box is a path.
        """
        return self.lower is not None and self.start_lower is None and self.complete

    @cached_property
    def components(self) -> IntArray:
        """Number of the strongly connected component of each region, shape (n,).

        Two regions are in the same one if each is reached from the other. Components are numbered
        in the order of their first region.
        """
        return components(len(self), *self._edges)

    @cached_property
    def recurrent(self) -> BoolArray:
        """Which regions lie on a closed path, shape (n,).

        An orbit that stays in the box of a complete graph visits any other region once at most.
        """
        sources, targets = self._edges
        inside = self.components[sources] == self.components[targets]
        recurrent = np.zeros(len(self), dtype=np.bool_)
        recurrent[sources[inside]] = True
        return recurrent

    def reachable(self, symbols: int | ArrayLike) -> BoolArray:
        """Return which regions are reached by paths from some regions, these included.

        Of the graph of a box all others are proved not to be reached by orbits in it.

        Parameters
        ----------
        symbols : int or array_like of int
            The regions to begin in.

        Returns
        -------
        ndarray of bool, shape (n,)

        Raises
        ------
        TypeError, ValueError
            If these are no symbols.
        """
        begin = np.zeros(len(self), dtype=np.bool_)
        for symbol in np.atleast_1d(np.asarray(symbols)).tolist():
            begin[check_integer("symbols", symbol, 0, len(self) - 1)] = True
        return reachable(*self._edges, begin)

    @property
    def matrix(self) -> FloatArray:
        """Share of the steps out of each region that go to each, shape (n, n).

        Rows sum up to 1; that of a region in which an orbit only ends, or that no orbit visits,
        is 0.
        """
        n = len(self)
        table = np.zeros((n, n))
        table[self.sources, self.targets] = self.counts
        totals = table.sum(axis=1, keepdims=True)
        return np.asarray(table / np.where(totals > 0.0, totals, 1.0))

    @cached_property
    def entropy(self) -> float:
        """Growth of the number of paths with their length, in nats per step.

        The logarithm of the largest eigenvalue of the matrix of the possible transitions, 0 where
        no path returns.

        Of a complete graph of a box it is an **upper** bound of the topological entropy of the
        network on every compact invariant set in the box, because every orbit there is a path, and
        states with the same path for ever move apart no faster than lines do (Bowen's theorem; see
        the notes of `rnndyn.region_graph`). Where it is 0 there is no chaos in the box. It is no
        lower bound: not every path is an orbit.

        Of transitions that were seen it is **neither** for the network: other orbits may use other
        transitions, and a path need not be an orbit. It is an upper bound for the symbol sequences
        that use these transitions only. It would be a lower bound if the image of each region
        covered the regions that follow it, which seeing a transition does not tell.
        """
        sources, targets = self._edges
        largest = 1.0
        own = self.components
        inside = own[sources] == own[targets]
        for label in np.unique(own[sources[inside]]):
            members = own == label
            edges = members[sources] & members[targets]
            numbers = np.cumsum(members) - 1
            pairs = numbers[sources[edges]], numbers[targets[edges]]
            largest = max(largest, spectral_radius(*pairs, int(members.sum())))
        return float(np.log(largest))

    @property
    def _edges(self) -> tuple[IntArray, IntArray]:
        possible = self.possible
        return self.sources[possible], self.targets[possible]
