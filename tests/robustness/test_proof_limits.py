"""Complete searches of networks too large for a proof: they stop in time, with what they have."""

import numpy as np
import pytest

import rnndyn as rd
from clock import allowed, overrun


def delay_line(n):
    return rd.PLRNN(np.full(n, 0.5), 2 * np.eye(n, k=-1), np.ones(n))


def dense(m, seed=0):
    rng = np.random.default_rng(seed)
    return rd.PLRNN(np.full(m, 0.5), rng.normal(size=(m, m)) * 2 / np.sqrt(m), rng.normal(size=m))


@pytest.mark.parametrize(
    ("model", "order", "limit"),
    [
        (dense(300), 20, 0.2),
        (dense(300), 10, 0.2),
        (dense(50), 50, 0.2),
        (dense(50), 500, 0.2),
        (rd.examples.tent_map(), 25, 0.5),
        (rd.examples.tent_map(), 30, 0.5),
    ],
    ids=["m300-k20", "m300-k10", "m50-k50", "m50-k500", "tent-k25", "tent-k30"],
)
def test_a_proof_keeps_its_time_limit(model, order, limit):
    used, cycles = overrun(
        lambda: rd.find_cycles(
            model, orders=[order], method="complete", time_limit=limit, n_threads=1, progress=False
        ),
        limit,
    )
    assert used < allowed(limit)
    assert cycles.certificate.status != "proved"


def test_a_delay_line_is_proved_within_its_time_limit():
    used, cycles = overrun(
        lambda: rd.find_cycles(
            delay_line(40), orders=[1], method="complete", time_limit=0.5, progress=False
        ),
        0.5,
    )
    assert used < allowed(0.5)
    assert cycles.certificate.status == "proved"
    assert len(cycles) == 1


def test_what_does_not_fit_into_memory_is_refused_in_one_sentence():
    cycles = rd.find_cycles(dense(50), orders=[500], method="complete", time_limit=1.0)
    assert cycles.certificate.status != "proved"
    assert "A dictionary of this order takes" in " ".join(cycles.certificate.summary())


def test_a_stopped_proof_returns_what_a_search_finds():
    """A search knows both cycles in a moment, a proof would take days."""
    model = rd.examples.load("plrnn-10d")
    stopped = rd.find_cycles(
        model, orders=[10], method="complete", time_limit=3.0, n_threads=1, progress=False
    )
    assert stopped.certificate.status == "partial"
    assert len(stopped) == 2
    (statistics,) = stopped.search.orders
    assert statistics.n_restarts > 0
    assert not statistics.finished
    assert "It was searched" in " ".join(stopped.certificate.summary())


def test_undecided_itineraries_are_columns():
    rng = np.random.default_rng(0)
    # The origin is on the borders of all units but one, whose offset matters elsewhere.
    model = rd.ShallowPLRNN(
        rng.uniform(-1, 1, 22),
        rng.normal(size=(22, 23)),
        np.vstack([np.eye(22), rng.normal(size=(1, 22))]),
        np.zeros(22),
        np.append(np.zeros(22), -1.0),
    )
    # How far a proof comes in some seconds depends on what else the machine does.
    for limit in (0.3, 1.0, 2.0, 3.0, 6.0, 12.0):
        cycles = rd.find_cycles(model, 1, method="complete", time_limit=limit)
        undecided = cycles.certificate.undecided
        if len(undecided) > 100:
            break
    assert len(undecided) == sum(len(block) for block in undecided.blocks) > 100
    (block,) = undecided.blocks
    assert block.itinerary.shape == (len(undecided), 1, 23)
    assert np.unique(block.itinerary.reshape(len(block), -1), axis=0).shape[0] == len(block)
    assert undecided[-1].itinerary.tolist() == block.itinerary[-1].tolist()
    assert undecided.count("border") + undecided.count("singular") + undecided.count(
        "unproved"
    ) == len(undecided)
