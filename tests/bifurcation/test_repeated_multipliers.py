"""Networks whose Jacobians have the same multiplier many times over, as leaky networks have."""

import time

import numpy as np
import pytest

import rnndyn as rd
from bifurcation.core_paths import CENTER, follow

N = 10


def network(diagonal):
    rng = np.random.default_rng(0)
    w = 0.9 * rng.normal(size=(N, N)) / np.sqrt(N)
    np.fill_diagonal(w, 0.0)
    return rd.PLRNN(diagonal, w, rng.normal(size=N))


def swept(model, n=5):
    start = time.process_time()
    result = rd.bifurcation_diagram(
        model,
        "A[0,0]",
        np.linspace(-1.0, 1.0, n),
        max_order=1,
        n_threads=1,
        time_limit=60.0,
        progress=False,
    )
    assert result.run.finished
    return result, time.process_time() - start


def test_equal_diagonals_take_no_longer_than_random_ones():
    rng = np.random.default_rng(1)
    _, usual = swept(network(rng.uniform(0.2, 0.8, N)))
    _, equal = swept(network(np.full(N, 0.5)))
    assert equal < 5.0 * usual + 0.5


def test_equal_diagonals_have_the_events_of_nearly_equal_ones():
    rng = np.random.default_rng(1)
    nearly, _ = swept(network(0.5 + 1e-7 * rng.normal(size=N)))
    equal, _ = swept(network(np.full(N, 0.5)))
    assert len(equal.events) == len(nearly.events) > 3
    assert [e.kind for e in equal.events] == [e.kind for e in nearly.events]
    np.testing.assert_allclose(equal.events.s, nearly.events.s, atol=1e-5)


@pytest.mark.parametrize("n_states", [4, 10, 20])
@pytest.mark.parametrize("leak", [0.0, 0.5, -0.7])
def test_a_pair_passes_the_circle_next_to_a_repeated_multiplier(n_states, leak):
    # leak I + U R(s) U^T with orthonormal U: a pair leak + rho(s) exp(+- i phi), the other
    # multipliers all leak but one, which passes 1 / leak on the way: there a polynomial of all
    # pairs of multipliers has a multiple zero.
    rng = np.random.default_rng([31, n_states])
    basis = np.linalg.qr(rng.normal(size=(n_states, n_states)))[0]
    phi, at_pair = 1.2, 0.3

    def rho(s):
        # |leak + rho exp(i phi)| = 1 at s = 0.3.
        root = -leak * np.cos(phi) + np.sqrt(1.0 - (leak * np.sin(phi)) ** 2)
        return root + 0.4 * (s - at_pair)

    def at(s):
        inner = np.zeros((3, 3))
        turn = np.array([[np.cos(phi), -np.sin(phi)], [np.sin(phi), np.cos(phi)]])
        inner[:2, :2] = rho(s) * turn
        inner[2, 2] = (0.0 if leak == 0.0 else 1.0 / leak - leak) + 0.3 * (s - 0.6)
        inner[2, 0] = 0.5
        own = basis[:, :3] if n_states > 4 else np.eye(n_states)[:, :3]
        w1 = own @ inner
        # Units that are always on, so that A keeps an equal diagonal.
        h2 = np.full(3, 100.0)
        return leak * np.eye(n_states), w1, own.T.copy(), -w1 @ h2, h2

    start = time.process_time()
    followed = follow(at(0.0), at(1.0), [np.ones((1, 3))], 1)
    assert time.process_time() - start < 2.0
    events = followed["events"]
    places = events["s"][events["kind"] == CENTER]
    np.testing.assert_allclose(places, [at_pair], atol=1e-10)


def test_a_sweep_of_the_example_in_the_readme():
    model = rd.examples.load("plrnn-10d")
    result = rd.bifurcation_diagram(
        model,
        "A[0,0]",
        np.linspace(-1.0, 1.0, 200),
        max_order=1,
        n_threads=1,
        progress=False,
    )
    assert result.run.finished
    assert len(result.branches) > 0
