"""The cover of a proof by cells: claims that follow from one another.

`rnndyn.verify._cells` says what they are.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from rnndyn.verify._cell_geometry import Geometry
from rnndyn.verify._tree import DECIDED, INFEASIBLE, Tree
from rnndyn.verify._verdict import Counts, RefusedError

_END, _EMPTY, _IMAGE, _APART, _NO_STEP, _FORWARD = range(6)
_BACKWARD, _FROM_IMAGES, _FROM_PREIMAGES, _LAST = range(6, 10)


class _Hull:
    """Bounds of some cells together, computed when they are asked for."""

    def __init__(self, cells: list[list[int]]) -> None:
        self._cells = cells
        self._known: dict[int, int] = {}

    def __getitem__(self, side: int) -> int:
        if side not in self._known:
            choose = max if side % 2 else min
            self._known[side] = choose(cell[side] for cell in self._cells)
        return self._known[side]


class Cover:
    """Cells by number, and the steps between them as sets of bits."""

    def __init__(self, geometry: Geometry, longest: int) -> None:
        self.geometry, self.longest = geometry, longest
        self.regions: list[int] = []
        self.sides: list[list[int]] = []
        self.live = 0
        self.successors: list[int] = []
        self._images: list[dict[int, int]] = []
        self._forward: dict[tuple[int, int, int], int] = {}
        self._backward: dict[tuple[int, int, int], int] = {}
        self._hulls: dict[tuple[int, int], _Hull] = {}
        self._predecessors: list[list[int]] | None = None
        self._changed: set[int] = set()

    def find_regions(self, record: Tree, counts: Counts) -> None:
        """Walk through the tree of regions."""
        geometry = self.geometry
        found: dict[int, list[int]] = {}
        for _, entry, decisions in record.walk():
            counts.n_nodes += 1
            if entry >= 0:
                if entry not in geometry.borders or entry in decisions:
                    raise RefusedError(f"it branches on unit {entry}, which decides nothing there")
                continue
            sides = geometry.sides_of(decisions)
            if entry == INFEASIBLE:
                counts.n_contradictions += 1
                multipliers = record.next_scaled()
                crossing = any(a > b for a, b in zip(sides[::2], sides[1::2], strict=True))
                if not crossing and geometry.largest((), [sides], multipliers) >= 0:
                    raise RefusedError("the multipliers of a region give no contradiction")
            elif entry == DECIDED and len(decisions) == len(geometry.borders):
                region = geometry.always_on | sum(on << unit for unit, on in decisions.items())
                found[region] = sides
            else:
                raise RefusedError("a region is taken for decided before all its signs are")
        self.regions = sorted(found)
        self.sides = [found[region] for region in self.regions]
        self.live = (1 << len(found)) - 1
        self.successors = [self.live] * len(found)
        self._images = [{} for _ in found]

    def follow(self, record: Tree, counts: Counts) -> list[int]:
        """Follow the claims; return the cells that are said to be left."""
        while (claim := record.next_number(_LAST)) != _LAST:
            counts.n_nodes += 1
            if claim == _END:
                self._end()
                continue
            cell = self._next_cell(record)
            if claim == _EMPTY:
                counts.n_contradictions += 1
                if self.geometry.largest((), [self.sides[cell]], record.next_scaled()) >= 0:
                    raise RefusedError(f"its multipliers do not show that cell {cell} is empty")
                self._drop_cells(1 << cell)
            elif claim in (_APART, _NO_STEP):
                counts.n_contradictions += 1
                self._drop_steps(record, claim, cell)
            elif claim in (_FROM_IMAGES, _FROM_PREIMAGES):
                self._cut(claim, cell, self._next_side(record))
            else:
                self._bound(record, claim, cell)
        cells = []
        while record.n_done < len(record.nodes):
            cells.append(self._next_cell(record))
        record.check_lists_read()
        left = reduce(or_, (1 << cell for cell in cells), 0)
        if self.live & ~left:
            raise RefusedError(f"cell {lowest(self.live & ~left)} is missing from the last ones")
        if len(set(cells)) < len(cells):
            raise RefusedError("one of the last cells is named twice")
        return cells

    def _next_cell(self, record: Tree) -> int:
        return record.next_number(len(self.regions) - 1)

    def _next_side(self, record: Tree) -> int:
        return record.next_number(2 * self.geometry.n_faces - 1)

    def _drop_cells(self, cells: int) -> None:
        self.live &= ~cells
        self._predecessors = None

    def _drop_steps(self, record: Tree, claim: int, cell: int) -> None:
        first, last = self._next_cell(record), self._next_cell(record)
        ends = ((1 << (last + 1)) - 1) & ~((1 << first) - 1) if first <= last else 0
        if claim == _APART:
            side = self._next_side(record)
            bound = self._images[cell].get(side)
            if bound is None:
                raise RefusedError(f"no bound of that image of cell {cell} is known")
            if not self.live & ends:
                return
            other = self._hull(first, last)[side ^ 1]
            if not (bound < other if side % 2 else bound > other):
                raise RefusedError(f"the image of cell {cell} meets the cells {first} to {last}")
        else:
            multipliers = record.next_scaled()
            if not self.live & ends & self.successors[cell]:
                return
            sides: list[Any] = [self.sides[cell], self._hull(first, last)]
            if self.geometry.largest([self.regions[cell]], sides, multipliers) >= 0:
                raise RefusedError(
                    f"its multipliers do not rule out steps from cell {cell} to {first} to {last}"
                )
        self.successors[cell] &= ~ends
        self._predecessors = None

    def _hull(self, first: int, last: int) -> _Hull:
        if (first, last) not in self._hulls:
            cells = [self.sides[r] for r in range(first, last + 1) if self.live >> r & 1]
            self._hulls[first, last] = _Hull(cells or [self.sides[first]])
        return self._hulls[first, last]

    def _bound(self, record: Tree, claim: int, cell: int) -> None:
        """Take a bound of the image of a cell, or of one of its steps."""
        sides: list[Any] = [self.sides[cell]]
        known: dict[Any, int] = self._images[cell]
        key: Any
        if claim == _IMAGE:
            # No bounds of F(z) are known.
            sides.append(None)
            key = side = self._next_side(record)
        else:
            other = self._next_cell(record)
            sides.append(self.sides[other])
            side = self._next_side(record)
            known = self._forward if claim == _FORWARD else self._backward
            key = (cell, other, side)
        multipliers = record.next_scaled()
        if claim == _IMAGE and any(row >= self.geometry.n_faces for row, _ in multipliers[0]):
            raise RefusedError("the bound of an image uses bounds of other cells")
        target = (int(claim != _BACKWARD), side)
        reach = self.geometry.largest([self.regions[cell]], sides, multipliers, target)
        known[key] = _tighter(side, known.get(key), reach if side % 2 else -reach)

    def _cut(self, claim: int, cell: int, side: int) -> None:
        if not self.live >> cell & 1:
            return
        bounds: list[int | None]
        if claim == _FROM_IMAGES:
            bounds = []
            for q in self._steps_to(cell):
                bound = self._forward.get((q, cell, side))
                image = self._images[q].get(side)
                bounds.append(image if bound is None else _tighter(side, image, bound))
        else:
            bounds = [
                self._backward.get((cell, r, side)) for r in bits(self.successors[cell] & self.live)
            ]
        reach = [bound for bound in bounds if bound is not None]
        if len(reach) < len(bounds):
            raise RefusedError(f"cell {cell} is cut, but of one of its steps no bound is known")
        if reach:
            bound = max(reach) if side % 2 else min(reach)
            self.sides[cell][side] = _tighter(side, self.sides[cell][side], bound)
            self._changed.add(cell)

    def _steps_to(self, cell: int) -> list[int]:
        if self._predecessors is None:
            self._predecessors = [[] for _ in self.regions]
            for q in bits(self.live):
                for r in bits(self.successors[q] & self.live):
                    self._predecessors[r].append(q)
        return self._predecessors[cell]

    def _end(self) -> None:
        for cell in self._changed:
            sides = self.sides[cell]
            if any(a > b for a, b in zip(sides[::2], sides[1::2], strict=True)):
                self.live &= ~(1 << cell)
        self._changed.clear()
        self._hulls.clear()
        self._predecessors = None
        while self._drop_without_closed_walks():
            pass

    def _drop_without_closed_walks(self) -> bool:
        """Drop steps from which no way of less than `longest` steps leads back; True if any was."""
        steps = {q: list(bits(self.successors[q] & self.live)) for q in bits(self.live)}
        near = {q: 1 << q for q in steps}
        for _ in range(self.longest - 1):
            further = {
                q: reduce(or_, (near[r] for r in after), 1 << q) for q, after in steps.items()
            }
            if further == near:
                break
            near = further
        dropped = False
        for q, after in steps.items():
            kept = reduce(or_, (1 << r for r in after if near[r] >> q & 1), 0)
            dropped = dropped or kept != self.successors[q] & self.live
            self.successors[q] = kept
            if not kept:
                self.live &= ~(1 << q)
                dropped = True
        return dropped


def _tighter(side: int, known: int | None, bound: int) -> int:
    if known is None:
        return bound
    return min(known, bound) if side % 2 else max(known, bound)


def bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
