"""The linear regions that orbits visit, and the transitions between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, finite_numbers, frozen
from rnndyn._common.compare import ByFields
from rnndyn._common.table import Table, head_and_tail, html_text, plain_text
from rnndyn._common.words import counted
from rnndyn.io._as_model import NetworkLike, as_piecewise_linear
from rnndyn.models import PiecewiseLinearModel

#: Longer regions are not written out.
_SHOWN_BITS = 24
#: How close the two bounds of the spectral radius come, relative to it.
_CLOSE = 1e-12
_MOST_ITERATIONS = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class RegionGraph(ByFields):
    """Regions that orbits visit, as symbols, and the transitions between them.

    Attributes
    ----------
    model : PiecewiseLinearModel
        The network.
    regions : ndarray of bool, shape (n, H)
        The regions by their symbols 0 to n - 1, in the order of their first visit.
    symbols : ndarray of int64, shape (..., T)
        The orbits as sequences of symbols.
    visits : ndarray of int64, shape (n,)
        How often each region was visited.
    sources, targets : ndarray of int64, shape (m,)
        The transitions that were seen, from one symbol to another, ascending.
    counts : ndarray of int64, shape (m,)
        How often each was seen.
    components : ndarray of int64, shape (n,)
        Number of the strongly connected component of each region: two regions are in the same one
        if each is reached from the other. Components are numbered in the order of their first
        region.
    """

    model: PiecewiseLinearModel
    regions: BoolArray
    symbols: IntArray
    visits: IntArray
    sources: IntArray
    targets: IntArray
    counts: IntArray
    components: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", frozen(self.regions, np.bool_))
        for name in ("symbols", "visits", "sources", "targets", "counts", "components"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.int64))

    def __len__(self) -> int:
        return len(self.regions)

    @property
    def matrix(self) -> FloatArray:
        """Share of the steps out of each region that go to each, shape (n, n).

        Rows sum up to 1; that of a region in which an orbit only ends is 0.
        """
        n = len(self)
        table = np.zeros((n, n))
        table[self.sources, self.targets] = self.counts
        totals = table.sum(axis=1, keepdims=True)
        return np.asarray(table / np.where(totals > 0.0, totals, 1.0))

    @cached_property
    def entropy(self) -> float:
        """Growth of the number of paths with their length, in nats per step.

        The logarithm of the largest eigenvalue of the matrix of the transitions, 0 where no path
        returns. It is an **upper** bound of the topological entropy of the symbol sequences that
        use these transitions only, since each of them is a path, and not every path is an orbit. Of
        the network as a whole it is no bound: other orbits may use other transitions.
        """
        largest = 1.0
        for label in np.unique(self.components):
            inside = self.components == label
            edges = inside[self.sources] & inside[self.targets]
            if edges.any():
                numbers = np.cumsum(inside) - 1
                pairs = numbers[self.sources[edges]], numbers[self.targets[edges]]
                largest = max(largest, _spectral_radius(*pairs, int(inside.sum())))
        return float(np.log(largest))

    def to_columns(self) -> dict[str, Any]:
        """Return the transitions as equally long columns, such as for a pandas DataFrame."""
        return {
            "source": self.sources,
            "target": self.targets,
            "count": self.counts,
            "source_component": self.components[self.sources],
            "target_component": self.components[self.targets],
        }

    def _table(self) -> Table:
        following = np.bincount(self.sources, minlength=len(self))

        def row(index: int) -> tuple[str, ...]:
            bits = "".join("1" if bit else "0" for bit in self.regions[index, :_SHOWN_BITS])
            more = "..." if self.regions.shape[1] > _SHOWN_BITS else ""
            return (
                str(index),
                bits + more,
                f"{self.visits[index]:,}",
                f"{following[index]:,}",
                str(self.components[index]),
            )

        n = len(np.unique(self.components))
        return Table(
            f"{counted(len(self), 'region')} and {counted(len(self.sources), 'transition')} of "
            f"{self.model!r}",
            ("#", "region", "visits", "followers", "component"),
            head_and_tail(range(len(self)), row),
            {"region"},
            [
                f"{counted(n, 'strongly connected component')}; paths grow by "
                f"{self.entropy:.6g} nats per step, at least as much as such orbits"
            ],
        )

    def __repr__(self) -> str:
        return plain_text(self._table())

    def _repr_html_(self) -> str:
        return html_text(self._table())


def region_graph(model: NetworkLike, orbit: ArrayLike) -> RegionGraph:
    """Turn orbits into sequences of symbols, one for each linear region that they visit.

    Parameters
    ----------
    model : PiecewiseLinearModel
        The network; a ReLU RNN, also of torch, is the piecewise-linear map that it is.
    orbit : (..., T, M) array_like
        Orbits, such as ``model.orbit(z0, n_steps)``, or states of data one after another.

    Returns
    -------
    RegionGraph
        Regions, symbols, transitions with their counts, strongly connected components, and the
        entropy of the paths.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    On a border, where a pre-activation is 0, the unit counts as off. Components are those of
    Tarjan's algorithm [1]_; the largest eigenvalue is bounded from both sides by the quotients of
    Collatz and Wielandt [2]_, of which the upper one is taken.

    References
    ----------
    .. [1] R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972)
       146-160.
    .. [2] R. A. Horn, C. R. Johnson, "Matrix Analysis", Cambridge University Press, 2013, ch. 8.

    Examples
    --------
    The tent map with a cycle of order 2 only visits each side in turn:

    >>> import rnndyn as rd
    >>> tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    >>> rd.region_graph(tent, tent.orbit([-0.2], 10))
    2 regions and 2 transitions of PLRNN(n_states=1, n_units=1)
      #  region  visits  followers  component
      0  0            6          1          0
      1  1            5          1          0
    1 strongly connected component; paths grow by 0 nats per step, at least as much as such orbits
    """
    network = as_piecewise_linear(model)
    states = finite_numbers("orbit", orbit)
    if states.ndim < 2 or states.shape[-1] != network.n_states or states.shape[-2] < 2:
        raise ValueError(
            f"orbit must have shape (..., T, M) with T at least 2 and M = {network.n_states}, got "
            f"{states.shape}"
        )
    if states.size == 0:
        raise ValueError(f"orbit must hold at least one orbit, got shape {states.shape}")
    bits = network.region(states.reshape(-1, network.n_states))
    packed = np.packbits(bits, axis=1)
    # Rows as single values, so that equal regions are equal bytes; without units all are.
    rows = np.array([row.tobytes() for row in packed], dtype=object)
    symbol_of: dict[bytes, int] = {}
    flat = np.array([symbol_of.setdefault(row, len(symbol_of)) for row in rows], dtype=np.int64)
    n = len(symbol_of)
    symbols = flat.reshape(states.shape[:-1])
    _, first = np.unique(flat, return_index=True)
    steps = symbols[..., :-1].ravel() * n + symbols[..., 1:].ravel()
    pairs, counts = np.unique(steps, return_counts=True)
    sources, targets = pairs // n, pairs % n
    return RegionGraph(
        model=network,
        regions=bits[first],
        symbols=symbols,
        visits=np.bincount(flat, minlength=n),
        sources=sources,
        targets=targets,
        counts=counts,
        components=_components(n, sources, targets),
    )


def _components(n: int, sources: IntArray, targets: IntArray) -> IntArray:
    """Return the strongly connected component of each node: Tarjan's algorithm, without recursion.

    `sources` are ascending.
    """
    starts = np.searchsorted(sources, np.arange(n + 1)).tolist()
    following = targets.tolist()
    index, low = [-1] * n, [0] * n
    label = [-1] * n
    stack: list[int] = []
    n_seen = n_labels = 0
    for root in range(n):
        work = [] if index[root] >= 0 else [(root, starts[root])]
        while work:
            node, edge = work.pop()
            if index[node] < 0:
                index[node] = low[node] = n_seen
                n_seen += 1
                stack.append(node)
            descended = False
            while edge < starts[node + 1]:
                other = following[edge]
                edge += 1
                if index[other] < 0:
                    # Come back to this edge, to take over what lies below it.
                    work += [(node, edge - 1), (other, starts[other])]
                    descended = True
                    break
                if label[other] < 0:
                    low[node] = min(low[node], low[other])
            if not descended and low[node] == index[node]:
                while label[node] < 0:
                    label[stack.pop()] = n_labels
                n_labels += 1
    order: dict[int, int] = {}
    return np.array([order.setdefault(number, len(order)) for number in label], dtype=np.int64)


def _spectral_radius(sources: IntArray, targets: IntArray, n: int) -> float:
    """Return an upper bound, to rounding the value, of a strongly connected graph.

    With I added, the matrix is primitive and the power iteration converges.
    """
    x = np.ones(n)
    upper = np.inf
    for _ in range(_MOST_ITERATIONS):
        y = x + np.bincount(sources, weights=x[targets], minlength=n)
        ratios = y / x
        upper = min(upper, float(ratios.max()))
        if upper - ratios.min() <= _CLOSE * upper:
            break
        x = y / y.max()
    return upper - 1.0
