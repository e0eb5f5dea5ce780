"""What a complete search proved, in a form that an independent checker can verify."""

import dataclasses
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnndyn import _certificate_file, _certificate_text
from rnndyn._arrays import BoolArray, FloatArray, IntArray, frozen, itinerary_text
from rnndyn._result import SavedResult, same
from rnndyn._undecided import UndecidedBlock, UndecidedItineraries
from rnndyn._undecided import UndecidedItinerary as UndecidedItinerary
from rnndyn._version import __version__
from rnndyn.continua import ContinuumOfFixedPoints
from rnndyn.cycle_block import CycleBlock
from rnndyn.cycles import finite_or_none
from rnndyn.models import PiecewiseLinearModel
from rnndyn.verify import Verdict, fingerprint, verify

ProofStatus = Literal["proved", "searched", "partial"]
ProofMethod = Literal["dictionary", "polygons", "cells", "contraction"]

STATUSES: tuple[ProofStatus, ...] = ("proved", "searched", "partial")
METHODS: tuple[ProofMethod, ...] = ("dictionary", "polygons", "cells", "contraction")

_LARGEST_ORDER = 1_000_000

#: Type of the arrays of a tree.
TREE_ARRAYS: dict[str, type] = {
    "nodes": np.int32,
    "first": np.int64,
    "row": np.int32,
    "value": np.float64,
}


@dataclass(frozen=True, eq=False, repr=False)
class ProofPart:
    """One part of a proof: usually one search tree.

    Attributes
    ----------
    method : {"dictionary", "polygons", "cells", "contraction"}
        ``dictionary``: branch and bound over the bits of one order. ``polygons``: all itineraries
        of networks with one or two states, step by step. ``cells``: words over a cover of a box.
        ``contraction``: the map contracts, so there is one fixed point and no other cycle.
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
        What else the method needs for its proof.
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
    seconds: float
    pivot: int = 0
    by_faces: bool = False
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
        object.__setattr__(self, "orders", _orders("orders of a part", self.orders))
        for name in ("unbounded", "at_infinity", "by_faces", "complete", "rigorous"):
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
        data = {name: frozen(array, np.float64) for name, array in self.data.items()}
        object.__setattr__(self, "data", MappingProxyType(data))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ProofPart":
        """Build a part from a record of the compiled core or of a file."""
        values = {name: record[name] for name in _PART_FIELDS if name in record}
        # The core also says in words what kind of data it is; the names of the arrays say it too.
        data = record.get("data") or {}
        values["data"] = {name: array for name, array in data.items() if name != "kind"}
        return cls(**values)

    def to_record(self) -> dict[str, Any]:
        """Return the record that the compiled core goes on with."""
        return {name: getattr(self, name) for name in _PART_FIELDS - {"data"}}

    @property
    def title(self) -> str:
        """Method, orders and region in a few words."""
        return _certificate_text.part_title(self)

    def to_dict(self, *, trees: bool = False) -> dict[str, Any]:
        """Return the part as plain numbers, lists and strings; the tree only on request."""
        arrays = {"open", "data", *TREE_ARRAYS}
        values = {name: getattr(self, name) for name in _PART_FIELDS if name not in arrays}
        values["orders"] = list(self.orders)
        values["n_open"] = len(self.open)
        if trees:
            values["open"] = [[bits.tolist(), on.tolist()] for bits, on in self.open]
            for name in TREE_ARRAYS:
                array = getattr(self, name)
                values[name] = None if array is None else array.tolist()
            values["data"] = {name: array.tolist() for name, array in self.data.items()}
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProofPart):
            return NotImplemented
        return _same(self, other, _PART_FIELDS - {"seconds"})

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor: a mapping proxy does not pickle, nor does a read-only flag.
        values = {name: getattr(self, name) for name in _PART_FIELDS}
        return ProofPart.from_record, ({**values, "data": dict(self.data)},)

    def __repr__(self) -> str:
        return f"ProofPart({_certificate_text.part_line(self)})"


@dataclass(frozen=True, eq=False, repr=False)
class ListedCycles:
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
    def of(cls, block: CycleBlock) -> "ListedCycles":
        """Take the columns of a block of a `CycleSet`."""
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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ListedCycles):
            return NotImplemented
        return _same(self, other, {"order", *CYCLE_ARRAYS})

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return ListedCycles, (self.order, *(getattr(self, name) for name in CYCLE_ARRAYS))

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


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(SavedResult):
    """What a complete search proved about a network, with all that is needed to check it.

    Together with the network the certificate stands on its own: `verify` confirms or refuses it in
    exact rational arithmetic, with code that has nothing in common with the search. What a
    confirmed certificate means is stated in ``docs/reference/certificate.md``.

    Attributes
    ----------
    status : {"proved", "searched", "partial"}
        ``proved``: no cycle of any of the `orders` is missing in the region, except possibly on the
        `undecided` itineraries. ``searched``: some order is not proved. ``partial``: the search
        was stopped.
    box : (ndarray, ndarray) or None
        Lower and upper bounds of the region, each of shape (M,); None: all of R^M. A cycle lies in
        the box if all its points do.
    orders : tuple of int
        Orders that were asked for.
    proved_orders : tuple of int
        Those of which it is proved that no cycle is missing.
    parts : tuple of ProofPart
        The proof, and what is there of a proof that was not finished.
    undecided : sequence of UndecidedItinerary
        Itineraries that may or may not be followed by a cycle that is not listed, each once, and
        those of listed cycles and continua of which it is not proved that they exist. Its
        ``blocks`` are the same as arrays, one block for each order.
    cycles : tuple of ListedCycles
        The cycles that were found, one entry per order.
    continua : tuple of ndarray of bool, shape (k, H)
        Itineraries of the continua that were found.
    fingerprint : str
        SHA-256 of the canonical arrays of the network (`rnndyn.verify.fingerprint`).
    n_states, n_units : int
        M and H.
    coverage : mapping of int to float
        Estimated coverage of orders that were searched at random (see `rnndyn.OrderStatistics`).
    version : str
        Version of rnndyn that made the certificate.

    Examples
    --------
    A map that contracts has one fixed point and no other cycle:

    >>> import rnndyn as rd
    >>> from rnndyn.certificate import Certificate
    >>> model = rd.PLRNN(A=[[0.5]], W=[[0.25]], h=[1.0])
    >>> part = {
    ...     "method": "contraction", "orders": [1, 2], "unbounded": True, "at_infinity": False,
    ...     "radius": 0.0, "reason": "The map contracts.", "complete": True, "rigorous": True,
    ...     "n_nodes": 0, "n_pruned": 0, "n_uncertified": 0, "n_leaves": 1, "share": 1.0,
    ...     "seconds": 0.0, "data": {"P": [[1.0]], "Lambda": [0.25]},
    ... }
    >>> record = {
    ...     "status": "proved", "box": None, "orders": [1, 2], "proved_orders": [1, 2],
    ...     "parts": [part], "undecided": [],
    ... }
    >>> cycles = rd.find_cycles(model, max_order=2)
    >>> certificate = Certificate.from_record(record, model, cycles.blocks)
    >>> certificate
    Certificate: proved
      Proved: orders 1 and 2 have no other cycles anywhere in R^1.
      contraction, orders 1 and 2: The map contracts.
    >>> certificate.verify(model).confirmed
    True
    >>> certificate.verify(model.with_parameters(h=[2.0])).confirmed
    False
    """

    FORMAT = _certificate_file.FORMAT

    status: ProofStatus
    box: tuple[FloatArray, FloatArray] | None
    orders: tuple[int, ...]
    proved_orders: tuple[int, ...]
    parts: tuple[ProofPart, ...]
    undecided: UndecidedItineraries
    cycles: tuple[ListedCycles, ...]
    continua: tuple[BoolArray, ...]
    fingerprint: str
    n_states: int
    n_units: int
    coverage: Mapping[int, float] = field(default_factory=dict)
    version: str = __version__

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {self.status!r}")
        set_field = object.__setattr__
        for name in ("orders", "proved_orders"):
            set_field(self, name, _orders(name, getattr(self, name)))
        set_field(self, "parts", tuple(self.parts))
        set_field(self, "undecided", UndecidedItineraries.of(self.undecided))
        set_field(self, "cycles", tuple(cycles for cycles in self.cycles if len(cycles)))
        set_field(self, "continua", tuple(frozen(i, np.bool_) for i in self.continua))
        coverage = {int(order): float(value) for order, value in self.coverage.items()}
        set_field(self, "coverage", MappingProxyType(coverage))
        if self.box is not None:
            lower, upper = (frozen(bound, np.float64) for bound in self.box)
            set_field(self, "box", (lower, upper))
            if not lower.shape == upper.shape == (self.n_states,):
                raise ValueError(
                    f"the bounds of the box must have shape ({self.n_states},), "
                    f"got {lower.shape} and {upper.shape}"
                )
        itineraries = [block.itinerary[0] for block in self.undecided.blocks]
        itineraries += [cycles.itinerary[0] for cycles in self.cycles]
        itineraries += self.continua
        if any(i.ndim != 2 or i.shape[0] < 1 or i.shape[1] != self.n_units for i in itineraries):
            raise ValueError(f"all itineraries must have shape (k, {self.n_units})")
        if any(cycles.points.shape[2] != self.n_states for cycles in self.cycles):
            raise ValueError(f"all cycles must have points of {self.n_states} coordinates")

    @classmethod
    def from_record(
        cls,
        record: Mapping[str, Any],
        model: PiecewiseLinearModel,
        blocks: Iterable[CycleBlock] = (),
        continua: Iterable[ContinuumOfFixedPoints] = (),
        coverage: Mapping[int, float] | None = None,
    ) -> "Certificate":
        """Build a certificate from the record of the compiled core and what was found.

        Parameters
        ----------
        record : mapping
            What the core says about the proof.
        model : PiecewiseLinearModel
            The network that was searched.
        blocks : iterable of CycleBlock
            The cycles found.
        continua : iterable of ContinuumOfFixedPoints
            The continua found.
        coverage : mapping of int to float, optional
            Estimated coverage of the orders that were searched at random.
        """
        canonical: Any = model.canonical
        return cls(
            status=record["status"],
            box=record["box"],
            orders=record["orders"],
            proved_orders=record["proved_orders"],
            parts=tuple(ProofPart.from_record(part) for part in record["parts"]),
            undecided=UndecidedItineraries(UndecidedBlock(**b) for b in record["undecided"]),
            cycles=tuple(ListedCycles.of(block) for block in blocks),
            continua=tuple(continuum.itinerary for continuum in continua),
            fingerprint=fingerprint(
                *(getattr(canonical, name).tolist() for name in ("A", "W1", "W2", "h1", "h2"))
            ),
            n_states=model.n_states,
            n_units=model.n_units,
            coverage=coverage or {},
        )

    def to_record(self) -> dict[str, Any]:
        """Return the record with which the compiled core goes on where it was stopped."""
        return {
            "orders": list(self.orders),
            "parts": [part.to_record() for part in self.parts],
        }

    @property
    def region(self) -> str:
        """The region in words: ``"anywhere in R^2"`` or ``"in the box |z_i| <= 3"``."""
        return _certificate_text.region_text(self)

    @property
    def n_cycles(self) -> int:
        """Number of cycles listed."""
        return sum(len(cycles) for cycles in self.cycles)

    @property
    def has_trees(self) -> bool:
        """Whether all that `verify` needs was kept."""
        return all(
            part.nodes is not None or part.method == "contraction"
            for part in self.parts
            if part.complete
        )

    def summary(self) -> list[str]:
        """Return sentences that say what is proved, what is undecided, and what is not proved."""
        return _certificate_text.summary(self)

    def verify(self, model: PiecewiseLinearModel) -> Verdict:
        """Check the certificate in exact arithmetic, trusting nothing that the search computed.

        Parameters
        ----------
        model : PiecewiseLinearModel
            The network that it is about.

        Returns
        -------
        Verdict
            Confirmed, or refused with the first check that failed.
        """
        return verify(self, model)

    def to_dict(self, *, trees: bool = False) -> dict[str, Any]:
        """Return the certificate as plain numbers, lists and strings, ready for JSON.

        Parameters
        ----------
        trees : bool
            Whether to include the trees with their multipliers, which may be large.
        """
        return {
            "status": self.status,
            "box": None if self.box is None else [bound.tolist() for bound in self.box],
            "orders": list(self.orders),
            "proved_orders": list(self.proved_orders),
            "summary": self.summary(),
            "parts": [part.to_dict(trees=trees) for part in self.parts],
            "undecided": [
                {
                    "order": entry.order,
                    "itinerary": itinerary_text(entry.itinerary),
                    "reason": entry.reason,
                }
                for entry in self.undecided
            ],
            "cycles": [row for cycles in self.cycles for row in cycles.to_rows()],
            "continua": [itinerary_text(itinerary) for itinerary in self.continua],
            "fingerprint": self.fingerprint,
            "n_states": self.n_states,
            "n_units": self.n_units,
            "coverage": {str(order): value for order, value in self.coverage.items()},
            "version": self.version,
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate with its trees to a file.

        Parameters
        ----------
        path : path-like
            Where to; the suffix chooses the format: ``.npz`` (compact) or ``.json`` (readable).
            Both hold the same. The format is described in ``docs/reference/certificate.md``.

        Raises
        ------
        ValueError
            If the suffix is another one.
        """
        self._write(Path(path))

    def _write(self, path: Path) -> None:
        _certificate_file.write(path, self)

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Any:
        return _certificate_file.read(path, max_bytes)

    def _identity(self) -> tuple[Any, ...]:
        return tuple(getattr(self, item.name) for item in dataclasses.fields(self))

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "coverage": dict(self.coverage)}

    def __repr__(self) -> str:
        return _certificate_text.plain_text(self)

    def _repr_html_(self) -> str:
        return _certificate_text.html_text(self)


_PART_FIELDS = {item.name for item in dataclasses.fields(ProofPart)}


def _orders(name: str, orders: Iterable[int]) -> tuple[int, ...]:
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


def _same(first: Any, second: Any, names: Iterable[str]) -> bool:
    return all(same(getattr(first, name), getattr(second, name)) for name in names)
