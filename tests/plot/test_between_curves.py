"""Shading ends at the curves, and does not leak through them."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import rnndyn as rd
from rnndyn.plot._between_curves import NO_VALUE, areas_between

GRID = np.linspace(0.0, 1.0, 6)


def test_a_line_parts_two_values_exactly():
    # y = 0.3013 + 0.45 x: no point of the finer grid on it.
    line = np.array([[0.0, 0.3013], [0.37, 0.3013 + 0.45 * 0.37], [1.0, 0.7513]])
    y, x = np.meshgrid(GRID, GRID, indexing="ij")
    areas = areas_between(GRID, GRID, np.where(y > 0.3013 + 0.45 * x, 2, 1), [line])
    fine_x, fine_y = np.meshgrid(areas.x, areas.y)
    above = fine_y > 0.3013 + 0.45 * fine_x
    assert np.array_equal(areas.values, np.where(above, 2, 1))
    assert set(GRID) <= set(areas.x)


def test_a_circle_keeps_what_is_inside():
    angles = np.linspace(0.0, 2.0 * np.pi, 200)
    circle = np.array([0.4, 0.4]) + 0.15 * np.column_stack([np.cos(angles), np.sin(angles)])
    circle[-1] = circle[0]
    values = np.zeros((6, 6), dtype=np.int64)
    # The only point inside of it is (0.4, 0.4).
    values[2, 2] = 7
    areas = areas_between(GRID, GRID, values, [circle])
    fine_x, fine_y = np.meshgrid(areas.x, areas.y)
    radius = np.hypot(fine_x - 0.4, fine_y - 0.4)
    assert (areas.values[radius < 0.1499] == 7).all()
    assert (areas.values[radius > 0.1501] == 0).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_curve_through_points_of_the_grid_is_tight(sign):
    # A diagonal through as many of them as there are, and a value on one side only.
    line = np.array([[0.0, 0.5 - 0.5 * sign], [1.0, 0.5 + 0.5 * sign]])
    values = np.full((6, 6), NO_VALUE)
    values[0, 2] = 3
    areas = areas_between(GRID, GRID, values, [line])
    fine_x, fine_y = np.meshgrid(areas.x, areas.y)
    height = 0.5 + sign * (fine_x - 0.5)
    assert (areas.values[fine_y < height - 1e-3] == 3).all()
    assert (areas.values[fine_y > height + 1e-3] == NO_VALUE).all()


def test_nothing_is_guessed_between_curves_without_a_grid_point():
    strip = [np.array([[x, 0.0], [x, 1.0]]) for x in (0.4501, 0.5501)]
    areas = areas_between(GRID, GRID, np.ones((6, 6), dtype=np.int64), strip)
    inside = (areas.x > 0.4501) & (areas.x < 0.5501)
    assert inside.any()
    assert (areas.values[:, inside] == NO_VALUE).all()
    assert (areas.values[:, ~inside] == 1).all()


def test_without_curves_it_is_the_nearest_point():
    values = np.random.default_rng(0).integers(0, 5, (4, 6))
    y = np.array([0.0, 1.0, 3.0, 7.0])
    areas = areas_between(GRID, y, values, [])
    row = np.abs(areas.y[:, np.newaxis] - y).argmin(axis=1)
    column = np.abs(areas.x[:, np.newaxis] - GRID).argmin(axis=1)
    # Half way between two points either will do.
    apart = [
        np.sort(np.abs(a[:, np.newaxis] - b), axis=1) for a, b in ((areas.y, y), (areas.x, GRID))
    ]
    clear = [sizes[:, 1] - sizes[:, 0] > 1e-9 for sizes in apart]
    here = np.ix_(*clear)
    assert np.array_equal(areas.values[here], values[np.ix_(row, column)][here])


def test_the_shading_of_a_diagram_is_that_of_the_network():
    """At random places, against the cycles of the network there."""
    tent = rd.PLRNN(A=[[0.5]], W=[[-2.0]], h=[1.0])
    x, y = np.linspace(0.05, 0.95, 10), np.linspace(-4.0, -1.0, 10)
    diagram = rd.stability_diagram(tent, ("A[0,0]", x), ("W[0,0]", y), max_order=2, progress=False)
    curves = [curve.points for curve in diagram.curves if curve.outcome != "persistence"]
    areas = areas_between(x, y, diagram.n_stable.sum(axis=0), curves)
    rng = np.random.default_rng(0)
    n_checked = 0
    for _ in range(100):
        row, column = rng.integers(len(areas.y)), rng.integers(len(areas.x))
        value = areas.values[row, column]
        # A neighbourhood without a curve, whose points are exact to a residual only.
        near = areas.values[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        if value == NO_VALUE or (near != value).any():
            continue
        model = tent.with_parameters({"A[0,0]": areas.x[column], "W[0,0]": areas.y[row]})
        assert len(rd.find_cycles(model, 2, progress=False).stable) == value
        n_checked += 1
    assert n_checked > 60
