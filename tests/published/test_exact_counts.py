"""Maps whose number of cycles of every order is known."""

import numpy as np
import pytest

import rnndyn as rd
from reference.counting import moebius_cycle_counts

TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])  # z' = 1 - 2|z|, conjugate to the full tent map
LOZI = rd.PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
LOZI_COUNTS = {
    1: 2, 2: 1, 3: 0, 4: 1, 5: 0, 6: 4, 7: 4, 8: 7, 9: 10, 10: 12, 11: 18, 12: 32, 13: 56, 14: 78,
}  # fmt: skip


def counts(model: rd.PiecewiseLinearModel, max_order: int, **options: object) -> dict[int, int]:
    cycles = rd.find_cycles(model, max_order=max_order, progress=False, **options)
    assert cycles.finished
    return {order: len(cycles.of_order(order)) for order in range(1, max_order + 1)}


@pytest.mark.parametrize("method", ["auto", "exhaustive"])
def test_tent_map_has_as_many_cycles_as_the_full_shift(method):
    expected = {order: moebius_cycle_counts(2, order) for order in range(1, 15)}
    assert expected[12] == 335
    assert counts(TENT, 14, method=method) == expected


def test_cycles_of_the_tent_map_have_the_multipliers_they_must_have():
    for cycle in rd.find_cycles(TENT, max_order=10, progress=False):
        n_right = int(cycle.itinerary.sum())
        assert cycle.multipliers[0] == (-1.0) ** n_right * 2.0**cycle.order
        assert cycle.stability == "unstable"
        assert cycle.certified


@pytest.mark.parametrize("method", ["auto", "exhaustive"])
def test_lozi_map(method):
    assert counts(LOZI, 14, method=method) == LOZI_COUNTS


def test_heuristic_finds_all_lozi_cycles_of_moderate_order():
    expected = {order: count for order, count in LOZI_COUNTS.items() if order <= 8}
    assert counts(LOZI, 8, method="search", max_restarts=2000) == expected


def test_lozi_cycles_close():
    for cycle in rd.find_cycles(LOZI, max_order=14, progress=False):
        images = np.array([LOZI.step(z) for z in cycle.points])
        np.testing.assert_allclose(images, np.roll(cycle.points, -1, axis=0), atol=1e-12)
        # The Jacobian determinant of the Lozi map is -b in both regions.
        assert np.prod(cycle.multipliers).real == pytest.approx((-0.5) ** cycle.order, rel=1e-6)
