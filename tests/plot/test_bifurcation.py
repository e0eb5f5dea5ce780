"""What the figures of bifurcations show: read back from the axes that the functions return."""

import numpy as np
import pytest

import rnndyn as rd

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


def run(weights):
    """PLRNNs x -> x / 2 + w relu(x) + 1 with the fixed point 1 / (1/2 - w) and a flip at -1.5."""
    return [rd.PLRNN([[0.5]], [[w]], [1.0]) for w in weights]


def lines_of(ax):
    return {c.get_label(): c for c in ax.collections if hasattr(c, "get_segments")}


def test_the_branches_are_where_the_cycles_are():
    diagram = rd.bifurcation_diagram(
        run([-1.0])[0], "W[0,0]", (-1.0, -2.0), max_order=1, progress=False
    )
    ax = rd.plot.bifurcation_diagram(diagram)
    lines = lines_of(ax)
    for label, low, high in (("stable", -1.5, -1.0), ("unstable", -2.0, -1.5)):
        points = np.concatenate(lines[label].get_segments())
        assert len(points) > 50
        np.testing.assert_allclose(points[:, 1], 1.0 / (0.5 - points[:, 0]), rtol=1e-9)
        assert points[:, 0].min() >= low - 1e-6
        assert points[:, 0].max() <= high + 1e-6
    assert ax.get_xlim() == (-2.0, -1.0)
    assert ax.get_xlabel() == "W[0,0]"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "degenerate flip (1)" in labels
    (marks,) = [c for c in ax.collections if c.get_label() == "degenerate flip (1)"]
    np.testing.assert_allclose(marks.get_offsets(), [[-1.5, 0.5]])


def test_every_point_of_a_cycle_has_its_line():
    diagram = rd.bifurcation_diagram(
        run([-2.0])[0], "W[0,0]", (-1.7, -1.9), orders=[2], progress=False
    )
    (cycle,) = [branch for branch in diagram.branches if branch.order == 2]
    ax = rd.plot.bifurcation_diagram(diagram, events=False)
    heights = np.concatenate([p for c in lines_of(ax).values() for p in c.get_segments()])[:, 1]
    for point in cycle.points(0.5)[:, 0]:
        assert np.abs(heights - point).min() < 1e-2


def test_cycles_at_infinity_do_not_spoil_the_axes():
    models = [rd.PLRNN([[0.5]], [[w]], [1.0]) for w in (0.0, 1.0)]
    result = rd.continue_cycles(*models, max_order=1, progress=False)
    assert "degenerate_transcritical" in result.events.kinds
    ax = rd.plot.bifurcation_diagram(result)
    (mark,) = [line for line in ax.lines if "at infinity" in line.get_label()]
    np.testing.assert_allclose(mark.get_xdata(), [0.5])
    low, high = ax.get_ylim()
    assert -1e3 < low < high < 1e3
    ax.figure.canvas.draw()


def test_the_timeline_shows_loss_events_and_jumps():
    timeline = rd.training_timeline(
        run([-1.0, -1.1, -1.2, -1.3, -1.7, -1.8]),
        losses=[5.0, 4.9, 4.81, 4.7, 1.0, 0.95],
        epochs=[0, 10, 20, 30, 40, 50],
        progress=False,
    )
    upper, lower = rd.plot.training_timeline(timeline)
    assert "jump (1)" in [text.get_text() for text in upper.get_legend().get_texts()]
    (jump,) = [line for line in upper.lines if line.get_label() == "jump (1)"]
    np.testing.assert_array_equal(jump.get_xdata()[:2], [30, 40])
    assert lower.get_xlabel() == "epoch"
    assert upper.get_ylabel() == "loss"
    rules = [c for c in upper.collections if hasattr(c, "get_segments")]
    np.testing.assert_allclose([s[0, 0] for c in rules for s in c.get_segments()], [35.0])
    # Without losses there is one part only.
    (only,) = rd.plot.training_timeline(rd.Timeline(timeline.branch_set))
    assert only.get_xlabel() == "epoch"


def test_given_axes_are_drawn_on():
    timeline = rd.training_timeline(run([-1.0, -2.0]), losses=[2.0, 1.0], progress=False)
    _, (first, second) = pyplot.subplots(2)
    assert rd.plot.training_timeline(timeline, (first, second)) == (first, second)
    _, ax = pyplot.subplots()
    assert rd.plot.training_timeline(timeline, ax) == (ax,)
    assert rd.plot.bifurcation_diagram(timeline.branch_set, ax) is ax
    with pytest.raises(ValueError, match="ax must be two"):
        rd.plot.training_timeline(timeline, (ax,))


def test_bad_arguments():
    timeline = rd.training_timeline(run([-1.0, -2.0]), progress=False)
    with pytest.raises(ValueError, match="state must be between 0 and 0"):
        rd.plot.training_timeline(timeline, state=1)
    with pytest.raises(ValueError, match="n_samples"):
        rd.plot.bifurcation_diagram(timeline.branch_set, n_samples=1)


@pytest.mark.parametrize("max_order", [1, 3])
def test_paths_without_cycles_and_with_many_can_be_drawn(max_order):
    models = [rd.PLRNN([[0.5]], [[w]], [h]) for w, h in ((0.6, 1.0), (0.7, 1.0), (-4.0, 1.0))]
    result = rd.continue_cycles(path=models, max_order=max_order, progress=False)
    ax = rd.plot.bifurcation_diagram(result)
    ax.figure.canvas.draw()
    nothing = rd.continue_cycles(models[0], models[0], orders=[2], progress=False)
    assert len(nothing.branches) == 0
    rd.plot.bifurcation_diagram(nothing).figure.canvas.draw()
