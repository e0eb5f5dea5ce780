"""The pieces of manifolds: polytopes in affine sets, held as arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from rnndyn import _core
from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen
from rnndyn._common.compare import ByFields
from rnndyn.manifolds._segments import joined_segments

_TYPES: dict[str, Any] = {
    "parents": np.int64,
    "phases": np.int64,
    "depths": np.int64,
    "regions": np.bool_,
    "interiors": np.float64,
    "radii": np.float64,
    "equations": np.float64,
    "values": np.float64,
    "inequalities": np.float64,
    "bounds": np.float64,
    "starts": np.int64,
}
#: Rounding errors of rows, which files of format version 1 lack.
_ERROR_TYPES: dict[str, Any] = {"value_errors": np.float64, "bound_errors": np.float64}
#: What there is of each inequality; all else is one of each piece.
_BY_ROW = ("inequalities", "bounds", "bound_errors")
#: What is measured in units of the states.
_LENGTHS = ("interiors", "radii", "values", "bounds", "value_errors", "bound_errors")
#: Numbers that are held at once when many states are compared with many pieces.
_AT_ONCE = 4_000_000


class Nearest(NamedTuple):
    """The piece next to a state: its number (-1 for none), its closest point and the distance."""

    piece: int
    point: FloatArray
    distance: float


@dataclass(frozen=True, eq=False)
class Pieces(ByFields):
    """The polytopes ``equations[i] z = values[i], inequalities z <= bounds`` of a manifold.

    All rows have length 1, the equations of a piece are orthogonal to each other, and none of its
    inequalities is redundant.

    Attributes
    ----------
    parents : ndarray of int64, shape (n,)
        The piece that the image of this one lies in (stable), or that this one lies in the image of
        (unstable); -1 for the local sets around the points of the cycle.
    phases : ndarray of int64, shape (n,)
        The point of the cycle that the orbits arrive at, or come from.
    depths : ndarray of int64, shape (n,)
        Steps between the piece and the local set.
    regions : ndarray of bool, shape (n, H)
        The linear region of the piece.
    interiors : ndarray of float64, shape (n, M)
        A state well inside each piece.
    radii : ndarray of float64, shape (n,)
        How far that is from the nearest inequality.
    equations : ndarray of float64, shape (n, r, M)
        Rows of the equations.
    values : ndarray of float64, shape (n, r)
        Their right sides.
    inequalities : ndarray of float64, shape (N, M)
        Rows of the inequalities of all pieces; those of piece i from ``starts[i]`` to
        ``starts[i + 1]``.
    bounds : ndarray of float64, shape (N,)
        Their right sides.
    starts : ndarray of int64, shape (n + 1,)
        Where the inequalities of each piece begin.
    value_errors : ndarray of float64, shape (n, r), or None
        By how much rounding may have moved the equations: within the box of the run, the states
        that are meant fulfil each up to its error. None if it comes from a file of format version
        1.
    bound_errors : ndarray of float64, shape (N,), or None
        The same of the inequalities.
    """

    parents: IntArray
    phases: IntArray
    depths: IntArray
    regions: BoolArray
    interiors: FloatArray
    radii: FloatArray
    equations: FloatArray
    values: FloatArray
    inequalities: FloatArray
    bounds: FloatArray
    starts: IntArray
    value_errors: FloatArray | None = field(default=None, compare=False)
    bound_errors: FloatArray | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        errors = _ERROR_TYPES if self.has_errors else {}
        for name, dtype in {**_TYPES, **errors}.items():
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        n, r, m = self.equations.shape
        n_rows = len(self.bounds)
        shapes = {
            **dict.fromkeys(("parents", "phases", "depths", "radii"), (n,)),
            "regions": (n, *self.regions.shape[1:]),
            "interiors": (n, m),
            "values": (n, r),
            "inequalities": (n_rows, m),
            "bounds": (n_rows,),
            "starts": (n + 1,),
        }
        if errors:
            shapes |= {"value_errors": (n, r), "bound_errors": (n_rows,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape or self.regions.ndim != 2:
                raise ValueError(f"{name} must have shape {shape}")
        if self.starts[0] != 0 or self.starts[-1] != n_rows or (np.diff(self.starts) < 0).any():
            raise ValueError("starts must ascend from 0 to the number of inequalities")
        if not ((self.parents >= -1) & (self.parents < np.arange(n))).all():
            raise ValueError("parents must be earlier pieces, or -1")

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def has_errors(self) -> bool:
        """Whether the rounding errors of the rows are known."""
        return self.value_errors is not None and self.bound_errors is not None

    @property
    def n_states(self) -> int:
        """Number of states M."""
        return int(self.equations.shape[2])

    @property
    def dimension(self) -> int:
        """Dimension of the pieces."""
        return self.n_states - int(self.equations.shape[1])

    def rows_of(self, piece: int) -> tuple[FloatArray, FloatArray]:
        """Return the inequalities of a piece and their right sides."""
        rows = slice(self.starts[piece], self.starts[piece + 1])
        return self.inequalities[rows], self.bounds[rows]

    def scaled(self, factor: float) -> Pieces:
        """Return the pieces with all states multiplied by a power of two."""
        if factor == 1.0:
            return self
        state = self._state()
        return Pieces(**{**state, **{name: state[name] * factor for name in _LENGTHS}})

    def word(self, piece: int) -> BoolArray:
        """Return the regions from a piece to the local set, without the latter's: (depth, H)."""
        regions = []
        while self.parents[piece] >= 0:
            regions.append(self.regions[piece])
            piece = int(self.parents[piece])
        return np.array(regions, dtype=np.bool_).reshape(len(regions), self.regions.shape[1])

    def excess(self, states: FloatArray) -> FloatArray:
        """Return by how much each state misses the rows of each piece, shape (S, n).

        No distance is smaller than this; it is 0 on a piece, but for rounding.
        """
        found = np.empty((len(states), len(self)))
        step = max(1, _AT_ONCE // max(1, len(self.bounds) + self.values.size))
        for first in range(0, len(states), step):
            some = states[first : first + step]
            away = np.einsum("nrm,sm->snr", self.equations, some) - self.values
            largest: FloatArray = np.sqrt((away**2).sum(axis=2))
            if len(self.bounds):
                # A piece without inequalities, which only a point is, has all others alike.
                over = some @ self.inequalities.T - self.bounds
                inside = np.maximum.reduceat(over, self.starts[:-1], axis=1)
                largest = np.asarray(np.maximum(largest, inside), dtype=np.float64)
            found[first : first + step] = largest
        return found

    def contain(self, states: FloatArray, tolerance: float) -> BoolArray:
        """Tell which states lie on some piece, up to a tolerance."""
        if not len(self):
            return np.zeros(len(states), dtype=np.bool_)
        return np.asarray((self.excess(states) <= tolerance).any(axis=1))

    def closest(self, piece: int, state: FloatArray) -> tuple[FloatArray, float]:
        """Return the point of a piece that is closest to a state, and its distance."""
        rows, bounds = self.rows_of(piece)
        point, distance, violation = _core.closest_point(
            self.equations[piece], self.values[piece], rows, bounds, state
        )
        size = 1.0 + float(np.abs(state).max()) + float(np.abs(point).max())
        if not violation <= 1e-8 * size:
            raise ArithmeticError(
                f"the closest point of piece {piece} fulfils the conditions of Karush, Kuhn and "
                f"Tucker only up to {violation:.1e}"
            )
        return point, distance

    def nearest(self, states: FloatArray) -> list[Nearest]:
        """Return for each state the nearest piece, its closest point and the distance."""
        if not len(self):
            nothing = np.full(self.n_states, np.nan)
            return [Nearest(-1, nothing, np.inf) for _ in states]
        found = []
        for state, least in zip(states, self.excess(states), strict=True):
            best = Nearest(-1, state, np.inf)
            for piece in np.argsort(least, kind="stable").tolist():
                if least[piece] >= best.distance:
                    break
                point, distance = self.closest(piece, state)
                if distance < best.distance:
                    best = Nearest(piece, point, distance)
            found.append(best)
        return found

    def sample(self, n: int, random: np.random.Generator) -> tuple[FloatArray, IntArray]:
        """Return random states on random pieces, and the numbers of these.

        Each is a step from the inner point of its piece in a random direction, uniform up to where
        the piece ends.
        """
        chosen = random.integers(0, len(self), n)
        states = np.empty((n, self.n_states))
        for row, piece in enumerate(chosen.tolist()):
            inner = self.interiors[piece]
            directions = self.directions(piece)
            direction = directions.T @ random.standard_normal(len(directions))
            rows, bounds = self.rows_of(piece)
            slopes, room = rows @ direction, bounds - rows @ inner
            ends = room[slopes > 0.0] / slopes[slopes > 0.0]
            states[row] = (
                inner + random.random() * ends.min(initial=np.inf) * direction
                if len(ends)
                else inner
            )
        return states, chosen

    def directions(self, piece: int) -> FloatArray:
        """Return an orthonormal basis of the directions of a piece, shape (dimension, M)."""
        _, _, rows = np.linalg.svd(self.equations[piece].reshape(-1, self.n_states))
        return np.asarray(rows[self.values.shape[1] :])

    def segments(self) -> FloatArray:
        """Return the straight segments of pieces of dimension 1, shape (n', 2, M).

        Pieces end at the borders of linear regions, also where they do not bend there; those that
        continue each other in a straight line are one segment here. The set is the same up to the
        rounding errors of the rows; where these are not known, nothing is joined.

        Raises
        ------
        ValueError
            If the pieces are not of dimension 1.
        """
        if self.dimension != 1:
            raise ValueError(
                f"only pieces of dimension 1 are segments, these have dimension {self.dimension}"
            )
        ends = np.array([self.outline(number) for number in range(len(self))])
        ends = ends.reshape(-1, 2, self.n_states)
        if self.value_errors is None or self.bound_errors is None or not len(self):
            return ends
        errors = np.maximum.reduceat(self.bound_errors, self.starts[:-1])
        return joined_segments(ends, errors + np.linalg.norm(self.value_errors, axis=1))

    def outline(
        self,
        piece: int,
        origin: FloatArray | None = None,
        plane: FloatArray | None = None,
        window: tuple[FloatArray, FloatArray] | None = None,
    ) -> FloatArray | None:
        """Return the corners of a piece of dimension 1 or 2, in order, shape (n, M).

        Parameters
        ----------
        piece : int
            The piece.
        origin : (M,) array, optional
            Cut the piece with the plane through this state, of a dimension that leaves a line or a
            polygon.
        plane : (2, M) array, optional
            Directions of the plane; the corners are then coordinates in it, shape (n, 2).
        window : ((M,) array, (M,) array), optional
            Lower and upper ends of a box; what is outside is cut off.

        Returns
        -------
        ndarray or None
            None where they do not meet.
        """
        rows, bounds = self.rows_of(piece)
        equations, values = self.equations[piece], self.values[piece]
        inner: FloatArray | None = self.interiors[piece]
        if window is not None:
            sides = np.eye(self.n_states)
            rows = np.concatenate([rows, -sides, sides])
            bounds = np.concatenate([bounds, -window[0], window[1]])
        if plane is not None and origin is not None:
            inner = None
            rows, bounds = rows @ plane.T, bounds - rows @ origin
            equations, values = equations @ plane.T, values - equations @ origin
        return corners_of(equations, values, rows, bounds, inner)


def corners_of(
    equations: FloatArray,
    values: FloatArray,
    rows: FloatArray,
    bounds: FloatArray,
    inner: FloatArray | None = None,
) -> FloatArray | None:
    """Return the corners, in order, of a segment or polygon given by equations and inequalities.

    A point of it, where one is known, saves digits far from 0.
    """
    size = equations.shape[1]
    if len(equations):
        _, sizes, basis = np.linalg.svd(equations)
        if sizes.min() < 1e-9:
            return None
        basis = basis[len(equations) :]
    else:
        basis = np.eye(size)
    if inner is not None:
        start = inner
    elif len(equations):
        start = np.asarray(np.linalg.lstsq(equations, values, rcond=None)[0], np.float64)
    else:
        start = np.zeros(size)
    rows, bounds = rows @ basis.T, bounds - rows @ start
    lengths = np.linalg.norm(rows, axis=1)
    if (bounds[lengths < 1e-12] < 0.0).any():
        return None
    rows, bounds = rows[lengths >= 1e-12], bounds[lengths >= 1e-12]
    if len(basis) == 1:
        ends = bounds / rows[:, 0]
        low, high = (
            ends[rows[:, 0] < 0.0].max(initial=-1e300),
            ends[rows[:, 0] > 0.0].min(initial=1e300),
        )
        return start + np.array([[low], [high]]) * basis[0] if low < high else None
    if len(basis) != 2:
        raise ValueError(f"only lines and polygons have outlines, not dimension {len(basis)}")
    return _polygon(start, basis, rows, bounds)


def _polygon(
    start: FloatArray, basis: FloatArray, rows: FloatArray, bounds: FloatArray
) -> FloatArray | None:
    """Clip a large square by one inequality after the other."""
    size = float(np.abs(bounds).max(initial=0.0)) or 1.0
    half = max(1e9 * min(1.0, size), 1e3 * size)
    corners = half * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    for row, bound in zip(rows, bounds, strict=True):
        over = corners @ row - bound
        kept: list[FloatArray] = []
        for i in range(len(corners)):
            j = (i + 1) % len(corners)
            if over[i] <= 0.0:
                kept.append(corners[i])
            if (over[i] > 0.0) != (over[j] > 0.0):
                share = over[i] / (over[i] - over[j])
                kept.append(corners[i] + share * (corners[j] - corners[i]))
        if len(kept) < 3:
            return None
        corners = np.array(kept)
    return start + corners @ basis


def pieces_from(record: dict[str, Any]) -> Pieces:
    """Build pieces from a record of the compiled core."""
    n, m = record["interiors"].shape
    normals, values, value_errors, starts = record["equations"]
    # All pieces have the same number of equations.
    r = int(starts[1]) if n else 0
    inequalities, bounds, bound_errors, first = record["inequalities"]
    return Pieces(
        **{name: record[name] for name in ("parents", "phases", "depths", "regions")},
        interiors=record["interiors"],
        radii=record["radii"],
        equations=normals.reshape(n, r, m),
        values=values.reshape(n, r),
        inequalities=inequalities,
        bounds=bounds,
        starts=first,
        value_errors=value_errors.reshape(n, r),
        bound_errors=bound_errors,
    )


def record_of(pieces: Pieces) -> dict[str, Any]:
    """Return what the compiled core needs to go on with pieces: `pieces_from` backwards."""
    assert pieces.value_errors is not None
    n, r, m = pieces.equations.shape
    names = ("parents", "phases", "depths", "regions", "interiors", "radii")
    return {
        **{name: getattr(pieces, name) for name in names},
        "equations": (
            pieces.equations.reshape(n * r, m),
            pieces.values.ravel(),
            pieces.value_errors.ravel(),
            np.arange(n + 1) * r,
        ),
        "inequalities": (
            pieces.inequalities,
            pieces.bounds,
            pieces.bound_errors,
            pieces.starts,
        ),
    }


def joined(parts: Sequence[Pieces], n_states: int, n_units: int, r: int) -> Pieces:
    """Return the pieces of several manifolds as one; parents are numbered anew."""
    first = np.cumsum([0, *map(len, parts)])
    rows = np.cumsum([0, *(len(part.bounds) for part in parts)])
    empty = {
        "regions": np.empty((0, n_units), dtype=np.bool_),
        "interiors": np.empty((0, n_states)),
        "equations": np.empty((0, r, n_states)),
        "values": np.empty((0, r)),
        "inequalities": np.empty((0, n_states)),
        "value_errors": np.empty((0, r)),
    }
    errors = _ERROR_TYPES if all(part.has_errors for part in parts) else {}
    arrays: dict[str, Any] = {
        name: np.concatenate(
            [empty.get(name, np.empty(0, dtype)), *(getattr(part, name) for part in parts)]
        )
        for name, dtype in {**_TYPES, **errors}.items()
    }
    arrays["parents"] = np.concatenate(
        [np.empty(0, np.int64)]
        + [
            np.where(part.parents < 0, -1, part.parents + start)
            for part, start in zip(parts, first[:-1], strict=True)
        ]
    )
    arrays["starts"] = np.concatenate(
        [np.zeros(1, np.int64)]
        + [part.starts[1:] + start for part, start in zip(parts, rows[:-1], strict=True)]
    )
    return Pieces(**arrays)


def parts_of(pieces: Pieces, sizes: Sequence[int]) -> list[Pieces]:
    """Return the pieces of several manifolds again that were joined: `joined` backwards."""
    ends = np.cumsum([0, *sizes])
    found = []
    for first, last in itertools.pairwise(ends.tolist()):
        rows = slice(int(pieces.starts[first]), int(pieces.starts[last]))
        arrays: dict[str, Any] = {
            name: getattr(pieces, name)[rows if name in _BY_ROW else slice(first, last)]
            for name in {**_TYPES, **(_ERROR_TYPES if pieces.has_errors else {})}
        }
        parents = arrays["parents"]
        arrays["parents"] = np.where(parents < 0, -1, parents - first)
        arrays["starts"] = pieces.starts[first : last + 1] - pieces.starts[first]
        found.append(Pieces(**arrays))
    return found
