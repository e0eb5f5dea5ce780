"""Exact linear algebra: systems of equations over the integers, and feasibility of inequalities."""

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from operator import mul

#: The affine function form[0] + form[1] y_1 + form[2] y_2 + ...
Form = Sequence[int]


def reduced_rows(matrix: list[list[int]], n_columns: int) -> tuple[list[list[int]], list[int], int]:
    """Return the reduced row echelon form over the first columns, without division.

    Parameters
    ----------
    matrix : list of rows
        Changed in place.
    n_columns : int
        Columns in which to look for pivots; what is right of them goes along.

    Returns
    -------
    rows, pivots, denominator
        Row r, divided by the denominator, has a 1 in column ``pivots[r]`` and zeros in the columns
        of the other pivots. The rows without a pivot come last.

    Notes
    -----
    Gauss-Jordan elimination in which every entry is a minor of the matrix, so that the division by
    the last pivot leaves no remainder (Bareiss, Math. Comp. 22 (1968) 565).
    """
    pivots: list[int] = []
    last = 1
    for column in range(n_columns):
        r = len(pivots)
        found = next((i for i in range(r, len(matrix)) if matrix[i][column]), None)
        if found is None:
            continue
        matrix[r], matrix[found] = matrix[found], matrix[r]
        pivot_row = matrix[r]
        pivot = pivot_row[column]
        for i, row in enumerate(matrix):
            if i == r:
                continue
            factor = row[column]
            if factor:
                matrix[i] = [
                    (pivot * x - factor * y) // last for x, y in zip(row, pivot_row, strict=True)
                ]
            elif pivot != last:
                matrix[i] = [pivot * x // last for x in row]
        pivots.append(column)
        last = pivot
    return matrix, pivots, last


def solve(matrix: list[list[int]], right: list[int]) -> tuple[list[list[int]], int] | None:
    """Solve matrix x = right exactly.

    Returns
    -------
    (columns, denominator) or None
        All solutions are ``(columns[0] + y_1 columns[1] + ...) / denominator``, with a positive
        denominator; None if there is none.
    """
    n = len(matrix[0])
    if len(matrix) == n >= _FEWEST_LIFTED and (lifted := _solve_by_lifting(matrix, right)):
        values, denominator = lifted
        return [values], denominator
    rows, pivots, denominator = reduced_rows(
        [[*row, value] for row, value in zip(matrix, right, strict=True)], n
    )
    if any(row[n] for row in rows[len(pivots) :]):
        return None
    sign = 1 if denominator > 0 else -1
    origin = [0] * n
    for row, pivot in zip(rows, pivots, strict=False):
        origin[pivot] = sign * row[n]
    columns = [origin]
    for free in sorted(set(range(n)) - set(pivots)):
        direction = [0] * n
        direction[free] = sign * denominator
        for row, pivot in zip(rows, pivots, strict=False):
            direction[pivot] = -sign * row[free]
        columns.append(direction)
    return columns, sign * denominator


#: With fewer unknowns elimination is as quick.
_FEWEST_LIFTED = 14
_PRIME = (1 << 61) - 1


def _solve_by_lifting(matrix: list[list[int]], right: list[int]) -> tuple[list[int], int] | None:
    """Solve a square system digit by digit modulo powers of a prime; None where that fails.

    From the inverse modulo a prime p come the digits of the solution to the base p, and from enough
    of these its numerators and their common denominator (Dixon, Numer. Math. 40 (1982) 137). What
    is returned was put into the equations. The only solution, as the matrix is invertible modulo p.
    """
    inverse = _inverse_modulo_prime(matrix)
    if inverse is None:
        return None
    # Hadamard: no numerator and no denominator is larger than the product of these lengths.
    n_bits = sum(
        max(1, sum(value * value for value in row) + b * b).bit_length() // 2 + 1
        for row, b in zip(matrix, right, strict=True)
    )
    solution = [0] * len(matrix)
    rest, power = list(right), 1
    enough = 1 << (2 * n_bits + 2)
    next_try = 1 << min(512, 2 * n_bits + 2)
    while True:
        digits = [sum(map(mul, row, rest)) % _PRIME for row in inverse]
        solution = [value + power * digit for value, digit in zip(solution, digits, strict=True)]
        power *= _PRIME
        rest = [
            (value - sum(map(mul, row, digits))) // _PRIME
            for value, row in zip(rest, matrix, strict=True)
        ]
        if power > next_try:
            found = _fractions(solution, power)
            if found is not None and all(
                sum(map(mul, row, found[0])) == b * found[1]
                for row, b in zip(matrix, right, strict=True)
            ):
                return found
            if power > enough:
                return None
            next_try = min(next_try * next_try, enough)


def _inverse_modulo_prime(matrix: list[list[int]]) -> list[list[int]] | None:
    n, p = len(matrix), _PRIME
    rows = [
        [*(value % p for value in row), *(int(i == j) for j in range(n))]
        for i, row in enumerate(matrix)
    ]
    for c in range(n):
        pivot = next((i for i in range(c, n) if rows[i][c]), None)
        if pivot is None:
            return None
        rows[c], rows[pivot] = rows[pivot], rows[c]
        factor = pow(rows[c][c], -1, p)
        own = rows[c] = [value * factor % p for value in rows[c]]
        for i, row in enumerate(rows):
            if i != c and (factor := row[c]):
                rows[i] = [(a - factor * b) % p for a, b in zip(row, own, strict=True)]
    return [row[n:] for row in rows]


def _fractions(values: list[int], modulus: int) -> tuple[list[int], int] | None:
    """Return numerators and a common denominator, all small, that are `values` by the modulus."""
    bound = isqrt(modulus // 2)
    denominator = 1
    numerators: list[int] = []
    for value in values:
        a, b = modulus, value * denominator % modulus
        if modulus - b <= bound:
            numerators.append(b - modulus)
            continue
        # Euclid's algorithm, until the remainder is small.
        s, t = 0, 1
        while b > bound:
            quotient = a // b
            a, b, s, t = b, a - quotient * b, t, s - quotient * t
        if abs(t) > bound or t == 0:
            return None
        if t < 0:
            b, t = -b, -t
        if t != 1:
            denominator *= t
            if denominator > bound:
                return None
            numerators = [numerator * t for numerator in numerators]
        numerators.append(b)
    return numerators, denominator


def is_positive_definite(matrix: list[list[int]]) -> bool:
    """Whether a symmetric matrix is: by Sylvester, all its leading minors must be positive."""
    work = [list(row) for row in matrix]
    last = 1
    for r, pivot_row in enumerate(work):
        pivot = pivot_row[r]
        if pivot <= 0:
            return False
        for i in range(r + 1, len(work)):
            row = work[i]
            factor = row[r]
            for j in range(r + 1, len(row)):
                row[j] = (pivot * row[j] - factor * pivot_row[j]) // last
        last = pivot
    return True


#: Bits behind the point of a scaled matrix and of its factor; what is left to be sure.
_MATRIX_BITS, _FACTOR_BITS = 64, 44
_ROOM = 1e-9


def is_surely_positive_definite(matrix: list[list[int]]) -> bool:
    """Whether a symmetric matrix is shown to be positive definite by an approximate factor.

    It is scaled to a diagonal near 1. The Cholesky factor C of what is left without `_ROOM` is
    computed in floating point; C^T C is positive semidefinite whatever its errors are, and what it
    differs from the matrix, added up in exact arithmetic row by row, must be below `_ROOM`.
    """
    n = len(matrix)
    if any(row[i] <= 0 for i, row in enumerate(matrix)):
        return False
    # Scaled by powers of two; the entries are cut, by less than one unit each.
    scales = [row[i].bit_length() // 2 for i, row in enumerate(matrix)]
    scaled = [
        [_shifted(matrix[i][j], _MATRIX_BITS - scales[i] - scales[j]) for j in range(i + 1)]
        for i in range(n)
    ]
    one = 1 << _MATRIX_BITS
    factor: list[list[int]] = []
    numbers: list[list[float]] = []
    for i in range(n):
        row: list[float] = []
        for j in range(i):
            other = numbers[j]
            total = scaled[i][j] / one - sum(a * b for a, b in zip(row, other, strict=False))
            row.append(total / other[j])
        pivot = scaled[i][i] / one - _ROOM - sum(a * a for a in row)
        if not pivot > 0.0:
            return False
        row.append(pivot**0.5)
        numbers.append(row)
        factor.append([round(value * (1 << _FACTOR_BITS)) for value in row])
    up = 2 * _FACTOR_BITS - _MATRIX_BITS
    room = int(_ROOM * one) << up
    left = [n << up] * n
    for i in range(n):
        for j in range(i + 1):
            product = sum(a * b for a, b in zip(factor[i], factor[j], strict=False))
            difference = abs((scaled[i][j] << up) - product - (room if i == j else 0))
            left[i] += difference
            if i != j:
                left[j] += difference
    return max(left) < room


def _shifted(value: int, by: int) -> int:
    return value << by if by >= 0 else value >> -by


def feasible(forms: Sequence[Form], dimension: int) -> bool:
    """Whether some y makes all forms nonnegative.

    The simplex method in exact arithmetic. Variables enter and leave by their smallest number, so
    that it ends (Bland, Math. Oper. Res. 2 (1977) 103).
    """
    # basic[i] = rows[i][0] + sum of rows[i][j] * nonbasic[j]; every variable but y is >= 0.
    rows = [[Fraction(value) for value in form] for form in forms]
    basic = list(range(len(rows)))
    nonbasic = [-1] * (dimension + 1)
    kept = [0]
    for j in range(1, dimension + 1):
        # y_j is free: solve one form for it and forget that row.
        i = next((i for i, row in enumerate(rows) if row[j]), None)
        if i is None:
            continue
        _exchange(rows, i, j)
        nonbasic[j] = basic[i]
        kept.append(j)
        del rows[i], basic[i]
    rows = [[row[j] for j in kept] for row in rows]
    nonbasic = [nonbasic[j] for j in kept]
    while True:
        negative = [(basic[i], i) for i, row in enumerate(rows) if row[0] < 0]
        if not negative:
            return True
        _, i = min(negative)
        entering = [(nonbasic[j], j) for j in range(1, len(kept)) if rows[i][j] > 0]
        if not entering:
            return False
        _, j = min(entering)
        _exchange(rows, i, j)
        basic[i], nonbasic[j] = nonbasic[j], basic[i]


def _exchange(rows: list[list[Fraction]], i: int, j: int) -> None:
    """Solve row i for its variable j and put that into the other rows."""
    pivot = rows[i][j]
    solved = [-value / pivot for value in rows[i]]
    solved[j] = 1 / pivot
    rows[i] = solved
    for other, row in enumerate(rows):
        factor = row[j]
        if other != i and factor:
            rows[other] = [x + factor * y for x, y in zip(row, solved, strict=True)]
            rows[other][j] = factor * solved[j]


def implies(forms: Sequence[Form], form: Form, dimension: int) -> bool:
    """Whether `form` is nonnegative wherever all `forms` are, which must be somewhere.

    If it is negative somewhere, then (s, s y) with a large s > 0 satisfies the homogeneous system
    below; and a solution of that with s = 0 is a direction in which `form` decreases without bound.
    """
    homogeneous = [[0, *other] for other in forms]
    homogeneous.append([0, 1, *([0] * dimension)])
    homogeneous.append([-1, *(-value for value in form)])
    return not feasible(homogeneous, dimension + 1)
