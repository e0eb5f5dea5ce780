"""Proofs by cells: a cover of all that can recur in a box, then words over its cells.

The box is cut down to what its own image can reach, and divided into the regions that it meets:
those of a tree that branches on signs. A cell is what is known of one region,

    lower_f <= T_f z <= upper_f,

T being the unit vectors and the faces of the proof. Every cycle of the orders of the proof, at most
`longest`, goes from cell to cell by steps q -> r. At first every step may be possible. Then come
claims, each of which follows from those before it:

    0              end: cells with a lower bound above the upper one are empty. Cells and steps
                   that no closed walk of at most `longest` steps passes are dropped
    1 q            empty: nothing is in cell q
    2 q side       image: a bound of T_f F(z) for z in cell q
    3 q a b side   apart: that bound shows that no step leads from q to the cells a ... b
    4 q a b        no step leads from q to them, by multipliers: not even into their hull
    5 q r side     forward: a bound of T_f F(z) for z in q and F(z) in r
    6 q r side     backward: a bound of T_f z for z in q and F(z) in r
    7 r side       cell r is cut down to what the bounds forward, or else those of images, of all
                   steps that lead to it leave
    8 q side       cell q is cut down to what the bounds backward of all its steps leave
    9 q q' ...     the last cells: no claims follow

Side 2 f is the lower bound of face f, 2 f + 1 the upper one. Empty regions and the claims 1, 2, 4,
5 and 6 have multipliers. Row t F + f, F being the number of faces, stands for T_f z_t. With each
row at its lower bound if its multiplier is positive, and at its upper one else,

    0 <= sum of multiplier * (T_f z_t - bound),

so that nothing is there if the sum is negative for all z_0; and what is bounded, if it is added to
the sum, is at most the largest value.

The words are a tree. An entry >= 0 is a cell that comes next: its first branch is about the longer
word, its second one about what else may come. "Rotation" ends the list. It must hold all cells that
may come next in a word whose first rotation this is: no suffix is less than the beginning
(Fredricksen, Maiorana, Discrete Math. 23 (1978) 207). The number of regions in place of a cell
stands for the step back to the first one: either multipliers show that no orbit comes back, rows
(n + 1) F + j being z_n - z_0 at coordinate j, or the word is solved.

Bounds are integers in units of 2^-`fine`, rounded outwards; all else is exact.
"""

from functools import reduce
from operator import or_

from rnndyn.verify._cell_cover import Cover, bits, lowest
from rnndyn.verify._cell_geometry import Geometry
from rnndyn.verify._claims import Part
from rnndyn.verify._exact_map import ExactMap
from rnndyn.verify._listing import Listing
from rnndyn.verify._orbits import Box
from rnndyn.verify._tree import DECIDED, INFEASIBLE, ROTATION, Tree
from rnndyn.verify._verdict import Counts, RefusedError

#: What a record of a cover consists of.
_RECORD = ("nodes", "first", "row", "value")


def check_cells(
    part: Part, proved: set[int], box: Box, map_: ExactMap, listing: Listing, counts: Counts
) -> None:
    """Refuse unless the part proves that every cycle of its proved orders in the box is listed."""
    missing = {"faces", "slopes", *_RECORD} - set(part.data)
    if missing:
        raise RefusedError(
            "it holds no record of its cover, so there is nothing to check; search with "
            "keep_tree=True"
        )
    geometry = Geometry(part.data["faces"], part.data["slopes"], box, map_)
    if geometry.is_empty:
        return
    record = Tree.from_lists(*(part.data[name].tolist() for name in _RECORD))
    cover = Cover(geometry, max(part.orders))
    try:
        cover.find_regions(record, counts)
        cells = cover.follow(record, counts)
    except RefusedError as refusal:
        raise RefusedError(f"entry {record.n_done} of its cover: {refusal}") from None
    words = _Words(cover, set(part.orders) & proved, listing, counts)
    words.check(Tree.of(part), cells)


class _WaysBack:
    """The cells from which a word of some length can come back to its first one in time.

    That is in exactly as many steps as some order asks for, through no cell before the root.
    """

    def __init__(self, words: "_Words", root: int) -> None:
        self._orders, self._before = words.orders, words.before
        self._allowed = words.cover.live & ~((1 << root) - 1)
        #: By the number of steps back to the root, until they repeat from `_first` on.
        self._layers = [1 << root]
        self._known = {self._layers[0]: 0}
        self._first: int | None = None
        self._after: dict[int, int] = {}

    def after(self, n: int) -> int:
        """Return them for words of n cells, which are as long as the file says, not the orders."""
        if n not in self._after:
            layers = (self._layer(order - n) for order in self._orders if order > n)
            self._after[n] = reduce(or_, layers, 0)
        return self._after[n]

    def _layer(self, steps: int) -> int:
        layers = self._layers
        while self._first is None and steps >= len(layers):
            before = reduce(or_, (self._before[q] for q in bits(layers[-1])), 0) & self._allowed
            self._first = self._known.get(before)
            self._known[before] = len(layers)
            if self._first is None:
                layers.append(before)
        if steps < len(layers):
            return layers[steps]
        assert self._first is not None
        return layers[self._first + (steps - self._first) % (len(layers) - self._first)]


class _Words:
    """The tree of words over the cells of a cover."""

    def __init__(self, cover: Cover, orders: set[int], listing: Listing, counts: Counts) -> None:
        self.cover, self.orders = cover, orders
        self.listing, self.counts = listing, counts
        self.longest = max(orders)
        self.steps = [after & cover.live for after in cover.successors]
        self.before = [0] * len(self.steps)
        for q in bits(cover.live):
            for r in bits(self.steps[q]):
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
        ways = _WaysBack(self, root)
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

    def _check_list(
        self, word: list[int], period: int, seen: int, closed: bool, ways: _WaysBack
    ) -> None:
        """Refuse unless all that may come next is among what was `seen`."""
        n = len(word)
        after = self.steps[word[-1]] if self.cover.live >> word[-1] & 1 else 0
        if n < self.longest:
            may_come = after & ways.after(n) & ~((1 << word[n - period]) - 1)
            if missing := may_come & ~seen:
                raise RefusedError(f"cell {lowest(missing)} may come next, but is not looked at")
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
