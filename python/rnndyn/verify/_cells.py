"""Proofs by cells: a cover of all that can recur in a box, then words over its cells.

The box is cut down to what its own image can reach, and divided into the regions that it meets: those
of a tree that branches on signs. A cell is what is known of one region,

    lower_f <= T_f z <= upper_f,

T being the unit vectors and the faces of the proof. Every cycle of the orders of the proof, at most
`longest`, goes from cell to cell by steps q -> r. At first every step may be possible. Then come
claims, each of which follows from those before it:

    0                 end     cells with a lower bound above the upper one are empty. Cells and steps
                              that no closed walk of at most `longest` steps passes are dropped
    1 q               empty   nothing is in cell q
    2 q side          image   bounds T_f F(z) for z in cell q
    3 q a b side      apart   that bound shows that no step leads from q to the cells a ... b
    4 q a b           no step from q to them, by multipliers: not even into their hull
    5 q r side        forward, bounds T_f F(z) for z in q and F(z) in r
    6 q r side        backward, bounds T_f z for z in q and F(z) in r
    7 r side          cell r is cut down to what the bounds forward, or else of images, of all steps
                      that lead to it leave
    8 q side          cell q is cut down to what the bounds backward of all its steps leave
    9 q q' ...        the last cells: no claims follow

Side 2 f is the lower bound of face f, 2 f + 1 the upper one. Empty regions and the claims 1, 2, 4, 5
and 6 have multipliers. Row t F + f, F being the number of faces, stands for T_f z_t. With each row at
its lower bound if its multiplier is positive, and at its upper one else,

    0 <= sum of multiplier * (T_f z_t - bound),

so that nothing is there if the sum is negative for all z_0; and what is bounded, if it is added to
the sum, is at most the largest value.

The words are a tree. An entry >= 0 is a cell that comes next: its first branch is about the longer
word, its second one about what else may come. "Rotation" ends the list. It must hold all cells that
may come next in a word whose first rotation this is (Fredricksen, Kessler, Int. J. Comput. Math. 1986;
no suffix of a word is less than its beginning). The number of regions in place of a cell stands for
the step back to the beginning: either multipliers show that no orbit comes back, rows (n + 1) F + j
being z_n - z_0 at coordinate j, or the word is solved.

Bounds are integers in units of 2^-`fine`, rounded outwards; all else is exact.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import mul, or_
from typing import Any

from rnndyn.verify._claims import Part
from rnndyn.verify._exact_map import ExactMap, common_shift, scaled
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Box
from rnndyn.verify._tree import DECIDED, INFEASIBLE, ROTATION, Decisions, Tree
from rnndyn.verify._verdict import Counts, RefusedError

_END, _EMPTY, _IMAGE, _APART, _NO_STEP, _FORWARD, _BACKWARD, _FROM_IMAGES, _FROM_PREIMAGES, _LAST = (
    range(10)
)
#: Bits of states, from the leading one of the largest bound of the box, and of slopes.
_STATE_BITS = 144
_SLOPE_BITS = 112
#: The box is cut down until it keeps more than this, as (part, of); or so often.
_ENOUGH = (99, 100)
_MOST_CUTS = 100

#: Lower and upper bounds by side.
Sides = Sequence[int]


def check_cells(
    part: Part, proved: set[int], box: Box, map_: ExactMap, listing: Listing, counts: Counts
) -> None:
    """Refuse unless the part proves that every cycle of its proved orders in the box is listed."""
    missing = {"faces", "nodes", "first", "row", "value"} - set(part.data)
    if missing:
        raise RefusedError(
            "it holds no record of its cover, so there is nothing to check; search with "
            "keep_tree=True"
        )
    geometry = _Geometry(part.data["faces"], box, map_)
    if geometry.is_empty:
        return
    record = Tree.from_lists(*(part.data[name].tolist() for name in ("nodes", "first", "row", "value")))
    cover = _Cover(geometry, max(part.orders))
    try:
        cover.find_regions(record, counts)
        cells = cover.follow(record, counts)
    except RefusedError as refusal:
        raise RefusedError(f"entry {record.n_done} of its cover: {refusal}") from None
    words = _Words(cover, set(part.orders) & proved, listing, counts)
    words.check(Tree.of(part), cells)


class _Geometry:
    """The faces and the box, and what sums of faces along an orbit can be."""

    def __init__(self, faces: Any, box: Box, map_: ExactMap) -> None:
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
        low, high = _cut_down(map_, low, high, self.fine)
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
        #: By unit, (face, whether the face is larger where the unit is on, lower, upper bound of the
        #: place of the border).
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
        target (time, side) is the face, negative for a lower side. Without one only the sign counts,
        and the sum is bounded at the earliest time that does.
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


class _Cover:
    """Cells by number, and the steps between them as sets of bits."""

    def __init__(self, geometry: _Geometry, longest: int) -> None:
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
            raise RefusedError(f"cell {_lowest(self.live & ~left)} is missing from the last ones")
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
        known = self._images[cell]
        key: Any
        if claim == _IMAGE:
            # No bounds of F(z) are known.
            sides.append(None)
            key = side = self._next_side(record)
        else:
            other = self._next_cell(record)
            sides.append(self.sides[other])
            side = self._next_side(record)
            known = self._forward if claim == _FORWARD else self._backward  # type: ignore[assignment]
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
                self._backward.get((cell, r, side))
                for r in _bits(self.successors[cell] & self.live)
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
            for q in _bits(self.live):
                for r in _bits(self.successors[q] & self.live):
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
        steps = {q: list(_bits(self.successors[q] & self.live)) for q in _bits(self.live)}
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


class _Words:
    """The tree of words over the cells of a cover."""

    def __init__(self, cover: _Cover, orders: set[int], listing: Listing, counts: Counts) -> None:
        self.cover, self.orders = cover, orders
        self.listing, self.counts = listing, counts
        self.longest = max(orders)
        self.steps = [after & cover.live for after in cover.successors]
        self.before = [0] * len(self.steps)
        for q in _bits(cover.live):
            for r in _bits(self.steps[q]):
                self.before[r] |= 1 << q

    def check(self, tree: Tree, cells: list[int]) -> None:
        """Check the words that begin with each of the cells in turn."""
        if not cells:
            # There is nothing to list.
            number, entry = tree.next_node()
            if entry != ROTATION:
                raise RefusedError(f"node {number}: there is no cell in which a word could begin")
        for cell in cells:
            self._check_root(tree, cell)
        tree.check_end()

    def _check_root(self, tree: Tree, root: int) -> None:
        word, periods, seen, closed = [root], [1], [0], [False]
        ways = self._ways_back(root)
        begins = True  # the entry to come says what becomes of the word
        while word:
            number, entry = tree.next_node()
            self.counts.n_nodes += 1
            try:
                if entry == INFEASIBLE and begins:
                    self._contradict(tree, word, closes=False)
                elif entry == ROTATION:
                    self._check_list(word, periods[-1], seen[-1], closed[-1], ways)
                elif entry == len(self.steps):
                    closed[-1] = True
                    self._close(tree, word)
                    begins = False
                    continue
                elif 0 <= entry < len(self.steps):
                    seen[-1] |= 1 << entry
                    n, period = len(word), periods[-1]
                    periods.append(period if entry == word[n - period] else n + 1)
                    word.append(entry)
                    seen.append(0)
                    closed.append(False)
                    begins = True
                    continue
                else:
                    raise RefusedError(f"the entry {entry} has no place there")
            except RefusedError as refusal:
                raise RefusedError(f"node {number}: {refusal}") from None
            for column in (word, periods, seen, closed):
                column.pop()
            begins = False

    def _ways_back(self, root: int) -> list[int]:
        """Return, by length of a word, the cells from which it can come back to `root` in time.

        That is in exactly as many steps as some order asks for, through no cell before the root.
        """
        allowed = self.cover.live & ~((1 << root) - 1)
        layers = [1 << root]
        for _ in range(self.longest - 1):
            layers.append(reduce(or_, (self.before[q] for q in _bits(layers[-1])), 0) & allowed)
        times = range(1, self.longest + 1)
        return [0, *(reduce(or_, (layers[k - n] for k in self.orders if k > n), 0) for n in times)]

    def _check_list(
        self, word: list[int], period: int, seen: int, closed: bool, ways: list[int]
    ) -> None:
        """Refuse unless all that may come next is among what was `seen`."""
        n = len(word)
        after = self.steps[word[-1]] if self.cover.live >> word[-1] & 1 else 0
        if n < self.longest:
            may_come = after & ways[n] & ~((1 << word[n - period]) - 1)
            if missing := may_come & ~seen:
                raise RefusedError(f"cell {_lowest(missing)} may come next, but is not looked at")
        if not closed and n in self.orders and n % period == 0 and after >> word[0] & 1:
            raise RefusedError("the word may close, but that is not looked at")

    def _close(self, tree: Tree, word: list[int]) -> None:
        _, entry = tree.next_node()
        self.counts.n_nodes += 1
        if entry == INFEASIBLE:
            self._contradict(tree, word, closes=True)
        elif entry != DECIDED:
            raise RefusedError("it is not said what becomes of the closed word")
        elif len(word) in self.orders:
            self.listing.settle(tuple(self.cover.regions[cell] for cell in word))

    def _contradict(self, tree: Tree, word: list[int], *, closes: bool) -> None:
        self.counts.n_contradictions += 1
        cover = self.cover
        visited = [*word, word[0]] if closes else word
        sides = [cover.sides[cell] for cell in visited]
        regions = [cover.regions[cell] for cell in visited[:-1]]
        multipliers = tree.next_scaled()
        if cover.geometry.largest(regions, sides, multipliers, closes=closes) >= 0:
            raise RefusedError("its multipliers give no contradiction")


def _cut_down(
    map_: ExactMap, low: list[int], high: list[int], fine: int
) -> tuple[list[int], list[int]]:
    """Cut a box down to what its own image can reach, again and again.

    relu is enclosed by lines over the range of each pre-activation, which leaves affine functions
    of the state.
    """
    for _ in range(_MOST_CUTS):
        image = _image(map_, low, high, fine)
        changed = False
        for j, (least, most) in enumerate(image):
            new_low, new_high = max(low[j], least), min(high[j], most)
            part, whole = _ENOUGH
            if (new_high - new_low) * whole <= (high[j] - low[j]) * part and high[j] > low[j]:
                changed = True
            low[j], high[j] = new_low, new_high
        if not changed or any(a > b for a, b in zip(low, high, strict=True)):
            break
    return low, high


def _image(
    map_: ExactMap, low: list[int], high: list[int], fine: int
) -> Iterator[tuple[int, int]]:
    q, one = map_.shift, 1 << _SLOPE_BITS
    # relu(p) <= slope p + height and >= below p, in units of 2^-_SLOPE_BITS, height also times
    # 2^-(q + fine).
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
            lines.append((unit, slope, height, one if most > -least else 0))
    for a_row, w_row, bias in zip(map_.A, map_.W1, map_.h1, strict=True):
        reach = []
        for upper in (False, True):
            # In units of 2^-(2 q + _SLOPE_BITS), the constant also times 2^-fine.
            slopes = [value << (q + _SLOPE_BITS) for value in a_row]
            constant = bias << (q + _SLOPE_BITS + fine)
            for unit, slope, height, below in lines:
                if not (weight := w_row[unit]):
                    continue
                above = upper == (weight > 0)
                factor = weight * (slope if above else below)
                constant += factor * (map_.h2[unit] << fine) + (weight * height if above else 0)
                for j, other in enumerate(map_.W2[unit]):
                    slopes[j] += factor * other
            choose = max if upper else min
            reach.append(
                constant + sum(choose(s * a, s * b) for s, a, b in zip(slopes, low, high, strict=True))
            )
        yield reach[0] >> (2 * q + _SLOPE_BITS), _ceil_shift(reach[1], 2 * q + _SLOPE_BITS)


def _tighter(side: int, known: int | None, bound: int) -> int:
    if known is None:
        return bound
    return min(known, bound) if side % 2 else max(known, bound)


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _ceil_shift(value: int, shift: int) -> int:
    return -((-value) >> shift)
