"""Paths in a directed graph: which nodes reach each other, and how fast the paths grow."""

import numpy as np

from rnndyn._common.arrays import BoolArray, IntArray

#: How close the two bounds of the spectral radius come, relative to it.
_CLOSE = 1e-12
_MOST_ITERATIONS = 100_000


def components(n: int, sources: IntArray, targets: IntArray) -> IntArray:
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


def spectral_radius(sources: IntArray, targets: IntArray, n: int) -> float:
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


def reachable(sources: IntArray, targets: IntArray, begin: BoolArray) -> BoolArray:
    """Return which nodes are reached from some by paths of any length, these included.

    `sources` are ascending.
    """
    n = len(begin)
    starts = np.searchsorted(sources, np.arange(n + 1)).tolist()
    following = targets.tolist()
    found = begin.tolist()
    pending = np.flatnonzero(begin).tolist()
    while pending:
        node = pending.pop()
        for other in following[starts[node] : starts[node + 1]]:
            if not found[other]:
                found[other] = True
                pending.append(other)
    return np.array(found, dtype=np.bool_)
