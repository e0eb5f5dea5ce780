"""Proofs by contraction."""

import dataclasses

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.certificate.result import Certificate
from verify.proof_trees import TreeRecord

ORDERS = [1, 2, 7]


def contracting(n_states=4, seed=0):
    rng = np.random.default_rng(seed)
    W = 0.1 * rng.normal(size=(n_states, n_states))
    return rd.PLRNN(A=rng.uniform(-0.3, 0.3, n_states), W=W, h=rng.normal(size=n_states))


def norms(model):
    m, h = model.n_states, model.n_units
    return {
        "weights": {"kind": "weighted_infinity", "weights": np.ones(m)},
        "P": {"kind": "quadratic", "P": np.eye(m), "Lambda": np.full(h, 0.5)},
    }


def certificate_of(model, data, box=None, orders=ORDERS):
    part = TreeRecord(0).part(
        "contraction", orders, unbounded=True, nodes=None, data=data, n_leaves=1
    )
    record = {
        "status": "proved",
        "box": box,
        "orders": orders,
        "proved_orders": orders,
        "parts": [part],
        "undecided": [],
    }
    found = rd.find_cycles(model, orders=[1], method="exhaustive", box=box, n_threads=1)
    return Certificate.from_record(record, model, found.blocks, found.continua)


@pytest.mark.parametrize("norm", ["weights", "P"])
@pytest.mark.parametrize("seed", range(5))
def test_a_contracting_network_is_confirmed(norm, seed):
    model = contracting(seed=seed)
    certificate = certificate_of(model, norms(model)[norm])
    assert certificate.n_cycles == 1
    verdict = certificate.verify(model)
    assert verdict.confirmed, verdict.reasons
    assert verdict.orders == (1, 2, 7)


@pytest.mark.parametrize("norm", ["weights", "P"])
def test_the_fixed_point_must_be_listed(norm):
    model = contracting()
    certificate = certificate_of(model, norms(model)[norm])
    without = dataclasses.replace(certificate, cycles=())
    assert "neither listed nor undecided" in without.verify(model).reasons[0]


@pytest.mark.parametrize("norm", ["weights", "P"])
def test_the_fixed_point_may_lie_outside_the_box(norm):
    model = contracting().with_parameters(h=[5.0, 5.0, 5.0, 5.0])
    box = (np.full(4, -0.1), np.full(4, 0.1))
    certificate = certificate_of(model, norms(model)[norm], box)
    assert certificate.n_cycles == 0
    assert certificate.verify(model)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": [1.0, 1.0, 1.0, 1e-3]},
        {"weights": [1.0, 1.0, 1.0, 0.0]},
        {"weights": [1.0, 1.0, 1.0, -1.0]},
        {"weights": [1.0, 1.0, 1.0, np.inf]},
        {"weights": [1.0, 1.0, 1.0]},
        {"weights": np.ones((2, 2))},
        {"P": np.eye(4)},
        {"Lambda": np.ones(4)},
        {"P": np.eye(4), "Lambda": np.zeros(4)},
        {"P": np.eye(4), "Lambda": [0.5, 0.5, 0.5, -0.5]},
        {"P": np.eye(4), "Lambda": [0.5, 0.5, 0.5, 1e9]},
        {"P": -np.eye(4), "Lambda": np.full(4, 0.5)},
        {"P": np.zeros((4, 4)), "Lambda": np.full(4, 0.5)},
        {"P": np.eye(4) + np.eye(4, k=1) * 1e-9, "Lambda": np.full(4, 0.5)},
        {"P": np.full((4, 4), np.nan), "Lambda": np.full(4, 0.5)},
        {"P": np.diag([1e-9, 1.0, 1.0, 1.0]), "Lambda": np.full(4, 0.5)},
        {"P": np.eye(3), "Lambda": np.full(4, 0.5)},
        {"surprise": np.eye(4)},
        {},
    ],
)
def test_wrong_norms_are_refused(change):
    model = contracting()
    verdict = certificate_of(model, change).verify(model)
    assert not verdict
    assert verdict.reasons[0].startswith("part 0 (contraction, orders 1, 2 and 7): ")


def test_maps_that_do_not_contract_are_refused():
    tent = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
    half = rd.PLRNN(A=[[1.0]], W=[[-1.0]], h=[1.0])  # slope 1 for z < 0
    for model in (tent, half):
        for data in ({"weights": [1.0]}, {"P": [[1.0]], "Lambda": [1.0]}):
            assert not certificate_of(model, data, orders=[1]).verify(model)


def test_units_that_do_not_enter_may_have_no_multiplier():
    model = rd.PLRNN(A=[0.5, 0.25], W=[[0.25, 0.0], [0.25, 0.0]], h=[1.0, -1.0])
    certificate = certificate_of(model, {"P": np.eye(2), "Lambda": [0.25, 0.0]})
    assert certificate.verify(model)
    assert not certificate_of(model, {"P": np.eye(2), "Lambda": [0.0, 0.25]}).verify(model)


def test_a_fixed_point_on_a_border_has_to_be_listed_too():
    model = rd.PLRNN(A=[[0.25]], W=[[0.25]], h=[0.0])
    certificate = certificate_of(model, {"weights": [1.0]})
    assert certificate.cycles[0].on_border.all()
    assert certificate.verify(model)
    assert not dataclasses.replace(certificate, cycles=()).verify(model)
