"""Covariant vectors: they are carried into each other by the tangent map, and are eigenvectors
where the map is linear."""

import numpy as np
import pytest

from lyapunov import known_systems
from lyapunov.core_cases import (
    UserMap,
    core_system,
    linear,
    random_network,
    random_piecewise_linear,
    rates,
    run_core,
)


def parallel(first, second):
    """|cosine| of the angle between columns, last axis but one."""
    product = np.abs((first * second).sum(axis=-2))
    return product / np.linalg.norm(first, axis=-2) / np.linalg.norm(second, axis=-2)


def covariant(system, states, inputs=None, **options):
    record = run_core(system, states, inputs, **{"joint": True, **options})
    found = record["covariant"]
    steps, vectors = found["steps"], found["vectors"]
    assert vectors.shape[:2] == (len(states), len(steps))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=2), 1.0, rtol=0, atol=1e-12)
    assert (np.diff(steps) > 0).all()
    assert steps.min() >= 0
    assert steps.max() <= record["n_steps_done"]
    return record, steps, vectors


def test_none_unless_asked_for():
    assert run_core(linear(np.eye(2)), np.zeros((1, 2)), n_steps=5)["covariant"] is None


@pytest.mark.parametrize("qr_interval", [0, 1, 3])
def test_linear_map_has_its_eigenvectors(qr_interval):
    rng = np.random.default_rng(0)
    moduli = np.array([1.2, 1.0, 0.7, 0.45])
    for _ in range(5):
        basis = rng.normal(size=(4, 4))
        matrix = basis * moduli @ np.linalg.inv(basis)
        _, steps, vectors = covariant(
            linear(matrix),
            np.zeros((2, 4)),
            n_warmup=400,
            n_steps=600,
            window=10,
            n_covariant=30,
            qr_interval=qr_interval,
        )
        # Away from the end, where the backward recursion starts from arbitrary vectors.
        inner = vectors[:, steps < 400]
        assert inner.shape[1] >= 15
        cosines = parallel(inner, np.broadcast_to(basis, inner.shape))
        np.testing.assert_allclose(cosines, 1.0, rtol=0, atol=1e-12)


def assert_carried(system, states, inputs, record, steps, vectors, n_transient, n_before):
    """J ... J v_k at one sample is parallel to v_k at the next, for all the vectors that count."""
    compiled = core_system(system)
    z = states
    blank = np.zeros((len(states), 0))
    carried, t, n_checked = None, -n_before, 0
    position = {int(step): number for number, step in enumerate(steps)}
    last = steps[-1] - n_transient
    while t <= last:
        if t in position:
            now = vectors[:, position[t]]
            if carried is not None:
                np.testing.assert_allclose(parallel(carried, now), 1.0, rtol=0, atol=1e-9)
                n_checked += 1
            carried = now
        x = blank if inputs is None else inputs[:, (t + n_before) % inputs.shape[1]]
        if carried is not None:
            carried = compiled.tangent(z, x, np.ascontiguousarray(carried))
            carried = carried / np.linalg.norm(carried, axis=1, keepdims=True)
        z = compiled.step(z, x)
        t += 1
    assert n_checked >= 10


@pytest.mark.parametrize("qr_interval", [0, 1])
def test_henon_vectors_are_carried_into_each_other(qr_interval):
    known = known_systems.henon()
    system = UserMap(2, known.step, known.jacobian)
    states = known.states(np.random.default_rng(1), 4)
    record, steps, vectors = covariant(
        system,
        states,
        n_warmup=100,
        n_steps=200,
        window=1,
        n_covariant=100,
        qr_interval=qr_interval,
    )
    assert_carried(system, states, None, record, steps, vectors, 30, n_before=100)
    # The second one is not the second frame vector: tangencies of stable and unstable directions.
    cosine = np.abs((vectors[..., 0] * vectors[..., 1]).sum(axis=2))
    assert cosine.max() > 0.5
    assert rates(record)[:, 0].min() > 0.3


@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm", "piecewise linear", "two layers"])
def test_vectors_of_driven_networks_are_carried_into_each_other(kind):
    rng = np.random.default_rng(3)
    if kind == "piecewise linear":
        system = random_piecewise_linear(rng, 4, 5, "2")
    elif kind == "two layers":
        system = random_network(rng, "rnn_tanh", [2, 2], gain=1.0)
    else:
        system = random_network(rng, kind, [3], gain=0.8)
    states = rng.normal(size=(2, sum(system.layer_sizes)))
    inputs = rng.normal(size=(2, 37, 2))
    record, steps, vectors = covariant(
        system,
        states,
        inputs,
        n_warmup=300,
        n_steps=600,
        window=5,
        n_exponents=2,
        n_covariant=100,
    )
    # The vectors converge at the rate of the gap.
    first, second = rates(record).T
    assert (first - second).min() > 0.08
    assert_carried(system, states, inputs, record, steps, vectors, 300, n_before=300)


def test_the_exponents_are_those_without_vectors():
    rng = np.random.default_rng(3)
    system = random_network(rng, "gru", [4])
    states, inputs = rng.normal(size=(2, 4)), rng.normal(size=(2, 9, 2))
    with_vectors, without = (
        run_core(
            system, states, inputs, n_steps=120, window=6, joint=True, qr_interval=1, n_covariant=n
        )
        for n in (10, 0)
    )
    np.testing.assert_allclose(
        with_vectors["log_growth"].sum(axis=1),
        without["log_growth"].sum(axis=1),
        rtol=0,
        atol=1e-9,
    )
