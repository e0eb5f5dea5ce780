"""A complete search proves the numbers of cycles of the bundled random networks."""

import pytest

import rnndyn as rd

NETWORKS = [
    name
    for name in rd.examples.names()
    if isinstance(rd.examples.info(name), rd.examples.RandomNetwork)
]


@pytest.mark.parametrize("name", NETWORKS)
def test_complete_counts(name):
    known = rd.examples.info(name)
    cycles = rd.find_cycles(
        rd.examples.load(name),
        orders=known.complete_counts,
        method="complete",
        box=known.box,
        progress=False,
    )
    assert cycles.certificate.status == "proved"
    assert cycles.certificate.proved_orders == tuple(known.complete_counts)
    assert cycles.certificate.undecided == ()
    assert {order: len(cycles.of_order(order)) for order in known.complete_counts} == (
        known.complete_counts
    )
    assert all(cycle.certified for cycle in cycles)
