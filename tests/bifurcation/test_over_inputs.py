"""Bifurcation diagrams over the constant external input."""

import numpy as np
import pytest

import rnndyn as rd

UNIT = rd.PLRNN([0.5], [[-2.0]], [1.0], C=[[2.0]], s=[0.0])
BIT = rd.RNN(weight_ih=[[1.0, 0.0]], weight_hh=[[2.0]])
#: z = tanh(2 z + x) has its folds where 2 (1 - z^2) = 1.
FOLD = 2.0 * np.sqrt(0.5) - np.arctanh(np.sqrt(0.5))


def test_of_a_piecewise_linear_network_it_is_the_diagram_over_s():
    over_inputs = rd.bifurcation_diagram(UNIT, "inputs[0]", (-3.0, 3.0), max_order=2)
    over_s = rd.bifurcation_diagram(UNIT, "s[0]", (-3.0, 3.0), max_order=2)
    assert over_inputs.axis == "inputs[0]"
    assert [e.value for e in over_inputs.events] == [e.value for e in over_s.events]
    assert over_inputs.events[0].value == pytest.approx(-0.5)
    assert len(over_inputs.branches) == len(over_s.branches)


def test_of_a_tanh_network_the_folds_are_where_they_must_be():
    diagram = rd.bifurcation_diagram(BIT, "inputs[0]", (1.0, -1.0), max_order=1)
    assert [event.kind for event in diagram.events] == ["fold", "fold"]
    values = [event.value for event in diagram.events]
    np.testing.assert_allclose(values, [FOLD, -FOLD], atol=1e-8)


def test_the_other_inputs_are_those_given():
    other = rd.RNN(weight_ih=[[1.0, 0.25]], weight_hh=[[2.0]])
    diagram = rd.bifurcation_diagram(
        other, "inputs[0]", (-1.0, 1.0), inputs=[7.0, 0.4], max_order=1
    )
    values = [event.value + 0.1 for event in diagram.events]
    np.testing.assert_allclose(values, [-FOLD, FOLD], atol=1e-8)
    driven = UNIT.with_parameters(C=[[2.0, 1.0]], s=[0.0, 0.5])
    diagram = rd.bifurcation_diagram(driven, "inputs[0]", (-3.0, 3.0), max_order=1)
    assert diagram.events[0].value == pytest.approx(-0.75)


def test_a_path_through_inputs_counts_them(tmp_path):
    rows = [[-1.0, 0.0], [0.0, 5.0], [1.0, 0.0]]
    diagram = rd.bifurcation_diagram(BIT, "inputs", rows, max_order=1)
    values = [event.value for event in diagram.events]
    np.testing.assert_allclose(values, [1.0 - FOLD, 1.0 + FOLD], atol=1e-8)
    diagram.save(tmp_path / "diagram.npz")
    assert rd.load_result(tmp_path / "diagram.npz") == diagram
    pytest.importorskip("matplotlib").use("Agg")
    assert rd.plot.bifurcation_diagram(diagram).get_xlabel() == "inputs"


def test_a_relu_network_of_torch():
    torch = pytest.importorskip("torch")
    module = torch.nn.RNN(1, 2, nonlinearity="relu")
    over_inputs = rd.bifurcation_diagram(module, "inputs[0]", (-2.0, 2.0), max_order=1)
    linear = rd.from_torch(module).as_piecewise_linear()
    over_s = rd.bifurcation_diagram(linear, "s[0]", (-2.0, 2.0), max_order=1)
    assert [e.value for e in over_inputs.events] == [e.value for e in over_s.events]
    assert over_s.events


@pytest.mark.parametrize(
    ("parameter", "values", "options", "message"),
    [
        ("inputs[1]", (0, 1), {}, r"inputs\[1\] is out of range: this PLRNN has 1 external"),
        ("inputs", (0, 1), {}, r"of shape \(n, K\) with K = 1, got shape \(2,\)"),
        ("inputs", [[0.0], [1.0]], {"inputs": [0.0]}, "leave out inputs="),
        ("inputs[0]", (1, 1), {}, "values must ascend or descend"),
        ("inputs[0]", [[0.0], [1.0]], {}, "values must be at least two numbers"),
    ],
)
def test_mistakes(parameter, values, options, message):
    with pytest.raises(ValueError, match=message):
        rd.bifurcation_diagram(UNIT, parameter, values, max_order=1, **options)


def test_networks_without_inputs():
    tent = rd.PLRNN([2.0], [[-4.0]], [1.0])
    with pytest.raises(ValueError, match="this PLRNN has no external input, so that inputs"):
        rd.bifurcation_diagram(tent, "inputs[0]", (0, 1), max_order=1)
