"""Figures of scans show the values and where there are none."""

import matplotlib as mpl
import numpy as np
import pytest

import rnndyn as rd

mpl.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")

LINE = rd.PLRNN([[0.5]], [[0.0]], [1.0])
FACTORS = [0.0, 0.25, 0.5, 0.75, 1.5]


def test_a_curve_shows_values_and_what_has_none():
    result = rd.scan(LINE, ("A[0,0]", FACTORS), n_steps=2000)
    ax = rd.plot.scan(result)
    curve = next(line for line in ax.get_lines() if len(line.get_xdata()) == 5)
    np.testing.assert_allclose(curve.get_ydata()[1:4], np.log(FACTORS[1:4]), atol=1e-12)
    assert np.isnan(curve.get_ydata()[[0, 4]]).all()
    marks = {line.get_label(): line.get_xdata().tolist() for line in ax.get_lines()}
    assert marks["diverged"] == [1.5]
    assert marks["-inf"] == [0.0]
    assert ax.get_xlabel() == "A[0,0]"
    assert ax.get_ylabel() == "max_lyapunov"
    assert len(ax.collections) == 1, "the band of the errors"


def test_a_map_shows_zero_white_and_nothing_grey():
    result = rd.scan(
        LINE,
        ("A[0,0]", FACTORS),
        ("h[0]", [1.0, 2.0, 3.0]),
        measures={"a": lambda m: m.get_parameter("A[0,0]") - 0.5, "b": "max_lyapunov"},
        n_steps=2000,
    )
    figure, (first, second) = pyplot.subplots(1, 2)
    assert rd.plot.scan(result, ax=first) is first
    (mesh,) = first.collections
    assert mesh.get_clim() == (-1.0, 1.0)
    np.testing.assert_array_equal(mesh.get_array().reshape(3, 5), result["a"])
    rd.plot.scan(result, second, variable="b")
    mesh, away = second.collections
    assert len(away.get_paths()) == 3
    assert away.get_hatch() == "////"
    shown = mesh.get_array().reshape(3, 5)
    assert np.ma.getmaskarray(shown)[:, 4].all()
    low, high = mesh.get_clim()
    assert (low, high) == pytest.approx((np.log(0.25), np.log(0.75)))
    assert (shown[:, 0] < low).all(), "-inf has the colour of the smallest"
    assert [text.get_text() for text in second.get_legend().get_texts()] == ["diverged"]
    assert (second.get_xlabel(), second.get_ylabel()) == ("A[0,0]", "h[0]")
    figure.canvas.draw()


def test_a_map_of_one_value_or_none_is_drawn():
    for function in (lambda _: 2.0, lambda _: 1 / 0):
        result = rd.scan(
            LINE, ("A[0,0]", [0.1, 0.2]), ("h[0]", [1.0, 2.0]), measures={"a": function}
        )
        rd.plot.scan(result).figure.canvas.draw()
    with pytest.raises(KeyError, match="there is a"):
        rd.plot.scan(result, variable="b")
