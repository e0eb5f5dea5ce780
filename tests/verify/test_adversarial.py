"""Proofs about networks that are made to break floating-point arithmetic."""

import numpy as np
import pytest

import rnndyn as rd
from proofs import confirmed, find_completely

SEEDS = range(40)


def shapes(m, h):
    """Of A, W1, W2, h1, h2."""
    return (m, m), (m, h), (h, m), (m,), (h,)


def tied(rng):
    """Integer and half-integer weights, with zeros: borders and singular equations are common."""
    m, h = rng.integers(1, 4, size=2)
    return tuple(rng.integers(-4, 5, size=shape) / 2.0 for shape in shapes(m, h))


def one_ulp(rng):
    """Duplicated units whose borders are some units in the last place apart."""
    m = int(rng.integers(1, 3))
    w2 = np.repeat(rng.integers(-2, 3, size=(1, m)) / 1.0, 3, axis=0)
    w1 = rng.integers(-6, 7, size=(m, 3)) / 2.0
    h2 = -1.0 - rng.integers(0, 30, size=3) * 2.0**-52
    return np.diag(rng.integers(-3, 4, size=m) / 4.0), w1, w2, rng.integers(-2, 3, size=m) / 2.0, h2


def wide(rng):
    """Entries of very different size within one network."""
    m, h = rng.integers(1, 4, size=2)
    return tuple(
        rng.normal(size=shape) * 10.0 ** rng.integers(-12, 13, size=shape) for shape in shapes(m, h)
    )


def subnormal(rng):
    """Products below the smallest normal number, which W1 makes large again."""
    m, h = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    w1 = np.zeros((m, h))
    w1[0] = rng.choice([1.7e149, 1e141, -1e146, 1e131], size=h)
    w2 = np.zeros((h, m))
    w2[:, 1:] = -rng.choice([1e-149, 3e-149, 1e-141], size=(h, m - 1))
    h1 = rng.choice([1e-175, 2e-175, 3e-175, 1e-179], size=m)
    h2 = rng.integers(0, 8, size=h) * 5e-324
    return np.zeros((m, m)), w1, w2, h1, h2


def multiplier_of_one(rng):
    """Multipliers at 1 and at -1, exactly and one unit in the last place away."""
    m = int(rng.integers(1, 3))
    ulp = rng.integers(-1, 2, size=m) * 2.0**-52
    a = np.diag(rng.choice([1.0, -1.0, 0.5], size=m) + ulp)
    w = np.diag(rng.choice([0.0, -1.0, -2.0, 0.5], size=m))
    return a, w, np.eye(m), rng.choice([0.0, 1.0, -0.5], size=m), np.zeros(m)


FAMILIES = (tied, one_ulp, wide, subnormal, multiplier_of_one)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_proof_is_confirmed(family):
    n_confirmed = 0
    for seed in SEEDS:
        model = rd.PiecewiseLinearMap(*family(np.random.default_rng(seed)))
        n_bits = 6 // model.n_units
        for box in (None, 3.0) if seed % 4 == 0 else (None,):
            cycles = find_completely(model, max(1, min(3, n_bits)), box=box, time_limit=5.0)
            n_confirmed += confirmed(cycles)
    assert n_confirmed > len(SEEDS) // 3


def test_nothing_certified_is_false_where_products_underflow():
    model = rd.PiecewiseLinearMap(
        np.zeros((4, 4)),
        [[1.7e149], [0], [0], [0]],
        [[0, -1e-149, -1e-149, -1e-149]],
        [1e-175, 2e-175, 2e-175, 2e-175],
        [5e-324],
    )
    cycles = find_completely(model, 1)
    # Exactly there is one fixed point, at 1e-175; in double arithmetic its pre-activation is
    # 5e-324.
    for cycle in cycles:
        if cycle.certified:
            assert abs(cycle.points[0, 0] - 1e-175) <= cycle.error_bound
    assert confirmed(cycles)


def test_nothing_listed_is_claimed_that_does_not_exist():
    """Candidates that cannot be told from border cycles have bits cleared: another itinerary."""
    model = rd.PiecewiseLinearMap(
        [[-0.5]], [[3.0, -6.0, 3.0]], [[1.0]] * 3, [1.5], [-1.0, -1 - 5e-15, -1 - 1e-14]
    )
    cycles = find_completely(model, 3)
    assert cycles.certificate.status == "proved"
    assert confirmed(cycles)
