"""The canonical map F(z) = A z + W1 relu(W2 z + h2) + h1 in rational arithmetic."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reference.filtering import relevant_units
from reference.rational import (
    Matrix,
    Vector,
    add,
    apply,
    exact_matrix,
    exact_vector,
    multiply,
)

Region = tuple[bool, ...]


@dataclass(frozen=True)
class ExactMap:
    A: Matrix
    W1: Matrix
    W2: Matrix
    h1: Vector
    h2: Vector

    @classmethod
    def of(cls, canonical: Any) -> "ExactMap":
        """From anything with attributes A, W1, W2, h1, h2, for example ``model.canonical``."""
        return cls(
            exact_matrix(canonical.A),
            exact_matrix(canonical.W1),
            exact_matrix(canonical.W2),
            exact_vector(canonical.h1),
            exact_vector(canonical.h2),
        )

    @property
    def n_states(self) -> int:
        return len(self.A)

    @property
    def n_units(self) -> int:
        return len(self.W2)

    @property
    def relevant_units(self) -> list[int]:
        return relevant_units(self)

    def preactivation(self, z: Vector) -> Vector:
        return add(apply(self.W2, z), self.h2)

    def region(self, z: Vector) -> Region:
        return tuple(p > 0 for p in self.preactivation(z))

    def step(self, z: Vector) -> Vector:
        activation = [max(p, Fraction(0)) for p in self.preactivation(z)]
        return add(add(apply(self.A, z), apply(self.W1, activation)), self.h1)

    def affine_piece(self, region: Region) -> tuple[Matrix, Vector]:
        """Jacobian and offset of the map inside one region."""
        gated = [
            [w if on else Fraction(0) for w, on in zip(row, region, strict=True)] for row in self.W1
        ]
        jacobian = [add(a, b) for a, b in zip(self.A, multiply(gated, self.W2), strict=True)]
        return jacobian, add(apply(gated, self.h2), self.h1)
