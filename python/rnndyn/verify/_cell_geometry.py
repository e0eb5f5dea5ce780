"""Faces of cells, the box that they are in, and what sums of them along an orbit can be."""

from collections.abc import Iterator, Sequence
from operator import mul
from typing import Any

from rnndyn.verify._exact_map import ExactMap, common_shift, scaled
from rnndyn.verify._orbits import Box
from rnndyn.verify._tree import Decisions
from rnndyn.verify._verdict import RefusedError

#: Bits of states, from the leading one of the largest bound of the box, and of slopes.
_STATE_BITS = 144
_SLOPE_BITS = 112

#: Lower and upper bounds by side.
Sides = Sequence[int]


class Geometry:
    """The faces and the box, and what sums of faces along an orbit can be."""

    def __init__(self, faces: Any, slopes: Any, box: Box, map_: ExactMap) -> None:
        self.map = map_
        m = map_.n_states
        if faces.ndim != 2 or faces.shape[1] != m:
            raise RefusedError("its faces do not have as many coordinates as the states")
        rows = faces.tolist()
        values = [value for row in rows for value in row]
        if any(value - value != 0.0 for value in values):
            raise RefusedError("a coordinate of its faces is no finite number")
        self.shift = common_shift(values)
        self.rows = [[scaled(value, self.shift) for value in row] for row in rows]
        self.n_faces = m + len(rows)
        lower, upper, scale = box
        largest = max(map(abs, (*lower, *upper)))
        self.fine = max(_STATE_BITS - largest.bit_length() + scale.bit_length(), 0)
        low = [(value << self.fine) // scale for value in lower]
        high = [-((-value << self.fine) // scale) for value in upper]
        low, high = _cut_down(map_, low, high, self.fine, _checked_slopes(slopes, map_.n_units))
        self.is_empty = any(a > b for a, b in zip(low, high, strict=True))
        self.sides = [bound for bounds in zip(low, high, strict=True) for bound in bounds]
        for row in self.rows:
            least = sum(min(w * a, w * b) for w, a, b in zip(row, low, high, strict=True))
            most = sum(max(w * a, w * b) for w, a, b in zip(row, low, high, strict=True))
            self.sides += [least >> self.shift, _ceil_shift(most, self.shift)]
        self._find_borders()
        self._columns: dict[int, tuple[list[tuple[int, ...]], list[int], int]] = {}

    def _find_borders(self) -> None:
        """Find, for units whose sign bounds faces, these faces with what the unit's bounds are."""
        map_ = self.map
        places: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(self.rows):
            key = tuple(value << map_.shift for value in row)
            places.setdefault(key, []).append(map_.n_states + number)
        #: By unit, (face, whether the face is larger where the unit is on, lower and upper bound of
        #: the place of the border).
        self.borders: dict[int, list[tuple[int, bool, int, int]]] = {}
        self.always_on = 0
        for unit in map_.relevant:
            weights, bias = map_.W2[unit], map_.h2[unit]
            used = [j for j, weight in enumerate(weights) if weight]
            if not used:
                self.always_on |= 1 << unit
            elif len(used) == 1:
                weight = weights[used[0]]
                place = -bias << self.fine
                low, high = place // weight, -(-place // weight)
                self.borders[unit] = [(used[0], weight > 0, low, high)]
            else:
                place = -bias << self.fine
                low, high = place >> map_.shift, _ceil_shift(place, map_.shift)
                key = tuple(weight << self.shift for weight in weights)
                self.borders[unit] = [(face, True, low, high) for face in places.get(key, ())]

    def sides_of(self, decisions: Decisions) -> list[int]:
        """Return the bounds of faces in the box where units have these signs."""
        sides = list(self.sides)
        for unit, on in decisions.items():
            for face, rises, low, high in self.borders[unit]:
                if on == rises:
                    sides[2 * face] = max(sides[2 * face], low)
                else:
                    sides[2 * face + 1] = min(sides[2 * face + 1], high)
        return sides

    def columns(self, region: int) -> tuple[list[tuple[int, ...]], list[int], int]:
        """Return the columns of the Jacobian, the offset and the shift of the map in a region."""
        if region not in self._columns:
            piece = self.map.piece(region)
            columns = list(zip(*piece.jacobian, strict=True))
            self._columns[region] = (columns, piece.offset, piece.shift)
        return self._columns[region]

    def largest(
        self,
        regions: Sequence[int],
        sides: Sequence[Sides],
        multipliers: tuple[list[tuple[int, int]], int],
        target: tuple[int, int] | None = None,
        closes: bool = False,
    ) -> int:
        """Return an upper bound of the sum of multipliers, plus the target, in units of 2^-fine.

        `sides` are bounds at the times 0, 1, ..., `regions` those of all but the last time. The
        target (time, side) is a face, or its negative for a lower side. Without one only the sign
        counts: the sum is bounded at the first time of a multiplier and, should that not do,
        at the earlier ones.
        """
        m, n_faces, shift = self.map.n_states, self.n_faces, self.shift
        terms, unit = multipliers
        by_time: list[list[tuple[int, int]]] = [[] for _ in sides]
        closing = [0] * m
        for row, value in terms:
            time, face = divmod(row, n_faces)
            if time == len(sides) and closes and face < m:
                closing[face] += value
            elif 0 <= time < len(sides):
                by_time[time].append((face, value))
            else:
                raise RefusedError(f"a multiplier belongs to row {row}, which does not exist")
        last = max((t for t, rows in enumerate(by_time) if rows), default=0)
        earliest = min((t for t, rows in enumerate(by_time) if rows), default=0)
        if closes or target is not None:
            last, earliest = len(sides) - 1, 0
        gradient = [value << shift for value in closing]
        constant, demand, extra = 0, 0, 0
        result = 0
        for time in range(last, -1, -1):
            if time < last:
                columns, offset, more = self.columns(regions[time])
                constant = (constant << more) + sum(map(mul, offset, gradient))
                gradient = [sum(map(mul, column, gradient)) for column in columns]
                extra += more
            own = sides[time]
            rows = by_time[time]
            if target is not None and target[0] == time:
                face, upper = divmod(target[1], 2)
                self._add(gradient, face, (1 if upper else -1) << unit, extra)
            for face, value in rows:
                demand += value * own[2 * face + (value < 0)]
                self._add(gradient, face, value, extra)
            if time > earliest:
                continue
            left = gradient
            if closes:
                left = [g - (v << (shift + extra)) for g, v in zip(gradient, closing, strict=True)]
            reach = sum(g * own[2 * j + (g > 0)] for j, g in enumerate(left) if g)
            total = (constant << self.fine) + reach - (demand << (shift + extra))
            result = _ceil_shift(total, shift + unit + extra)
            if target is None and total < 0:
                return -1
        return result if target is not None else max(result, 0)

    def _add(self, gradient: list[int], face: int, value: int, extra: int) -> None:
        m = self.map.n_states
        if face < m:
            gradient[face] += value << (self.shift + extra)
            return
        factor = value << extra
        for j, weight in enumerate(self.rows[face - m]):
            if weight:
                gradient[j] += factor * weight


def _checked_slopes(slopes: Any, n_units: int) -> list[list[float]]:
    if slopes.ndim != 2 or slopes.shape[1] != n_units:
        raise RefusedError("its slopes are not those of as many units as there are")
    rows: list[list[float]] = slopes.tolist()
    if not all(0.0 <= value <= 1.0 for row in rows for value in row):
        raise RefusedError("a slope of a line below relu must be a number from 0 to 1")
    return rows


def _cut_down(
    map_: ExactMap, low: list[int], high: list[int], fine: int, slopes: list[list[float]]
) -> tuple[list[int], list[int]]:
    """Cut a box down to what its own image can reach, once with each row of slopes."""
    for row in slopes:
        image = list(_image(map_, low, high, fine, row))
        low = [max(a, least) for a, (least, _) in zip(low, image, strict=True)]
        high = [min(b, most) for b, (_, most) in zip(high, image, strict=True)]
        if any(a > b for a, b in zip(low, high, strict=True)):
            break
    return low, high


def _image(
    map_: ExactMap, low: list[int], high: list[int], fine: int, below: list[float]
) -> Iterator[tuple[int, int]]:
    """Yield bounds of the coordinates of F over a box.

    relu(p) is at most its chord over the range of p, and at least s p with any s from 0 to 1; that
    leaves affine functions of the state.
    """
    q, one = map_.shift, 1 << _SLOPE_BITS
    # relu(p) <= slope p + height and >= other slope p, in units of 2^-_SLOPE_BITS, height also
    # times 2^-(q + fine).
    lines: list[tuple[int, int, int, int]] = []
    for unit in map_.relevant:
        weights, bias = map_.W2[unit], map_.h2[unit] << fine
        least = bias + sum(min(w * a, w * b) for w, a, b in zip(weights, low, high, strict=True))
        most = bias + sum(max(w * a, w * b) for w, a, b in zip(weights, low, high, strict=True))
        if most <= 0:
            continue
        if least >= 0:
            lines.append((unit, one, 0, one))
        else:
            slope = (most << _SLOPE_BITS) // (most - least)
            height = max(-slope * least, (one - slope) * most)
            lines.append((unit, slope, height, int(below[unit] * one)))
    for a_row, w_row, bias in zip(map_.A, map_.W1, map_.h1, strict=True):
        reach = []
        for upper in (False, True):
            # In units of 2^-(2 q + _SLOPE_BITS), the constant also times 2^-fine.
            slopes = [value << (q + _SLOPE_BITS) for value in a_row]
            constant = bias << (q + _SLOPE_BITS + fine)
            for unit, slope, height, other in lines:
                if not (weight := w_row[unit]):
                    continue
                above = upper == (weight > 0)
                factor = weight * (slope if above else other)
                constant += factor * (map_.h2[unit] << fine) + (weight * height if above else 0)
                for j, weight_in in enumerate(map_.W2[unit]):
                    slopes[j] += factor * weight_in
            choose = max if upper else min
            at_ends = zip(slopes, low, high, strict=True)
            reach.append(constant + sum(choose(s * a, s * b) for s, a, b in at_ends))
        yield reach[0] >> (2 * q + _SLOPE_BITS), _ceil_shift(reach[1], 2 * q + _SLOPE_BITS)


def _ceil_shift(value: int, shift: int) -> int:
    return -((-value) >> shift)
