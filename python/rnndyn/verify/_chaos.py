"""The check of a proof of chaos: affine maps that stretch a parallelepiped across itself."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple, Protocol

from rnndyn.models import PiecewiseLinearModel
from rnndyn.models._canonical_map_of import canonical_map_of
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._verdict import RefusedError, Verdict

_Vector = list[Fraction]
_Matrix = list[_Vector]


class ChaosClaims(Protocol):
    """What the checker reads of a proof of chaos; `rnndyn.ChaosCertificate` says what it is."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def center(self) -> Any: ...

    @property
    def expanding(self) -> Any: ...

    @property
    def contracting(self) -> Any: ...

    @property
    def half_expanding(self) -> Any: ...

    @property
    def half_contracting(self) -> Any: ...

    @property
    def words(self) -> Sequence[Any]: ...

    @property
    def places(self) -> Any: ...

    @property
    def half_widths(self) -> Any: ...


class _Strip(NamedTuple):
    """The part of the parallelepiped with expanding coordinates ``place +- half``."""

    place: _Vector
    half: _Vector


def verify_chaos(certificate: ChaosClaims, model: PiecewiseLinearModel) -> Verdict:
    """Check a proof of chaos in exact rational arithmetic.

    Parameters
    ----------
    certificate : ChaosCertificate
        What to check.
    model : PiecewiseLinearModel
        The network that it is about.

    Returns
    -------
    Verdict
        Confirmed, or refused with the first check that failed.
    """
    try:
        _check(certificate, model)
    except RefusedError as refusal:
        return Verdict(False, (str(refusal),))
    return Verdict(True, n_itineraries=len(certificate.words))


def _check(certificate: ChaosClaims, model: PiecewiseLinearModel) -> None:
    canonical = canonical_map_of(model)
    map_ = ExactMap(*(getattr(canonical, name).tolist() for name in ("A", "W1", "W2", "h1", "h2")))
    if certificate.fingerprint != map_.fingerprint:
        raise RefusedError("it belongs to another network: the fingerprints differ")
    basis = [*_rationals(certificate.expanding), *_rationals(certificate.contracting)]
    r, m = len(certificate.expanding), map_.n_states
    if not r > 0 or len(basis) != m or any(len(row) != m for row in basis):
        raise RefusedError("its directions are no basis of the states, one or more expanding")
    center = _rationals(certificate.center)
    outer = _rationals(certificate.half_expanding)
    height = _rationals(certificate.half_contracting)
    strips = [
        _Strip(_rationals(place), _rationals(half))
        for place, half in zip(certificate.places, certificate.half_widths, strict=True)
    ]
    if len(strips) < 2 or len(certificate.words) != len(strips):
        raise RefusedError("it must have two or more words with a strip each")
    sizes = [len(outer), *(len(part) for strip in strips for part in strip)]
    if sizes != [r] * len(sizes) or len(height) != m - r or len(center) != m:
        raise RefusedError("its numbers do not have one entry for each direction")
    if min([*outer, *height, *(value for strip in strips for value in strip.half)]) <= 0:
        raise RefusedError("a half width is not positive")
    for strip in strips:
        if any(
            abs(at) + half > most
            for at, half, most in zip(strip.place, strip.half, outer, strict=True)
        ):
            raise RefusedError("a strip is not inside the parallelepiped")
    if not all(_are_disjoint(one, other) for one, other in combinations(strips, 2)):
        raise RefusedError("two strips are not disjoint")
    # Columns are directions.
    inverse = _inverse([[row[i] for row in basis] for i in range(m)])
    if inverse is None:
        raise RefusedError("its directions depend on each other")
    for word, strip in zip(certificate.words, strips, strict=True):
        _check_word(map_, word, center, basis, inverse, strip, outer, height)


def _are_disjoint(one: _Strip, other: _Strip) -> bool:
    """Tell whether two strips are apart in an expanding direction."""
    return any(
        abs(first - second) > half + width
        for first, second, half, width in zip(
            one.place, other.place, one.half, other.half, strict=True
        )
    )


def _check_word(
    map_: ExactMap,
    word: Any,
    center: _Vector,
    basis: _Matrix,
    inverse: _Matrix,
    strip: _Strip,
    outer: _Vector,
    height: _Vector,
) -> None:
    """Check that a strip follows a word and is then stretched across the parallelepiped."""
    m, r = map_.n_states, len(outer)
    halves = [*strip.half, *height]
    middle = [
        center[i] + sum((at * row[i] for at, row in zip(strip.place, basis, strict=False)), _ZERO)
        for i in range(m)
    ]
    # The state as middle + columns times numbers between -1 and 1.
    columns = [[half * value for value in row] for half, row in zip(halves, basis, strict=True)]
    if len(word) == 0:
        raise RefusedError("a word is empty")
    for region in word:
        bits = [bool(bit) for bit in region]
        _check_region(map_, bits, middle, columns)
        code = sum(1 << unit for unit in map_.relevant if bits[unit])
        piece = map_.piece(code)
        one = Fraction(1, 1 << piece.shift)
        middle = [
            (_dot(row, middle) + offset) * one
            for row, offset in zip(piece.jacobian, piece.offset, strict=True)
        ]
        columns = [[_dot(row, column) * one for row in piece.jacobian] for column in columns]
    away = [value - at for value, at in zip(middle, center, strict=True)]
    image = [_dot(row, away) for row in inverse]
    stretched = [[_dot(row, column) for row in inverse] for column in columns]
    for i in range(r, m):
        reach = abs(image[i]) + sum((abs(column[i]) for column in stretched), _ZERO)
        if reach >= height[i - r]:
            raise RefusedError("an image is too wide in a contracting direction")
    # Whatever expanding coordinates in the parallelepiped are wanted, and wherever in the
    # contracting directions an orbit begins, there is exactly one place in the strip for it.
    onto = _inverse([[stretched[j][i] for j in range(r)] for i in range(r)])
    if onto is None:
        raise RefusedError("a word does not expand in all expanding directions")
    needed = [
        outer[i] + abs(image[i]) + sum((abs(column[i]) for column in stretched[r:]), _ZERO)
        for i in range(r)
    ]
    for row in onto:
        if sum((abs(a) * b for a, b in zip(row, needed, strict=True)), _ZERO) >= 1:
            raise RefusedError("an image does not reach across the parallelepiped")


def _check_region(
    map_: ExactMap, bits: list[bool], middle: _Vector, columns: list[_Vector]
) -> None:
    """Check that all states lie strictly inside a region."""
    if len(bits) != map_.n_units:
        raise RefusedError("a word has another number of units than the network")
    for unit in map_.relevant:
        weights, bias = map_.W2[unit], map_.h2[unit]
        value = _dot(weights, middle) + bias
        spread = sum((abs(_dot(weights, column)) for column in columns), _ZERO)
        if (value if bits[unit] else -value) <= spread:
            raise RefusedError(f"a strip does not stay in the regions of its word (unit {unit})")


_ZERO = Fraction(0)


def _rationals(values: Any) -> Any:
    """Return nested lists of the exact values of floating-point numbers."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return [_rationals(value) for value in values]
    return Fraction(values)


def _dot(row: Sequence[int | Fraction], column: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(row, column, strict=True) if a), _ZERO)


def _inverse(matrix: _Matrix) -> _Matrix | None:
    """Return the inverse of a square matrix; None where it is singular."""
    n = len(matrix)
    rows = [[*row, *(Fraction(int(i == j)) for j in range(n))] for i, row in enumerate(matrix)]
    for column in range(n):
        pivot = next((i for i in range(column, n) if rows[i][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        factor = rows[column][column]
        rows[column] = [value / factor for value in rows[column]]
        for i in range(n):
            if i != column and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[column], strict=True)]
    return [row[n:] for row in rows]
