"""Networks with known basins, and the slow way to find out where orbits go."""

from typing import NamedTuple

import numpy as np

import rnndyn as rd


def bistable(shift: float = 0.0) -> rd.PiecewiseLinearMap:
    """Return x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 + shift.

    The slope is 1/2 outside of [-1, 1] and 3/2 inside. For |shift| < 1/2 there are the stable fixed
    points 2 shift - 2 and 2 shift + 2, and between their basins the unstable one -2 shift.
    """
    return rd.PiecewiseLinearMap(
        A=[[0.5]],
        W1=[[1.0, -1.0]],
        W2=[[1.0], [1.0]],
        h1=[-1.0 + shift],
        h2=[1.0, -1.0],
    )


def escaping() -> rd.PiecewiseLinearMap:
    """Return the odd map with slope 1/2 inside of [-1, 1] and 3 outside.

    0 attracts what is between the unstable fixed points -5/4 and 5/4; the rest escapes.
    """
    # 3 x - 5/2 relu(x + 1) + 5/2 relu(x - 1) + 5/2: inside it is x / 2.
    return rd.PiecewiseLinearMap(
        A=[[3.0]], W1=[[-2.5, 2.5]], W2=[[1.0], [1.0]], h1=[2.5], h2=[1.0, -1.0]
    )


def with_saddle(matrix: np.ndarray) -> rd.PiecewiseLinearMap:
    """Return (u, v) -> (bistable u, u / 5 + v / 2) in the coordinates z = matrix (u, v).

    0 is a saddle; its stable manifold is u = 0, all of it, and separates the two basins.
    """
    inverse = np.linalg.inv(matrix)
    one = bistable()
    parameters = one.parameters
    return rd.PiecewiseLinearMap(
        A=matrix @ np.array([[0.5, 0.0], [0.2, 0.5]]) @ inverse,
        W1=matrix @ np.vstack([parameters["W1"], np.zeros(2)]),
        W2=np.column_stack([parameters["W2"], np.zeros(2)]) @ inverse,
        h1=matrix @ np.array([-1.0, 0.0]),
        h2=parameters["h2"],
    )


class Followed(NamedTuple):
    """Where orbits end up after very many steps."""

    last: np.ndarray
    unbounded: np.ndarray


def follow(model: rd.PiecewiseLinearModel, states: np.ndarray, n_steps: int) -> Followed:
    """Step states in NumPy, by the canonical map as it is written; (n, M) in, (n, M) out."""
    canonical = model.canonical
    unbounded = np.zeros(len(states), dtype=bool)
    states = states.copy()
    for _ in range(n_steps):
        hidden = np.maximum(states @ canonical.W2.T + canonical.h2, 0.0)
        images = states @ canonical.A.T + hidden @ canonical.W1.T + canonical.h1
        # Where an orbit is far out, it stays there.
        states = np.where(unbounded[:, np.newaxis], states, images)
        unbounded |= np.abs(states).max(axis=1) > 1e30
    return Followed(states, unbounded)


def nearest_label(model: rd.PiecewiseLinearModel, cycles, states: np.ndarray):
    """Return for each state the number of the cycle it ends up at, -1 none, -2 unbounded."""
    # Enough for the distance from the slowest cycle to shrink by 1e-8 once orbits are near it.
    slowest = max([cycle.order / -cycle.log_spectral_radius for cycle in cycles], default=0.0)
    last, unbounded = follow(model, states, 400 + int(18.0 * slowest))
    labels = np.full(len(states), -1)
    for number, cycle in enumerate(cycles):
        distance = np.abs(last[:, np.newaxis, :] - cycle.points).max(axis=2).min(axis=1)
        labels[distance < 1e-4 * (1.0 + np.abs(cycle.points).max())] = number
    labels[unbounded] = -2
    return labels


def random_network(family: str, n_states: int, seed: int) -> rd.PiecewiseLinearModel:
    """Return a network that mostly keeps orbits bounded and often has several attractors."""
    rng = np.random.default_rng([seed, n_states])
    A = rng.uniform(-0.8, 0.8, n_states)
    n_hidden = n_states + 3
    if family == "PLRNN":
        return rd.PLRNN(
            np.diag(A), rng.normal(size=(n_states, n_states)) - 0.8, rng.normal(size=n_states)
        )
    if family == "ClippedShallowPLRNN":
        return rd.ClippedShallowPLRNN(
            A=A,
            W1=rng.normal(size=(n_states, n_hidden)),
            W2=rng.normal(size=(n_hidden, n_states)),
            h1=rng.normal(size=n_states),
            h2=rng.normal(size=n_hidden),
        )
    if family == "ReLURNN":
        return rd.ReLURNN(rng.normal(size=(n_states, n_states)), rng.normal(size=n_states))
    raise ValueError(family)
