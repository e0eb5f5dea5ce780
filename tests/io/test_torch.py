"""Networks of torch become models that do the same."""

import sys

import numpy as np
import pytest

import rnndyn as rd
from recurrent_cases import random_network, states_and_inputs
from rnndyn.io import from_torch

MODULES = [
    ("RNN", {"nonlinearity": "tanh"}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("LSTM", {}),
]
KINDS = ["rnn_tanh", "rnn_relu", "gru", "lstm"]


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    return torch


def drawn(torch, *shape):
    return torch.tensor(np.random.default_rng(0).normal(size=shape))


@pytest.mark.parametrize(("family", "options"), MODULES)
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch_first", [True, False])
def test_an_orbit_is_the_forward_pass(torch, family, options, num_layers, bias, batch_first):
    module = getattr(torch.nn, family)(
        3, 5, num_layers, bias=bias, batch_first=batch_first, dtype=torch.float64, **options
    )
    model = from_torch(module)
    assert type(model) is getattr(rd, family)
    assert (model.n_inputs, model.hidden_size, model.n_layers) == (3, 5, num_layers)
    inputs = drawn(torch, 2, 7, 3)
    first = [drawn(torch, num_layers, 2, 5) + k for k in range(2 if family == "LSTM" else 1)]
    with torch.no_grad():
        output, last = module(
            inputs if batch_first else inputs.transpose(0, 1),
            tuple(first) if family == "LSTM" else first[0],
        )
    orbit = model.orbit(model.join_states(*first), inputs=inputs)
    h = model.split_states(orbit)[0][-1][:, 1:]
    expected = output if batch_first else output.transpose(0, 1)
    np.testing.assert_allclose(h, expected.numpy(), rtol=0, atol=1e-12)
    last = last if family == "LSTM" else (last,)
    for part, expected in zip(model.split_states(orbit[:, -1]), last, strict=True):
        np.testing.assert_allclose(part, expected.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("family", "options"), MODULES)
@pytest.mark.parametrize("bias", [True, False])
def test_a_cell_is_one_layer(torch, family, options, bias):
    cell = getattr(torch.nn, f"{family}Cell")(3, 5, bias=bias, dtype=torch.float64, **options)
    model = from_torch(cell)
    assert (type(model), model.n_layers) == (getattr(rd, family), 1)
    x, *state = drawn(torch, 4, 3), *(drawn(torch, 4, 5) + k for k in range(1 + (family == "LSTM")))
    with torch.no_grad():
        following = cell(x, tuple(state) if family == "LSTM" else state[0])
    expected = torch.cat(following, 1) if family == "LSTM" else following
    got = model.step(np.hstack([part.numpy() for part in state]), x)
    np.testing.assert_allclose(got, expected.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", range(4))
def test_a_state_dict_with_its_kind_is_the_module(torch, number):
    family, options = MODULES[number]
    for name, more in ((family, {"num_layers": 2}), (f"{family}Cell", {})):
        module = getattr(torch.nn, name)(3, 5, **more, **options)
        assert from_torch(module.state_dict(), kind=KINDS[number]) == from_torch(module)


@pytest.mark.parametrize("number", range(4))
def test_a_state_dict_of_arrays_needs_no_torch(number):
    family, options = MODULES[number]
    for bias in (True, False):
        model = random_network(family, 2, bias, **options)
        assert from_torch(model.parameters, kind=KINDS[number]) == model


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_smaller_types_are_converted_without_rounding(torch, dtype):
    module = torch.nn.GRU(3, 5, dtype=getattr(torch, dtype))
    model = from_torch(module)
    for name, parameter in module.named_parameters():
        assert model.parameters[name].dtype == np.float64
        assert model.parameters[name].tolist() == parameter.tolist()
    assert from_torch(module.double()) == model


def test_the_model_is_a_copy(torch):
    module = torch.nn.GRU(3, 5, dtype=torch.float64)
    model = from_torch(module)
    before = model.parameters["weight_hh_l0"].copy()
    states, inputs = states_and_inputs(model)
    following = model.step(states, inputs)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(1.0)
    np.testing.assert_array_equal(model.parameters["weight_hh_l0"], before)
    np.testing.assert_array_equal(model.step(states, inputs), following)


def test_dropout_and_training_mode_do_not_matter(torch):
    module = torch.nn.LSTM(3, 5, 2, dropout=0.5).train()
    plain = torch.nn.LSTM(3, 5, 2)
    plain.load_state_dict(module.state_dict())
    assert from_torch(module) == from_torch(plain) == from_torch(module.eval())


def test_parametrised_weights_are_those_that_act(torch):
    from torch.nn.utils import parametrize

    class Halved(torch.nn.Module):
        def forward(self, weight):
            return 0.5 * weight

    module = torch.nn.RNN(1, 2, dtype=torch.float64)
    expected = 0.5 * module.weight_hh_l0.detach().numpy()
    parametrize.register_parametrization(module, "weight_hh_l0", Halved())
    np.testing.assert_array_equal(from_torch(module).parameters["weight_hh_l0"], expected)


def test_a_constant_input_makes_a_free_network(torch):
    for bias in (True, False):
        module = torch.nn.GRU(3, 5, 2, bias=bias, dtype=torch.float64)
        constant = np.array([0.5, -1.0, 2.0])
        free, driven = from_torch(module, constant), from_torch(module)
        assert free.n_inputs == 0
        states, _ = states_and_inputs(driven)
        expected = driven.step(states, constant)
        np.testing.assert_allclose(free.step(states), expected, rtol=0, atol=1e-14)
        assert free == from_torch(module, constant_input=torch.tensor(constant))


def test_bidirectional_networks_and_projections_are_refused_with_the_reason(torch):
    both, projected = torch.nn.LSTM(3, 5, bidirectional=True), torch.nn.LSTM(3, 5, proj_size=2)
    no_system = r"^a bidirectional network is not supported because it is no dynamical system"
    with pytest.raises(ValueError, match=no_system):
        from_torch(both)
    with pytest.raises(ValueError, match=no_system + r".* has weight_ih_l0_reverse$"):
        from_torch(both.state_dict(), kind="lstm")
    lengths = r"^an LSTM with projections is not supported: its h and c have different lengths"
    with pytest.raises(ValueError, match=lengths + r".*; this one has proj_size=2$"):
        from_torch(projected)
    with pytest.raises(ValueError, match=lengths + r".*; the state_dict has weight_hr_l0$"):
        from_torch(projected.state_dict(), kind="lstm")


def test_other_modules_are_refused(torch):
    supported = r"^module must be a torch.nn RNN, GRU, LSTM, RNNCell, GRUCell or LSTMCell, or a "
    for module in (torch.nn.Linear(2, 2), torch.nn.Sequential(torch.nn.GRU(1, 1))):
        with pytest.raises(
            TypeError, match=supported + r".* got \w+: (it contains none|give .* module.0$)"
        ):
            from_torch(module)
    for other in (None, np.eye(2), "lstm", torch.zeros(2), torch.nn.LSTM):
        with pytest.raises(TypeError, match=supported + r"state_dict with kind=..., got \w+$"):
            from_torch(other)


def test_wrong_kinds_are_refused(torch):
    with pytest.raises(TypeError, match=r"^kind is for a state_dict only; a GRU says itself$"):
        from_torch(torch.nn.GRU(1, 1), kind="gru")
    for kind in (None, "rnn", "LSTM", 3):
        with pytest.raises(ValueError, match=r"^a state_dict does not say .*'lstm', got"):
            from_torch(torch.nn.GRU(1, 1).state_dict(), kind=kind)
    with pytest.raises(ValueError, match=r"^weight_hh_l0 must have shape \(4 n, n\) .*\(3, 1\)$"):
        from_torch(torch.nn.GRU(1, 1).state_dict(), kind="lstm")


def test_a_state_dict_of_a_whole_network_is_refused(torch):
    whole = torch.nn.Sequential(torch.nn.GRU(1, 1))
    with pytest.raises(
        ValueError,
        match=r"^0.weight_ih_l0 is no parameter of a recurrent network: give the state_dict of the "
        r"recurrent module itself, such as model.rnn.state_dict\(\)$",
    ):
        from_torch(whole.state_dict(), kind="gru")
    with pytest.raises(ValueError, match=r"^GRU has no parameter 'scale'"):
        from_torch({"scale": 1.0}, kind="gru")
    with pytest.raises(TypeError, match=r"^the names of a state_dict must be str, got 3$"):
        from_torch({3: 1.0}, kind="gru")


def test_weights_without_numbers_are_refused(torch):
    module = torch.nn.GRU(1, 1)
    with torch.no_grad():
        module.weight_hh_l0[1, 0] = float("nan")
    with pytest.raises(ValueError, match=r"^weight_hh_l0 must be finite, got nan at weight_hh_l0"):
        from_torch(module)
    with pytest.raises(ValueError, match=r"^weight_ih_l0 must have values, got a tensor on the"):
        from_torch(torch.nn.GRU(1, 1, device="meta"))
    with pytest.raises(TypeError, match=r"^weight_hh_l0 must hold real numbers, got ndarray with"):
        from_torch({"weight_hh_l0": torch.zeros((3, 1), dtype=torch.complex64)}, kind="gru")


def test_tensors_with_gradients_are_arrays(torch):
    module = torch.nn.GRU(1, 1, bias=False)
    own = rd.GRU(module.weight_ih_l0, [module.weight_hh_l0])
    assert own == from_torch(module)


def test_without_torch_a_module_is_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TypeError, match=r"^module must be a torch.nn RNN, .* got object$"):
        from_torch(object())
    assert from_torch({"weight_hh_l0": [[0.5]]}, kind="rnn_tanh") == rd.RNN(None, [[0.5]])
