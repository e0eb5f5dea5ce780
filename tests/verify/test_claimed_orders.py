"""A few bytes of a file can claim large orders: what that costs does not follow them.

What is counted is how often the steps that make up the work are taken, not the time they take.
"""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.verify import _boxes, _cells, _listing
from rnndyn.verify._check import exact_map_of
from rnndyn.verify._orbits import has_one_orbit, solve_word
from verify import test_boxes, test_cells, test_p_matrix

#: The largest order there is.
HUGE = 1_000_000


def claiming(certificate, orders):
    """Return a certificate that claims these orders instead of its own."""
    orders = tuple(orders)
    parts = tuple(dataclasses.replace(part, orders=orders) for part in certificate.parts)
    return dataclasses.replace(
        certificate, orders=orders, proved_orders=orders, parts=parts, status="proved"
    )


def counted(monkeypatch, owner, name):
    """Return a list that grows with every call."""
    calls = []
    original = getattr(owner, name)

    def call(*arguments):
        calls.append(1)
        assert len(calls) < 20_000, f"{name} is called for every step of the orders claimed"
        return original(*arguments)

    monkeypatch.setattr(owner, name, call)
    return calls


@pytest.mark.parametrize("a", [0.5, 2.0, -3.0])
def test_an_affine_map_is_settled_at_any_order(a, monkeypatch):
    model = rd.PLRNN(A=[[a, 0.1], [0.2, 0.3]], W=np.zeros((2, 2)), h=[1.0, 0.0])
    found = rd.find_cycles(model, 1, method="complete", keep_tree=True, progress=False)
    solved = counted(monkeypatch, _listing, "solve_word")
    verdict = claiming(found.certificate, [1, 2, 7, HUGE]).verify(model)
    assert verdict.confirmed
    assert verdict.orders == (1, 2, 7, HUGE)
    assert len(solved) <= 2


def test_an_affine_map_whose_orbits_all_come_back_is_not_solved_at_any_order():
    model = rd.PLRNN(A=[[-1.0]], W=[[0.0]], h=[1.0])
    found = rd.find_cycles(model, 3, method="complete", keep_tree=True, progress=False)
    assert found.certificate.verify(model).confirmed
    verdict = claiming(found.certificate, [1, HUGE]).verify(model)
    assert not verdict.confirmed
    assert "an itinerary of order 1000000 has too many unknowns" in verdict.reasons[0]


def test_a_repeated_itinerary_is_taken_for_one_orbit_only_if_it_has_one():
    rng = np.random.default_rng(3)
    n_sure = 0
    for _ in range(40):
        A, W = rng.integers(-1, 2, 2), rng.integers(-1, 2, (2, 2))
        map_ = exact_map_of(rd.PLRNN(A=A.astype(float), W=W.astype(float), h=[1.0, -1.0]))
        for word in ((0,), (1,), (1, 2), (3, 0, 1)):
            for times in (2, 3, 4):
                orbits = solve_word(map_, word * times)
                sure = has_one_orbit(map_, word, times)
                assert sure is (orbits is not None and orbits.dimension == 0)
                if sure:
                    n_sure += 1
                    points = orbits.points()
                    assert points[: len(word)] * times == points
    assert n_sure > 50


@pytest.mark.parametrize("name", ["lozi", "oblique borders", "border", "three states"])
def test_words_over_cells_are_not_followed_beyond_those_of_the_file(name, monkeypatch):
    model, certificate = test_cells.case(name)
    layers = counted(monkeypatch, _cells, "reduce")
    verdict = claiming(certificate, [HUGE]).verify(model)
    assert not verdict.confirmed
    assert layers


@pytest.mark.parametrize("name", ["boxes, gain", "boxes, border"])
def test_states_of_boxes_are_not_followed_where_nothing_is_known_of_them(name, monkeypatch):
    model, certificate = test_boxes.case(name)
    steps = counted(monkeypatch, _boxes._Checker, "_step")
    verdict = claiming(certificate, [HUGE]).verify(model)
    assert not verdict.confirmed
    assert steps


def test_boxes_around_a_stable_cycle_are_confirmed_at_any_order(monkeypatch):
    # Both states come to rest at once: the box is that of one region.
    model = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.25]], W=[[0.0, -0.25], [-0.25, 0.0]], h=[1.0, 1.0])
    box = ([0.5, 0.5], [3.0, 3.0])
    certificate = test_boxes.proved(model, [1, 2, 3], "boxes", box).certificate
    assert certificate.verify(model).confirmed
    steps = counted(monkeypatch, _boxes._Checker, "_step")
    verdict = claiming(certificate, [1, 2, 3, 50_000]).verify(model)
    assert verdict.confirmed, verdict.reasons
    assert steps


def test_a_p_matrix_is_of_one_order_and_no_larger_than_those_of_a_search():
    model = rd.PLRNN(A=[0.5, -0.3], W=[[0.2, -0.9], [0.8, 0.1]], h=[1.0, 0.3])
    certificate = test_p_matrix.proved(model, [1]).certificate
    assert claiming(certificate, [3]).verify(model).confirmed
    for orders, reason in (([HUGE], "has too many unknowns"), ([1, 2], "for one order only")):
        verdict = claiming(certificate, orders).verify(model)
        assert not verdict.confirmed
        assert reason in verdict.reasons[0]
