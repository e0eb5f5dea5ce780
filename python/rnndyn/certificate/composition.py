"""What complete searches proved about a composition of maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from rnndyn._common.arrays import FloatArray
from rnndyn.certificate import _file
from rnndyn.certificate.parts import Columns, ListedCycles, ProofPart
from rnndyn.certificate.result import Certificate, Continuum, ProofStatus
from rnndyn.certificate.undecided import UndecidedBlock, UndecidedItineraries
from rnndyn.models import Model
from rnndyn.models._composition import Composition, cyclic_chain
from rnndyn.results.files import Arrays, ResultFormat, group_of
from rnndyn.verify import Verdict, fingerprint, verify_orders

_NAME = "rnndyn composition certificate"


def _taken_apart(state: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    own = {name: value for name, value in state.items() if name != "chains"}
    # The parts are those of the chains, with other orders.
    header, arrays = _file.taken_apart({**own, "parts": ()})
    arrays = {f"own/{name}": array for name, array in arrays.items()}
    chains = []
    for order, chain in state["chains"].items():
        entry, proof = _file.taken_apart(chain._state())
        chains.append({"order": order, "certificate": entry})
        arrays |= {f"chain_{order}/{name}": array for name, array in proof.items()}
    return {"format": _NAME, "own": header, "chains": chains}, arrays


def _put_together(header: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    state = _file.put_together(header["own"], group_of(arrays, "own"))
    chains = {
        entry["order"]: Certificate(
            **_file.put_together(entry["certificate"], group_of(arrays, f"chain_{entry['order']}"))
        )
        for entry in header["chains"]
    }
    return {**state, "parts": _parts_of(chains), "chains": chains}


def _parts_of(chains: Mapping[int, Certificate]) -> tuple[ProofPart, ...]:
    return tuple(
        replace(part, orders=(order,)) for order, chain in chains.items() for part in chain.parts
    )


@dataclass(frozen=True, eq=False, repr=False)
class CompositionCertificate(Certificate):
    """What complete searches proved about a `PeriodicallyDriven` network or a `DeepPLRNN`.

    The states of a cycle, one after another, are a fixed point of a map that takes each of them to
    the next, its chain. So there is one `Certificate` of fixed points for each order. Everything
    that a `Certificate` has is here, in terms of the network: cycles, orders, and regions.

    Attributes
    ----------
    chains : mapping of int to Certificate
        For each order that was reached: what was proved about the fixed points of its chain.

    Examples
    --------
    >>> import rnndyn as rd
    >>> unit = rd.PLRNN(A=[0.5], W=[[-3.0]], h=[0.5], C=[[1.0]], s=[0.0])
    >>> cycles = rd.find_cycles(
    ...     unit, 4, inputs=[[1.0], [-1.0]], periodic=True, method="complete", keep_tree=True
    ... )
    >>> cycles.certificate.summary()
    ['Proved: orders 2 and 4 have no other cycles anywhere in R^1.']
    >>> cycles.certificate.verify(cycles.model).confirmed
    True
    """

    FORMAT = ResultFormat(_NAME, 1, "a certificate of a composition", _taken_apart, _put_together)

    chains: Mapping[int, Certificate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "chains", MappingProxyType(dict(self.chains)))
        if not set(self.chains) <= set(self.orders):
            raise ValueError("chains must be of orders that were asked for")

    @classmethod
    def of_chains(
        cls,
        chains: Mapping[int, Certificate],
        network: Composition,
        orders: Iterable[int],
        *,
        box: tuple[FloatArray, FloatArray] | None,
        blocks: Iterable[Columns],
        continua: Iterable[Continuum],
        coverage: Mapping[int, float],
        stopped: bool,
    ) -> CompositionCertificate:
        """Join the certificates of the chains of a network, by order.

        Parameters
        ----------
        chains : mapping of int to Certificate
            By order; those that were not reached are not there.
        network : Composition
            What was searched.
        orders : iterable of int
            Orders that were asked for.
        box : (ndarray, ndarray), optional
            Region of the states of the network.
        blocks, continua, coverage
            As for `Certificate.from_record`, of the network.
        stopped : bool
            Whether the search was stopped.
        """
        asked = tuple(orders)
        proved = [order for order, chain in chains.items() if chain.proved_orders]
        rigorous = all(chain.status != "searched" for chain in chains.values())
        status: ProofStatus = "searched"
        if stopped or any(chain.status == "partial" for chain in chains.values()):
            status = "partial"
        elif rigorous and proved == list(asked):
            status = "proved"
        return cls(
            status=status,
            box=box,
            orders=asked,
            proved_orders=tuple(proved),
            parts=_parts_of(chains),
            undecided=UndecidedItineraries(
                UndecidedBlock(
                    order,
                    block.itinerary.reshape(len(block), order, network.n_units),
                    block.reason,
                )
                for order, chain in chains.items()
                for block in chain.undecided.blocks
            ),
            cycles=tuple(ListedCycles.of(block) for block in blocks),
            continua=tuple(continuum.itinerary for continuum in continua),
            fingerprint=_fingerprint_of(network),
            n_states=network.n_states,
            n_units=network.n_units,
            coverage=coverage,
            chains=chains,
        )

    def verify(self, model: Model) -> Verdict:
        """Check the certificate in exact arithmetic, trusting nothing that the search computed.

        Parameters
        ----------
        model : PeriodicallyDriven or DeepPLRNN
            The network that it is about, such as ``cycles.model``.

        Returns
        -------
        Verdict
            Confirmed, or refused with the first check that failed.
        """
        return verify_orders(self, model)

    def _write(self, path: Path) -> None:
        if path.suffix.lower() != ".npz":
            raise ValueError(f"cannot write {path}: certificates of compositions are .npz files")
        self.FORMAT.write(path, self._state())

    @classmethod
    def _read(cls, path: Path, max_bytes: int) -> Self:
        return cls.FORMAT.read(path, max_bytes, cls)


def _fingerprint_of(network: Composition) -> str:
    """Return that of the chain of one round, of which all others consist."""
    return fingerprint(*(np.asarray(array).tolist() for array in cyclic_chain(network.forms)))
