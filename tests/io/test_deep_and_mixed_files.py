"""Files of deep PLRNNs, and of mixtures of which one expert is taken."""

import itertools
import warnings

import numpy as np
import pytest

import rnndyn as rd
from bson_writer import Struct, bson_bytes

torch = pytest.importorskip("torch")


def layers(sizes, seed=0):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    return [rng.normal(size=(b, a)) for a, b in pairs], [rng.normal(size=b) for _, b in pairs]


def of_julia(path, sizes, activation="relu"):
    """Write what GTF code saves: a struct of A, a Chain of Dense layers, and C or nothing."""
    weights, biases = layers(sizes)
    last = len(weights) - 1
    dense = [
        Struct(
            ["Flux", "Dense"],
            [W, b, Struct(["NNlib", f"#{'identity' if i == last else activation}"], [])],
        )
        for i, (W, b) in enumerate(zip(weights, biases, strict=True))
    ]
    A = np.linspace(0.2, 0.8, sizes[0])
    model = Struct(["Main", "GTF", "deepPLRNN"], [A, Struct(["Flux", "Chain"], [dense]), None])
    path.write_bytes(bson_bytes({"model": model}))
    return A, weights, biases


def test_the_deep_network_of_julia(tmp_path):
    A, weights, biases = of_julia(tmp_path / "deep.bson", (3, 5, 4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = rd.load_model(tmp_path / "deep.bson")
    assert model == rd.DeepPLRNN(A, weights, biases)


def test_with_one_layer_it_is_a_shallow_one(tmp_path):
    A, weights, biases = of_julia(tmp_path / "deep.bson", (3, 5, 3))
    model = rd.io.import_model(tmp_path / "deep.bson").model
    assert model == rd.ShallowPLRNN(A, weights[1], weights[0], biases[1], biases[0])


def test_other_activations_are_refused(tmp_path):
    of_julia(tmp_path / "deep.bson", (3, 5, 4, 3), "tanh")
    with pytest.raises(ValueError, match="the activation 'tanh' of its layers is not relu"):
        rd.load_model(tmp_path / "deep.bson")


def test_the_same_by_the_names_of_torch(tmp_path):
    weights, biases = layers((2, 4, 3, 2))
    state = {"latent.A": torch.tensor([0.5, 0.25])}
    for number, (W, b) in enumerate(zip(weights, biases, strict=True)):
        state[f"latent.mlp.{2 * number}.weight"] = torch.tensor(W)
        state[f"latent.mlp.{2 * number}.bias"] = torch.tensor(b)
    state["observation.B"] = torch.ones(5, 2)
    torch.save(state, tmp_path / "deep.pt")
    with pytest.warns(rd.io.ImportGuessWarning, match="family DeepPLRNN is guessed.*not used: obs"):
        model = rd.load_model(tmp_path / "deep.pt")
    assert model == rd.DeepPLRNN([0.5, 0.25], weights, biases)
    assert rd.load_model(tmp_path / "deep.pt", family="DeepPLRNN") == model


def mixture(path, n_experts=2, shallow=False, where=""):
    rng = np.random.default_rng(1)
    state, experts = {}, []
    for number in range(n_experts):
        shapes = {"A": (3,), "W": (3, 3), "h": (3,)}
        if shallow:
            shapes = {"A": (3,), "W1": (3, 6), "W2": (6, 3), "h1": (3,), "h2": (6,)}
        own = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        experts.append(own)
        state |= {f"{where}experts.{number}.{name}": torch.tensor(own[name]) for name in own}
    state |= {
        f"{where}gating_network.conv.weight": torch.zeros(2, 2, 2),
        f"{where}gating_network.D": torch.zeros(2, 3),
        f"{where}gating_network.mlp_layer1.weight": torch.zeros(n_experts, 5),
        f"{where}B": torch.zeros(2, 3),
    }
    torch.save(state, path)
    return experts


@pytest.mark.parametrize("where", ["", "model."])
def test_an_expert_of_a_mixture(tmp_path, where):
    path = tmp_path / "dynamix.pt"
    experts = mixture(path, where=where)
    with pytest.raises(ValueError, match=rf"a DynaMix of 2 experts.*prefix='{where}experts.0'"):
        rd.load_model(path)
    with pytest.raises(ValueError, match=r"does not say how many.*options=\{'n_relu': P\}"):
        rd.load_model(path, prefix=f"{where}experts.1")
    with pytest.warns(rd.io.ImportGuessWarning, match="an expert of a DynaMix, which weighs"):
        model = rd.load_model(path, prefix=f"{where}experts.1", options={"n_relu": 2})
    assert model == rd.ALRNN(**experts[1], n_relu=2)
    z = np.random.default_rng(2).normal(size=3)
    own = experts[1]
    rectified = np.concatenate([z[:1], np.maximum(z[1:], 0.0)])
    np.testing.assert_allclose(model.step(z), own["A"] * z + own["W"] @ rectified + own["h"])


def test_clipped_shallow_experts_need_nothing_more(tmp_path):
    experts = mixture(tmp_path / "dynamix.pt", shallow=True)
    found = rd.io.import_model(tmp_path / "dynamix.pt", prefix="experts.0")
    assert found.model == rd.ClippedShallowPLRNN(**experts[0])
    assert not any("guessed" in note for note in found.notes)


def test_a_larger_network_says_what_is_left_out(tmp_path):
    class Task(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = torch.nn.GRU(2, 3)
            self.readout = torch.nn.Linear(3, 1)

    task = Task()
    torch.save({"state_dict": task.state_dict(), "epoch": 3}, tmp_path / "task.ckpt")
    expected = rd.from_torch(task.rnn)
    with pytest.warns(
        rd.io.ImportGuessWarning,
        match=r"only the GRU at 'state_dict.rnn' is taken, of a larger network; not used: epoch, .*"
        r"readout.weight|only the GRU at 'state_dict.rnn'.*not used: .*readout.weight",
    ):
        assert rd.load_model(tmp_path / "task.ckpt") == expected
    with pytest.warns(rd.io.ImportGuessWarning, match=r"only the GRU at 'rnn'.*readout.weight"):
        rd.find_fixed_points(task.state_dict(), max_restarts=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Who says where it is knows that it is a part.
        assert rd.load_model(tmp_path / "task.ckpt", prefix="state_dict.rnn") == expected


def test_what_trains_a_network_is_no_part_of_a_larger_one(tmp_path):
    gru = torch.nn.GRU(2, 3)
    optimizer = torch.optim.Adam(gru.parameters())
    gru(torch.ones(4, 2))[0].sum().backward()
    optimizer.step()
    checkpoint = {
        "state_dict": gru.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [],
        "loops": {"fit_loop": {}},
        "hidden": {"h0": torch.zeros(1, 3)},
    }
    torch.save(checkpoint, tmp_path / "lightning.ckpt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rd.load_model(tmp_path / "lightning.ckpt") == rd.from_torch(gru)
