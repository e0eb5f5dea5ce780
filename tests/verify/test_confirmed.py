"""Certificates of correct proofs are confirmed, and what they claim is true."""

import numpy as np
import pytest

import rnndyn as rd
from reference.filtering import relevant_units
from reference.networks import FAMILIES, random_network
from rnndyn.certificate.result import Certificate
from verify.proof_trees import TooLargeError, make_certificate
from verify.truth import false_cycles, missing, truths_of

SEEDS = range(3)


def jobs(model):
    """Orders and methods within reach of the slow makers of trees."""
    n_relevant = len(relevant_units(model.canonical))
    longest = next((k for k in (3, 2, 1) if 0 < n_relevant * k <= 9), 0)
    if longest:
        yield [*range(1, longest + 1)], "dictionary"
        yield [*range(1, min(2, longest) + 1)], "faces"
        if model.n_states <= 2:
            yield [*range(1, longest + 1)], "polygons"


@pytest.mark.parametrize("family", FAMILIES)
def test_proofs_of_random_networks_are_confirmed(family):
    n_confirmed = 0
    for seed in SEEDS:
        model = random_network(family, seed)
        box = (np.full(model.n_states, -2.0), np.full(model.n_states, 3.0))
        for orders, method in jobs(model):
            truths = truths_of(model, orders)
            for region in (None, box):
                try:
                    certificate = make_certificate(
                        model, orders, method, region, pivot=seed, max_nodes=120
                    )
                except TooLargeError:
                    continue
                verdict = certificate.verify(model)
                assert verdict.confirmed, (seed, orders, method, region, verdict.reasons)
                assert verdict.orders == tuple(orders)
                assert missing(certificate, model, truths) == []
                assert false_cycles(certificate, truths) == []
                n_confirmed += 1
    assert n_confirmed >= 2


def test_a_tree_of_order_two_with_ten_units_takes_seconds_at_most():
    model = rd.examples.load("plrnn-10d")
    box = (np.full(10, -3.0), np.full(10, 3.0))
    certificate = make_certificate(model, [2], "dictionary", box, max_nodes=1200)
    assert certificate.parts[0].n_nodes > 200
    assert certificate.verify(model)


def test_the_search_itself_finds_nothing_that_is_refused():
    """Certificates of the complete search, all methods."""
    n_proved = 0
    for family in FAMILIES:
        for seed in SEEDS:
            model = random_network(family, seed)
            orders = [1, 2, 3] if model.n_units <= 5 else [1, 2]
            for box in (None, (-2.0, 3.0)):
                cycles = rd.find_cycles(
                    model,
                    orders=orders,
                    method="complete",
                    box=box,
                    keep_tree=True,
                    time_limit=5.0,
                    n_threads=1,
                )
                certificate = cycles.certificate
                assert isinstance(certificate, Certificate)
                if not certificate.proved_orders:
                    continue
                verdict = certificate.verify(model)
                assert verdict.confirmed, (family, seed, box, verdict.reasons)
                n_proved += 1
    assert n_proved > 50
