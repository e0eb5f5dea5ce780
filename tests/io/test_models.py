"""Model files: what is written is read back, and everything else is refused."""

import json
import os
import stat
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rnndyn.io
from model_cases import draws, random_model
from rnndyn.io import load_metadata, load_model, save_model
from rnndyn.models import FAMILIES, PLRNN, RNN, PiecewiseLinearMap

SUFFIXES = (".json", ".npz")
MODEL = PLRNN([0.5, 0.9], [[0.0, -0.6], [0.5, 0.0]], [0.4, -1.0])


def assert_same_bits(loaded, saved):
    assert type(loaded) is type(saved)
    assert loaded.options == saved.options
    assert list(loaded.parameters) == list(saved.parameters)
    for name, array in saved.parameters.items():
        assert loaded.parameters[name].shape == array.shape
        assert loaded.parameters[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("family", FAMILIES)
def test_round_trip_is_exact(family, suffix, tmp_path):
    for number, draw in enumerate(draws(12)):
        model = random_model(family, draw)
        path = tmp_path / f"{number}{suffix}"
        save_model(model, path)
        assert_same_bits(load_model(path), model)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(
    values=hnp.arrays(
        np.float64, (2, 3), elements=st.floats(allow_nan=False, allow_infinity=False, width=64)
    )
)
def test_every_finite_number_survives(suffix, values, tmp_path_factory):
    # C and s are not part of it: products of such numbers overflow.
    model = PiecewiseLinearMap([0.0, 0.0], values, np.zeros((3, 2)), values[:, 0], values[0])
    path = tmp_path_factory.mktemp("model") / f"model{suffix}"
    save_model(model, path)
    assert_same_bits(load_model(path), model)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_models_without_hidden_units_survive(suffix, tmp_path):
    model = PiecewiseLinearMap([0.5, 0.5], np.zeros((2, 0)), np.zeros((0, 2)), [1.0, 1.0], [])
    path = tmp_path / f"model{suffix}"
    save_model(model, str(path))
    assert_same_bits(load_model(str(path)), model)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".JSON", ".Npz"])
def test_metadata_is_kept(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    metadata = {
        "task": "Lorenz-63 ☃",
        "epochs": 12,
        "loss": 0.125,
        "tags": ["a", None, {"b": True}],
    }
    save_model(MODEL, path, metadata=metadata)
    assert load_metadata(path) == metadata
    save_model(MODEL, path)
    assert load_metadata(path) == {}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({1: "a"}, "metadata would change"),
        ({"a": (1, 2)}, "metadata would change"),
        ({"a": float("nan")}, "metadata cannot be written as JSON: "),
        ({"a": np.zeros(2)}, "metadata cannot be written as JSON: "),
    ],
)
def test_metadata_that_would_change_is_refused(metadata, message, tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(ValueError, match=message):
        save_model(MODEL, path, metadata=metadata)
    assert not path.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_saving_twice_gives_the_same_bytes(suffix, tmp_path):
    for name in ("a", "b"):
        save_model(MODEL, tmp_path / f"{name}{suffix}", metadata={"x": 1})
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"model{suffix}"
    save_model(MODEL, path)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        save_model(MODEL.with_parameters({"h[0]": 9.0}), path)
    monkeypatch.undo()
    assert load_model(path) == MODEL
    assert os.listdir(tmp_path) == [path.name]


def test_files_have_ordinary_permissions(tmp_path):
    save_model(MODEL, tmp_path / "model.npz")
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("model.npz", "other")}
    assert len(modes) == 1


@pytest.mark.parametrize("suffix", [".pkl", ".mat", ".npz.bak", ""])
def test_other_suffixes_are_not_written(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    problem = f"the suffix '{path.suffix}' is not supported" if suffix else "it has no suffix"
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        save_model(MODEL, path)
    assert str(caught.value) == f"cannot write {path}: {problem}; use .json or .npz"


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".dat", ""])
@pytest.mark.parametrize("kind", SUFFIXES)
def test_the_content_tells_the_format_not_the_suffix(kind, suffix, tmp_path):
    save_model(MODEL, tmp_path / f"model{kind}", metadata={"x": 1})
    path = tmp_path / f"renamed{suffix}"
    os.replace(tmp_path / f"model{kind}", path)
    assert load_model(path) == MODEL
    assert load_metadata(path) == {"x": 1}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_an_os_error(suffix, tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        load_model(tmp_path / f"absent{suffix}")
    with pytest.raises(FileNotFoundError, match="absent"):
        save_model(MODEL, tmp_path / "absent" / f"model{suffix}")


def test_only_models_of_known_families_are_saved(tmp_path):
    with pytest.raises(TypeError, match=r"^model must be a model of rnndyn, .*got set$"):
        save_model(set(), tmp_path / "model.npz")

    class Own(PLRNN):
        pass

    own = Own([0.5], [[1.0]], [0.0])
    with pytest.raises(ValueError, match=r"^no file of Own could be read back"):
        save_model(own, tmp_path / "model.npz")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_max_bytes_is_respected(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    save_model(MODEL, path)
    size = path.stat().st_size
    with pytest.raises(ValueError, match=f"has {size} bytes, more than max_bytes = {size - 1}"):
        load_model(path, max_bytes=size - 1)
    assert load_model(path, max_bytes=size) == MODEL


def test_the_documented_files_load(tmp_path, monkeypatch):
    text = (
        '{"format": "rnndyn model", "format_version": 1, "family": "PLRNN",'
        ' "metadata": {"task": "two oscillators"},'
        ' "parameters": {"A": [0.5, 0.9], "W": [[0.0, -0.6], [0.5, 0]], "h": [0.4, -1]}}'
    )
    (tmp_path / "model.json").write_text("\ufeff" + text, encoding="utf-8")
    assert load_model(tmp_path / "model.json") == MODEL
    monkeypatch.chdir(tmp_path)
    header = {"format": "rnndyn model", "format_version": 1, "family": "PLRNN"}
    for save in (np.savez, np.savez_compressed):
        save(
            "model.npz",
            header=json.dumps(header),
            A=np.array([0.5, 0.9], dtype=">f8"),
            W=np.asfortranarray([[0.0, -0.6], [0.5, 0.0]]),
            h=[0.4, -1.0],
        )
        assert load_model("model.npz") == MODEL


def test_a_recurrent_network_written_by_hand_loads(tmp_path):
    text = (
        '{"format": "rnndyn model", "format_version": 1, "family": "RNN",'
        ' "parameters": {"weight_ih_l0": [[1], [2]], "weight_hh_l0": [[0.5, 0], [0, 0.5]],'
        ' "weight_ih_l1": [[1, 0], [0, 1]], "weight_hh_l1": [[0, 1], [1, 0]]}}'
    )
    path = tmp_path / "model.json"
    path.write_text(text)
    eye = np.eye(2)
    assert load_model(path) == RNN([[[1.0], [2.0]], eye], [0.5 * eye, eye[::-1]])


def test_numpy_reads_what_is_written(tmp_path):
    save_model(MODEL, tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"header", "A", "W", "h"}
        np.testing.assert_array_equal(archive["W"], MODEL.W)
        assert json.loads(str(archive["header"]))["family"] == "PLRNN"
    assert zipfile.ZipFile(tmp_path / "model.npz").testzip() is None


def test_public_names():
    assert rnndyn.io.__all__ == [
        "ImportGuessWarning",
        "ImportedModel",
        "from_torch",
        "import_model",
        "list_arrays",
        "load_metadata",
        "load_model",
        "save_model",
    ]
