"""Networks for the tests of manifolds and of what is made of them."""

import numpy as np

import rnndyn as rd


def network(seed, n_states, n_units):
    """Return a random network whose orbits stay bounded, often with several attractors."""
    rng = np.random.default_rng([seed, n_states, n_units])
    W2 = rng.normal(size=(n_units, n_states))
    gain = rng.uniform(0.6, 1.6) * rng.choice([-1.0, 1.0, 1.0], n_units)
    W1 = gain * W2.T / np.sqrt(n_states / 2.0) + 0.3 * rng.normal(size=(n_states, n_units))
    return rd.ClippedShallowPLRNN(
        A=rng.uniform(0.1, 0.9, n_states),
        W1=W1,
        W2=W2,
        h1=0.5 * rng.normal(size=n_states),
        h2=1.5 * rng.normal(size=n_units),
    )


def cycles_of(model, max_order=1):
    return rd.find_cycles(
        model, max_order, method="search", max_restarts=200, n_threads=1, progress=False
    )


def step(model, states):
    canonical = model.canonical
    hidden = np.maximum(states @ canonical.W2.T + canonical.h2, 0.0)
    return states @ canonical.A.T + hidden @ canonical.W1.T + canonical.h1


def fates(model, attractors, states, n_steps=4_000):
    """Return where orbits are after many steps: next to an attractor, far away (-2), else (-1)."""
    states = np.array(states, dtype=np.float64)
    gone = np.zeros(len(states), dtype=bool)
    for _ in range(n_steps):
        states = step(model, states)
        # What was far away on one side must not go on from the other one.
        gone |= np.abs(states).max(axis=1, initial=0.0) > 1e12
        states[gone] = 0.0
    labels = np.full(len(states), -1)
    for number, cycle in enumerate(attractors):
        away = np.abs(states[:, np.newaxis] - cycle.points).max(axis=2).min(axis=1)
        labels[away < 1e-6] = number
    labels[gone] = -2
    return labels


def gate_of(seed, n_states=2, n_units=4, order=None):
    """Return a saddle of a random network, the next one that has any from the seed on."""
    number = 100 * seed
    while True:
        for cycle in reversed(cycles_of(network(number, n_states, n_units), 2).saddles):
            if not cycle.on_border and order in (None, cycle.order):
                return cycle
        number += 1
