"""Linear algebra over the rational numbers, on lists of `fractions.Fraction`."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

Vector = list[Fraction]
Matrix = list[Vector]


def exact_vector(values: Iterable[float]) -> Vector:
    """The numbers exactly as stored: every finite float is a rational number."""
    return [Fraction(float(value)) for value in values]


def exact_matrix(rows: Iterable[Iterable[float]]) -> Matrix:
    return [exact_vector(row) for row in rows]


def identity(n: int) -> Matrix:
    return [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]


def dot(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(x, y, strict=True) if a and b), Fraction(0))


def apply(matrix: Matrix, x: Sequence[Fraction]) -> Vector:
    return [dot(row, x) for row in matrix]


def multiply(left: Matrix, right: Matrix) -> Matrix:
    columns = list(zip(*right, strict=True))
    return [[dot(row, column) for column in columns] for row in left]


def add(x: Sequence[Fraction], y: Sequence[Fraction]) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def combine(
    factor_x: Fraction, x: Sequence[Fraction], factor_y: Fraction, y: Sequence[Fraction]
) -> Vector:
    """factor_x * x + factor_y * y."""
    return [factor_x * a + factor_y * b for a, b in zip(x, y, strict=True)]


def reduced_row_echelon(matrix: Matrix) -> tuple[Matrix, list[int]]:
    """The reduced row echelon form without its zero rows, and the pivot columns."""
    rows = [list(row) for row in matrix]
    pivots: list[int] = []
    n_columns = len(rows[0]) if rows else 0
    for column in range(n_columns):
        rank_so_far = len(pivots)
        pivot_row = next((i for i in range(rank_so_far, len(rows)) if rows[i][column]), None)
        if pivot_row is None:
            continue
        rows[rank_so_far], rows[pivot_row] = rows[pivot_row], rows[rank_so_far]
        pivot = rows[rank_so_far][column]
        rows[rank_so_far] = [value / pivot for value in rows[rank_so_far]]
        for i, row in enumerate(rows):
            if i != rank_so_far and row[column]:
                rows[i] = combine(Fraction(1), row, -row[column], rows[rank_so_far])
        pivots.append(column)
    return rows[: len(pivots)], pivots


def rank(rows: Matrix) -> int:
    return len(reduced_row_echelon(rows)[1])


def solve_affine(matrix: Matrix, right: Sequence[Fraction]) -> tuple[Vector, Matrix] | None:
    """All solutions of matrix @ x = right: one of them and a basis of the null space.

    None where there is no solution.
    """
    n = len(matrix[0])
    augmented = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    rows, pivots = reduced_row_echelon(augmented)
    if n in pivots:
        return None
    particular = [Fraction(0)] * n
    for row, pivot in zip(rows, pivots, strict=True):
        particular[pivot] = row[n]
    null_space = []
    for free in (column for column in range(n) if column not in pivots):
        direction = [Fraction(0)] * n
        direction[free] = Fraction(1)
        for row, pivot in zip(rows, pivots, strict=True):
            direction[pivot] = -row[free]
        null_space.append(direction)
    return particular, null_space
