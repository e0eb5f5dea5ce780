"""What the figures of basins show: read back from the axes that the function returns."""

import numpy as np
import pytest

import rnndyn as rd
from basin_cases import bistable, escaping, with_saddle
from rnndyn.plot import _style

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
colors = pytest.importorskip("matplotlib.colors")
pyplot = pytest.importorskip("matplotlib.pyplot")


def labels_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn_colors(ax):
    """Colours of the cells as they are drawn, in the shape of the mesh."""
    (mesh,) = [c for c in ax.collections if isinstance(c, matplotlib.collections.QuadMesh)]
    values = np.asarray(mesh.get_array())
    return mesh.cmap(mesh.norm(values))[..., :3]


def test_every_point_has_the_colour_of_its_attractor():
    result = rd.basins(
        rd.find_cycles(with_saddle(np.array([[1.0, 0.5], [-0.3, 1.0]])), max_order=1), resolution=20
    )
    ax = rd.plot.basins(result)
    cells = drawn_colors(ax)
    rank = np.argsort(-result.shares, kind="stable")
    for place, number in enumerate(rank):
        own = cells[result.labels == number]
        np.testing.assert_allclose(
            own, np.broadcast_to(colors.to_rgb(_style.AREA_COLORS[place]), own.shape), atol=1e-6
        )
    assert labels_of(ax) == ["fixed point, 00 (50.0%)", "fixed point, 11 (50.0%)"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_{0}$", "$z_{1}$")
    # A white ring and a dot in the colour of the basin for each attractor.
    marks = [c for c in ax.collections if hasattr(c, "get_sizes")]
    assert len(marks) == 2 * len(result.attractors)
    for number, cycle in enumerate(result.attractors):
        ring, dot = marks[2 * number : 2 * number + 2]
        np.testing.assert_allclose(ring.get_offsets(), cycle.points, atol=1e-12)
        np.testing.assert_allclose(dot.get_offsets(), cycle.points, atol=1e-12)
        color = _style.AREA_COLORS[rank.tolist().index(number)]
        np.testing.assert_allclose(dot.get_facecolors()[0, :3], colors.to_rgb(color))
        assert ring.get_sizes()[0] > dot.get_sizes()[0]
    assert rd.plot.basins(result, ax) is ax


def test_one_state_is_a_strip_and_what_escapes_is_named():
    result = rd.basins(escaping(), np.linspace(-3.0, 3.0, 600))
    ax = rd.plot.basins(result, attractors=False)
    assert drawn_colors(ax).shape == (1, 600, 3)
    assert labels_of(ax) == ["fixed point, 10 (41.7%)", "unbounded (58.3%)"]
    assert len(ax.get_yticks()) == 0


def test_what_is_undecided_or_not_reached_is_named(lozi):
    side = np.linspace(-0.1, 0.1, 9)
    undecided = rd.basins(lozi, side, side, max_steps=50)
    assert labels_of(rd.plot.basins(undecided)) == ["undecided (100.0%)"]
    stopped = rd.basins(lozi, side, side, max_steps=10**12, time_limit=0.02)
    assert labels_of(rd.plot.basins(stopped)) == ["not reached (100.0%)"]
    single = rd.basins(bistable(), [1.0])
    rd.plot.basins(single).figure.canvas.draw()
