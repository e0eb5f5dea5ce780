"""Files of low-rank networks: a state dict with m, n, h and a decay as exp(-exp(AW))."""

import zipfile

import numpy as np
import pytest

import rnndyn as rd

torch = pytest.importorskip("torch")
RANK, N_UNITS, N_INPUTS = 3, 12, 2


def parameters(rng):
    return {
        "m": rng.normal(size=(N_UNITS, RANK)),
        "n": rng.normal(size=(RANK, N_UNITS)),
        "h": rng.normal(size=N_UNITS),
        "Wu": rng.normal(size=(N_UNITS, N_INPUTS)),
    }


def written(folder, values, decay, name):
    """Write a file as the code of the paper has its names: a network with noise and a readout."""
    state = {f"transition.{key}": torch.tensor(value) for key, value in values.items()}
    state[f"transition.{name}"] = torch.tensor(np.log(-np.log(decay)))
    state |= {
        "R_z": torch.zeros(RANK),
        "observation.B": torch.ones(N_UNITS, 5),
        "observation.Bias": torch.zeros(1, 5, 1, 1),
        "initial_state": torch.zeros(RANK),
    }
    path = folder / "state_dict_rnn.pkl"
    torch.save(state, path)
    return path


@pytest.mark.parametrize("name", ["AW", "decay_param"])
@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("decay", [np.full((1, 1, 1, 1), 0.9), np.array([0.5, 0.9, 0.8])])
def test_the_step_is_that_of_the_equation(tmp_path, name, clipped, decay):
    rng = np.random.default_rng(0)
    values = parameters(rng)
    path = written(tmp_path, values, decay, name)
    with pytest.warns(rd.io.ImportGuessWarning, match=rf"A is exp\(-exp\(transition.{name}\)\)"):
        model = rd.load_model(path, options={"clipped": clipped})
    assert isinstance(model, rd.LowRankRNN)
    z = rng.normal(size=(20, RANK))
    x = z @ values["m"].T
    if clipped:
        rates = np.maximum(x + values["h"], 0.0) - np.maximum(x, 0.0)
    else:
        rates = np.maximum(x - values["h"], 0.0)
    expected = decay.reshape(-1) * z + rates @ values["n"].T
    np.testing.assert_allclose(model.step(z), expected, rtol=0, atol=1e-12)


def test_the_kind_of_units_is_asked_for(tmp_path, capsys):
    path = written(tmp_path, parameters(np.random.default_rng(1)), np.full((1, 1, 1, 1), 0.9), "AW")
    with pytest.raises(ValueError, match=r"relu\(x - h\) or relu\(x \+ h\) - relu\(x\): give opt"):
        rd.load_model(path)
    from rnndyn.cli import main

    target = tmp_path / "network.npz"
    assert main(["convert", str(path), str(target), "--option", "clipped=true"]) == 0
    capsys.readouterr()
    model = rd.load_model(target)
    assert model.clipped
    assert model.n_units == 2 * N_UNITS


def test_other_files_of_joined_weights_are_read_as_before(tmp_path):
    AW = np.array([[0.5, 0.2], [-0.3, 0.9]])
    np.savez(tmp_path / "plrnn.npz", AW=AW, h=np.ones(2))
    with pytest.warns(rd.io.ImportGuessWarning, match="A is the diagonal of 'AW'"):
        model = rd.load_model(tmp_path / "plrnn.npz")
    assert model == rd.PLRNN(np.diag(AW), AW - np.diag(np.diag(AW)), np.ones(2))


def test_archives_of_other_files_say_which_of_them_to_take(tmp_path):
    path = tmp_path / "ppo.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data", "policy.optimizer.pth", "pytorch_variables.pth", "policy.pth"):
            archive.writestr(name, b"")
    with pytest.raises(ValueError, match=r"stable-baselines.*here 'policy.pth'$"):
        rd.load_model(path)


def test_a_checkpoint_of_lightning_is_read_by_what_is_in_it(tmp_path):
    module = torch.nn.GRU(2, 3)
    state = {f"model.rnn.{name}": tensor for name, tensor in module.state_dict().items()}
    state["model.readout.weight"] = torch.ones(1, 3)
    path = tmp_path / "epoch=3.ckpt"
    torch.save({"epoch": 3, "pytorch-lightning_version": "2.5.0", "state_dict": state}, path)
    with pytest.warns(rd.io.ImportGuessWarning, match="only the GRU at 'state_dict.model.rnn'"):
        assert rd.load_model(path) == rd.from_torch(module)
