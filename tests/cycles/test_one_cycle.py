"""What a single cycle says of itself: directions, time constants, readout, and its looks."""

import numpy as np
import pytest

import rnndyn as rd


def rotation(angle, modulus):
    c, s = modulus * np.cos(angle), modulus * np.sin(angle)
    return rd.PLRNN([[c, -s], [s, c]], np.zeros((2, 2)), [1.0, 0.0])


def test_eigenvectors_are_those_of_the_jacobian():
    lozi = rd.examples.lozi_map(1.7, 0.5)
    for cycle in rd.find_cycles(lozi, 5):
        vectors = cycle.eigenvectors()
        np.testing.assert_allclose(
            cycle.jacobian @ vectors, vectors * cycle.multipliers, rtol=0, atol=1e-9
        )
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=0), 1.0, rtol=1e-12)
        largest = vectors[np.abs(vectors).argmax(axis=0), range(2)]
        assert (largest.real > 0.0).all()
        assert np.abs(largest.imag).max() < 1e-12


def test_a_complex_pair_has_conjugate_directions():
    cycle = rd.find_fixed_points(rotation(0.7, 0.9))[0]
    first, second = cycle.eigenvectors().T
    np.testing.assert_allclose(first, second.conj(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(cycle.jacobian @ first, cycle.multipliers[0] * first, atol=1e-12)


def test_directions_that_the_product_does_not_hold_are_refused():
    # The two multipliers have the product b^10 = 1e-30.
    model = rd.examples.lozi_map(1.7, 1e-3)
    long = list(rd.find_cycles(model, orders=[10], max_restarts=20))
    assert long
    with pytest.raises(ValueError, match=r"holds only the first 1, .* ask for eigenvectors\(1\)"):
        long[0].eigenvectors()
    v = long[0].eigenvectors(1)[:, 0]
    np.testing.assert_allclose(long[0].jacobian @ v, long[0].multipliers[0] * v, rtol=1e-9)
    with pytest.raises(ValueError, match="n must be between 1 and 2"):
        long[0].eigenvectors(3)


def test_zero_multipliers_have_directions():
    dead = rd.ReLURNN([[0.5, 0.0], [1.0, 0.0]], [1.0, -9.0])
    cycle = rd.find_fixed_points(dead)[0]
    assert cycle.multipliers.tolist() == [0.5, 0.0]
    assert np.abs(cycle.jacobian @ cycle.eigenvectors()[:, 1]).max() < 1e-12
    assert cycle.time_constants.tolist() == [1.0 / np.log(2.0), 0.0]


def test_unstable_directions_and_time_constants(tent):
    cycle = rd.find_cycles(tent, 2)[2]
    assert cycle.n_unstable == 1
    np.testing.assert_allclose(cycle.time_constants, [-2.0 / np.log(4.0)])
    assert rd.find_fixed_points(rotation(0.7, 0.5))[0].n_unstable == 0
    neutral = rd.find_fixed_points(rd.PLRNN([[-1.0]], [[0.0]], [1.0]))[0]
    assert np.isinf(neutral.time_constants).all()


def test_a_readout(tent):
    cycle = rd.find_cycles(tent, 2)[2]
    np.testing.assert_allclose(cycle.read_out([[2.0], [-1.0]]), cycle.points @ [[2.0, -1.0]])
    with pytest.raises(ValueError, match=r"weights must have shape \(n, M\) with M = 1"):
        cycle.read_out([[2.0, 1.0]])
    with pytest.raises(ValueError, match=r"bias must have shape \(1,\)"):
        cycle.read_out([[2.0]], [1.0, 2.0])
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(1, 3)
    expected = layer(torch.tensor(cycle.points, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(cycle.read_out(layer.weight, layer.bias), expected, atol=1e-6)


def test_cycles_and_models_have_tables_in_notebooks(tent):
    cycle = rd.find_fixed_points(rotation(0.7, 0.9))[0]
    text = cycle._repr_html_()
    assert "<th>multiplier</th>" in text
    assert text.count("<tr>") == 2
    assert "0.688358 ± 0.579796i" in text
    assert "0 unstable directions; points within" in text
    table = tent._repr_html_()
    assert "PLRNN(n_states=1, n_units=1)" in table
    assert "<td>W</td><td>1 x 1</td><td>-4</td><td>-4</td>" in table
    gru = rd.GRU(np.ones((6, 3)), np.zeros((6, 2)))
    assert "<td>weight_ih_l0</td><td>6 x 3</td>" in gru._repr_html_()
    map_ = rd.PiecewiseLinearMap([[0.5]], np.zeros((1, 0)), np.zeros((0, 1)), [1.0], [])
    assert "<td>h2</td><td>0</td>" in map_._repr_html_()
    logistic = rd.DifferentiableMap(
        lambda z: 3.0 * z * (1.0 - z), lambda z: (3.0 - 6.0 * z)[..., None], 1
    )
    assert "DifferentiableMap(n_states=1)" in logistic._repr_html_()


def test_parts_of_results_have_tables_in_notebooks():
    keeps = rd.PLRNN(A=[[0.5, 0.0], [0.0, 0.5]], W=[[0.5, 0.0], [0.0, 0.0]], h=[0.0, 1.0])
    line = rd.find_fixed_points(keeps).continua[0]
    assert "ContinuumOfFixedPoints(order=1, dimension=1" in line._repr_html_()
    assert "<td>0</td><td>1</td><td>1</td>" in line._repr_html_()
    slow = rd.find_slow_points(rd.RNN(None, [[2.0]], None, [0.5338]), max_restarts=20)
    assert "<th>multiplier</th>" in slow[0]._repr_html_()
    integrates = rd.RNN(None, [[0.6, 0.4], [0.4, 0.6]], None, [1e-3, 1e-3])
    curve = rd.find_slow_points(integrates).line_attractors[0]
    assert "<td>attracts</td><td>yes</td>" in curve._repr_html_()
