"""Closest points of pieces that are far away, long, and cut by nearly parallel borders."""

import numpy as np
import pytest

import rnndyn as rd

optimize = pytest.importorskip("scipy.optimize")


def test_closest_points_against_another_method():
    rng = np.random.default_rng(3)
    n_compared = 0
    for _ in range(12):
        m, h = int(rng.integers(2, 5)), int(rng.integers(3, 7))
        model = rd.ClippedShallowPLRNN(
            rng.uniform(0.3, 0.9, m),
            1.5 * rng.normal(size=(m, h)),
            rng.normal(size=(h, m)),
            0.3 * rng.normal(size=m),
            rng.normal(size=h),
        )
        pieces = rd.basin_boundary(rd.find_cycles(model, max_order=2), depth=4).pieces
        for state in rng.uniform(-4.0, 4.0, (10 if len(pieces) else 0, m)):
            for piece in rng.choice(len(pieces), min(5, len(pieces)), replace=False).tolist():
                point, distance = pieces.closest(piece, state)
                rows, bounds = pieces.rows_of(piece)
                equations, values = pieces.equations[piece], pieces.values[piece]
                assert np.abs(equations @ point - values).max() < 1e-9 * (1.0 + distance)
                assert (rows @ point - bounds).max() < 1e-9 * (1.0 + distance)
                # It starts at the point, and would find one that is closer.
                other = optimize.minimize(
                    lambda x, z=state: 0.5 * ((x - z) ** 2).sum(),
                    point,
                    jac=lambda x, z=state: x - z,
                    constraints=[
                        {"type": "ineq", "fun": lambda x, a=rows, b=bounds: b - a @ x},
                        {"type": "eq", "fun": lambda x, a=equations, b=values: a @ x - b},
                    ],
                    method="SLSQP",
                    options={"ftol": 1e-16, "maxiter": 200},
                )
                assert distance - np.sqrt(2.0 * other.fun) < 1e-7 * (1.0 + distance)
                n_compared += 1
    assert n_compared >= 100
