"""Complete searches: every method against what is known, and what they say of themselves."""

import dataclasses
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from proofs import confirmed
from reference import ExactMap, disagreements
from reference.counting import moebius
from reference.enumeration import truths_of_orders
from reference.networks import FAMILIES, orders_within_reach, random_network
from rnndyn.cycles._choice import search

LOZI_COUNTS = {
    1: 2,
    2: 1,
    3: 0,
    4: 1,
    5: 0,
    6: 4,
    7: 4,
    8: 7,
    9: 10,
    10: 12,
    11: 18,
    12: 32,
    13: 56,
    14: 78,
    15: 122,
    16: 180,
    17: 282,
    18: 439,
    19: 704,
    20: 1100,
    24: 6735,
    30: 108955,
}


def tent_count(order: int) -> int:
    """Primitive necklaces of two colours; the tent map with slopes 2 and -2 has all of them."""
    divisors = [d for d in range(1, order + 1) if order % d == 0]
    return sum(moebius(order // d) * 2**d for d in divisors) // order


def complete(model: Any, orders: Any, **options: Any) -> rd.CycleSet:
    """A complete search by a chosen method and branching rule; small proofs are confirmed."""
    chosen = {
        "seed": 0,
        "max_restarts": None,
        "max_iterations": None,
        "box": None,
        "n_threads": 1,
        "time_limit": None,
        "progress": False,
        "rigorous": True,
        "keep_tree": True,
        "resume": None,
        **options,
    }
    cycles = search(model, None, orders, method="complete", **chosen)
    confirmed(cycles)
    return cycles


def counts(cycles: rd.CycleSet) -> dict[int, int]:
    return {order: len(cycles.of_order(order)) for order in cycles.orders}


@pytest.fixture(scope="module")
def lozi() -> Any:
    return rd.examples.lozi_map()


@pytest.fixture(scope="module")
def ten() -> Any:
    return rd.examples.load("plrnn-10d")


@pytest.mark.parametrize("branching", ["violation", "time_order"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_dictionaries_count_lozi_cycles(lozi, branching, n_threads):
    for order in (1, 2, 3, 6, 9, 12):
        cycles = complete(
            lozi, [order], proof_method="dictionary", branching=branching, n_threads=n_threads
        )
        assert cycles.certificate.status == "proved"
        assert len(cycles.of_order(order)) == LOZI_COUNTS[order]


@pytest.mark.parametrize(
    ("last", "box", "n_threads"), [(20, None, 1), (20, 50.0, 2), (24, None, 7)]
)
def test_polygons_count_lozi_cycles(lozi, last, box, n_threads):
    cycles = complete(
        lozi, range(1, last + 1), proof_method="polygons", box=box, n_threads=n_threads
    )
    assert cycles.certificate.proved_orders == tuple(range(1, last + 1))
    for order, expected in LOZI_COUNTS.items():
        if order <= last:
            assert len(cycles.of_order(order)) == expected
    assert not cycles.certificate.undecided


def test_cells_count_lozi_cycles(lozi):
    cycles = complete(lozi, range(1, 13), proof_method="cells", box=20.0)
    assert cycles.certificate.status == "proved"
    assert counts(cycles) == {k: n for k, n in LOZI_COUNTS.items() if k <= 12 and n}


def test_lozi_cycles_of_order_30(lozi):
    cycles = rd.find_cycles(lozi, orders=[30], method="complete", progress=False)
    assert cycles.certificate.status == "proved"
    assert len(cycles) == LOZI_COUNTS[30]
    assert all(np.all(block.certified) for block in cycles.blocks)


def test_tent_cycles_up_to_order_22():
    cycles = rd.find_cycles(rd.examples.tent_map(), 22, method="complete", progress=False)
    assert cycles.certificate.status == "proved"
    assert counts(cycles) == {order: tent_count(order) for order in range(1, 23)}
    assert tent_count(22) == 190557


def test_the_10d_network_in_a_box_up_to_order_10(ten):
    cycles = rd.find_cycles(ten, 10, method="complete", box=3.0, progress=False)
    assert cycles.certificate.status == "proved"
    assert counts(cycles) == {1: 3, 10: 2}
    assert {part.method for part in cycles.certificate.parts} == {"dictionary", "cells"}


@pytest.mark.parametrize("name", [n for n in rd.examples.names() if n.startswith("plrnn_2d")])
def test_all_orders_of_the_2d_networks(name):
    order = rd.examples.info(name).order
    cycles = rd.find_cycles(rd.examples.load(name), order, method="complete", progress=False)
    assert cycles.certificate.status == "proved"
    assert len(cycles.of_order(order)) == rd.examples.info(name).expected_cycles
    assert sum(counts(cycles).values()) == len(cycles.of_order(order)) + (order > 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_disagreement_with_the_exact_enumeration(family):
    for number in range(12):
        model = random_network(family, number)
        orders = orders_within_reach(model.canonical.n_units)
        truths = truths_of_orders(model.canonical, orders)
        runs: list[dict[str, Any]] = [
            {"proof_method": "dictionary"},
            {"proof_method": "dictionary", "branching": "time_order", "n_threads": 2},
            {"rigorous": False},
        ]
        if model.n_states <= 2:
            runs.append({"proof_method": "polygons"})
        for options in runs:
            cycles = complete(model, orders, **options)
            assert cycles.finished
            reported = SimpleNamespace(cycles=list(cycles), continua=list(cycles.continua))
            assert disagreements(ExactMap.of(model.canonical), reported, truths) == [], options


@pytest.mark.parametrize("family", ["PLRNN", "ShallowPLRNN", "ALRNN"])
def test_every_method_finds_the_same_in_a_box(family):
    for number in range(0, 24, 2):
        model = random_network(family, number)
        orders = orders_within_reach(model.canonical.n_units)
        everything = complete(model, orders, proof_method="dictionary")
        expected = [
            cycle.itinerary.tolist()
            for cycle in everything
            if np.abs(cycle.points).max() <= 2.0 and not cycle.on_border
        ]
        for method in ("dictionary", "cells", *(["polygons"] if model.n_states <= 2 else [])):
            cycles = complete(model, orders, proof_method=method, box=2.0, time_limit=20.0)
            if cycles.certificate.status == "proved":
                found = [c.itinerary.tolist() for c in cycles if not c.on_border]
                assert found == expected, (method, number)


def test_the_tree_does_not_depend_on_threads_or_interruptions(ten):
    orders = [1, 2, 3, 4]
    whole = rd.find_cycles(
        ten, orders=orders, method="complete", n_threads=1, keep_tree=True, progress=False
    )
    threaded = rd.find_cycles(
        ten, orders=orders, method="complete", n_threads=4, keep_tree=True, progress=False
    )
    assert threaded == whole
    assert threaded.certificate == whole.certificate
    pieces = rd.find_cycles(
        ten, orders=orders, method="complete", time_limit=1e-4, keep_tree=True, progress=False
    )
    assert pieces.certificate.status == "partial"
    assert not pieces.complete
    for _ in range(200):
        if pieces.certificate.status == "proved":
            break
        pieces = rd.find_cycles(
            ten,
            orders=orders,
            method="complete",
            time_limit=0.02,
            keep_tree=True,
            progress=False,
            resume=pieces,
        )
    assert pieces.certificate.status == "proved"
    assert pieces == whole
    assert pieces.certificate.verify(ten).confirmed


def test_a_stopped_search_returns_what_it_has_and_is_saved_and_resumed(tmp_path, lozi):
    start = time.perf_counter()
    stopped = rd.find_cycles(lozi, orders=[34], method="complete", time_limit=0.3, progress=False)
    assert time.perf_counter() - start < 3.0
    assert stopped.certificate.status == "partial"
    assert stopped.search.stopped_by == "time_limit"
    assert "Not proved: order 34" in repr(stopped)
    stopped.save(tmp_path / "stopped.npz")
    loaded = rd.CycleSet.load(tmp_path / "stopped.npz")
    assert loaded == stopped
    assert loaded.certificate == stopped.certificate
    further = rd.find_cycles(
        lozi, orders=[34], method="complete", time_limit=0.3, progress=False, resume=loaded
    )
    share = [cycles.certificate.parts[0].share for cycles in (stopped, further)]
    assert share[1] > share[0] > 0.0


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"resume": 3}, TypeError, "resume must be what an interrupted .* got int"),
        ({"orders": [1, 2]}, ValueError, "search of the same orders"),
        ({"box": 4.0}, ValueError, "search of the same box"),
        ({"method": "auto"}, ValueError, "give method='complete'"),
        ({"rigorous": "yes"}, TypeError, "rigorous must be True or False, got 'yes'"),
        ({"keep_tree": 1}, TypeError, "keep_tree must be True or False, got 1"),
    ],
)
def test_wrong_resumptions_are_refused(ten, change, error, match):
    earlier = rd.find_cycles(ten, orders=[1], method="complete", progress=False)
    arguments = {"orders": [1], "method": "complete", "resume": earlier, **change}
    with pytest.raises(error, match=match):
        rd.find_cycles(ten, **arguments)


def test_a_search_of_another_model_is_not_resumed(ten, lozi):
    earlier = rd.find_cycles(ten, orders=[1], method="complete", progress=False)
    with pytest.raises(ValueError, match="same model"):
        rd.find_cycles(lozi, orders=[1], method="complete", resume=earlier)


def test_without_rigour_nothing_is_called_proved(ten):
    cycles = rd.find_cycles(ten, 2, method="complete", rigorous=False, progress=False)
    assert cycles.certificate.status == "searched"
    assert cycles.certificate.proved_orders == ()
    assert cycles.finished
    assert not cycles.complete
    assert counts(cycles) == {1: 3}


def test_what_needs_no_rigour_is_proved_without(ten):
    """The certificate, the statistics and what is printed say the same, also of a file."""
    weights = 0.2 * np.random.default_rng(2).normal(size=(4, 4))
    contracting = rd.PLRNN(A=np.full(4, 0.2), W=weights, h=np.ones(4))
    for model, proved in ((contracting, True), (ten, False)):
        cycles = rd.find_cycles(model, 2, method="complete", rigorous=False, progress=False)
        again = type(cycles.search).from_dict(cycles.search.to_dict())
        assert (cycles.certificate.status == "proved") is proved
        assert cycles.complete is cycles.search.complete is again.complete is proved
        for record in (*cycles.search.orders, *again.orders):
            assert record.complete is record.proved is record.rigorous is proved
        assert ("Proved" in repr(cycles)) is proved


def test_a_search_that_began_without_rigour_proves_nothing(ten):
    part = rd.find_cycles(
        ten, orders=[3], method="complete", rigorous=False, time_limit=1e-3, progress=False
    )
    assert not part.finished
    cycles = rd.find_cycles(ten, orders=[3], method="complete", resume=part, progress=False)
    assert cycles.finished
    assert cycles.complete is (cycles.certificate.status == "proved")


def test_earlier_records_say_no_more_than_they_did(ten):
    """They do not tell whether an order was searched with rigour: the option does."""
    search = rd.find_cycles(ten, 2, method="complete", rigorous=False, progress=False).search
    earlier = search.to_dict()
    assert all("rigorous" not in record for record in earlier["orders"])
    assert not type(search).from_dict(earlier).complete


def test_a_contracting_network_is_settled_at_all_orders():
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(80, 80))
    weights *= 0.4 / np.linalg.norm(weights, 2)
    model = rd.PLRNN(A=rng.uniform(-0.5, 0.5, 80), W=weights, h=rng.normal(size=80))
    cycles = rd.find_cycles(model, 50, method="complete", progress=False)
    assert cycles.certificate.status == "proved"
    assert [part.method for part in cycles.certificate.parts] == ["contraction"]
    assert counts(cycles) == {1: 1}
    assert cycles[0].certified


def test_a_point_on_all_borders_is_too_much_for_dictionaries_and_it_says_so():
    # The origin is a fixed point on the border of 2^22 regions. One unit with an offset, off there,
    # keeps its multiples from being fixed points; without it all is proved at once.
    rng = np.random.default_rng(0)
    A, W = rng.uniform(-1, 1, 22), rng.normal(size=(22, 22))
    without = complete(rd.PLRNN(A, W, np.zeros(22)), [1], time_limit=20.0)
    assert without.certificate.status == "proved"
    assert len(without) == 1
    model = rd.ShallowPLRNN(
        A,
        np.hstack([W, rng.normal(size=(22, 1))]),
        np.vstack([np.eye(22), rng.normal(size=(1, 22))]),
        np.zeros(22),
        np.append(np.zeros(22), -1.0),
    )
    cycles = complete(model, [1], time_limit=0.1)
    certificate = cycles.certificate
    assert certificate.status == "partial"
    assert certificate.proved_orders == ()
    assert "of the tree is done" in " ".join(certificate.summary())
    # How many of the regions that were met are solved in time depends on the machine; one is.
    (origin,) = cycles
    assert origin.on_border
    assert not origin.points.any()


@pytest.mark.parametrize("box", [None, 2.5])
@pytest.mark.parametrize(("slope", "expected"), [(1.0, {}), (0.5, {1: 1}), (-2.0, {1: 1})])
def test_networks_without_a_unit_that_matters(box, slope, expected):
    model = rd.PLRNN(A=[[slope]], W=[[0.0]], h=[-1.0])
    for method in ("auto", "dictionary"):
        cycles = complete(model, [1, 2, 3], proof_method=method, box=box)
        assert cycles.certificate.status == "proved"
        assert counts(cycles) == expected
        # The equation of z' = z - 1 is singular; solved exactly it contradicts itself.
        assert not cycles.certificate.undecided


def test_cells_need_a_box_and_say_so(ten):
    certificate = complete(ten, [1], proof_method="cells").certificate
    assert certificate.status == "searched"
    assert "give box=R" in " ".join(certificate.summary())


def test_cells_give_up_where_there_are_too_many_regions():
    model = rd.examples.load("uniform-m30")
    certificate = complete(model, [2], proof_method="cells", box=1000.0).certificate
    assert certificate.status == "searched"
    assert "Not proved: order 2" in " ".join(certificate.summary())


def test_polygons_stop_where_the_tree_is_too_large():
    rng = np.random.default_rng(0)
    model = rd.ShallowPLRNN(
        rng.uniform(-0.5, 0.5, 2),
        0.3 * rng.normal(size=(2, 50)),
        rng.normal(size=(50, 2)),
        rng.normal(size=2),
        rng.normal(size=50),
    )
    certificate = complete(model, range(1, 60), time_limit=0.5).certificate
    assert certificate.status == "partial"
    assert "% of the tree is done" in " ".join(certificate.summary())


def test_offsets_of_any_size_are_treated_alike():
    model = rd.examples.load("uniform-m20-strong")
    for factor in (1e-30, 1e-12, 1.0, 1e12):
        scaled = model.with_parameters(h=model.h * factor)
        cycles = rd.find_cycles(scaled, orders=[1], method="complete", progress=False)
        assert cycles.certificate.status == "proved"
        assert len(cycles) == 7


def test_auto_ends_with_a_proof_where_that_is_cheap(ten):
    cycles = rd.find_cycles(ten, 3, progress=False)
    assert cycles.certificate.status == "proved"
    searched = rd.find_cycles(ten, 12, progress=False)
    assert searched.certificate.status == "searched"
    assert searched.certificate.proved_orders
    assert max(searched.certificate.proved_orders) < 12
    assert searched.search.coverage is not None


def test_a_cycle_that_rounding_puts_on_the_edge_of_the_box_is_not_lost():
    rng = np.random.default_rng(0)
    n_edges = 0
    for _ in range(40):
        model = rd.PLRNN(rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3))
        for cycle in complete(model, [1], proof_method="dictionary"):
            # The exact point may lie on either side of a bound that is this close.
            upper = np.full(3, 100.0)
            upper[0] = np.nextafter(cycle.points[0, 0], -np.inf)
            inside = complete(model, [1], proof_method="dictionary", box=(-100.0, upper))
            undecided = [entry.itinerary.tolist() for entry in inside.certificate.undecided]
            close = cycle.points[0, 0] - upper[0] < cycle.error_bound
            if np.abs(cycle.points).max() < 99.0 and close:
                assert cycle.itinerary.tolist() in undecided
                n_edges += 1
    assert n_edges > 5


@pytest.mark.parametrize("method", ["dictionary", "polygons", "boxes"])
@pytest.mark.parametrize(
    "bits", [[10**6], [2**31 - 1], [-(10**6)], [-(2**31)], [0, -1], [3, 10**6]]
)
def test_open_branches_of_a_file_are_looked_at(method, bits):
    """They say where to go on, so that a damaged file must not lead out of what there is."""
    rng = np.random.default_rng(1)
    model = rd.PLRNN(0.3 * rng.normal(size=2), 0.6 * rng.normal(size=(2, 2)), rng.normal(size=2))
    orders = [1, 2, 3]
    whole = complete(model, orders, proof_method=method, box=5.0)
    branch = (np.array(bits, dtype=np.int32), np.ones(len(bits), dtype=bool))
    parts = tuple(
        dataclasses.replace(part, complete=False, open=(branch,))
        for part in whole.certificate.parts
    )
    damaged = dataclasses.replace(
        whole.certificate, parts=parts, proved_orders=(), status="partial"
    )
    earlier = dataclasses.replace(whole, certificate=damaged)
    with pytest.raises(ValueError, match="open branch"):
        complete(model, orders, proof_method=method, box=5.0, resume=earlier)


@pytest.mark.parametrize("proof_method", ["contraction", "p_matrix"])
def test_a_proof_without_a_tree_is_whole_after_it_was_gone_on_with(proof_method):
    rng = np.random.default_rng(5)
    gain = 0.02 if proof_method == "contraction" else 0.2
    model = rd.PLRNN(rng.uniform(-0.3, 0.3, 6), gain * rng.normal(size=(6, 6)), rng.normal(size=6))
    first = complete(model, [1, 2], proof_method=proof_method, keep_tree=True)
    assert {part.method for part in first.certificate.parts} == {proof_method}
    again = complete(model, [1, 2], proof_method=proof_method, keep_tree=True, resume=first)
    assert len(again.certificate.parts) == len(first.certificate.parts)
    assert again.certificate.verify(model), again.certificate.verify(model)
