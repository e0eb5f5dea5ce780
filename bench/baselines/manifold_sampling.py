"""Stable manifolds by sampling, after Eisenmann, Braendle, Monfared and Durstewitz (ICLR 2026).

"Detecting invariant manifolds in ReLU-based RNNs": points near a saddle, on its stable eigenspace,
are followed backwards. The preimage of a point needs the region that it lies in, which is guessed:
the region of the point, then that of the preimage found, then regions with up to three bits
flipped, until the preimage lies in the region that was assumed. In every region that points come
to, a plane is fitted to them by principal components, and new points are drawn on it. Written from
the description in the paper; no code of it was used.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Bits of a region that are flipped at most to find that of a preimage.
MOST_FLIPS = 3
#: Points on a plane within this distance, relative to their size, belong to it.
SAME_PLANE = 1e-6


@dataclass
class Plane:
    """A plane fitted to points in one region."""

    region: BoolArray
    center: FloatArray
    basis: FloatArray
    normal: FloatArray
    points: FloatArray


class SampledManifold:
    """The stable manifold of codimension 1 of a saddle of z' = A z + W1 relu(W2 z + h2) + h1.

    Parameters
    ----------
    A, W1, W2, h1, h2 : arrays
        The map.
    n_points : int
        Points that are drawn on each plane.
    seed : int
    """

    def __init__(
        self,
        A: FloatArray,
        W1: FloatArray,
        W2: FloatArray,
        h1: FloatArray,
        h2: FloatArray,
        *,
        n_points: int = 100,
        seed: int = 0,
    ) -> None:
        self.A, self.W1, self.W2, self.h1, self.h2 = A, W1, W2, h1, h2
        self.n_points = n_points
        self.rng = np.random.default_rng(seed)
        self.planes: list[Plane] = []
        self.n_lost = 0
        n_units = len(h2)
        self._flips = [
            np.array(bits, dtype=int)
            for count in range(1, MOST_FLIPS + 1)
            for bits in itertools.combinations(range(n_units), count)
        ]

    def find(self, points: FloatArray, n_rounds: int, max_planes: int) -> None:
        """Follow the manifold backwards from the points of a cycle, shape (k, M)."""
        m, k = points.shape[1], len(points)
        jacobians = [self._affine(self.region(point[np.newaxis])[0])[0] for point in points]
        newest = []
        for t, point in enumerate(points):
            around = np.eye(m)
            for step in range(k):
                around = jacobians[(t + step) % k] @ around
            values, vectors = np.linalg.eig(around.T)
            normal = vectors[:, np.argmax(np.abs(values))].real
            normal = normal / np.linalg.norm(normal)
            basis = np.linalg.svd(normal[np.newaxis])[2][1:].T
            region = self.region(point[np.newaxis])[0]
            plane = Plane(region, point, basis, normal, np.empty((0, m)))
            margin = np.abs(self.W2 @ point + self.h2).min(initial=1.0)
            plane.points = self._draw(plane, np.full(m - 1, max(margin, 1e-3)))
            newest.append(plane)
        self.planes += newest
        for _ in range(n_rounds):
            arrived = [self._preimages(plane) for plane in newest]
            newest = self._fitted(np.concatenate([np.empty((0, m)), *arrived]), max_planes)
            if not newest:
                return

    def region(self, states: FloatArray) -> BoolArray:
        return np.asarray(states @ self.W2.T + self.h2 > 0.0)

    def _affine(self, region: BoolArray) -> tuple[FloatArray, FloatArray]:
        gated = self.W1 * region
        return self.A + gated @ self.W2, gated @ self.h2 + self.h1

    def _preimages(self, plane: Plane) -> FloatArray:
        found = [self._preimage(point, plane.region) for point in plane.points]
        kept = [point for point in found if point is not None]
        self.n_lost += len(found) - len(kept)
        return np.array(kept).reshape(-1, self.A.shape[0])

    def _preimage(self, point: FloatArray, region: BoolArray) -> FloatArray | None:
        guess = region
        for _ in range(2):
            before = self._solved(point, guess)
            if before is None:
                break
            actual = self.region(before[np.newaxis])[0]
            if np.array_equal(actual, guess):
                return before
            guess = actual
        for bits in self._flips:
            guess = region.copy()
            guess[bits] = ~guess[bits]
            before = self._solved(point, guess)
            if before is not None and np.array_equal(self.region(before[np.newaxis])[0], guess):
                return before
        return None

    def _solved(self, point: FloatArray, region: BoolArray) -> FloatArray | None:
        jacobian, offset = self._affine(region)
        try:
            return np.asarray(np.linalg.solve(jacobian, point - offset))
        except np.linalg.LinAlgError:
            return None

    def _fitted(self, points: FloatArray, max_planes: int) -> list[Plane]:
        """Return planes through the points of each region, where there is none yet."""
        m = self.A.shape[0]
        newest = []
        bits = self.region(points)
        for name in np.unique(bits, axis=0) if len(points) else ():
            own = points[(bits == name).all(axis=1)]
            known = [p for p in (*self.planes, *newest) if np.array_equal(p.region, name)]
            for plane in known:
                size = 1.0 + np.abs(own).max(axis=1)
                own = own[np.abs((own - plane.center) @ plane.normal) > SAME_PLANE * size]
                if not len(own):
                    break
            # As many points as a plane has dimensions determine it.
            if len(own) < m or len(self.planes) + len(newest) >= max_planes:
                continue
            center = own.mean(axis=0)
            rows = np.linalg.svd(own - center, full_matrices=True)[2]
            plane = Plane(name, center, rows[: m - 1].T, rows[m - 1], own)
            extent = np.abs((own - center) @ plane.basis).max(axis=0)
            plane.points = self._draw(plane, 1.5 * extent)
            newest.append(plane)
        self.planes += newest
        return newest

    def _draw(self, plane: Plane, extent: FloatArray) -> FloatArray:
        """Return random points of a plane that lie in its region."""
        drawn = self.rng.uniform(-1.0, 1.0, (10 * self.n_points, len(extent))) * extent
        states = plane.center + drawn @ plane.basis.T
        inside = (self.region(states) == plane.region).all(axis=1)
        return np.concatenate([plane.points, states[inside]])[: self.n_points]
