"""Lines, planes and higher sets of fixed points or cycles: where I - J is singular."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnndyn._common.arrays import (
    BoolArray,
    ComplexArray,
    FloatArray,
    finite_numbers,
    frozen,
    itinerary_text,
)
from rnndyn._common.compare import ByFields
from rnndyn._common.words import finite_or_none, format_modulus
from rnndyn.cycles.cycle import complex_to_lists
from rnndyn.results.table import html_text, table_of


@dataclass(frozen=True, eq=False, repr=False)
class ContinuumOfFixedPoints(ByFields):
    """A connected piece of an affine space made of fixed points (or of points of k-cycles).

    Line attractors and plane attractors are such sets. They arise where ``I - J`` is singular, with
    J the Jacobian around the cycle, and its equation still has a solution. All members share one
    itinerary; the set of their first points is the polytope ``points[0] + basis @ c`` with
    ``normals @ c <= offsets``.

    Attributes
    ----------
    order : int
        Order k of the members: 1 for fixed points.
    points : ndarray of float64, shape (k, M)
        Orbit of one member, inside the set.
    itinerary : ndarray of bool, shape (k, H)
        Regions that the members visit.
    basis : ndarray of float64, shape (M, d)
        Orthonormal directions of the set at ``points[0]``.
    extent : ndarray of float64, shape (d, 2)
        Smallest and largest coordinate along each direction, relative to ``points[0]``; infinite
        where the set does not end.
    multipliers : ndarray of complex128, shape (M,)
        Multipliers of every member, by decreasing modulus; d of them are 1.
    log_moduli : ndarray of float64, shape (M,)
        Natural logarithms of their moduli.
    spectral_radius : float
        Modulus of the largest multiplier.
    residual : float
        max over t of ``|F(points[t]) - points[t + 1]|``.
    on_border : bool
        Whether the set lies within a border of its regions.
    normals : ndarray of float64, shape (q, d)
        Left sides of the inequalities ``normals @ c <= offsets`` that bound the set.
    offsets : ndarray of float64, shape (q,)
        Right sides of these inequalities.
    hits : int
        Number of restarts of the search that ended in this set.

    Examples
    --------
    A network that keeps its first state as long as that is positive:

    >>> import rnndyn as rd
    >>> model = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
    >>> line = rd.solve_cycle(model, [[True, True]])
    >>> line.dimension
    1
    >>> line.endpoints()
    (array([0., 2.]), None)
    >>> line.contains([17.0, 2.0]), line.contains([-1.0, 2.0])
    (True, False)
    """

    order: int
    points: FloatArray
    itinerary: BoolArray
    basis: FloatArray
    extent: FloatArray
    multipliers: ComplexArray
    log_moduli: FloatArray
    spectral_radius: float
    residual: float
    on_border: bool
    normals: FloatArray
    offsets: FloatArray
    hits: int = 0

    def __post_init__(self) -> None:
        for name in ("points", "basis", "extent", "log_moduli", "normals", "offsets"):
            object.__setattr__(self, name, frozen(getattr(self, name), np.float64))
        object.__setattr__(self, "itinerary", frozen(self.itinerary, np.bool_))
        object.__setattr__(self, "multipliers", frozen(self.multipliers, np.complex128))

    @property
    def dimension(self) -> int:
        """Dimension d of the set: 1 for a line of fixed points, 2 for a plane."""
        return int(self.basis.shape[1])

    def endpoints(self) -> tuple[FloatArray | None, FloatArray | None]:
        """Return the two ends of a line of fixed points.

        Returns
        -------
        tuple of (ndarray of shape (M,) or None)
            The ends in the direction of ``-basis[:, 0]`` and of ``+basis[:, 0]``; None where the
            line has no end.

        Raises
        ------
        ValueError
            If the set is not a line.
        """
        if self.dimension != 1:
            raise ValueError(
                f"endpoints() is for lines, but this set has dimension {self.dimension}; "
                "use normals and offsets, or sample()"
            )
        lower, upper = (
            self.points[0] + self.basis[:, 0] * coordinate if np.isfinite(coordinate) else None
            for coordinate in self.extent[0]
        )
        return lower, upper

    def contains(self, z: ArrayLike, tolerance: float = 1e-9) -> bool:
        """Whether a state of the model of the cycles is a first point of a member of this set.

        Parameters
        ----------
        z : (M,) array_like
            The state; that of a stacked ReLU `RNN` as by `RNN.layers_apart`.
        tolerance : float
            By how much it may miss the set.
        """
        state = finite_numbers("z", z, self.points[0].shape)
        difference = state - self.points[0]
        coordinates = self.basis.T @ difference
        distance = np.abs(difference - self.basis @ coordinates).max()
        inside = np.all(self.normals @ coordinates <= self.offsets + tolerance)
        return bool(distance <= tolerance and inside)

    def sample(self, n: int, seed: int = 0, radius: float = 1.0) -> FloatArray:
        """Draw first points of members of the set, uniformly, by a hit-and-run walk.

        Parameters
        ----------
        n : int
            Number of points.
        seed : int
            Seed of the random numbers.
        radius : float
            Where the set does not end, points are taken up to this distance, along each
            direction, from ``points[0]``.

        Returns
        -------
        ndarray of float64, shape (n, M)

        References
        ----------
        R. L. Smith, Operations Research 32 (1984) 1296-1308 (hit-and-run).
        """
        generator = np.random.default_rng(seed)
        dimension = self.dimension
        lower = np.where(np.isfinite(self.extent[:, 0]), self.extent[:, 0], -radius)
        upper = np.where(np.isfinite(self.extent[:, 1]), self.extent[:, 1], radius)
        normals = np.vstack([self.normals, np.eye(dimension), -np.eye(dimension)])
        offsets = np.concatenate([self.offsets, upper, -lower])
        coordinates = np.zeros(dimension)
        samples = np.empty((n, self.basis.shape[0]))
        # A line needs one step for an independent draw; in more dimensions a few steps per
        # direction are made between two points that are kept.
        steps_between = 1 if dimension == 1 else 5 * dimension
        for row in samples:
            for _ in range(steps_between):
                direction = generator.standard_normal(dimension)
                direction /= np.linalg.norm(direction)
                rates = normals @ direction
                room = offsets - normals @ coordinates
                forward = np.min(room[rates > 0] / rates[rates > 0])
                backward = np.max(room[rates < 0] / rates[rates < 0])
                coordinates = coordinates + direction * generator.uniform(backward, forward)
            row[:] = self.points[0] + self.basis @ coordinates
        return samples

    def to_dict(self) -> dict[str, Any]:
        """Return the set as plain numbers and lists for JSON; infinite numbers become None."""
        return {
            "order": self.order,
            "dimension": self.dimension,
            "spectral_radius": finite_or_none(self.spectral_radius),
            "residual": self.residual,
            "on_border": self.on_border,
            "hits": self.hits,
            "itinerary": itinerary_text(self.itinerary),
            "points": self.points.tolist(),
            "basis": self.basis.tolist(),
            "extent": [[finite_or_none(value) for value in row] for row in self.extent],
            "multipliers": complex_to_lists(self.multipliers),
        }

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((self.order, self.itinerary.tobytes(), self.points.tobytes()))

    def _repr_html_(self) -> str:
        return html_text(table_of(self))

    def __repr__(self) -> str:
        extent = ", ".join(f"[{low:.4g}, {high:.4g}]" for low, high in self.extent)
        radius = format_modulus(self.spectral_radius, float(self.log_moduli.max()))
        return (
            f"ContinuumOfFixedPoints(order={self.order}, dimension={self.dimension}, "
            f"spectral_radius={radius}, extent=[{extent}])"
        )


def continuum_from_record(record: dict[str, Any], canonical: Any) -> ContinuumOfFixedPoints:
    """Build a continuum from a record of the compiled core and the map it belongs to."""
    names = {field.name for field in dataclasses.fields(ContinuumOfFixedPoints)}
    values = {name: value for name, value in record.items() if name in names}
    normals, offsets = _bounding_inequalities(record, canonical)
    return ContinuumOfFixedPoints(**values, normals=normals, offsets=offsets)


def _bounding_inequalities(record: dict[str, Any], canonical: Any) -> tuple[FloatArray, FloatArray]:
    """Return the inequalities that the regions of the itinerary set on the coordinates.

    Along the set every pre-activation is an affine function of the coordinates; its sign is fixed
    by the itinerary. Units without an outgoing weight cannot change the map and set no bound.
    """
    points = np.asarray(record["points"], dtype=np.float64)
    itinerary = np.asarray(record["itinerary"], dtype=np.bool_)
    directions = np.asarray(record["basis"], dtype=np.float64)
    relevant = np.any(canonical.W1 != 0.0, axis=0)
    normals, offsets = [], []
    for point, region in zip(points, itinerary, strict=True):
        sign = np.where(region, -1.0, 1.0)[relevant, None]
        rates = sign * (canonical.W2 @ directions)[relevant]
        values = sign[:, 0] * canonical.preactivation(point)[relevant]
        # A rate that is zero but for rounding belongs to a unit that does not bound the set.
        scale = np.abs(canonical.W2).sum(axis=1)[relevant] * np.abs(directions).max()
        bounding = np.abs(rates).max(axis=1) > 1e-12 * scale
        normals.append(rates[bounding])
        offsets.append(-values[bounding])
        directions = canonical.jacobian(region) @ directions
    return np.vstack(normals), np.concatenate(offsets)
