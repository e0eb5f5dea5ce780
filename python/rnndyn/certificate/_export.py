"""What a certificate exports."""

from typing import Any

from rnndyn._common.arrays import itinerary_text
from rnndyn.certificate.result import Certificate
from rnndyn.results.export import dictionary_of


@dictionary_of.register
def _dictionary(certificate: Certificate, *, trees: bool = False) -> dict[str, Any]:
    return {
        "status": certificate.status,
        "box": None if certificate.box is None else [bound.tolist() for bound in certificate.box],
        "orders": list(certificate.orders),
        "proved_orders": list(certificate.proved_orders),
        "summary": certificate.summary(),
        "parts": [part.to_dict(trees=trees) for part in certificate.parts],
        "undecided": [
            {
                "order": entry.order,
                "itinerary": itinerary_text(entry.itinerary),
                "reason": entry.reason,
            }
            for entry in certificate.undecided
        ],
        "cycles": [row for cycles in certificate.cycles for row in cycles.to_rows()],
        "continua": [itinerary_text(itinerary) for itinerary in certificate.continua],
        "fingerprint": certificate.fingerprint,
        "n_states": certificate.n_states,
        "n_units": certificate.n_units,
        "coverage": {str(order): value for order, value in certificate.coverage.items()},
        "version": certificate.version,
    }
