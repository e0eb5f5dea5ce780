"""Complete searches of small networks, whose proofs the independent checker has to confirm."""

from typing import Any

import rnndyn as rd
from rnndyn.certificate.result import Certificate

#: The checker computes in exact fractions: larger trees take it seconds.
MAX_NODES = 800


def can_be_confirmed(certificate: Certificate) -> bool:
    """Whether the checker is through in a moment."""
    parts = [part for part in certificate.parts if part.complete]
    return (
        bool(certificate.proved_orders)
        and certificate.has_trees
        and sum(part.n_nodes for part in parts) <= MAX_NODES
        and certificate.n_units * max(certificate.proved_orders) <= 40
    )


def confirmed(cycles: rd.CycleSet) -> bool:
    """Refuse a proof that the checker refuses; tell whether there was a proof to check."""
    certificate = cycles.certificate
    if not isinstance(certificate, Certificate) or not can_be_confirmed(certificate):
        return False
    verdict = certificate.verify(cycles.model)
    assert verdict.confirmed, (cycles.model, verdict.reasons)
    assert verdict.orders == certificate.proved_orders
    return True


def find_completely(model: Any, *args: Any, **options: Any) -> rd.CycleSet:
    """``find_cycles(..., method="complete")``, confirmed where it is proved."""
    cycles = rd.find_cycles(
        model, *args, method="complete", keep_tree=True, progress=False, **options
    )
    confirmed(cycles)
    return cycles
