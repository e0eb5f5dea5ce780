"""Checkpoints from lists, folders and stacked arrays."""

import numpy as np
import pytest

import rnndyn as rd
from foreign_files import ARRAYS, written
from rnndyn.io._archive import write_archive


def models(n=12):
    return [rd.PLRNN([0.5, 0.1 * i], [[0.0, 1.0], [1.0, 0.0]], [1.0, i]) for i in range(n)]


def stacked(n=3, n_states=2, n_units=4):
    rng = np.random.default_rng(0)
    return {
        "A": rng.normal(size=(n, n_states, n_states)),
        "W1": rng.normal(size=(n, n_states, n_units)),
        "W2": rng.normal(size=(n, n_units, n_states)),
        "h1": rng.normal(size=(n, n_states)),
        "h2": rng.normal(size=(n, n_units)),
        "C": rng.normal(size=(n_states, 3)),
        "s": rng.normal(size=3),
    }


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path):
    for i, model in enumerate(models()):
        rd.save_model(model, tmp_path / f"run2_epoch{i}.{'npz' if i % 2 else 'json'}")
    (tmp_path / ".hidden").write_text("no model")
    (tmp_path / "folder").mkdir()
    assert rd.load_checkpoints(tmp_path) == models()
    assert rd.load_checkpoints(str(tmp_path), pattern="*1.npz") == [models()[1], models()[11]]


def test_the_file_that_cannot_be_read_is_named(tmp_path):
    for i, model in enumerate(models(3)):
        rd.save_model(model, tmp_path / f"{i}.npz")
    bad = tmp_path / "1.npz"
    bad.write_bytes(bad.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"checkpoint .*1\.npz cannot be read"):
        rd.load_checkpoints(tmp_path)
    bad.unlink()
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ValueError, match=r"checkpoint .*notes\.txt cannot be read"):
        rd.load_checkpoints(tmp_path)
    (tmp_path / "notes.txt").unlink()
    rd.save_model(rd.ReLURNN([[0.5]], [1.0]), bad)
    with pytest.raises(ValueError, match=r"checkpoint .*1\.npz does not fit the first one"):
        rd.load_checkpoints(tmp_path)
    rd.save_model(rd.RNN(None, [[0.5]]), bad)
    with pytest.raises(ValueError, match=r"1\.npz does not fit the first one: .* a RNN"):
        rd.load_checkpoints(tmp_path)
    rd.save_model(rd.RNN(None, [[0.5]], nonlinearity="relu"), bad)
    with pytest.raises(ValueError, match=r"1\.npz does not fit the first one: .* a ReLURNN"):
        rd.load_checkpoints(tmp_path)


def test_no_checkpoints(tmp_path):
    with pytest.raises(ValueError, match="holds no files that match"):
        rd.load_checkpoints(tmp_path)
    with pytest.raises(ValueError, match="there is no folder or file"):
        rd.load_checkpoints(tmp_path / "missing")
    with pytest.raises(ValueError, match="empty list"):
        rd.load_checkpoints([])
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ValueError, match=r"x\.txt cannot be read as a model: it begins with"):
        rd.load_checkpoints(tmp_path / "x.txt")


def test_stacked_arrays():
    arrays = stacked()
    loaded = rd.load_checkpoints(arrays)
    assert len(loaded) == 3
    for i, model in enumerate(loaded):
        assert isinstance(model, rd.ShallowPLRNN)
        z = np.array([0.3, -0.7])
        expected = (
            arrays["A"][i] @ z
            + arrays["W1"][i] @ np.maximum(arrays["W2"][i] @ z + arrays["h2"][i], 0)
            + arrays["h1"][i]
            + arrays["C"] @ arrays["s"]
        )
        np.testing.assert_allclose(model.step(z), expected)


def test_swapped_names_are_told_by_the_shapes(tmp_path):
    arrays = stacked()
    names = {"W1": "W2", "W2": "W1", "h1": "h2", "h2": "h1"}
    swapped = {names.get(name, name): array for name, array in arrays.items()}
    assert rd.load_checkpoints(swapped) == rd.load_checkpoints(arrays)
    write_archive(tmp_path / "run.npz", swapped)
    assert rd.load_checkpoints(tmp_path / "run.npz") == rd.load_checkpoints(arrays)
    loadmat = pytest.importorskip("scipy.io")
    loadmat.savemat(tmp_path / "run.mat", swapped)
    assert rd.load_checkpoints(tmp_path / "run.mat") == rd.load_checkpoints(arrays)


def test_square_weights_need_the_layout():
    arrays = stacked(n_units=2)
    with pytest.raises(ValueError, match="give layout='canonical'"):
        rd.load_checkpoints(arrays)
    first, second = (
        rd.load_checkpoints(arrays, layout=layout)[0] for layout in ("canonical", "swapped")
    )
    np.testing.assert_array_equal(first.W1, second.W2)
    np.testing.assert_array_equal(first.h1, second.h2)
    with pytest.raises(ValueError, match="layout must be one of"):
        rd.load_checkpoints(arrays, layout="matlab")


def test_a_single_checkpoint_column_of_biases(tmp_path):
    # MATLAB's vectors are matrices of one row; those of one state stay stacks.
    loadmat = pytest.importorskip("scipy.io")
    arrays = {**stacked(), "h1": np.zeros((1, 2)), "h2": np.ones((1, 4)), "s": np.ones((1, 3))}
    loadmat.savemat(tmp_path / "run.mat", arrays)
    loaded = rd.load_checkpoints(tmp_path / "run.mat")
    assert len(loaded) == 3
    np.testing.assert_array_equal(loaded[1].h2, np.ones(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W1": None}, "W1 is missing"),
        ({"W1": np.zeros((4, 2, 4))}, "stacks of different length"),
        ({"h2": np.full((3, 4), np.nan)}, "h2 must be finite, got nan"),
        ({"h2": np.zeros((3, 5))}, "checkpoint 0 is no valid model"),
        ({name: array[0] for name, array in stacked().items() if name not in "Cs"}, "no stacked"),
        ({name: array[:0] for name, array in stacked().items() if name not in "Cs"}, "no checkp"),
    ],
)
def test_bad_stacks(change, message):
    arrays = {name: a for name, a in {**stacked(), **change}.items() if a is not None}
    with pytest.raises(ValueError, match=message):
        rd.load_checkpoints(arrays)


def test_damaged_files_of_stacked_arrays(tmp_path):
    for name in ("run.npz", "run.mat"):
        (tmp_path / name).write_bytes(b"nothing of use")
        with pytest.raises(ValueError, match=name.replace(".", r"\.")):
            rd.load_checkpoints(tmp_path / name)


@pytest.mark.parametrize("name", ["MATLAB 7.3", "torch", "safetensors", "BSON", "HDF5"])
def test_stacked_arrays_in_files_of_other_programs(name, tmp_path):
    # SciPy is not needed for MATLAB's, and the arrays may be inside of something.
    arrays = {name: array for name, array in stacked().items() if name not in "Cs"}
    path = written(tmp_path, name, arrays)
    assert rd.load_checkpoints(path) == rd.load_checkpoints(arrays)


def test_files_that_hold_no_stack(tmp_path):
    rd.save_model(models(1)[0], tmp_path / "one.json")
    with pytest.raises(ValueError, match=r"one\.json holds one model; checkpoints must be"):
        rd.load_checkpoints(tmp_path / "one.json")
    np.savez(tmp_path / "two.npz", **{"a.W1": np.ones((2, 2, 4)), "b.W1": np.ones((2, 2, 4))})
    with pytest.raises(ValueError, match=r"two\.npz holds several stacks of checkpoints: a\., b\."):
        rd.load_checkpoints(tmp_path / "two.npz")


def test_a_folder_of_julia_files(tmp_path):
    for epoch in (2, 10):
        arrays = {**ARRAYS, "h2": ARRAYS["h2"] + epoch}
        written(tmp_path, "JLD2", arrays).rename(tmp_path / f"epoch{epoch}.jld2")
    with pytest.warns(rd.io.ImportGuessWarning):
        loaded = rd.load_checkpoints(tmp_path)
    assert [model.h2[0] for model in loaded] == [2.0, 10.0]
