"""Searches of smooth networks end soon after their time limit, whatever is left to do."""

import time

import numpy as np

import rnndyn as rd
from smooth.cases import random_network


def test_orders_that_are_left_are_not_searched():
    # Once many cycles are known, each of so many orders takes a while before its search begins.
    model = random_network("RNN", 10, 4.0, np.random.default_rng(2))
    limit = 0.5
    begin = time.process_time()
    found = rd.find_cycles(model, 40, time_limit=limit, n_threads=1)
    seconds = time.process_time() - begin
    assert found.search.stopped_by == "time_limit"
    assert [entry.order for entry in found.search.orders] == list(range(1, 41))
    left = [entry for entry in found.search.orders if entry.n_restarts == 0]
    assert left
    assert not any(entry.complete or entry.coverage is not None for entry in left)
    assert sum(entry.seconds for entry in left[1:]) == 0.0
    assert seconds < limit + 2.0
