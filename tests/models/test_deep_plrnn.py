"""The deep PLRNN against torch, and against its own equation."""

import itertools
import pickle

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.models._composition import applied


def draw(seed, sizes=(3, 4, 2, 5)):
    rng = np.random.default_rng(seed)
    widths = [*sizes, sizes[0]]
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    biases = [rng.normal(size=len(W)) for W in weights]
    return rng.normal(size=sizes[0]), weights, biases


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_network_of_torch(seed):
    torch = pytest.importorskip("torch")
    A, weights, biases = draw(seed, ((3, 4, 2, 5), (2, 3, 3), (1, 6, 2))[seed % 3])
    layers = []
    for W, b in zip(weights, biases, strict=True):
        layer = torch.nn.Linear(W.shape[1], len(W)).double()
        layer.load_state_dict({"weight": torch.tensor(W), "bias": torch.tensor(b)})
        layers += [layer, torch.nn.ReLU()]
    mlp = torch.nn.Sequential(*layers[:-1])
    model = rd.DeepPLRNN(A, weights, biases)
    z = np.random.default_rng(seed).normal(size=(7, len(A))) * 3.0
    state = torch.tensor(z, requires_grad=True)
    expected = torch.tensor(A) * state + mlp(state)
    scale = 1.0 + float(expected.detach().abs().max())
    np.testing.assert_allclose(model.step(z), expected.detach().numpy(), rtol=0, atol=1e-12 * scale)
    rows = [
        torch.autograd.grad(expected[:, i].sum(), state, retain_graph=True)[0]
        for i in range(len(A))
    ]
    jacobians = np.stack([row.numpy() for row in rows], axis=1)
    np.testing.assert_allclose(
        model.jacobian(z), jacobians, rtol=0, atol=1e-12 * np.abs(jacobians).max()
    )
    # The maps of its layers are the canonical form of which the search makes use.
    states = z
    for form in model.forms:
        states = applied(form, states)
    np.testing.assert_allclose(states, expected.detach().numpy(), rtol=0, atol=1e-12 * scale)


def test_what_a_model_can_do():
    A, weights, biases = draw(1)
    model = rd.DeepPLRNN(A, weights, biases)
    assert (model.n_states, model.n_units, model.n_layers, model.n_inputs) == (3, 11, 4, 0)
    assert pickle.loads(pickle.dumps(model)) == model
    assert rd.DeepPLRNN.from_parameters(model.parameters) == model
    changed = model.with_parameters({"W2[0,1]": 5.0, "A[2]": 0.25})
    assert changed.get_parameter("W2[0,1]") == 5.0
    assert changed != model
    z = np.full(3, 0.3)
    region = model.region(z)
    assert region.shape == (11,)
    np.testing.assert_array_equal(model.jacobian(region=region), model.jacobian(z))
    assert model.orbit(z, 3).shape == (4, 3)
    assert "W4" in model._repr_html_()


def test_its_lyapunov_exponents():
    tent = rd.DeepPLRNN([2.0], [[[1.0]], [[1.0]], [[-4.0]]], [[0.0], [0.0], [1.0]])
    spectrum = rd.lyapunov_spectrum(tent, z0=[0.1234], n_steps=400, progress=False)
    assert spectrum.exponents[0, 0] == pytest.approx(np.log(2.0))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda A, W, b: (A, W[:2], b[:2]), ValueError, "at least 3 matrices, got 2.*ShallowPLRNN"),
        (lambda A, W, b: (A, W, b[:3]), ValueError, "biases must be as many as weights, 4, got 3"),
        (lambda A, W, b: (A, [W[0].T, *W[1:]], b), ValueError, r"W1 must have shape \(H_1, 3\)"),
        (lambda A, W, b: (A, W, [*b[:3], b[3][:, None]]), ValueError, r"b4 must have shape \(3,\)"),
        (lambda A, W, b: (np.ones((2, 3)), W, b), ValueError, r"A must have shape \(M,\)"),
        (lambda A, W, b: (A, [W[0] * np.nan, *W[1:]], b), ValueError, "W1 must be finite"),
    ],
)
def test_mistakes(change, kind, message):
    with pytest.raises(kind, match=message):
        rd.DeepPLRNN(*change(*draw(0)))


def test_names():
    A, weights, biases = draw(0)
    values = rd.DeepPLRNN(A, weights, biases).parameters
    with pytest.raises(ValueError, match="has no parameter 'C'"):
        rd.DeepPLRNN.from_parameters({**values, "C": 1.0})
    del values["b2"]
    with pytest.raises(ValueError, match="needs b2"):
        rd.DeepPLRNN.from_parameters(values)
