"""Files of other programs give the network that was written into them."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch

from bson_writer import Raw, Struct, Symbol, bson_bytes, datatype, named_tuple
from foreign_files import (
    ARRAYS,
    MODEL,
    WRITERS,
    torch_file,
    with_user_block,
    write_jld2_struct,
    written,
)
from rnndyn.io import (
    ImportGuessWarning,
    import_model,
    list_arrays,
    load_metadata,
    load_model,
    save_model,
)
from rnndyn.models import (
    GRU,
    LSTM,
    PLRNN,
    RNN,
    ClippedShallowPLRNN,
    DendriticPLRNN,
    ShallowPLRNN,
)
from rnndyn.training import TrainableALRNN, TrainableShallowPLRNN

FORMATS = {
    "NumPy": "NumPy archive",
    "MATLAB 5": "MATLAB 5",
    "MATLAB 5 compressed": "MATLAB 5",
    "MATLAB 5 struct": "MATLAB 5",
    "MATLAB 7.3": "MATLAB 7.3",
    "JLD2": "JLD2",
    "JLD2 struct": "JLD2",
    "HDF5": "HDF5",
    "torch": "torch",
    "safetensors": "safetensors",
    "BSON": "BSON of Julia",
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_network(name, tmp_path):
    path = written(tmp_path, name)
    found = import_model(path)
    assert found.model == MODEL
    assert found.format == FORMATS[name]
    assert found.path == path
    assert list(found.keys) == list(ARRAYS)
    # Only files that name the type need no guess.
    assert bool(found.notes) == (name not in ("BSON", "JLD2 struct"))


@pytest.mark.parametrize("name", WRITERS)
def test_the_content_tells_the_format_not_the_suffix(name, tmp_path):
    path = written(tmp_path, name)
    renamed = path.rename(tmp_path / "network.json")
    assert import_model(renamed, family="ShallowPLRNN").model == MODEL
    assert load_metadata(renamed) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_the_dimensions_one_survive(name, tmp_path):
    arrays = {
        "A": np.array([0.5]),
        "W1": np.array([[2.0]]),
        "W2": np.array([[-1.5]]),
        "h1": np.array([0.25]),
        "h2": np.array([1.0]),
    }
    assert import_model(written(tmp_path, name, arrays)).model == ShallowPLRNN(**arrays)


@pytest.mark.parametrize("name", WRITERS)
def test_arrays_are_listed(name, tmp_path):
    arrays = list_arrays(written(tmp_path, name))
    (w2,) = [array for key, array in arrays.items() if key.rpartition(".")[2] in ("W2", "W₂")]
    np.testing.assert_array_equal(w2, MODEL.W2)


def test_rnndyn_files_say_all_themselves(tmp_path):
    save_model(MODEL, tmp_path / "model.json")
    found = import_model(tmp_path / "model.json")
    assert (found.model, found.notes, found.unused) == (MODEL, (), ())
    assert list(list_arrays(tmp_path / "model.json")) == list(ARRAYS)
    with pytest.raises(ValueError, match="says itself that it is a ShallowPLRNN"):
        import_model(tmp_path / "model.json", family="PLRNN")
    assert import_model(tmp_path / "model.json", family="ShallowPLRNN").model == MODEL


def test_a_guess_is_a_warning_and_a_line_of_the_report(tmp_path):
    path = written(tmp_path, "NumPy")
    with pytest.warns(ImportGuessWarning, match=r"family ShallowPLRNN is guessed .* Clipped"):
        assert load_model(path) == MODEL
    assert load_model(path, family="ClippedShallowPLRNN") == ClippedShallowPLRNN(**ARRAYS)
    lines = repr(import_model(path)).splitlines()
    assert lines[0] == f"ShallowPLRNN(n_states=2, n_units=3) from {path} (NumPy archive)"
    assert lines[1] == "  A = A"
    assert lines[-1].startswith("  note: family ShallowPLRNN is guessed")


# torch ----------------------------------------------------------------------------------------


def seeded(make):
    torch.manual_seed(3)
    return make()


@pytest.mark.parametrize(
    ("make", "family"),
    [
        (lambda: torch.nn.GRU(2, 3, num_layers=2), GRU),
        (lambda: torch.nn.LSTM(2, 3, bias=False), LSTM),
        (lambda: torch.nn.RNN(2, 3, num_layers=2), RNN),
        (lambda: torch.nn.GRUCell(2, 3), GRU),
    ],
)
def test_state_dicts_of_torch(make, family, tmp_path):
    import rnndyn

    module = seeded(make)
    path = torch_file(tmp_path, module.state_dict())
    if family is RNN:
        with pytest.raises(ValueError, match="does not say whether its RNN has tanh or relu: give"):
            import_model(path)
    found = import_model(path, nonlinearity="tanh" if family is RNN else None)
    assert isinstance(found.model, family)
    assert found.model == rnndyn.from_torch(module)
    assert found.notes == ()


class Decoder(torch.nn.Module):
    """A network as people write them: a recurrent part and a readout."""

    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.RNN(2, 4, nonlinearity="relu")
        self.readout = torch.nn.Linear(4, 1)


def test_a_checkpoint_with_an_optimizer(tmp_path):
    import rnndyn

    module = seeded(Decoder)
    optimizer = torch.optim.Adam(module.parameters())
    module.readout(module.rnn(torch.ones(5, 2))[0]).sum().backward()
    optimizer.step()
    path = torch_file(
        tmp_path,
        {"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7},
    )
    found = import_model(path, options={"nonlinearity": "relu"})
    assert found.model == rnndyn.from_torch(module.rnn)
    assert found.notes == ("only the RNN at 'model.rnn' is taken, of a larger network",)
    assert "model.readout.weight" in found.unused


def test_a_module_saved_whole_is_read_without_running_it(tmp_path):
    import rnndyn

    module = seeded(Decoder)
    found = import_model(torch_file(tmp_path, module))
    assert found.model == rnndyn.from_torch(module.rnn)
    assert found.keys["weight_hh_l0"] == "rnn.weight_hh_l0"
    # Other than its weights alone, the module says that it has relu.
    assert found.notes == ("only the RNN at 'rnn' is taken, of a larger network",)
    for cell in (torch.nn.RNNCell(2, 3, nonlinearity="relu"), torch.nn.RNN(2, 3)):
        found = import_model(torch_file(tmp_path, [cell]))
        assert (found.model, found.notes) == (rnndyn.from_torch(cell), ())


class Recurrence(torch.nn.Module):
    """A PLRNN by hand, with a linear layer for the weights."""

    def __init__(self):
        super().__init__()
        self.A = torch.nn.Parameter(torch.tensor([0.5, 0.25, -0.5]))
        self.W = torch.nn.Linear(3, 3)


def test_linear_layers_are_weights_and_bias(tmp_path):
    module = seeded(Recurrence)
    found = import_model(torch_file(tmp_path, module.state_dict()))
    z = torch.tensor([1.0, -2.0, 0.5])
    expected = module.A * z + module.W(torch.relu(z))
    np.testing.assert_allclose(found.model.step(z.numpy()), expected.detach(), rtol=1e-6)
    assert "h is 'W.bias', guessed" in found.notes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_types_strides_and_shared_memory_of_tensors(dtype, tmp_path):
    memory = torch.arange(-6, 14).to(dtype) / 4
    state = {
        "A": memory[3:5],
        "W": memory[4:10].reshape(2, 3).T[:2, :2],
        "h": torch.nn.Parameter(memory[::7][:2]),
    }
    found = import_model(torch_file(tmp_path, state), family="PLRNN")
    for name, tensor in state.items():
        np.testing.assert_array_equal(getattr(found.model, name), tensor.detach().double().numpy())


def test_trainable_twins(tmp_path):
    shallow = TrainableShallowPLRNN(3, 5, n_inputs=2, seed=1)
    found = import_model(torch_file(tmp_path, shallow.state_dict()))
    assert found.model == shallow.to_model()
    almost = TrainableALRNN(4, n_relu=2, seed=1)
    path = torch_file(tmp_path, almost.state_dict())
    found = import_model(path, family="ALRNN", options={"n_relu": 2})
    assert found.model == almost.to_model()
    assert found.notes == ()
    assert import_model(path, options={"n_relu": 2}).model == almost.to_model()
    with pytest.raises(ValueError, match="ALRNN needs n_relu"):
        import_model(path, family="ALRNN")


class DendriticByHand(torch.nn.Module):
    """A dendritic PLRNN as published torch code has it: AW, and thresholds that are added."""

    def __init__(self, n_branches):
        super().__init__()
        for name, shape in {"AW": (3, 3), "h": (3,), "thetas": (3, n_branches)}.items():
            setattr(self, name, torch.nn.Parameter(torch.randn(*shape)))
        self.alphas = torch.nn.Parameter(torch.randn(n_branches))

    def forward(self, z):
        A = torch.diag(self.AW)
        branches = (self.alphas * torch.relu(z[:, None] + self.thetas)).sum(dim=1)
        return A * z + (self.AW - torch.diag(A)) @ branches + self.h


@pytest.mark.parametrize("n_branches", [2, 3])
def test_diagonal_and_weights_in_one_matrix(n_branches, tmp_path):
    module = seeded(lambda: DendriticByHand(n_branches))
    found = import_model(torch_file(tmp_path, {"latent_step": module.state_dict()}))
    z = torch.tensor([1.0, -2.0, 0.5])
    np.testing.assert_allclose(found.model.step(z.numpy()), module(z).detach(), rtol=1e-5)
    assert found.keys["A"] == found.keys["W"] == "latent_step.AW"
    assert "A is the diagonal of 'latent_step.AW', W is the rest of it" in found.notes
    assert found.unused == ()


def test_the_old_form_of_torch_files_is_refused(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"A": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match=r"torch\.save had before version 1\.6, a pickle"):
        import_model(path)


def test_compressed_archives_of_torch(tmp_path):
    path = written(tmp_path, "torch")
    with (
        zipfile.ZipFile(path) as archive,
        zipfile.ZipFile(tmp_path / "small.pt", "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for name in archive.namelist():
            small.writestr(name, archive.read(name))
    assert import_model(tmp_path / "small.pt").model == MODEL


def test_torch_itself_reads_the_same(tmp_path):
    path = written(tmp_path, "torch")
    state = torch.load(path, weights_only=True)["model_state_dict"]
    for name, array in import_model(path).model.parameters.items():
        np.testing.assert_array_equal(array, state[name].numpy())


# Julia ----------------------------------------------------------------------------------------


def bson_file(tmp_path, entries):
    path = tmp_path / "model.bson"
    path.write_bytes(bson_bytes(entries))
    return path


def single(*values):
    return np.array(values, dtype=np.float32)


def test_types_of_julia_name_the_family(tmp_path):
    A, W, h = single(0.5, 0.25), single([1, 2], [3, 4]), single(0, 1)
    path = bson_file(tmp_path, {"m": Struct(["Main", "PLRNN"], [A, W, h, None])})
    found = import_model(path)
    assert (found.model, found.notes) == (PLRNN(A, W, h), ())
    C = single([1, 2, 3], [4, 5, 6])
    path = bson_file(tmp_path, {"m": Struct(["Main", "mcPLRNN"], [A, W, h, C])})
    found = import_model(path)
    assert found.model.family == "MeanCenteredPLRNN"
    np.testing.assert_array_equal(found.model.C, C)
    assert found.notes == ("the external input s is not in the file, s = 0 is used",)


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("n_branches", [2, 3])
def test_thresholds_of_julia_have_one_row_for_each_unit(n_branches, clipped, tmp_path):
    rng = np.random.default_rng(0)
    A, W, h = rng.normal(size=2), rng.normal(size=(2, 2)), rng.normal(size=2)
    alpha, H = rng.normal(size=n_branches), rng.normal(size=(2, n_branches))
    name = "clippedDendPLRNN" if clipped else "dendPLRNN"
    path = bson_file(tmp_path, {"m": Struct(["Main", name], [A, W, h, alpha, H, None])})
    model = import_model(path).model
    assert model == DendriticPLRNN(A, W, h, alpha, H.T, clipped=clipped)
    z = np.array([0.5, -0.25])
    branches = np.maximum(z[:, None] - H, 0) - clipped * np.maximum(z, 0)[:, None]
    np.testing.assert_allclose(model.step(z), A * z + W @ (branches @ alpha) + h)


def test_references_in_bson(tmp_path):
    shared = Raw({"tag": "backref", "ref": 1})
    model = Struct(["Main", "PLRNN"], [shared, single([1, 2], [3, 4]), shared, None])
    entries = {"model": model, "_backrefs": [single(0.5, 0.25)]}
    found = import_model(bson_file(tmp_path, entries))
    np.testing.assert_array_equal(found.model.h, [0.5, 0.25])
    np.testing.assert_array_equal(found.model.A, [0.5, 0.25])


def test_dictionaries_tuples_numbers_and_texts_in_bson(tmp_path):
    weights = Struct(
        ["Main", "Base", "Dict"],
        [
            [Symbol("A"), "W", "h", Symbol("slope"), Symbol("note")],
            [single(0.5), single([2.0]), single(1), np.float32(0.125), "text"],
        ],
    )
    entries = {"net": (weights, 3, 0.5, True), "type": datatype("Core", "Int64")}
    path = bson_file(tmp_path, entries)
    assert {name: array.shape for name, array in list_arrays(path).items()} == {
        "net.0.A": (1,),
        "net.0.W": (1, 1),
        "net.0.h": (1,),
        "net.0.slope": (),
        "net.1": (),
        "net.2": (),
        "net.3": (),
    }
    found = import_model(path)
    assert found.model.family == "LeakyPLRNN"
    assert found.model.slope == 0.125


@pytest.mark.parametrize(("activation", "nonlinearity"), [("tanh", "tanh"), ("relu", "relu")])
def test_cells_of_flux(activation, nonlinearity, tmp_path):
    Wi, Wh, b = single([1, 2], [3, 4], [5, 6]), np.eye(3, dtype=np.float32), single(1, 2, 3)
    cell = Struct(
        ["Flux", "RNNCell"],
        [Struct(["NNlib", f"#{activation}"], []), Wi, Wh, b, np.zeros((3, 1), np.float32)],
    )
    chain = Struct(
        ["Flux", "Chain"], [(Struct(["Flux", "Recur"], [cell, np.zeros((3, 1), np.float32)]),)]
    )
    found = import_model(bson_file(tmp_path, {"model": chain}))
    assert found.model == RNN(Wi, Wh, b, nonlinearity=nonlinearity)
    assert found.notes == ()


def test_what_cells_of_flux_are_refused(tmp_path):
    W = np.zeros((9, 3), dtype=np.float32)
    path = bson_file(tmp_path, {"m": Struct(["Flux", "GRUCell"], [W, W, W[:, 0], W[:3]])})
    with pytest.raises(ValueError, match="the GRU of Flux applies its reset gate before"):
        import_model(path)
    cell = Struct(["Flux", "RNNCell"], [Struct(["NNlib", "#gelu"], []), W[:3], W[:3], W[:3, 0]])
    with pytest.raises(ValueError, match="activation 'gelu' is neither tanh nor relu"):
        import_model(bson_file(tmp_path, {"m": cell}))


def test_names_of_types_are_never_used(tmp_path):
    evil = Struct(["Main", "Base", "run"], ["touch /tmp/never"])
    anonymous = Raw({"tag": "jl_anonymous", "typename": b"x", "params": []})
    entries = {
        "x": evil,
        "f": anonymous,
        "m": Struct(["PLRNN"], [single(1), single([1]), single(1)]),
    }
    assert import_model(bson_file(tmp_path, entries)).model == PLRNN([1], [[1]], [1])


def test_the_state_of_flux_models(tmp_path):
    """What `Flux.state(model)` gives: named tuples, whose names are parameters of their types."""
    Wi, Wh, b = single([1, 2], [3, 4], [5, 6]), np.eye(3, dtype=np.float32), single(1, 2, 3)
    cell = named_tuple(σ=(), Wi=Wi, Wh=Wh, bias=b)
    state = named_tuple(layers=(named_tuple(cell=cell), named_tuple(weight=np.ones((1, 3)))))
    path = bson_file(tmp_path, {"model_state": state})
    with pytest.raises(ValueError, match="does not say whether its RNN has tanh or relu: give"):
        import_model(path)
    found = import_model(path, nonlinearity="relu")
    assert found.model == RNN(Wi, Wh, b, nonlinearity="relu")
    assert found.keys["weight_hh_l0"] == "model_state.layers.0.cell.Wh"
    assert len(found.notes) == 1
    assert found.notes[0].startswith("only the RNN at 'model_state.layers.0.cell' is taken")
    gru = named_tuple(Wi=np.ones((9, 2)), Wh=np.ones((9, 3)), b=np.ones(9))
    with pytest.raises(ValueError, match="GRU with the names of Flux: the GRU of Flux applies"):
        import_model(bson_file(tmp_path, {"m": gru}))


def test_lstm_of_flux_has_the_gates_of_torch(tmp_path):
    rng = np.random.default_rng(0)
    Wi, Wh, b = rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), rng.normal(size=8)
    cell = Struct(["Flux", "LSTMCell"], [Wi, Wh, b])
    path = bson_file(tmp_path, {"m": Struct(["Flux", "LSTM"], [cell, False])})
    model = import_model(path).model
    x, h, c = rng.normal(size=3), rng.normal(size=2), rng.normal(size=2)
    i, f, g, o = np.split(Wi @ x + Wh @ h + b, 4)
    c_next = 1 / (1 + np.exp(-f)) * c + 1 / (1 + np.exp(-i)) * np.tanh(g)
    h_next = 1 / (1 + np.exp(-o)) * np.tanh(c_next)
    state = model.step(model.join_states(h[None], c[None]), x)
    np.testing.assert_allclose(state, model.join_states(h_next[None], c_next[None]))


def test_dictionaries_of_numbers_in_bson(tmp_path):
    """Values that are all numbers come as one array."""
    weights = Struct(["Main", "Base", "Dict"], [["A", "h"], np.array([0.5, 0.25])])
    assert list_arrays(bson_file(tmp_path, {"a": weights})) == {"a.A": 0.5, "a.h": 0.25}


@pytest.mark.parametrize(
    ("type_name", "family"),
    [
        ("Main.GTF.shallowPLRNN", "ShallowPLRNN"),
        ("clippedShallowPLRNN", "ClippedShallowPLRNN"),
    ],
)
def test_types_of_julia_in_jld2_name_the_family(type_name, family, tmp_path):
    path = tmp_path / "model.jld2"
    write_jld2_struct(path, ARRAYS, type_name)
    found = import_model(path)
    assert (found.model.family, found.notes) == (family, ())


# MATLAB ---------------------------------------------------------------------------------------


def test_releases_that_wrote_7_0_in_front_of_hdf5(tmp_path):
    path = written(tmp_path, "MATLAB 7.3")
    with_user_block(path, b"MATLAB 7.0 MAT-file, Platform: GLNX86 HDF5 schema 0.05")
    assert import_model(path).model == MODEL


@pytest.mark.filterwarnings("ignore:.* is (complex|sparse) and is not read")
def test_files_that_matlab_itself_wrote():
    """SciPy brings them with its tests, versions 5 to 7.4 on several machines."""
    tests = pytest.importorskip("scipy.io.matlab.tests")
    paths = sorted((Path(tests.__file__).parent / "data").glob("test*_[67]*.mat"))
    if not paths:
        pytest.skip("this SciPy came without the data of its tests")
    assert len(paths) >= 60
    for path in paths:
        arrays = list_arrays(path)
        if "hdf5" in path.name:
            np.testing.assert_allclose(arrays["testdouble"], [np.arange(9) * np.pi / 4])
            continue
        for name, value in scipy.io.loadmat(path).items():
            if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
                np.testing.assert_array_equal(arrays[name], value)
