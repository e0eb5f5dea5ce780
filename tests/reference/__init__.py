"""Ground truth for the tests: slow, exact and as plain as possible.

Nothing here imports the package under test. `enumerate_cycles` lists every itinerary of one order
and solves each cyclic system in rational arithmetic; `possible_itineraries` is a floating-point
filter that only throws away itineraries whose candidate is virtual beyond any rounding error.
"""

from reference.enumeration import Continuum, IsolatedCycle, Truth, enumerate_cycles
from reference.exact_map import ExactMap
from reference.filtering import all_itineraries, possible_itineraries
from reference.matching import disagreements, false_claims

__all__ = [
    "Continuum",
    "ExactMap",
    "IsolatedCycle",
    "Truth",
    "all_itineraries",
    "disagreements",
    "enumerate_cycles",
    "false_claims",
    "possible_itineraries",
]
