"""Networks that look like one of ours and are another one are refused, never read as ours."""

import json

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse
import torch
from torch.nn.utils import parametrizations, prune

import rnndyn as rd
from bson_writer import Raw, Struct, bson_bytes, datatype
from foreign_files import torch_file, with_user_block
from rnndyn.cli import main
from rnndyn.io import ImportGuessWarning, import_model, list_arrays, load_model


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def lstm(prefix=""):
    shapes = {"weight_ih": (20, 3), "weight_hh": (20, 5), "bias_ih": (20,), "bias_hh": (20,)}
    return {f"{prefix}{name}": drawn(*shape) for name, shape in shapes.items()}


# Extra arrays ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extra",
    [
        {"weight_ph": drawn(15)},  # peepholes
        {"layernorm_i.weight": drawn(20), "layernorm_i.bias": drawn(20)},
        {"ln.0.weight": drawn(20)},
        {"weight_hh_raw": drawn(20, 5)},
        {"A": drawn(5)},
        {"alpha": drawn(1, 1), "beta": drawn(1, 1)},
        {"beta": torch.tensor(0.5)},
    ],
)
@pytest.mark.parametrize("prefix", ["", "net.cell."])
def test_arrays_beside_those_of_a_network_make_it_another_one(extra, prefix, tmp_path):
    state = {**lstm(prefix), **{f"{prefix}{name}": tensor for name, tensor in extra.items()}}
    path = torch_file(tmp_path, state)
    listed = ", ".join(f"{prefix}{name}" for name in extra)
    with pytest.raises(ValueError, match=r"does not have, so it is another network") as caught:
        load_model(path)
    assert f"has the arrays of a LSTM and beside these {listed}, which" in str(caught.value)
    # Who knows better may say so, and is told what plays no part.
    found = import_model(path, family="LSTM")
    assert found.model == rd.from_torch(lstm(), kind="lstm")
    assert found.notes == (f"beside the arrays of the LSTM and not used: {listed}",)
    with pytest.warns(ImportGuessWarning, match="beside the arrays of the LSTM and not used"):
        load_model(path, family="LSTM")


def test_dropped_weights_one_level_up(tmp_path):
    """As fastai has them: the wrapper keeps the weights, its module those of the last pass."""
    module = torch.nn.LSTM(3, 5)
    state = {f"rnn.module.{name}": tensor for name, tensor in module.state_dict().items()}
    state["rnn.weight_hh_l0_raw"] = drawn(20, 5)
    path = torch_file(tmp_path, state)
    with pytest.raises(ValueError, match=r"beside these rnn\.weight_hh_l0_raw"):
        load_model(path)
    keys = {"weight_hh_l0": "rnn.weight_hh_l0_raw"}
    found = import_model(path, prefix="rnn.module", keys=keys)
    np.testing.assert_array_equal(
        found.model.parameters["weight_hh_l0"], state["rnn.weight_hh_l0_raw"].double()
    )


@pytest.mark.parametrize("make", [torch.nn.LSTM, torch.nn.GRU])
def test_ordinary_files_are_read_as_before(make, tmp_path):
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = make(2, 3, num_layers=2, dropout=0.25)
            self.norm = torch.nn.LayerNorm(3)
            self.readout = torch.nn.Linear(3, 1)

    network = Network()
    expected = rd.from_torch(network.rnn)
    optimizer = torch.optim.Adam(network.parameters()).state_dict()
    trained = {"model": network.state_dict(), "optimizer": optimizer, "epoch": 3, "loss": 0.5}
    for content, place in (
        (network.state_dict(), "rnn"),
        (trained, "model.rnn"),
        ({**network.rnn.state_dict(), "epoch": 3}, None),
        ({**network.rnn.state_dict(), "h0": drawn(2, 1, 3)}, None),
        ({"rnn": network.rnn}, None),
    ):
        found = import_model(torch_file(tmp_path, content))
        larger = f"only the {make.__name__} at {place!r} is taken, of a larger network"
        assert (found.model, found.notes) == (expected, (larger,) if place else ())


def test_a_subclass_with_parameters_of_its_own_is_refused():
    class Peephole(torch.nn.LSTMCell):
        def __init__(self):
            super().__init__(3, 5)
            self.weight_ph = torch.nn.Parameter(drawn(15))

    with pytest.raises(ValueError, match=r"^Peephole has parameters that a torch\.nn\.LSTMCell "):
        rd.from_torch(Peephole())


def test_half_of_another_family_is_not_the_plain_one(tmp_path):
    np.savez(tmp_path / "a.npz", A=[0.5, 0.5], W=np.eye(2), h=[1.0, 2.0], alpha=[0.5])
    with pytest.raises(ValueError, match=r"arrays of a PLRNN and beside these alpha, which"):
        load_model(tmp_path / "a.npz")


def test_what_a_guess_leaves_out_is_in_its_warning(tmp_path):
    np.savez(tmp_path / "a.npz", A=[0.5, 0.5], W=np.eye(2), h=[1.0, 2.0], B=np.eye(2))
    with pytest.warns(ImportGuessWarning, match=r"family PLRNN is guessed .*; not used: B$"):
        load_model(tmp_path / "a.npz")


# What a file does not say ---------------------------------------------------------------------


def test_a_file_that_does_not_say_tanh_or_relu_asks(tmp_path, capsys):
    module = torch.nn.RNN(2, 3, nonlinearity="relu")
    path = torch_file(tmp_path, module.state_dict())
    with pytest.raises(ValueError, match=r"give nonlinearity='tanh' or nonlinearity='relu'"):
        load_model(path)
    assert load_model(path, nonlinearity="relu") == rd.from_torch(module)
    assert load_model(path, options={"nonlinearity": "relu"}) == rd.from_torch(module)
    assert load_model(path, nonlinearity="tanh").nonlinearity == "tanh"
    with pytest.raises(ValueError, match=r"^nonlinearity must be 'tanh' or 'relu', got 'gelu'$"):
        load_model(path, nonlinearity="gelu")
    with pytest.raises(ValueError, match="must not differ"):
        load_model(path, nonlinearity="relu", options={"nonlinearity": "tanh"})
    np.save(tmp_path / "x.npy", np.zeros((20, 2)))
    command = ["lyapunov", str(path), "--inputs", str(tmp_path / "x.npy"), "--steps", "9"]
    assert main(command) == 2
    assert "--nonlinearity tanh or relu" in capsys.readouterr().err
    assert main([*command, "--nonlinearity", "relu"]) == 0
    assert main(["convert", str(path), str(tmp_path / "r.npz"), "--nonlinearity", "relu"]) == 0
    assert load_model(tmp_path / "r.npz") == rd.from_torch(module)
    # A file that says it itself may be asked for the same, and for nothing else.
    assert load_model(tmp_path / "r.npz", nonlinearity="relu") == rd.from_torch(module)
    with pytest.raises(ValueError, match="leave out family, keys, prefix, options and nonlin"):
        load_model(tmp_path / "r.npz", nonlinearity="tanh")


def test_the_reading_of_plrnnstsp_is_listed(tmp_path):
    A, W, h = np.array([0.5, 0.25]), np.array([[0.0, 1.0], [-1.0, 0.5]]), np.array([0.5, -1.0])
    np.savez(tmp_path / "a.npz", A=A, W=W, h=h)
    (note,) = import_model(tmp_path / "a.npz").notes
    assert "ALRNN, MeanCenteredPLRNN, or W max(z - h, 0) in files of PLRNNstsp of 2017" in note
    reading = note.partition("which is ")[2].removesuffix(")")
    model = eval(reading, {"DendriticPLRNN": rd.DendriticPLRNN, "A": A, "W": W, "h": h})
    z = np.array([0.75, -0.5])
    np.testing.assert_allclose(model.step(z), A * z + W @ np.maximum(z - h, 0))


# Weights in parts -----------------------------------------------------------------------------


def normalised(rnn, name):
    with pytest.warns(FutureWarning):
        torch.nn.utils.weight_norm(rnn, name)


def normalised_as_parametrization(rnn, name):
    parametrizations.weight_norm(rnn, name)


def normalised_as_a_whole(rnn, name):
    with pytest.warns(FutureWarning):
        torch.nn.utils.weight_norm(rnn, name, dim=None)


def pruned(rnn, name):
    prune.random_unstructured(rnn, name, amount=0.5)


PARTS = [normalised, normalised_as_parametrization, normalised_as_a_whole, pruned]


@pytest.mark.parametrize("make", [torch.nn.GRU, torch.nn.LSTMCell])
@pytest.mark.parametrize("take_apart", PARTS)
def test_weights_in_parts_are_computed_from_these(make, take_apart, tmp_path):
    torch.manual_seed(1)
    rnn = make(2, 3, dtype=torch.float64)
    name = "weight_hh" if make is torch.nn.LSTMCell else "weight_hh_l0"
    take_apart(rnn, name)
    before = getattr(rnn, name).detach().clone()
    with torch.no_grad():
        # As a step of an optimizer does; the weight itself is from the last forward pass.
        for parameter in rnn.parameters():
            parameter.add_(drawn(*parameter.shape) if parameter.ndim else 0.5)
    kind = "gru" if make is torch.nn.GRU else "lstm"
    state = rnn.state_dict()
    models = [
        rd.from_torch(rnn),
        rd.from_torch(state, kind=kind),
        import_model(torch_file(tmp_path, {"net": state})).model,
        # A weight that is stored beside its parts does not count.
        import_model(torch_file(tmp_path, {**state, name: before})).model,
    ]
    rnn(torch.zeros(1, 2, dtype=torch.float64))
    expected = getattr(rnn, name).detach().numpy()
    assert abs(expected - before.numpy()).max() > 0.1
    for model in models:
        np.testing.assert_allclose(model.parameters["weight_hh_l0"], expected, rtol=1e-14)
        np.testing.assert_array_equal(
            model.parameters["weight_ih_l0"], getattr(rnn, name.replace("hh", "ih")).detach()
        )


def test_the_report_names_the_parts(tmp_path):
    rnn = torch.nn.GRU(2, 3)
    pruned(rnn, "weight_hh_l0")
    found = import_model(torch_file(tmp_path, rnn.state_dict()))
    assert found.keys["weight_hh_l0"] == "weight_hh_l0_orig, weight_hh_l0_mask"
    assert found.notes == (
        "weight_hh_l0 is computed from weight_hh_l0_orig, weight_hh_l0_mask (prune)",
    )
    assert found.unused == ()


def test_linear_layers_in_parts(tmp_path):
    layer = torch.nn.Linear(2, 2)
    expected = layer.weight.detach().clone()
    parametrizations.weight_norm(layer)
    state = {"A": drawn(2), **{f"W.{name}": tensor for name, tensor in layer.state_dict().items()}}
    found = import_model(torch_file(tmp_path, state), family="PLRNN")
    np.testing.assert_allclose(found.model.W, expected, rtol=1e-6)


# Numbers of other kinds -----------------------------------------------------------------------

SPARSE = scipy.sparse.csc_matrix(np.eye(2))
A, W, h = np.array([0.5, 0.25]), np.eye(2), np.array([1.0, 2.0])


def mat(tmp_path, **arrays):
    scipy.io.savemat(tmp_path / "a.mat", arrays)
    return tmp_path / "a.mat"


def mat73(tmp_path, **arrays):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            if scipy.sparse.issparse(array):
                group = file.create_group(name)
                group.attrs["MATLAB_sparse"] = np.uint64(2)
                for part, values in zip(
                    ("data", "ir", "jc"), (array.data, array.indices, array.indptr), strict=True
                ):
                    group[part] = values
            elif array.dtype.kind == "c":
                parts = np.zeros(array.T.shape, dtype=[("real", "f8"), ("imag", "f8")])
                parts["real"], parts["imag"] = array.T.real, array.T.imag
                file[name] = parts
            else:
                file[name] = np.atleast_2d(array).T
    with_user_block(path, b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: today")
    return path


def hdf5(tmp_path, **arrays):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return tmp_path / "a.h5"


def torch_state(tmp_path, **arrays):
    tensors = {
        name: torch.eye(2).to_sparse() if scipy.sparse.issparse(array) else torch.tensor(array)
        for name, array in arrays.items()
    }
    return torch_file(tmp_path, tensors)


def bson(tmp_path, **arrays):
    def entry(array):
        if scipy.sparse.issparse(array):
            parts = [2, 2, array.indptr.astype("i8"), array.indices.astype("i8"), array.data]
            return Struct(["SparseArrays", "SparseMatrixCSC"], parts)
        if array.dtype.kind == "c":
            data = array.tobytes("F")
            kind = datatype("Core", "Complex")
            shape = list(array.shape)
            return Raw({"tag": "array", "type": kind, "size": shape, "data": data})
        return array

    path = tmp_path / "a.bson"
    path.write_bytes(bson_bytes({name: entry(array) for name, array in arrays.items()}))
    return path


KINDS = [(mat, 2), (mat73, 2), (hdf5, 1), (torch_state, 2), (bson, 2)]
CASES = [
    (write, what, value)
    for write, n_kinds in KINDS
    for what, value in [("complex", W * 1j), ("sparse", SPARSE)][:n_kinds]
]


@pytest.mark.parametrize(("write", "what", "value"), CASES)
def test_sparse_and_complex_arrays_do_not_vanish(write, what, value, tmp_path, capsys):
    path = write(tmp_path, A=A, W=value, h=h)
    with pytest.raises(ValueError, match=rf"no family fits .* and W \({what}\)"):
        load_model(path)
    with pytest.warns(ImportGuessWarning, match=rf"'W' is {what} and is not read"):
        assert set(list_arrays(path)) == {"A", "h"}
    assert main(["convert", str(path), "--list", "--json"]) == 0
    printed = capsys.readouterr()
    assert set(json.loads(printed.out)) == {"A", "h"}
    assert f"'W' is {what} and is not read" in printed.err
    # A parameter that the family can do without is none that may be lost.
    path = write(tmp_path, A=A, W=W, h=h, alpha=value)
    with pytest.raises(ValueError, match=rf"'alpha' is {what}, and parameters are dense arrays"):
        load_model(path)
    # What is no parameter is named.
    path = write(tmp_path, A=A, W=W, h=h, spectrum=value)
    found = import_model(path, family="PLRNN")
    assert found.notes == (f"'spectrum' is {what} and is not read",)
    assert found.unused == (f"spectrum ({what})",)


# Depth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [12, 20, 30])
def test_objects_that_refer_twice_to_the_next_are_refused_at_once(depth, tmp_path):
    """2^depth leaves, unfolded; how far that came was left to the clock."""
    path = tmp_path / "a.jld2"
    with h5py.File(path, "w", userblock_size=512, libver="latest") as file:
        last = file.create_dataset("_types/end", data=np.ones(2)).ref
        for index in range(depth):
            pair = np.array([last, last], dtype=h5py.ref_dtype)
            last = file.create_dataset(f"_types/{index}", data=pair).ref
        file.create_dataset("model", data=np.array([last], dtype=h5py.ref_dtype))
    with_user_block(path, b"HDF5-based Julia Data Format, version 0.1.1 (Julia 1.10.0)")
    with pytest.raises(ValueError, match="refer to the same objects too often"):
        import_model(path)
