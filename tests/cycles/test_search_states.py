"""States that the user gives are where searches of piecewise-linear networks begin as well."""

import numpy as np
import pytest

import rnndyn as rd

M = 12


def network(seed: int = 2) -> rd.PLRNN:
    """One with many cycles, of which none attracts."""
    rng = np.random.default_rng(seed)
    A, W = rng.uniform(0.1, 0.9, M), rng.normal(size=(M, M)) * 1.5
    return rd.PLRNN(A, W, rng.normal(size=M))


def holds(found: rd.CycleSet, cycle: rd.Cycle) -> bool:
    return any((other.itinerary == cycle.itinerary).all() for other in found.of_order(cycle.order))


#: A search that gives up at once.
LITTLE = {"method": "search", "max_restarts": 1, "max_iterations": 1, "progress": False}


def missed_with_little(model: rd.PLRNN, order: int) -> list[rd.Cycle]:
    everything = rd.find_cycles(model, orders=[order], method="search", progress=False)
    little = rd.find_cycles(model, orders=[order], **LITTLE)
    return [cycle for cycle in everything if not holds(little, cycle)]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_cycles_that_a_small_budget_misses_are_found_from_states_near_them(order):
    n_missed = 0
    for seed in (1, 2):
        model = network(seed)
        for cycle in missed_with_little(model, order)[:5]:
            n_missed += 1
            near = cycle.points[0] * (1.0 + 1e-9)
            found = rd.find_cycles(model, orders=[order], states=near, **LITTLE)
            assert holds(found, cycle)
            assert found.search.options["n_states_given"] == 1
    assert n_missed >= 8


def test_states_in_any_shape_and_in_their_order():
    model = network()
    missed = missed_with_little(model, 2)[:4]
    points = np.array([cycle.points for cycle in missed])  # (n, 2, M)
    one = rd.find_cycles(model, orders=[2], states=points, **LITTLE)
    two = rd.find_cycles(model, orders=[2], states=points.reshape(-1, M).tolist(), **LITTLE)
    assert one == two
    assert all(holds(one, cycle) for cycle in missed)


def test_threads_and_seeds_change_nothing():
    model = network()
    states = np.random.default_rng(0).normal(size=(700, M)) * 3.0
    options = {"orders": [2], "method": "search", "states": states, "max_restarts": 30}
    one, two, four = (rd.find_cycles(model, **options, n_threads=n) for n in (1, 2, 4))
    assert one == two == four
    assert [record.n_solves for record in one.search.orders] == [
        record.n_solves for record in four.search.orders
    ]


def test_given_states_do_not_count_as_evidence():
    model = network()
    found = rd.find_cycles(model, orders=[1], method="search", seed=5)
    states = np.concatenate([cycle.points for cycle in found] * 50)
    again = rd.find_cycles(model, orders=[1], method="search", seed=5, states=states)
    assert again.search.orders[0].n_hits <= again.search.n_restarts - len(states)
    # All of them are known before the first random restart, which then ends one of its own.
    assert again.search.orders[0].n_solves_at_last_new <= len(states) * 20
    assert len(again) == len(found)


def test_all_ways_in_take_states():
    model = network()
    cycle = missed_with_little(model, 1)[0]
    state = cycle.points
    assert holds(rd.find_fixed_points(model, states=state, **LITTLE), cycle)
    assert holds(rd.find_fixed_points(model, None, state, **LITTLE), cycle)
    driven = rd.PLRNN(model.A, model.W, model.h, C=np.eye(M)[:, :1], s=[0.0])
    sets = rd.find_fixed_points(driven, [[0.0], [0.01]], states=state, **LITTLE)
    assert holds(sets[0], cycle)
    by_drive = rd.find_cycles(driven, 1, inputs=[0.0], drive=np.zeros((2, 30, 1)), **LITTLE)
    assert by_drive.search.options["n_states_given"] == 62


def test_orbits_that_run_away_are_no_starts():
    model = rd.PLRNN([2.0] * 12, np.eye(12) * 50.0, np.ones(12))
    found = rd.find_cycles(model, orders=[200], states=np.full((3, 12), 1e300), **LITTLE)
    assert found.search.options["n_states_given"] == 3


def test_states_of_a_stacked_network_have_their_layers_at_the_same_time():
    rng = np.random.default_rng(8)
    n = 7
    weights = [rng.normal(size=(n, n)) * 0.9 for _ in range(3)]
    network = rd.RNN(
        [None, weights[0]], weights[1:], [rng.normal(size=n), rng.normal(size=n)],
        nonlinearity="relu",
    )  # fmt: skip
    tried = 0
    for order in (2, 3, 4, 5):
        everything = rd.find_cycles(network, orders=[order], method="search")
        little = rd.find_cycles(network, orders=[order], **LITTLE)
        for cycle in everything:
            if holds(little, cycle):
                continue
            tried += 1
            states = network.layers_in_step(cycle.points)
            assert holds(
                rd.find_cycles(network, orders=[order], states=states[:1], **LITTLE), cycle
            )
    assert tried


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"states": [1.0]}, r"states must have shape \(M,\) or \(..., M\) with M = 12, got \(1,\)"),
        ({"states": [[np.nan] * M]}, "states must be finite"),
        ({"drive": [[1.0]]}, "this PLRNN has no external input: leave out drive"),
        ({"states": np.zeros(M), "method": "scyfi"}, "states and drive have no place in method"),
    ],
)
def test_mistakes(options, message):
    with pytest.raises(ValueError, match=message):
        rd.find_cycles(network(), 1, **options)
