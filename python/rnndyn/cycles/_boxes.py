"""Fixed points of piecewise-linear maps with few states and any number of units, by boxes.

The fixed points of ``F(z) = A z + W1 relu(W2 z + h2) + h1`` are the zeros of
``(A - I) z + h1 + W1 relu(W2 z + h2)``, which is homogeneous of degree 1 in x = (z, t) where h1
and h2 are multiplied by t. The zeros with t > 0 and ``max(|z| / radius, t) = 1`` are therefore all
fixed points, at any distance: one box with t = 1, and a box for each of the 2 M faces of the cube
beyond it. How many regions there are does not matter: boxes are cut until at most the few units
whose border crosses a box near a zero are left, so that the work grows with the number of units
like one evaluation of the map does. Listing the cells of the arrangement of H borders in R^M
instead takes of the order of H^M solves (Buck, Amer. Math. Monthly 50 (1943) 541-544).

In a box with centre c, a unit with pre-activation p in [l, u], l < 0 < u, has
``relu(p) = s p + [0, max(-s l, (1 - s) u)]`` for any slope s in [0, 1], since the difference is
convex with its least value 0 at p = 0; here s = u / (u - l), the chord. With the slopes 1 and 0 of
the units that are on or off, every zero c + d of the map in the box has

    d in -Y (M c + W1 e / 2) +- (|Y W1| e / 2 + |I - Y M| r)

for any matrix Y, where M are the slopes put together, e the lengths of the intervals and r the
radii of the box (Krawczyk's operator; A. Neumaier, "Interval Methods for Systems of Equations",
Cambridge University Press, 1990, ch. 5.1). Y is the inverse of M, rounded. All sums have at most
H + 2 M + 6 terms, and are enlarged by Higham's bound gamma of their rounding errors (N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", SIAM, 2002, ch. 3.1), so that nothing is lost.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray
from rnndyn._core import CanonicalMap

#: With more states the boxes become too many before they become small.
MOST_STATES = 4
#: A map that is no more decided after this many boxes is left to the other methods.
MOST_BOXES = 40_000
#: Entries of the largest arrays at a time: boxes times states times units.
_AT_A_TIME = 2_000_000
#: Boxes that stay open below this share of their face are on a border, or hold a continuum.
_SMALLEST = 1e-11
_UNIT = 2.0**-53


class Regions(NamedTuple):
    """The regions that hold all fixed points.

    Attributes
    ----------
    bits : ndarray of bool, shape (n, H)
        Regions, each once: every fixed point lies in one of them.
    n_boxes : int
        Boxes that were looked at.
    """

    bits: BoolArray
    n_boxes: int


def regions_of_fixed_points(
    canonical: CanonicalMap,
    lower: FloatArray | None,
    upper: FloatArray | None,
    go_on: Callable[[float], bool],
    most_boxes: int = MOST_BOXES,
) -> Regions | None:
    """Return the regions of all fixed points, or None where boxes do not decide it.

    Parameters
    ----------
    canonical : CanonicalMap
        A map with at most `MOST_STATES` states.
    lower, upper : ndarray of float64, shape (M,), or None
        The box of states; None for all of R^M.
    go_on : callable
        Gets the share of the states that is decided and says whether to go on.
    most_boxes : int
        Give up after this many.
    """
    work = _Work(canonical)
    boxes = _Boxes(*(work.faces() if lower is None or upper is None else work.inside(lower, upper)))
    found: list[BoolArray] = []
    at_a_time = max(1, _AT_A_TIME // (canonical.n_states * max(canonical.n_units, 1)))
    n_boxes = 0
    while boxes.n_waiting:
        now = boxes.taken(at_a_time)
        n_boxes += len(now.face)
        if n_boxes > most_boxes or not go_on(boxes.share_done):
            return None
        # An inverse may be without bounds, which narrows nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            low, high, bits, decided = work.narrowed(now.low, now.high, now.face)
        possible = (low <= high).all(axis=1)
        found.extend(bits[possible & decided])
        open_ = possible & ~decided
        left = now.part(open_)
        # A box that was small before it was narrowed, and is still open, will stay so.
        if np.any((left.high - left.low).max(axis=1, initial=0.0) <= _SMALLEST * left.size):
            return None
        boxes.cut(left._replace(low=low[open_], high=high[open_]))
    bits = np.array(found, dtype=np.bool_).reshape(-1, canonical.n_units)
    return Regions(_each_once(bits), n_boxes)


def _each_once(bits: BoolArray) -> BoolArray:
    """Return regions each once, in the order of the core: by words of 64 units."""
    unique = np.unique(bits, axis=0)
    n, n_units = unique.shape
    padded = np.zeros((n, -(-n_units // 64) * 64), dtype=np.bool_)
    padded[:, :n_units] = unique
    words = np.packbits(padded, axis=1, bitorder="little").view("<u8")
    return unique[np.lexsort(words.T[::-1])]


class _Part(NamedTuple):
    """Boxes (B, M + 1), their fixed coordinates, the size of the whole face, and shares of it."""

    low: FloatArray
    high: FloatArray
    face: IntArray
    size: FloatArray
    share: FloatArray

    def part(self, chosen: slice | BoolArray) -> "_Part":
        """Return some of them."""
        low, high, face, size, share = self
        return _Part(low[chosen], high[chosen], face[chosen], size[chosen], share[chosen])

    def before(self, *others: "_Part") -> "_Part":
        """Return these and others behind them."""
        parts = (self, *others)
        return _Part(
            low=np.concatenate([part.low for part in parts]),
            high=np.concatenate([part.high for part in parts]),
            face=np.concatenate([part.face for part in parts]),
            size=np.concatenate([part.size for part in parts]),
            share=np.concatenate([part.share for part in parts]),
        )


class _Boxes:
    """The boxes that wait; the last ones are taken first, so that few are waiting."""

    def __init__(self, low: FloatArray, high: FloatArray, face: IntArray) -> None:
        n = len(low)
        self._waiting = _Part(low, high, face, (high - low).max(axis=1), np.full(n, 1.0 / n))

    @property
    def n_waiting(self) -> int:
        return len(self._waiting.face)

    @property
    def share_done(self) -> float:
        return 1.0 - float(self._waiting.share.sum())

    def taken(self, at_most: int) -> _Part:
        at = max(self.n_waiting - at_most, 0)
        now = self._waiting.part(slice(at, None))
        self._waiting = self._waiting.part(slice(at))
        return now

    def cut(self, part: _Part) -> None:
        """Put back the two halves of every box, cut across its longest side."""
        widths = part.high - part.low
        axis = widths.argmax(axis=1)
        rows = np.arange(len(axis))
        middle = part.low[rows, axis] + 0.5 * widths[rows, axis]
        first_high, second_low = part.high.copy(), part.low.copy()
        first_high[rows, axis] = second_low[rows, axis] = middle
        share = 0.5 * part.share
        halves = (
            part._replace(high=first_high, share=share),
            part._replace(low=second_low, share=share),
        )
        self._waiting = self._waiting.before(*halves)


class _Work:
    """The arrays of a map, and what is the same for all boxes."""

    def __init__(self, canonical: CanonicalMap) -> None:
        n_states, n_units = canonical.n_states, canonical.n_units
        identity = np.eye(n_states)
        self.n_states = n_states
        self.linear = np.column_stack([canonical.A - identity, canonical.h1])
        self.into = canonical.W1
        self.out = np.column_stack([canonical.W2, canonical.h2])
        self.absolute_out = np.abs(self.out)
        # Of every unit the outer product of its weights, so that slopes are put together by one
        # product of matrices.
        products = self.into.T[:, :, None] * self.out[:, None, :]
        self.products = products.reshape(n_units, n_states * (n_states + 1))
        size = np.column_stack([np.abs(canonical.A) + identity, np.abs(canonical.h1)])
        self.size = size + np.abs(self.into) @ self.absolute_out
        numbers = np.arange(n_states + 1)
        self.others = np.array([np.delete(numbers, fixed) for fixed in numbers])
        n_terms = n_units + 2 * n_states + 6
        self.gamma = 1.01 * n_terms * _UNIT / (1.0 - n_terms * _UNIT)

    def faces(self) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return the boxes of (z, t) that stand for all of R^M: a cube, and the faces beyond it.

        With them come the coordinates that are fixed in each: t in the cube.
        """
        n = self.n_states
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.abs(self.out[:, -1]) / np.abs(self.out[:, :-1]).max(axis=1, initial=0.0)
        away = away[np.isfinite(away) & (away > 0.0)]
        # A power of two, by which nothing is rounded.
        radius = 2.0 ** np.ceil(np.log2(np.quantile(away, 0.9))) if len(away) else 1.0
        radius = float(np.clip(radius, 2.0**-200, 2.0**200))
        low, high = -np.ones((2 * n + 1, n + 1)), np.ones((2 * n + 1, n + 1))
        low[:, :-1] *= radius
        high[:, :-1] *= radius
        low[0, -1] = high[0, -1] = 1.0
        low[1:, -1] = 0.0
        for axis in range(n):
            high[1 + 2 * axis, axis] = -radius
            low[2 + 2 * axis, axis] = radius
        return low, high, np.array([n, *np.repeat(np.arange(n), 2)])

    def inside(
        self, lower: FloatArray, upper: FloatArray
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return the box of (z, t) that stands for a box of states, and which of them is fixed."""
        return np.append(lower, 1.0)[None], np.append(upper, 1.0)[None], np.array([self.n_states])

    def narrowed(
        self, low: FloatArray, high: FloatArray, face: IntArray
    ) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
        """Return what is left of boxes (B, M + 1), which units are on, and whether all are known.

        `face` is the coordinate of every box that is fixed.

        Where a lower bound comes back above an upper one the box holds no fixed point.
        """
        center = low + 0.5 * (high - low)
        # The subtractions are rounded, each by less than an ulp of the larger bound.
        radius = np.maximum(high - center, center - low) * (1.0 + 4.0 * _UNIT)
        reach = np.abs(center) + radius
        middle = center @ self.out.T
        width = radius @ self.absolute_out.T
        width += 4.0 * self.gamma * (reach @ self.absolute_out.T)
        below, above = middle - width, middle + width
        on, off = below > 0.0, above <= 0.0
        undecided = ~(on | off)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.where(undecided, above / (above - below), on)
        slope = np.clip(np.nan_to_num(slope), 0.0, 1.0)
        spread = np.maximum(-slope * below, (1.0 - slope) * above) * (1.0 + 8.0 * _UNIT)
        spread = np.where(undecided, np.maximum(spread, 0.0), 0.0)
        n = self.n_states
        matrix = self.linear + (slope @ self.products).reshape(-1, n, n + 1)
        value = np.einsum("bij,bj->bi", matrix, center) + 0.5 * spread @ self.into.T
        # The coordinates that vary: all but that of the face.
        free = self.others[face]
        moving = np.take_along_axis(matrix, free[:, None, :], axis=2)
        inverse = _inverses(moving)
        radius_free = np.take_along_axis(radius, free, axis=1)
        weights = np.abs(np.einsum("bij,jn->bin", inverse, self.into, optimize=True))
        absolute = np.abs(inverse)
        rest = np.abs(np.eye(n) - inverse @ moving)
        size_free = np.take_along_axis(np.broadcast_to(self.size, matrix.shape), free[:, None], 2)
        # Six products of sums, each enlarged by gamma of what is added up there in modulus.
        errors = np.einsum("ij,bj->bi", self.size, reach) + spread @ np.abs(self.into).T
        rounding = np.einsum("bij,bj->bi", absolute, errors)
        rounding += np.einsum("bij,bj->bi", absolute @ size_free, radius_free)
        reach_of_step = (
            0.5 * np.einsum("bin,bn->bi", weights, spread)
            + np.einsum("bij,bj->bi", rest, radius_free)
        ) * (1.0 + 4.0 * self.gamma)
        reach_of_step += 12.0 * self.gamma * rounding + 4.0 * self.gamma * radius_free
        # Where M has no inverse, as far from all borders where t plays no part, the value of the
        # map itself tells: its range in the box is around that at the centre.
        swing = np.einsum("bij,bj->bi", np.abs(moving), radius_free)
        swing += 0.5 * spread @ np.abs(self.into).T
        nonzero = np.abs(value) > swing * (1.0 + 4.0 * self.gamma) + 12.0 * self.gamma * errors
        step = -np.einsum("bij,bj->bi", inverse, value)
        center_free = np.take_along_axis(center, free, axis=1)
        margin = reach_of_step + 4.0 * _UNIT * (np.abs(center_free) + np.abs(step) + reach_of_step)
        known = np.isfinite(margin) & np.isfinite(step)
        new_low = np.where(known, center_free + step - margin, -np.inf)
        new_high = np.where(known, center_free + step + margin, np.inf)
        left, right = low.copy(), high.copy()
        np.put_along_axis(left, free, np.maximum(np.take_along_axis(low, free, 1), new_low), axis=1)
        np.put_along_axis(
            right, free, np.minimum(np.take_along_axis(high, free, 1), new_high), axis=1
        )
        left[nonzero.any(axis=1)] = np.inf
        # A region of its own whose equation could be solved: what is in it is found by solving.
        solved = ~undecided.any(axis=1) & known.all(axis=1) & (rest.sum(axis=2) < 0.5).all(axis=1)
        return left, right, on, solved


def _inverses(matrices: FloatArray) -> FloatArray:
    """Return inverses, rounded; zeros where there is none, which narrows nothing."""
    try:
        return np.asarray(np.linalg.inv(matrices), dtype=np.float64)
    except np.linalg.LinAlgError:
        result = np.zeros_like(matrices)
        for index, matrix in enumerate(matrices):
            try:
                result[index] = np.linalg.inv(matrix)
            except np.linalg.LinAlgError:
                continue
        return result
