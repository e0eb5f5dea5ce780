"""Checkpoints of NeuralRNN: the step of the model is that of its equation."""

import json
import warnings

import numpy as np
import pytest

import rnndyn as rd

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file
N, K = 5, 2


def written(folder, config, arrays):
    (folder / "config.json").write_text(json.dumps(config))
    save_file({name: torch.tensor(a) for name, a in arrays.items()}, folder / "model.safetensors")
    return folder


def rate_arrays(rng):
    return {
        "input2h.weight": rng.normal(size=(N, K)),
        "input2h.bias": rng.normal(size=N),
        "h2h.weight": rng.normal(size=(N, N)),
        "h2h.bias": rng.normal(size=N),
        "readout_layer.weight": rng.normal(size=(1, N)),
        "readout_layer.bias": np.zeros(1),
        "h0": np.zeros(N),
    }


def loaded(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rd.io.ImportGuessWarning)
        return rd.load_model(path)


@pytest.mark.parametrize("kind", ["ctrnn", "vanilla_rnn", "ei_rnn"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", [{"dt": None}, {"dt": 20.0, "tau": 100.0}, {"alpha": 0.3}])
def test_a_relu_network_steps_as_its_equation(tmp_path, kind, after, step):
    rng = np.random.default_rng(0)
    arrays = rate_arrays(rng)
    config = {"model_type": kind, "activation": "relu", "relu_after_blend": after, **step}
    W = arrays["h2h.weight"]
    if kind == "ei_rnn":
        arrays["dale_mask"] = np.diag([1.0, 1.0, 1.0, -1.0, -1.0])
        W = np.abs(W) @ arrays["dale_mask"]
    model = loaded(written(tmp_path, config, arrays))
    a = step.get("alpha", 0.2 if step.get("dt") else 1.0)
    s = rng.normal(size=K)
    z = rng.normal(size=(10, N))
    p = z @ W.T + arrays["h2h.bias"] + arrays["input2h.bias"] + arrays["input2h.weight"] @ s
    expected = (
        np.maximum((1 - a) * z + a * p, 0.0) if after else (1 - a) * z + a * np.maximum(p, 0.0)
    )
    driven = model.with_parameters(s=s)
    np.testing.assert_allclose(driven.step(z), expected, rtol=0, atol=1e-12)


def test_a_tanh_network_without_a_leak(tmp_path):
    rng = np.random.default_rng(1)
    arrays = rate_arrays(rng)
    config = {"model_type": "vanilla_rnn", "activation": "tanh", "dt": None}
    model = loaded(written(tmp_path, config, arrays))
    z, x = rng.normal(size=N), rng.normal(size=K)
    p = arrays["h2h.weight"] @ z + arrays["h2h.bias"]
    p += arrays["input2h.weight"] @ x + arrays["input2h.bias"]
    np.testing.assert_allclose(model.step(z, x), np.tanh(p), rtol=0, atol=1e-12)
    written(tmp_path, {**config, "dt": 10.0, "tau": 100.0}, arrays)
    with pytest.raises(ValueError, match=r"a leaky tanh network \(dt / tau = 0.1\)"):
        rd.load_model(tmp_path)


def test_a_shallow_plrnn(tmp_path):
    rng = np.random.default_rng(2)
    arrays = {
        "A": rng.normal(size=3),
        "W1": rng.normal(size=(3, 7)),
        "W2": rng.normal(size=(7, 3)),
        "h1": rng.normal(size=3),
        "h2": rng.normal(size=7),
    }
    found = rd.io.import_model(written(tmp_path, {"model_type": "shallow_plrnn"}, arrays))
    assert found.model == rd.ShallowPLRNN(**arrays)
    assert found.format == "NeuralRNN"
    assert found.remarks == ()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ([], "does not name a model_type"),
        ({"model_type": "lfads"}, "its model_type 'lfads' is none of shallow_plrnn"),
        ({"model_type": "ctrnn", "activation": "softplus"}, "is neither relu nor tanh"),
        ({"model_type": "ctrnn", "dt": "x", "tau": 1}, "no step that could be used"),
        ({"model_type": "ctrnn", "dt": 0.0, "tau": 1}, "which is not positive"),
        ({"model_type": "ei_rnn"}, "there is no array 'dale_mask'"),
    ],
)
def test_what_is_no_such_network_says_why(tmp_path, config, message):
    written(tmp_path, config, rate_arrays(np.random.default_rng(3)))
    with pytest.raises(ValueError, match=message):
        rd.load_model(tmp_path)


def test_other_folders_and_options(tmp_path):
    with pytest.raises(IsADirectoryError):
        rd.load_model(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "ctrnn"}')
    with pytest.raises(ValueError, match=r"neither model.safetensors nor model.pt"):
        rd.load_model(tmp_path)
    with pytest.raises(ValueError, match=r"says itself what it is, in its config.json"):
        rd.load_model(tmp_path, family="PLRNN")
