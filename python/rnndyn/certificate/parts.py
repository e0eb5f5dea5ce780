"""The parts of a certificate: proofs of single orders, and the cycles that it lists."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from rnndyn._common.arrays import BoolArray, FloatArray, IntArray, frozen, itinerary_text
from rnndyn._common.compare import ByFields
from rnndyn._common.words import counted, finite_or_none, orders_text, percent

ProofMethod = Literal[
    "dictionary", "polygons", "cells", "contraction", "boxes", "homogeneous_boxes", "p_matrix"
]

METHODS: tuple[ProofMethod, ...] = get_args(ProofMethod)

_LARGEST_ORDER = 1_000_000

#: Type of the arrays of a tree, also of those in the data of a part.
TREE_ARRAYS: dict[str, type] = {
    "nodes": np.int32,
    "first": np.int64,
    "row": np.int32,
    "value": np.float64,
}


@dataclass(frozen=True, eq=False, repr=False)
class ProofPart(ByFields):
    """One part of a proof: usually one search tree.

    Attributes
    ----------
    method : str
        ``dictionary``: branch and bound over the bits of one order. ``polygons``: all itineraries
        of networks with one or two states, step by step. ``cells``: words over a cover of a box.
        ``boxes``: boxes of first states, of networks with few states and many units.
        ``homogeneous_boxes``: the same for the fixed points in all of R^M.
        ``contraction``: the map contracts, so there is one fixed point and no other cycle.
        ``p_matrix``: the linear complementarity problem of an order has one solution, the fixed
        point.
    orders : tuple of int
        Orders that the part is about.
    unbounded : bool
        Whether it is about all of R^M and not about the box of the certificate.
    at_infinity : bool
        Of the two parts without a box, whether this is the one beyond `radius`.
    radius : float
        Size that separates the two parts without a box.
    pivot : int
        In the part beyond the radius by ``polygons``: the step of the largest coordinate.
    by_faces : bool
        In ``dictionary``: whether size is that of the largest coordinate, with one tree per face of
        a cube beyond the radius, and not the sum of all pre-activations.
    by_units : bool
        In ``dictionary``: whether size is that of the largest activity relu(p), with one tree per
        relevant unit beyond the radius. The states are eliminated.
    outer : float
        With `by_faces` in a box: the largest size there is; 0 without a limit.
    reason : str
        One sentence: why this method, or why there is no proof.
    complete : bool
        Whether the part is finished, so that it proves what it is for.
    rigorous : bool
        Whether every branch that was cut off was verified with all rounding errors.
    n_nodes, n_pruned, n_uncertified, n_leaves : int
        Nodes of the tree; branches without a cycle; those that could not be verified at once and
        were split further; itineraries that were solved.
    share : float
        Share of the tree that is done, by depth.
    seconds : float
        Time it took; two parts that differ only in this are equal.
    open : tuple of (ndarray of int32, ndarray of bool)
        Branches that were not searched: bits, by their numbers t * H + i, and their values.
    nodes : ndarray of int32 or None
        The tree in preorder: a number >= 0 is the bit that a node branches on, first off, then on;
        below 0 are leaves. None if the tree was not kept.
    first, row, value : ndarray
        Multipliers of the n-th infeasible leaf: entries ``first[n]`` to ``first[n + 1]``.
    data : mapping of str to ndarray
        What else the method needs for its proof; of ``cells`` the record of the cover.
    """

    method: ProofMethod
    orders: tuple[int, ...]
    unbounded: bool
    at_infinity: bool
    radius: float
    reason: str
    complete: bool
    rigorous: bool
    n_nodes: int
    n_pruned: int
    n_uncertified: int
    n_leaves: int
    share: float
    seconds: float = field(compare=False)
    pivot: int = 0
    by_faces: bool = False
    by_units: bool = False
    outer: float = 0.0
    open: tuple[tuple[NDArray[np.int32], BoolArray], ...] = ()
    nodes: NDArray[np.int32] | None = None
    first: IntArray = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    row: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    value: FloatArray = field(default_factory=lambda: np.zeros(0))
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, got {self.method!r}")
        object.__setattr__(self, "orders", check_orders("orders of a part", self.orders))
        for name in ("unbounded", "at_infinity", "by_faces", "by_units", "complete", "rigorous"):
            object.__setattr__(self, name, _flag(name, getattr(self, name)))
        for name in ("n_nodes", "n_pruned", "n_uncertified", "n_leaves", "pivot"):
            object.__setattr__(self, name, operator.index(getattr(self, name)))
        for name in ("radius", "outer", "share", "seconds"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "reason", str(self.reason))
        branches = tuple(
            (_list("open", b, np.int32), _list("open", on, bool)) for b, on in self.open
        )
        if any(bits.size != on.size for bits, on in branches):
            raise ValueError("an open branch must have as many values as bits")
        object.__setattr__(self, "open", branches)
        # Multipliers without a tree mean nothing.
        nothing = {"nodes": None, "first": [0], "row": [], "value": []}
        for name, dtype in TREE_ARRAYS.items():
            array = getattr(self, name) if self.nodes is not None else nothing[name]
            array = None if array is None else _list(name, array, dtype)
            object.__setattr__(self, name, array)
        data = {
            name: _list(name, array, TREE_ARRAYS[name])
            if name in TREE_ARRAYS
            else frozen(array, np.float64)
            for name, array in self.data.items()
        }
        object.__setattr__(self, "data", MappingProxyType(data))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ProofPart:
        """Build a part from a record of the compiled core or of a file."""
        values = {name: record[name] for name in _PART_FIELDS if name in record}
        # The core also says in words what kind of data it is; the names of the arrays say it too.
        data = record.get("data") or {}
        values["data"] = {name: array for name, array in data.items() if name != "kind"}
        return cls(**values)

    def to_record(self) -> dict[str, Any]:
        """Return the record that the compiled core goes on with."""
        return {**{name: getattr(self, name) for name in _PART_FIELDS}, "data": dict(self.data)}

    @property
    def title(self) -> str:
        """Method, orders and region in a few words."""
        title = f"{self.method}, {orders_text(self.orders)}" if self.orders else self.method
        if self.unbounded and self.radius > 0.0:
            title += f", {'beyond' if self.at_infinity else 'up to'} size {self.radius:g}"
        return title

    @property
    def line(self) -> str:
        """The title, how much work it was, how far it came, and why."""
        counts = []
        if self.n_nodes:
            counts.append(counted(self.n_nodes, "node"))
        if not self.complete:
            counts.append(f"{percent(self.share)} done")
        line = self.title + (f" ({', '.join(counts)})" if counts else "")
        return f"{line}: {self.reason}" if self.reason else line

    def to_dict(self, *, trees: bool = False) -> dict[str, Any]:
        """Return the part as plain numbers, lists and strings; the tree only on request."""
        arrays = {"open", "data", *TREE_ARRAYS}
        values = {name: getattr(self, name) for name in _PART_FIELDS if name not in arrays}
        if not self.by_units:
            # As in files: named only where it holds.
            del values["by_units"]
        values["orders"] = list(self.orders)
        values["n_open"] = len(self.open)
        if trees:
            values["open"] = [[bits.tolist(), on.tolist()] for bits, on in self.open]
            for name in TREE_ARRAYS:
                array = getattr(self, name)
                values[name] = None if array is None else array.tolist()
            values["data"] = {name: array.tolist() for name, array in self.data.items()}
        return values

    def __repr__(self) -> str:
        return f"ProofPart({self.line})"


class Columns(Protocol):
    """Cycles of one order as columns, such as a `rnndyn.cycles.CycleBlock`."""

    @property
    def order(self) -> int:
        """The order k."""


@dataclass(frozen=True, eq=False, repr=False)
class ListedCycles(ByFields):
    """The cycles of one order that a certificate lists, as columns; n is their number.

    Attributes
    ----------
    order : int
        The order k.
    itinerary : ndarray of bool, shape (n, k, H)
    points : ndarray of float64, shape (n, k, M)
    error_bound : ndarray of float64, shape (n,)
    certified, on_border : ndarray of bool, shape (n,)
        As in `rnndyn.Cycle`.
    """

    order: int
    itinerary: BoolArray
    points: FloatArray
    error_bound: FloatArray
    certified: BoolArray
    on_border: BoolArray

    def __post_init__(self) -> None:
        for name, dtype in CYCLE_ARRAYS.items():
            object.__setattr__(self, name, frozen(getattr(self, name), dtype))
        n = self.error_bound.shape
        fits = len(n) == 1 and self.certified.shape == n and self.on_border.shape == n
        for array in (self.itinerary, self.points):
            fits = fits and array.ndim == 3 and array.shape[:2] == (*n, self.order)
        if not fits:
            raise ValueError(f"the columns of the cycles of order {self.order} do not fit together")

    @classmethod
    def of(cls, block: Columns) -> ListedCycles:
        """Take the columns of the cycles of one order."""
        return cls(block.order, **{name: getattr(block, name) for name in CYCLE_ARRAYS})

    def __len__(self) -> int:
        return int(self.error_bound.shape[0])

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Yield one dictionary of plain numbers and strings per cycle."""
        for index in range(len(self)):
            yield {
                "order": self.order,
                "itinerary": itinerary_text(self.itinerary[index]),
                "points": self.points[index].tolist(),
                "error_bound": finite_or_none(float(self.error_bound[index])),
                "certified": bool(self.certified[index]),
                "on_border": bool(self.on_border[index]),
            }

    def __repr__(self) -> str:
        return f"ListedCycles(order={self.order}, n_cycles={len(self)})"


#: Type of the columns of `ListedCycles`.
CYCLE_ARRAYS: dict[str, type] = {
    "itinerary": np.bool_,
    "points": np.float64,
    "error_bound": np.float64,
    "certified": np.bool_,
    "on_border": np.bool_,
}
_PART_FIELDS = {item.name for item in dataclasses.fields(ProofPart)}


def check_orders(name: str, orders: Iterable[int]) -> tuple[int, ...]:
    """Return orders of cycles, ascending, each once."""
    result = tuple(sorted({operator.index(order) for order in orders}))
    if result and not 1 <= result[0] <= result[-1] <= _LARGEST_ORDER:
        wrong = result[0] if result[0] < 1 else result[-1]
        raise ValueError(f"{name} must be numbers from 1 to {_LARGEST_ORDER}, got {wrong}")
    return result


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def _list(name: str, values: Any, dtype: Any) -> NDArray[Any]:
    array = frozen(values, dtype)
    if array.ndim != 1:
        raise ValueError(f"{name} must be a list, got an array of shape {array.shape}")
    return array
