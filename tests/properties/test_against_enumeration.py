"""The searches against a list of all itineraries, on random networks of every family.

The normal run looks at a few networks of each family; ``python -m bench truth`` at thousands.
"""

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rnndyn as rd
from draws import drawn
from properties.strategies import generic_networks, tied_networks
from reference import ExactMap, Truth, disagreements, false_claims
from reference.enumeration import truths_of_orders
from reference.networks import FAMILIES, orders_within_reach, random_network

few_examples = settings(
    max_examples=drawn(10, 30),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def report(model: rd.PiecewiseLinearModel, orders: list[int], **options: object) -> SimpleNamespace:
    found = rd.find_cycles(model, orders=orders, progress=False, **options)
    return SimpleNamespace(cycles=list(found), continua=list(found.continua))


def check(model: rd.PiecewiseLinearModel, max_order: int = 3) -> None:
    orders = [k for k in orders_within_reach(model.canonical.n_units) if k <= max_order]
    exact = ExactMap.of(model.canonical)
    truths: list[Truth] = truths_of_orders(model.canonical, orders)
    for method in ("auto", "exhaustive"):
        assert disagreements(exact, report(model, orders, method=method), truths) == [], method
    for method in ("search", "scyfi"):
        # A heuristic may miss something, but whatever it reports has to be there.
        assert false_claims(exact, report(model, orders, method=method), truths) == [], method


@pytest.mark.parametrize("family", FAMILIES)
@few_examples
@given(data=st.data())
def test_generic_networks(family, data):
    check(data.draw(generic_networks(family)))


@pytest.mark.parametrize("family", FAMILIES)
@few_examples
@given(data=st.data())
def test_networks_with_borders_and_singular_systems(family, data):
    check(data.draw(tied_networks(family)))


# Networks on which some version of some method went wrong, by their number in `random_network`.
ONCE_WRONG = [
    ("ReLURNN", 1),  # a half line of fixed points inside a border
    ("ALRNN", 15),  # the same for 2-cycles
    ("PLRNN", 47),  # a border point of a continuum that the search had not met
    ("MeanCenteredPLRNN", 95),
    ("ClippedShallowPLRNN", 173),
    ("LeakyShallowPLRNN", 143),
    ("LeakyShallowPLRNN", 383),
    ("PLRNN", 593),
    ("DendriticPLRNN, clipped", 501),
    ("LeakyReLURNN", 509),  # a face of a continuum that the search had not met
    ("ShallowPLRNN", 99),  # faces of a continuum of four dimensions
    ("ClippedShallowPLRNN", 329),
]


@pytest.mark.parametrize(("family", "number"), ONCE_WRONG)
def test_networks_that_once_went_wrong(family, number):
    check(random_network(family, number))
