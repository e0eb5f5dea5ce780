"""Exact polyhedra { y : offset_i + gradient_i . y >= 0 } by the double description method.

The polyhedron is the slice y_0 = 1 of a cone in one more dimension. The cone is kept as generators
(lines, and rays that are all extreme) and cut by one half-space after the other (Motzkin, Raiffa,
Thompson and Thrall 1953; adjacent rays by the combinatorial test of Fukuda and Prodon 1996).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from reference.rational import Matrix, Vector, add, combine, dot, identity, rank


@dataclass(frozen=True)
class Polyhedron:
    """A polyhedron as the sum of a polytope (vertices), a cone (rays) and a linear space (lines).

    Without lines the vertices and rays are exactly its own; with lines the vertices are
    representatives. No vertex means that the polyhedron is empty.
    """

    vertices: tuple[Vector, ...]
    rays: tuple[Vector, ...]
    lines: tuple[Vector, ...]

    @property
    def is_empty(self) -> bool:
        return not self.vertices

    @property
    def directions(self) -> Matrix:
        """Vectors that span the affine hull from the first vertex."""
        first = self.vertices[0]
        edges = [combine(Fraction(1), v, Fraction(-1), first) for v in self.vertices[1:]]
        return [*edges, *self.rays, *self.lines]

    @property
    def dimension(self) -> int:
        """Dimension of the affine hull; -1 for the empty set."""
        return -1 if self.is_empty else rank(self.directions)

    def interior_point(self) -> Vector:
        """A point of the relative interior."""
        share = Fraction(1, len(self.vertices))
        point = [share * sum(column) for column in zip(*self.vertices, strict=True)]
        for ray in self.rays:
            point = add(point, ray)
        return point

    def image(self, origin: Vector, basis: Matrix) -> "Polyhedron":
        """The polyhedron { origin + sum_j y_j basis_j }."""

        def linear(y: Vector) -> Vector:
            total = [Fraction(0)] * len(origin)
            for coordinate, vector in zip(y, basis, strict=True):
                total = combine(Fraction(1), total, coordinate, vector)
            return total

        return Polyhedron(
            vertices=tuple(add(origin, linear(y)) for y in self.vertices),
            rays=tuple(linear(y) for y in self.rays),
            lines=tuple(linear(y) for y in self.lines),
        )


def intersect_half_spaces(
    dimension: int, constraints: Sequence[tuple[Fraction, Vector]]
) -> Polyhedron:
    """The polyhedron { y : offset + gradient . y >= 0 for every (offset, gradient) }."""
    cone = _Cone(dimension + 1)
    cone.cut([Fraction(1)] + [Fraction(0)] * dimension)
    for offset, gradient in constraints:
        cone.cut([offset, *gradient])
        if all(ray[0] == 0 for ray in cone.rays):
            return Polyhedron((), (), ())
    return Polyhedron(
        vertices=tuple([x / ray[0] for x in ray[1:]] for ray in cone.rays if ray[0] > 0),
        rays=tuple(ray[1:] for ray in cone.rays if ray[0] == 0),
        lines=tuple(line[1:] for line in cone.lines),
    )


class _Cone:
    def __init__(self, dimension: int) -> None:
        self.lines = identity(dimension)
        self.rays: Matrix = []
        self.normals: Matrix = []

    def cut(self, normal: Vector) -> None:
        """Intersect with { x : normal . x >= 0 }."""
        bent = next((line for line in self.lines if dot(normal, line)), None)
        if bent is not None:
            self._turn_line_into_ray(bent, normal)
        else:
            self._cut_rays(normal)
        self.normals.append(normal)

    def _turn_line_into_ray(self, bent: Vector, normal: Vector) -> None:
        bent_inwards = [-x for x in bent] if dot(normal, bent) < 0 else bent
        height = dot(normal, bent_inwards)

        def onto_border(x: Vector) -> Vector:
            return combine(Fraction(1), x, -dot(normal, x) / height, bent_inwards)

        self.lines = [onto_border(line) for line in self.lines if line is not bent]
        self.rays = [*(onto_border(ray) for ray in self.rays), bent_inwards]

    def _cut_rays(self, normal: Vector) -> None:
        heights = [dot(normal, ray) for ray in self.rays]
        if min(heights, default=Fraction(0)) >= 0:
            return
        tight = [
            {i for i, earlier in enumerate(self.normals) if dot(earlier, ray) == 0}
            for ray in self.rays
        ]
        kept = [ray for ray, height in zip(self.rays, heights, strict=True) if height >= 0]
        for i, above in enumerate(heights):
            for j, below in enumerate(heights):
                if above <= 0 or below >= 0:
                    continue
                shared = tight[i] & tight[j]
                adjacent = not any(
                    shared <= other for m, other in enumerate(tight) if m not in (i, j)
                )
                if adjacent:
                    kept.append(_scaled(combine(above, self.rays[j], -below, self.rays[i])))
        self.rays = kept


def _scaled(ray: Vector) -> Vector:
    """The same ray with entries of ordinary size, so that the fractions stay short."""
    size = sum(abs(x) for x in ray)
    return [x / size for x in ray]
