"""Walking through a search tree: preorder, off before on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rnndyn.verify._claims import Part
from rnndyn.verify._exact_map import common_shift, scaled
from rnndyn.verify._verdict import RefusedError

INFEASIBLE, DECIDED, ROTATION, OPEN, UNPROVED = -1, -2, -3, -4, -5

Decisions = dict[int, bool]


@dataclass
class Tree:
    """The nodes of a part, and the multipliers of its infeasible leaves."""

    nodes: list[int]
    first: list[int]
    row: list[int]
    value: list[float]
    #: What has been walked through: nodes, and those of them that are infeasible.
    n_done: int = 0
    n_infeasible: int = 0

    @classmethod
    def of(cls, part: Part) -> "Tree":
        """Take the tree of a part and check that its arrays fit together."""
        if part.nodes is None:
            raise RefusedError(
                "it holds no tree, so there is nothing to check; search with keep_tree=True"
            )
        tree = cls.from_lists(
            part.nodes.tolist(), part.first.tolist(), part.row.tolist(), part.value.tolist()
        )
        if len(tree.first) - 1 != tree.nodes.count(INFEASIBLE):
            raise RefusedError("it has not as many lists of multipliers as infeasible nodes")
        return tree

    @classmethod
    def from_lists(
        cls, nodes: list[int], first: list[int], row: list[int], value: list[float]
    ) -> "Tree":
        """Take a tree and check that its lists of multipliers fit together."""
        tree = cls(nodes, first, row, value)
        n = len(tree.row)
        if (
            not first
            or first[0] != 0
            or first[-1] != n
            or len(tree.value) != n
            or any(a > b for a, b in pairwise(first))
        ):
            raise RefusedError("the lists of its multipliers do not fit together")
        return tree

    def next_node(self) -> tuple[int, int]:
        """Return number and entry of the next node, which must have been searched."""
        number = self.n_done
        if number >= len(self.nodes):
            raise RefusedError(f"the tree ends at node {number}, before all its branches have both")
        entry = self.nodes[number]
        if entry < UNPROVED:
            raise RefusedError(f"node {number} has the unknown entry {entry}")
        if entry in (OPEN, UNPROVED):
            what = "not searched" if entry == OPEN else "discarded without a proof"
            raise RefusedError(f"node {number} was {what}")
        self.n_done += 1
        return number, entry

    def walk(self) -> Iterator[tuple[int, int, Decisions]]:
        """Yield number, entry and decisions above it of every node of the next tree.

        Whoever takes a node that branches checks, before taking the next, that its bit may be
        branched on and is not among the decisions.
        """
        decisions: Decisions = {}
        while True:
            number, entry = self.next_node()
            yield number, entry, decisions
            if entry >= 0:
                decisions[entry] = False
                continue
            while decisions:
                bit, on = decisions.popitem()
                if not on:
                    decisions[bit] = True
                    break
            else:
                return

    def check_end(self) -> None:
        """Refuse if there are more nodes than those of the trees."""
        if self.n_done != len(self.nodes):
            raise RefusedError(
                f"its trees end after {self.n_done} nodes, but there are {len(self.nodes)}"
            )

    def next_number(self, largest: int) -> int:
        """Return the next entry, which must be a number from 0 to `largest`."""
        if self.n_done >= len(self.nodes):
            raise RefusedError("it ends where an entry is to come")
        entry = self.nodes[self.n_done]
        if not 0 <= entry <= largest:
            raise RefusedError(f"the entry {entry} has no place there")
        self.n_done += 1
        return entry

    def check_lists_read(self) -> None:
        """Refuse if there are more lists of multipliers than were used."""
        if self.n_infeasible != len(self.first) - 1:
            raise RefusedError("it has more lists of multipliers than it uses")

    def next_multipliers(self) -> list[tuple[int, int]]:
        """Return (row, integer) for the next infeasible leaf: its multipliers but for a factor.

        A combination of equations is a contradiction or none whatever positive factor it has.
        """
        return self.next_scaled()[0]

    def next_scaled(self) -> tuple[list[tuple[int, int]], int]:
        """Return (row, integer) for the next multipliers, and the s of their factor 2**s."""
        if self.n_infeasible + 1 >= len(self.first):
            raise RefusedError("it has fewer lists of multipliers than it uses")
        begin, end = self.first[self.n_infeasible : self.n_infeasible + 2]
        self.n_infeasible += 1
        values = self.value[begin:end]
        if not all(map(math.isfinite, values)):
            raise RefusedError("a multiplier is no finite number")
        shift = common_shift(values)
        rows = zip(self.row[begin:end], values, strict=True)
        return [(row, scaled(value, shift)) for row, value in rows], shift
