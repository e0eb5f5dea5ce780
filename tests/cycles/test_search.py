"""The search functions: what they check, and what they hand back."""

import math
import os
import time

import numpy as np
import pytest

import rnndyn as rd
from rnndyn._common.checks import default_n_threads

TENT_COUNTS = {1: 2, 2: 1, 3: 2, 4: 3, 5: 6, 6: 9, 7: 18, 8: 30}


@pytest.mark.parametrize("method", ["auto", "exhaustive", "search"])
def test_every_cycle_of_the_tent_map_is_found(tent, method):
    cycles = rd.find_cycles(tent, max_order=8, method=method)
    assert {order: len(cycles.of_order(order)) for order in TENT_COUNTS} == TENT_COUNTS
    assert cycles.finished
    for cycle in cycles:
        np.testing.assert_allclose(
            tent.step(cycle.points), np.roll(cycle.points, -1, axis=0), atol=1e-12
        )
        assert cycle.spectral_radius == pytest.approx(2.0**cycle.order, rel=1e-12)
        assert cycle.stability == "unstable"
        assert cycle.certified


def test_the_published_algorithm_finds_the_fixed_points(tent):
    assert len(rd.find_cycles(tent, max_order=1, method="scyfi")) == 2


def test_orders_are_sorted_and_named_once(tent):
    cycles = rd.find_cycles(tent, orders=[3, 1, 3])
    assert [record.order for record in cycles.search.orders] == [1, 3]
    assert cycles.orders == (1, 3)
    assert rd.find_cycles(tent, orders=range(1, 4)) == rd.find_cycles(tent, max_order=3)
    assert rd.find_cycles(tent, orders=np.array([2])).orders == (2,)


def test_fixed_points_are_the_cycles_of_order_one(tent):
    assert rd.find_fixed_points(tent) == rd.find_cycles(tent, orders=[1])


def test_the_search_is_remembered(tent):
    search = rd.find_cycles(tent, max_order=2, seed=5, n_threads=1, box=3.0, time_limit=60).search
    assert search.seed == 5
    assert search.n_threads == 1
    assert search.version == rd.__version__
    assert search.stopped_by == "finished"
    assert search.seconds > 0
    assert dict(search.options) == {
        "orders": [1, 2],
        "method": "auto",
        "max_restarts": None,
        "max_iterations": None,
        "box": [[-3.0], [3.0]],
        "time_limit": 60.0,
        "rigorous": True,
        "keep_tree": False,
    }


def test_a_box_keeps_the_cycles_inside(tent):
    everything = rd.find_cycles(tent, max_order=4)
    inside = rd.find_cycles(tent, max_order=4, box=(-0.9, 0.9))
    expected = everything.select(lambda cycle: bool(np.abs(cycle.points).max() <= 0.9))
    assert [cycle.points.tolist() for cycle in inside] == [
        cycle.points.tolist() for cycle in expected
    ]
    assert 0 < len(inside) < len(everything)


def test_the_same_seed_gives_the_same_set(lozi):
    first = rd.find_cycles(lozi, orders=[8], method="search", seed=3)
    assert first == rd.find_cycles(lozi, orders=[8], method="search", seed=3)
    assert first.search.n_solves > 0


def test_progress_reports_reach_the_meter(lozi):
    class Meter:
        def __init__(self):
            self.calls = []

        def init(self, title):
            self.calls.append("init")

        def step(self, progress):
            self.calls.append(progress)

        def close(self):
            self.calls.append("close")

    meter = Meter()
    rd.find_cycles(lozi, orders=[40], method="search", time_limit=0.7, progress=meter)
    first, *states, last = meter.calls
    assert (first, last) == ("init", "close")
    assert len(states) >= 2
    assert all(isinstance(state, rd.cycles.SearchProgress) for state in states)
    assert all(0.0 <= state.fraction <= 1.0 for state in states)
    assert states[-1].order == 40
    assert states[-1].n_solves > states[0].n_solves >= 0


def test_an_error_of_the_meter_is_not_swallowed_and_the_meter_is_closed(lozi):
    class Broken:
        closed = False

        def init(self, title):
            pass

        def step(self, progress):
            raise ZeroDivisionError("the meter is broken")

        def close(self):
            self.closed = True

    meter = Broken()
    with pytest.raises(ZeroDivisionError, match="the meter is broken"):
        rd.find_cycles(lozi, orders=[40], method="search", time_limit=5, progress=meter)
    assert meter.closed


# One itinerary -------------------------------------------------------------------------------


def test_a_real_cycle_from_its_itinerary(tent):
    cycle = rd.solve_cycle(tent, [[False], [True]])
    assert isinstance(cycle, rd.Cycle)
    assert not cycle.virtual
    np.testing.assert_allclose(cycle.points, [[-0.2], [0.6]], atol=1e-15)


def test_a_virtual_cycle_says_so():
    # z -> 1 - 0.5 relu(z): the candidate of the region z < 0 is z = 1, on the other side.
    model = rd.PLRNN(A=[[0.0]], W=[[-0.5]], h=[1.0])
    cycle = rd.solve_cycle(model, [False])
    assert cycle.virtual
    np.testing.assert_allclose(cycle.points, [[1.0]])
    assert "virtual=True" in repr(cycle)


def test_a_flat_itinerary_is_a_fixed_point(tent):
    assert rd.solve_cycle(tent, [True]) == rd.solve_cycle(tent, [[1]])
    assert rd.solve_cycle(tent, np.array([1.0])).points[0, 0] == pytest.approx(1 / 3)


def test_a_line_attractor_is_a_continuum_with_exact_ends():
    model = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
    line = rd.solve_cycle(model, [True, True])
    assert isinstance(line, rd.ContinuumOfFixedPoints)
    ends = [end for end in line.endpoints() if end is not None]
    assert len(ends) == 1
    np.testing.assert_allclose(ends[0], [0.0, 2.0], atol=1e-14)
    samples = line.sample(50, radius=10.0)
    np.testing.assert_allclose(model.step(samples), samples, atol=1e-12)
    # The extent that the core computed and the inequalities of the set say the same.
    signs = np.sign(line.normals[:, 0])
    bounds = line.offsets / line.normals[:, 0]
    upper = min(bounds[signs > 0], default=math.inf)
    lower = max(bounds[signs < 0], default=-math.inf)
    np.testing.assert_allclose(line.extent[0], [lower, upper], atol=1e-14)


def test_an_itinerary_without_any_solution_is_none():
    # z -> z + 1 where z > 0: no fixed point, not even a virtual one.
    model = rd.PLRNN(A=[[0.5]], W=[[0.5]], h=[1.0])
    assert rd.solve_cycle(model, [True]) is None


# Wrong arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, ValueError, "give either max_order=K.*or orders=.*got neither"),
        ({"max_order": 2, "orders": [1]}, ValueError, "give either.*got both"),
        ({"max_order": 0}, ValueError, r"max_order must be between 1 and \d+, got 0"),
        ({"max_order": -3}, ValueError, r"max_order must be between 1 and \d+, got -3"),
        ({"max_order": 2.0}, TypeError, "max_order must be an integer, got 2.0"),
        ({"max_order": True}, TypeError, "max_order must be an integer, got True"),
        ({"max_order": "3"}, TypeError, "max_order must be an integer, got '3'"),
        ({"orders": []}, ValueError, "orders must name at least one order"),
        ({"orders": [1, 0]}, ValueError, r"orders must be between 1 and \d+, got 0"),
        ({"max_order": 10**7}, ValueError, "max_order must be between 1 and 1000000, got 10000000"),
        ({"orders": [10**40]}, ValueError, "orders must be between 1 and 1000000"),
        ({"max_order": 1, "max_restarts": 2**63}, ValueError, "max_restarts must be between"),
        ({"max_order": 1, "n_threads": 10**5}, ValueError, "n_threads must be between 1 and 4096"),
        ({"orders": [1.5]}, TypeError, "orders must be an integer, got 1.5"),
        ({"orders": 4}, TypeError, r"orders must be a list of integers such as \[4\]"),
        (
            {"max_order": 1, "method": "best"},
            ValueError,
            "auto, complete, exhaustive, search, scyfi.*'best'",
        ),
        ({"max_order": 1, "method": None}, ValueError, "method must be one of"),
        ({"max_order": 1, "seed": -1}, ValueError, "seed must be between 0 and .*, got -1"),
        ({"max_order": 1, "seed": 2**64}, ValueError, "seed must be between"),
        ({"max_order": 1, "seed": 1.5}, TypeError, "seed must be an integer, got 1.5"),
        ({"max_order": 1, "max_restarts": 0}, ValueError, r"between 1 and \d+, got 0"),
        ({"max_order": 1, "max_restarts": -5}, ValueError, "max_restarts must be between 1 and"),
        ({"max_order": 1, "max_iterations": 0}, ValueError, "max_iterations must be between 1 and"),
        ({"max_order": 1, "n_threads": 0}, ValueError, r"n_threads .* \d+, got 0"),
        ({"max_order": 1, "n_threads": 1.5}, TypeError, "n_threads must be an integer"),
        ({"max_order": 1, "time_limit": 0}, ValueError, "time_limit must be a positive, finite"),
        ({"max_order": 1, "time_limit": -1}, ValueError, "number of seconds, got -1"),
        ({"max_order": 1, "time_limit": math.nan}, ValueError, "time_limit must be a positive"),
        ({"max_order": 1, "time_limit": math.inf}, ValueError, "time_limit must be a positive"),
        ({"max_order": 1, "time_limit": "soon"}, TypeError, "time_limit must be a number of sec"),
        ({"max_order": 1, "box": 0}, ValueError, "box, a radius, must be positive, got 0"),
        ({"max_order": 1, "box": -1.0}, ValueError, "box, a radius, must be positive, got -1"),
        ({"max_order": 1, "box": (2.0, 1.0)}, ValueError, "lower bound below its upper bound"),
        ({"max_order": 1, "box": ([0, 3], [1, 3])}, ValueError, r"state 1 has \[3, 3\]"),
        ({"max_order": 1, "box": math.nan}, ValueError, "radius of box must be finite"),
        ({"max_order": 1, "box": math.inf}, ValueError, "for no bounds at all give box=None"),
        ({"max_order": 1, "box": (-1, math.inf)}, ValueError, "upper bound of box must be finite"),
        ({"max_order": 1, "box": ([0, 0, 0], 1)}, ValueError, r"shape \(2,\), got \(3,\)"),
        ({"max_order": 1, "box": (1, 2, 3)}, ValueError, "got 3 entries"),
        (
            {"max_order": 1, "box": "big"},
            TypeError,
            "radius of box must hold real numbers, got str",
        ),
        ({"max_order": 1, "progress": "yes"}, TypeError, "progress must be None, True, False"),
    ],
)
def test_wrong_arguments_are_named(lozi, arguments, error, match):
    with pytest.raises(error, match=match):
        rd.find_cycles(lozi, **arguments)


@pytest.mark.parametrize("wrong", [None, np.eye(2), "network.npz", rd.PLRNN])
def test_something_that_is_no_network_is_refused(wrong):
    for call in (
        lambda: rd.find_cycles(wrong, max_order=1),
        lambda: rd.find_fixed_points(wrong),
        lambda: rd.solve_cycle(wrong, [True]),
    ):
        with pytest.raises(TypeError, match="model must be a model of rnndyn"):
            call()


@pytest.mark.parametrize(
    ("itinerary", "error", "match"),
    [
        ([[True, False, True]], ValueError, r"shape \(k, 2\) or \(2,\), got \(1, 3\)"),
        ([True], ValueError, r"got \(1,\)"),
        (True, ValueError, r"got \(\)"),
        (np.zeros((0, 2), dtype=bool), ValueError, r"got \(0, 2\)"),
        (np.zeros((1, 1, 2), dtype=bool), ValueError, r"got \(1, 1, 2\)"),
        ([[True, False], [True]], ValueError, "rows of different length"),
        ([[0, 2]], ValueError, "only 0 and 1"),
        ([[0.0, math.nan]], ValueError, "only 0 and 1"),
        ([["0", "1"]], TypeError, "must hold bits"),
        ([[None, None]], TypeError, "must hold bits"),
    ],
)
def test_wrong_itineraries_are_named(lozi, itinerary, error, match):
    with pytest.raises(error, match=match):
        rd.solve_cycle(lozi, itinerary)


# Threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "expected"), [("3", 3), ("5,2", 5), (" 2 ", 2)])
def test_the_usual_variable_sets_the_threads(monkeypatch, setting, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert default_n_threads() == expected


@pytest.mark.parametrize("setting", [None, "", "0", "many", "-2"])
def test_otherwise_the_processors_of_this_process_do(monkeypatch, setting):
    if setting is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 3}, raising=False)
    assert default_n_threads() == 3


def two_state_network_of_many_words():
    """Return a network of 20 units whose cheap proofs fail, and whose far part fails slowly."""
    rng = np.random.default_rng([0, 2, 20])
    A = rng.uniform(0.2, 0.9, 2)
    W1 = rng.normal(size=(2, 20)) / np.sqrt(20)
    W2 = rng.normal(size=(20, 2)) / np.sqrt(2)
    return rd.ShallowPLRNN(A, W1, W2, 0.3 * rng.normal(size=2), rng.normal(size=20))


def test_a_proof_that_is_tried_first_costs_little():
    """About 0.03 s; planning the proof alone took 6 s and more when it had no limit of its own."""
    model = two_state_network_of_many_words()
    start = time.process_time()
    cycles = rd.find_cycles(model, max_order=8, n_threads=1, progress=False)
    assert time.process_time() - start < 2.0
    assert cycles.search.finished
    assert len(cycles) == len(rd.find_cycles(model, max_order=8, method="search", progress=False))


def test_a_proof_with_a_time_limit_leaves_time_to_search():
    """Planning the proof takes several seconds, and nothing would be known before its end."""
    # On a machine with much else to do a second may not be one of its processor.
    for time_limit in (1.0, 3.0):
        cycles = rd.find_cycles(
            two_state_network_of_many_words(),
            max_order=8,
            method="complete",
            n_threads=1,
            time_limit=time_limit,
            progress=False,
        )
        if len(cycles) > 0:
            break
    assert [cycle.order for cycle in cycles] == [1]
    assert cycles.search.orders[0].n_restarts > 0 or cycles.search.orders[0].complete
