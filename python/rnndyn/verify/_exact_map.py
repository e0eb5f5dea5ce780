"""The map of a network in exact arithmetic.

Every finite float is an integer divided by a power of two, so all arithmetic on the parameters can
be done on Python's integers.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

Rows = list[list[int]]


class Arrays(Protocol):
    """A map of the same form, its numbers in units of 2^-`shift`, with its relevant units."""

    n_states: int
    n_units: int
    shift: int
    A: Rows
    W1: Rows
    W2: Rows
    h1: list[int]
    h2: list[int]
    relevant: list[int]


def common_shift(values: Iterable[float]) -> int:
    """Return the smallest s >= 0 such that every value times 2**s is an integer."""
    return max((value.as_integer_ratio()[1].bit_length() - 1 for value in values), default=0)


def scaled(value: float, shift: int) -> int:
    """Return value * 2**shift, which must be an integer."""
    numerator, denominator = value.as_integer_ratio()
    return numerator * ((1 << shift) // denominator)


def fingerprint(
    A: Sequence[Sequence[float]],
    W1: Sequence[Sequence[float]],
    W2: Sequence[Sequence[float]],
    h1: Sequence[float],
    h2: Sequence[float],
) -> str:
    """Return the SHA-256 of the sizes M and H and of A, W1, W2 (row by row), h1 and h2.

    Sizes are written as little-endian 64-bit integers, numbers as little-endian float64. The two
    zeros of floating-point numbers are one number, so -0.0 is written as 0.0.
    """
    digest = hashlib.sha256(struct.pack("<qq", len(h1), len(h2)))
    for row in (*A, *W1, *W2, h1, h2):
        digest.update(struct.pack(f"<{len(row)}d", *(value + 0.0 for value in row)))
    return digest.hexdigest()


@dataclass(frozen=True)
class AffinePiece:
    """z -> (jacobian z + offset) / 2**shift, the map inside one region."""

    jacobian: Rows
    offset: list[int]
    shift: int


class ExactMap:
    """F(z) = A z + W1 relu(W2 z + h2) + h1, whose entries are these integers divided by `one`.

    A region is the integer whose bit i says whether unit i is on. Units that cannot change the map
    are not relevant: their column of W1 is zero, or they are off everywhere. Their bits are 0.
    """

    def __init__(
        self,
        A: Sequence[Sequence[float]],
        W1: Sequence[Sequence[float]],
        W2: Sequence[Sequence[float]],
        h1: Sequence[float],
        h2: Sequence[float],
    ) -> None:
        self.n_states, self.n_units = len(h1), len(h2)
        self.fingerprint = fingerprint(A, W1, W2, h1, h2)
        shift = common_shift(value for row in (*A, *W1, *W2, h1, h2) for value in row)
        self.shift, self.one = shift, 1 << shift
        self.A, self.W1, self.W2 = (
            [[scaled(value, shift) for value in row] for row in rows] for rows in (A, W1, W2)
        )
        self.h1, self.h2 = ([scaled(value, shift) for value in row] for row in (h1, h2))
        self.always_off = [
            not any(weights) and bias <= 0 for weights, bias in zip(self.W2, self.h2, strict=True)
        ]
        self.relevant = [
            unit
            for unit in range(self.n_units)
            if any(row[unit] for row in self.W1) and not self.always_off[unit]
        ]
        self.relevant_mask = sum(1 << unit for unit in self.relevant)
        #: Whether F(s z) = s F(z) for s > 0.
        self.is_homogeneous = not any(self.h1) and not any(self.h2[unit] for unit in self.relevant)
        self._pieces: dict[int, AffinePiece] = {}

    def piece(self, region: int) -> AffinePiece:
        """Return the map inside a region: J = A + W1 D W2 and c = W1 D h2 + h1."""
        if region not in self._pieces:
            self._pieces[region] = self._build_piece(region)
        return self._pieces[region]

    def _build_piece(self, region: int) -> AffinePiece:
        on = [unit for unit in self.relevant if region >> unit & 1]
        jacobian, offset = [], []
        for a_row, w_row, bias in zip(self.A, self.W1, self.h1, strict=True):
            row = [value * self.one for value in a_row]
            constant = bias * self.one
            for unit in on:
                if weight := w_row[unit]:
                    constant += weight * self.h2[unit]
                    for column, value in enumerate(self.W2[unit]):
                        row[column] += weight * value
            jacobian.append(row)
            offset.append(constant)
        # Shorter integers: take out the powers of two that all of them have in common.
        joined = 0
        for value in (*offset, *(value for row in jacobian for value in row)):
            joined |= value
        shift = 2 * self.shift
        spare = min(shift, (joined & -joined).bit_length() - 1) if joined else shift
        return AffinePiece(
            [[value >> spare for value in row] for row in jacobian],
            [value >> spare for value in offset],
            shift - spare,
        )
