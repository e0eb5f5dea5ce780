"""Algorithm 1 of Eisenmann, Monfared, Goering and Durstewitz (NeurIPS 2023) in plain NumPy.

SCYFI draws a random itinerary, solves the cyclic linear system for its only candidate, and, while
the candidate is virtual, takes the itinerary that the true map visits from it as the next one.
Semantics and defaults are the published ones; only the identity of a cycle differs, which here is
its itinerary up to rotation instead of rounded coordinates.
"""

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def default_max_restarts(order: int) -> int:
    """N_out: restarts in a row without a new cycle."""
    return 10 if order < 8 else 40 if order < 30 else 100


def default_max_iterations(order: int) -> int:
    """N_in: candidates in a row without a new cycle within one restart."""
    for limit, iterations in ((3, 20), (6, 60), (8, 300), (20, 1080)):
        if order < limit:
            return iterations
    return 1115


@dataclass
class SearchLog:
    """What a search of one order found and when."""

    order: int
    cycles: dict[bytes, FloatArray] = field(default_factory=dict)
    multipliers: list[NDArray[np.complex128]] = field(default_factory=list)
    n_solves: int = 0
    seconds: float = 0.0
    solves_at_discovery: list[int] = field(default_factory=list)
    seconds_at_discovery: list[float] = field(default_factory=list)


class Scyfi:
    """The search on the map z' = A z + W1 relu(W2 z + h2) + h1.

    Parameters
    ----------
    A : (M, M) array
    W1 : (M, H) array
    W2 : (H, M) array
    h1 : (M,) array
    h2 : (H,) array
    seed : int
    draw_from_states : bool
        Take the regions of initial itineraries from a pool of regions of random states, uniform in
        [-10, 10]^M, as is published for shallow networks, whose 2^H bit vectors are not all
        regions. Otherwise every bit is drawn by itself.
    """

    pool_size = 1000

    def __init__(
        self,
        A: FloatArray,
        W1: FloatArray,
        W2: FloatArray,
        h1: FloatArray,
        h2: FloatArray,
        seed: int,
        draw_from_states: bool = False,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.A, self.W1, self.W2, self.h1, self.h2 = A, W1, W2, h1, h2
        self.n_states, self.n_units = W1.shape
        self.identity = np.eye(self.n_states)
        # With W2 = I the Jacobian just switches columns of W1 off: no product is needed.
        self.plain_units = (
            self.n_units == self.n_states and np.array_equal(W2, self.identity) and not h2.any()
        )
        self.W1_h2 = W1 * h2
        # One step of the map is one product with the stacked vector (z, relu(p), 1).
        self.step_matrix = np.hstack([A, W1, h1[:, None]])
        self.pool = None
        if draw_from_states:
            states = self.rng.uniform(-10.0, 10.0, (self.pool_size, self.n_states))
            self.pool = states @ W2.T + h2 > 0.0

    def random_itinerary(self, order: int) -> BoolArray:
        if self.pool is not None:
            return self.pool[self.rng.integers(len(self.pool), size=order)]
        return self.rng.random((order, self.n_units)) < 0.5

    def composed(self, itinerary: BoolArray) -> FloatArray:
        """The affine map through the regions of an itinerary, with a last row (0, 1)."""
        m = self.n_states
        # Affine maps as matrices of one more dimension, so that composing them is a product.
        maps = np.zeros((len(itinerary), m + 1, m + 1))
        maps[:, m, m] = 1.0
        if self.plain_units:
            maps[:, :m, :m] = self.A + self.W1 * itinerary[:, None, :]
            maps[:, :m, m] = self.h1
        else:
            maps[:, :m, :m] = self.A + (self.W1 * itinerary[:, None, :]) @ self.W2
            maps[:, :m, m] = self.h1 + itinerary @ self.W1_h2.T
        # Neighbours are composed pairwise, all pairs at once: log2(k) calls instead of k.
        while len(maps) > 1:
            n_paired = len(maps) // 2 * 2
            pairs = maps[1:n_paired:2] @ maps[0:n_paired:2]
            maps = np.concatenate([pairs, maps[n_paired:]]) if n_paired < len(maps) else pairs
        return np.asarray(maps[0])

    def candidate(self, itinerary: BoolArray) -> FloatArray | None:
        """The only point that can start a cycle with this itinerary."""
        m = self.n_states
        map_ = self.composed(itinerary)
        try:
            return np.linalg.solve(self.identity - map_[:m, :m], map_[:m, m])
        except np.linalg.LinAlgError:
            return None

    def visited_itinerary(self, z: FloatArray, order: int) -> BoolArray:
        """The regions that the true map visits from z."""
        m = self.n_states
        stacked = np.ones((order, m + self.n_units + 1))
        for row in stacked:
            row[:m] = z
            p = z if self.plain_units else self.W2 @ z + self.h2
            np.maximum(p, 0.0, out=row[m:-1])
            z = self.step_matrix @ row
        return stacked[:, m:-1] > 0.0

    def search(
        self,
        order: int,
        *,
        max_restarts: int | None = None,
        max_iterations: int | None = None,
        n_wanted: int | None = None,
        time_limit: float = np.inf,
        log: SearchLog | None = None,
    ) -> SearchLog:
        """Search one order; ``log`` goes on from an earlier search.

        Parameters
        ----------
        order : int
        max_restarts, max_iterations : int, optional
            N_out and N_in; both counters start again at every new cycle.
        n_wanted : int, optional
            Stop as soon as this many cycles are known.
        time_limit : float
            Stop after this many seconds, those of ``log`` included.
        """
        log = SearchLog(order) if log is None else log
        max_restarts = max_restarts or default_max_restarts(order)
        max_iterations = max_iterations or default_max_iterations(order)
        start = time.perf_counter() - log.seconds
        restarts = 0
        # Orbits of virtual candidates of long itineraries overflow; their regions are then as good
        # as any other guess.
        with np.errstate(over="ignore", invalid="ignore"):
            while restarts < max_restarts:
                restarts += 1
                itinerary = self.random_itinerary(order)
                iterations = 0
                while iterations < max_iterations:
                    iterations += 1
                    log.n_solves += 1
                    log.seconds = time.perf_counter() - start
                    if log.seconds > time_limit:
                        return log
                    z = self.candidate(itinerary)
                    if z is None:
                        itinerary = self.random_itinerary(order)
                        continue
                    visited = self.visited_itinerary(z, order)
                    if not np.array_equal(visited, itinerary):
                        itinerary = visited
                        continue
                    if self._record(log, itinerary, z, start):
                        restarts = iterations = 0
                        if len(log.cycles) == n_wanted:
                            return log
                    itinerary = self.random_itinerary(order)
        return log

    def _record(self, log: SearchLog, itinerary: BoolArray, z: FloatArray, start: float) -> bool:
        """Note a real cycle; False if it is known or a repetition of a shorter one."""
        word, width = itinerary.tobytes() * 2, self.n_units
        rotations = [word[t * width : (t + log.order) * width] for t in range(log.order)]
        key = min(rotations)
        if key in log.cycles or len(set(rotations)) < log.order:
            return False
        log.cycles[key] = z
        # The published search computes them where it finds a cycle, as the package does.
        jacobian = self.composed(itinerary)[: self.n_states, : self.n_states]
        log.multipliers.append(
            np.linalg.eigvals(jacobian).astype(complex)
            if np.isfinite(jacobian).all()
            else np.full(self.n_states, np.nan, complex)
        )
        log.seconds = time.perf_counter() - start
        log.solves_at_discovery.append(log.n_solves)
        log.seconds_at_discovery.append(log.seconds)
        return True
