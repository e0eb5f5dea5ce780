"""What a complete search proved, in a form that `rnndyn.verify` checks."""

from rnndyn.certificate import _export, _table  # noqa: F401, to be registered
from rnndyn.certificate.composition import CompositionCertificate
from rnndyn.certificate.parts import ListedCycles, ProofPart
from rnndyn.certificate.result import Certificate
from rnndyn.certificate.undecided import UndecidedBlock, UndecidedItineraries, UndecidedItinerary

__all__ = [
    "Certificate",
    "CompositionCertificate",
    "ListedCycles",
    "ProofPart",
    "UndecidedBlock",
    "UndecidedItineraries",
    "UndecidedItinerary",
]
