"""Networks whose states or units are in very different units have the same cycles, as soon."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.draws import drawn

import rnndyn as rd

#: Without balancing, a search of 40 states takes minutes.
FAST = {"method": "search", "max_restarts": 40, "progress": False, "time_limit": 20.0}


@dataclass(frozen=True)
class Pair:
    """A network, and the same one with state i in units of scale[i]."""

    well: rd.PiecewiseLinearMap
    badly: rd.PiecewiseLinearMap
    scale: NDArray[np.float64]


def pair(seed: int, n_states: int, n_units: int | None, most: int) -> Pair:
    rng = np.random.default_rng([seed, n_states])
    plain = n_units is None
    h = n_states if plain else n_units
    A = np.diag(rng.uniform(-0.8, 0.8, n_states))
    W1 = 0.6 * rng.normal(size=(n_states, h)) / np.sqrt(h)
    W2 = np.eye(n_states) if plain else rng.normal(size=(h, n_states)) / np.sqrt(n_states)
    h1, h2 = rng.normal(size=n_states), np.zeros(h) if plain else rng.normal(size=h)
    d = 2.0 ** rng.integers(-most, most + 1, n_states)
    d[0], d[-1] = 2.0**-most, 2.0**most
    u = d if plain else 2.0 ** rng.integers(-most, most + 1, h)
    return Pair(
        rd.PiecewiseLinearMap(A, W1, W2, h1, h2),
        rd.PiecewiseLinearMap(
            A * (d[:, None] / d),
            W1 * (d[:, None] / u),
            W2 * (u[:, None] / d),
            h1 * d,
            h2 * u,
        ),
        d,
    )


def assert_same(badly: rd.CycleSet, well: rd.CycleSet, scale: NDArray[np.float64]) -> None:
    assert badly.finished
    assert len(badly) == len(well)
    for a, b in zip(badly, well, strict=True):
        np.testing.assert_array_equal(a.itinerary, b.itinerary)
        assert a.certified
        assert b.certified
        assert a.stability == b.stability
        np.testing.assert_allclose(a.points / scale, b.points, rtol=0.0, atol=4 * b.error_bound)
        assert a.error_bound <= 10 * b.error_bound * scale.max()
        large = np.abs(b.multipliers) > 1e-3
        np.testing.assert_allclose(
            np.abs(a.multipliers)[large], np.abs(b.multipliers)[large], rtol=1e-6
        )


@pytest.mark.parametrize(("n_states", "n_units"), [(8, None), (12, 20), (40, None), (40, 60)])
@pytest.mark.parametrize("most", [30, 200])
def test_the_cycles_are_the_same_and_proved(n_states, n_units, most):
    n_found = 0
    for seed in range(drawn(2, 20)):
        case = pair(seed, n_states, n_units, most)
        badly = rd.find_cycles(case.badly, orders=[1, 2], **FAST)
        well = rd.find_cycles(case.well, orders=[1, 2], **FAST)
        assert_same(badly, well, case.scale)
        n_found += len(well)
    assert n_found > 0


def test_scyfi_and_the_default_method_find_them_as_well():
    case = pair(0, 40, None, 30)
    well = rd.find_cycles(case.well, orders=[1], **FAST)
    assert len(well) > 0
    scyfi = rd.find_cycles(case.badly, orders=[1], **{**FAST, "method": "scyfi"})
    assert_same(scyfi, well, case.scale)
    assert_same(
        rd.find_cycles(case.badly, orders=[1], progress=False, max_restarts=40), well, case.scale
    )


def test_boxes_and_states_are_in_the_units_of_the_network():
    case = pair(1, 12, 20, 30)
    (cycle,) = rd.find_cycles(case.well, orders=[1], **FAST)
    point = cycle.points[0]
    box = ((point - 0.5) * case.scale, (point + 0.5) * case.scale)
    assert_same(
        rd.find_cycles(case.badly, orders=[1], box=box, **FAST),
        rd.find_cycles(case.well, orders=[1], **FAST),
        case.scale,
    )
    beside = ((point + 0.5) * case.scale, (point + 1.0) * case.scale)
    assert len(rd.find_cycles(case.badly, orders=[1], box=beside, **FAST)) == 0
    little = {**FAST, "max_restarts": 1, "max_iterations": 1}
    found = rd.find_cycles(case.badly, orders=[1], states=point * case.scale, **little)
    assert len(found) == 1


def test_a_line_of_fixed_points_is_found_and_measured_in_the_given_units():
    rng = np.random.default_rng(3)
    m = 12
    W = 0.3 * rng.normal(size=(m, m)) / np.sqrt(m)
    A = np.diag(rng.uniform(-0.5, 0.5, m))
    A[0, 0], W[0] = 1.0, 0.0
    h = rng.normal(size=m)
    h[0] = 0.0
    scale = 2.0 ** np.linspace(-25, 25, m).round()
    well = rd.find_cycles(rd.PLRNN(A, W, h), orders=[1], **FAST)
    badly = rd.find_cycles(rd.PLRNN(A, W * (scale[:, None] / scale), h * scale), orders=[1], **FAST)
    assert len(well.continua) == len(badly.continua) > 0
    for line in badly.continua:
        np.testing.assert_allclose(np.linalg.norm(line.basis, axis=0), 1.0, rtol=1e-12)


def test_numbers_at_the_end_of_the_range_are_left_in_their_units():
    d = np.array([1e-70, 1.0, 1e70])
    A = np.array([[0.5, 0.1, 0.2], [0.1, -0.4, 0.3], [0.2, 0.1, 0.3]]) * (d[:, None] / d)
    h = np.array([1.0, -1.0, 0.5]) * d
    h[0] = 5e-324
    W = -0.2 * A
    found = rd.find_cycles(rd.PLRNN(A, W, h), orders=[1], **FAST)
    assert len(found) == 1
    assert found[0].certified
