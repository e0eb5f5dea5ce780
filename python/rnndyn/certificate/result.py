"""What a complete search proved, in a form that an independent checker can verify."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, Self

import numpy as np

from rnndyn._common.arrays import BoolArray, FloatArray, frozen
from rnndyn._common.checks import check_path
from rnndyn._common.words import counted, orders_text, percent
from rnndyn._version import __version__
from rnndyn.certificate import _file
from rnndyn.certificate.parts import Columns, ListedCycles, ProofPart, check_orders
from rnndyn.certificate.undecided import UndecidedBlock, UndecidedItineraries, UndecidedReason
from rnndyn.models import PiecewiseLinearModel
from rnndyn.results.base import SavedResult
from rnndyn.results.export import dictionary_of
from rnndyn.verify import Verdict, fingerprint, verify

ProofStatus = Literal["proved", "searched", "partial"]

STATUSES: tuple[ProofStatus, ...] = ("proved", "searched", "partial")

#: Boxes with different bounds for each of up to this many states are written out.
_MAX_BOUNDS = 3

#: Methods that prove by numbers alone: their parts hold no tree, and nothing of them is left open.
_WITHOUT_TREES = ("contraction", "p_matrix")

_REASONS: dict[UndecidedReason, str] = {
    "border": "on a region border, or not to be told from it",
    "singular": "with an equation that is singular, or not to be told from a singular one",
    "unproved": "with error bounds that could not be verified",
}


class Continuum(Protocol):
    """A continuum of fixed points or cycles, of which only the itinerary is kept."""

    @property
    def itinerary(self) -> BoolArray:
        """Regions that its members visit."""


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
        Estimated coverage of orders that were searched at random: that of
        `rnndyn.cycles.OrderStatistics`.
    version : str
        Version of rnndyn that made the certificate.

    Examples
    --------
    A map that contracts has one fixed point and no other cycle:

    >>> import rnndyn as rd
    >>> from rnndyn.certificate.result import Certificate
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

    FORMAT = _file.FORMAT

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
            set_field(self, name, check_orders(name, getattr(self, name)))
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
        blocks: Iterable[Columns] = (),
        continua: Iterable[Continuum] = (),
        coverage: Mapping[int, float] | None = None,
    ) -> Certificate:
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
            # What is proved by numbers alone is proved anew at once; the core does not take these
            # numbers back, and without them the part could not be checked by anybody.
            "parts": [part.to_record() for part in self.parts if part.method not in _WITHOUT_TREES],
        }

    @property
    def region(self) -> str:
        """The region in words: ``"anywhere in R^2"`` or ``"in the box |z_i| <= 3"``."""
        if self.box is None:
            return f"anywhere in R^{self.n_states}"
        lower, upper = self.box
        if np.all(lower == lower[0]) and np.all(upper == upper[0]):
            if lower[0] == -upper[0]:
                return f"in the box |z_i| <= {upper[0]:g}"
            return f"in the box {lower[0]:g} <= z_i <= {upper[0]:g}"
        if lower.size <= _MAX_BOUNDS:
            sides = " x ".join(f"[{a:g}, {b:g}]" for a, b in zip(lower, upper, strict=True))
            return f"in the box {sides}"
        return f"in the given box of R^{self.n_states}"

    @property
    def n_cycles(self) -> int:
        """Number of cycles listed."""
        return sum(len(cycles) for cycles in self.cycles)

    @property
    def has_trees(self) -> bool:
        """Whether all that `verify` needs was kept."""
        return all(
            part.nodes is not None or part.method in _WITHOUT_TREES
            for part in self.parts
            if part.complete
        )

    def summary(self) -> list[str]:
        """Return sentences that say what is proved, what is undecided, and what is not proved."""
        lines = []
        proved = set(self.proved_orders)
        if proved:
            found = any(cycles.order in proved for cycles in self.cycles)
            found = found or any(len(itinerary) in proved for itinerary in self.continua)
            undecided = self.undecided.of_orders(proved)
            verb = "has" if len(proved) == 1 else "have"
            lines.append(
                f"Proved: {orders_text(proved)} {verb} no {'other ' if found else ''}cycles "
                f"{self.region}"
                + (", except possibly on the undecided itineraries." if undecided else ".")
            )
        for reason, text in _REASONS.items():
            if orders := self.undecided.orders(reason):
                n = self.undecided.count(reason)
                lines.append(
                    f"Undecided: {counted(n, 'itinerary', 'itineraries')} of "
                    f"{orders_text(orders)} {text}."
                )
        for missing, why in self._unproved():
            lines.append(f"Not proved: {orders_text(missing)}{f': {why}' if why else '.'}")
        return lines

    def _unproved(self) -> list[tuple[list[int], str]]:
        """Group the orders that are not proved by what there is to say about them."""
        groups: dict[str, list[int]] = {}
        for order in self.orders:
            if order in self.proved_orders:
                continue
            parts = [p for p in self.parts if order in p.orders and not p.complete]
            words = [
                f"{percent(part.share)} of the tree is done. {self._why(part)}" for part in parts
            ]
            if (coverage := self.coverage.get(order)) is not None:
                words.append(f"It was searched, with an estimated coverage of {percent(coverage)}.")
            groups.setdefault(" ".join(word.strip() for word in words), []).append(order)
        return [(orders, why) for why, orders in groups.items()]

    def _why(self, part: ProofPart) -> str:
        """Return what the core says of a part as a sentence, with what can be done about it."""
        if not part.reason:
            return ""
        advice = ""
        if part.method in ("cells", "boxes") and self.box is None:
            advice = "; give box=R to search |z_i| <= R"
        sentence = f"{part.reason[0].upper()}{part.reason[1:]}{advice}"
        return sentence if sentence.endswith(".") else f"{sentence}."

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
        return dictionary_of(self, trees=trees)

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
        self._write(check_path("path", path))

    def _write(self, path: Path) -> None:
        _file.write(path, self._state())

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Self:
        return _file.read(path, max_bytes, cls)
