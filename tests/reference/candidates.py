"""The candidates of one itinerary: all solutions of its cyclic system that lie in its regions.

The regions are taken closed here (bit 1: pre-activation >= 0, bit 0: <= 0). F is continuous, so a
point on a border obeys the affine pieces on both sides and belongs to the candidates of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from reference.exact_map import ExactMap, Region
from reference.polyhedron import Polyhedron, intersect_half_spaces
from reference.rational import Matrix, Vector, add, apply, dot, identity, multiply, solve_affine

Itinerary = tuple[Region, ...]


@dataclass(frozen=True)
class AffineOrbit:
    """The orbit of z_1 under the affine pieces of one itinerary: z_t = matrix_t z_1 + offset_t."""

    map: ExactMap
    itinerary: Itinerary

    @cached_property
    def pieces(self) -> list[tuple[Matrix, Vector]]:
        """For t = 1 ... k + 1; the last one is the return map."""
        n = self.map.n_states
        result = [(identity(n), [Fraction(0)] * n)]
        for region in self.itinerary:
            jacobian, constant = self.map.affine_piece(region)
            matrix, offset = result[-1]
            result.append((multiply(jacobian, matrix), add(apply(jacobian, offset), constant)))
        return result

    @cached_property
    def sign_constraints(self) -> list[tuple[Fraction, Vector]]:
        """Pairs (offset, gradient) with offset + gradient . z_1 >= 0 in the closed regions."""
        constraints = []
        for region, (matrix, offset) in zip(self.itinerary, self.pieces[:-1], strict=True):
            for unit in self.map.relevant_units:
                weights = self.map.W2[unit]
                sign = Fraction(1 if region[unit] else -1)
                level = sign * (dot(weights, offset) + self.map.h2[unit])
                gradient = [sign * x for x in apply(list(zip(*matrix, strict=True)), weights)]
                constraints.append((level, gradient))
        return constraints

    @cached_property
    def closing_equations(self) -> tuple[Matrix, Vector]:
        """I - P and c of (I - P) z_1 = c."""
        matrix, offset = self.pieces[-1]
        unit = identity(self.map.n_states)
        difference = [
            [i - p for i, p in zip(unit_row, row, strict=True)]
            for unit_row, row in zip(unit, matrix, strict=True)
        ]
        return difference, offset

    def orbit(self, z: Vector) -> tuple[Vector, ...]:
        return tuple(add(apply(matrix, z), offset) for matrix, offset in self.pieces[:-1])

    def contains(self, z: Vector) -> bool:
        """Whether z solves the cyclic system inside the closed regions."""
        difference, right = self.closing_equations
        return apply(difference, z) == right and all(
            level + dot(gradient, z) >= 0 for level, gradient in self.sign_constraints
        )

    def admits_ray(self, direction: Vector) -> bool:
        """Whether the set of solutions stays inside the closed regions along the direction."""
        difference, _ = self.closing_equations
        return not any(apply(difference, direction)) and all(
            dot(gradient, direction) >= 0 for _, gradient in self.sign_constraints
        )


@dataclass(frozen=True)
class CandidateSet:
    """The solutions of one itinerary in its closed regions, as a set of first points z_1."""

    orbit: AffineOrbit
    polyhedron: Polyhedron

    def is_subset_of(self, other: AffineOrbit) -> bool:
        lines = self.polyhedron.lines
        both_ways = [*self.polyhedron.rays, *lines, *([-x for x in line] for line in lines)]
        return all(map(other.contains, self.polyhedron.vertices)) and all(
            map(other.admits_ray, both_ways)
        )


def candidate_set(map_: ExactMap, itinerary: Sequence[Sequence[bool]]) -> CandidateSet | None:
    """The candidate set of an itinerary, or None where it is empty."""
    regions = tuple(tuple(bool(bit) for bit in region) for region in itinerary)
    orbit = AffineOrbit(map_, regions)
    solution = solve_affine(*orbit.closing_equations)
    if solution is None:
        return None
    origin, null_space = solution
    constraints = [
        (level + dot(gradient, origin), [dot(gradient, vector) for vector in null_space])
        for level, gradient in orbit.sign_constraints
    ]
    if not null_space and any(level < 0 for level, _ in constraints):
        return None
    polyhedron = intersect_half_spaces(len(null_space), constraints)
    if polyhedron.is_empty:
        return None
    return CandidateSet(orbit, polyhedron.image(origin, null_space))
