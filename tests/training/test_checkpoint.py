"""Training states as files: bit for bit, without pickle, and safe to read."""

import json
import math
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rnndyn import training  # noqa: E402
from rnndyn.io._archive import write_archive  # noqa: E402

from .cases import circle  # noqa: E402


def test_a_nested_state_comes_back_with_its_types(tmp_path):
    state = {
        "numbers": [1, 2.5, -0.0, math.inf, 2**200, True, None, "text"],
        "betas": (0.9, 0.1 + 0.2),
        3: {"tensor": torch.tensor([1e-310, float("nan")]), "empty": torch.zeros(0, 2)},
        "array": np.arange(4, dtype=np.int32),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "half": torch.tensor([0.1], dtype=torch.float16),
    }
    training.save_state(tmp_path / "state.npz", state)
    again = training.load_state(tmp_path / "state.npz")
    assert list(again) == list(state)
    assert again["numbers"] == state["numbers"]
    assert math.copysign(1.0, again["numbers"][2]) == -1.0
    assert [type(entry) for entry in again["numbers"]] == [type(e) for e in state["numbers"]]
    assert again["betas"] == state["betas"]
    for key in ("tensor", "empty"):
        ours, theirs = state[3][key], again[3][key]
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    assert again["array"].dtype == np.int32
    assert again["scalar"].shape == ()
    assert again["half"].dtype == torch.float16
    again[3]["tensor"][0] = 5.0  # Its memory can be written to.


def test_the_file_is_an_archive_of_numbers_without_pickle(tmp_path):
    path = tmp_path / "state.npz"
    trainer = training.Trainer(training.TrainablePLRNN(2), circle(), sequence_length=5)
    trainer.fit(2, progress=False)
    trainer.save(path)
    with np.load(path, allow_pickle=False) as archive:
        assert len([archive[name] for name in archive.files]) > 10
        header = json.loads(str(archive["header"]))
    assert (header["format"], header["version"]) == ("rnndyn-training-state", 1)


def test_what_cannot_be_kept_is_refused_by_name(tmp_path):
    path = tmp_path / "state.npz"
    with pytest.raises(TypeError, match=r"\.optimizer\.odd must be tensors, .* got object"):
        training.save_state(path, {"optimizer": {"odd": object()}})
    with pytest.raises(TypeError, match="must hold real numbers, got complex128"):
        training.save_state(path, {"z": np.zeros(2, dtype=complex)})
    with pytest.raises(TypeError, match="names or numbers as keys"):
        training.save_state(path, {"a": {(1, 2): 3}})
    assert not path.exists()


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    training.save_state(path, {"x": torch.zeros(3)})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read as a training state"):
        training.load_state(path)
    for header, message in [
        ({"format": "other"}, "another kind"),
        ({"format": "rnndyn-training-state", "version": 99}, "version 99"),
        ({"format": "rnndyn-training-state", "version": 1, "state": {"eval": "1"}}, "unknown kind"),
        ({"format": "rnndyn-training-state", "version": 1, "state": {"tensor": "9"}}, "9"),
        ({"format": "rnndyn-training-state", "version": 1, "state": {"a": 1, "b": 2}}, "damaged"),
    ]:
        write_archive(path, {"header": np.array(json.dumps(header))})
        with pytest.raises(ValueError, match=message):
            training.load_state(path)
    write_archive(path, {"other": np.zeros(2)})
    with pytest.raises(ValueError, match="no header"):
        training.load_state(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"\x80\x04pickle")
    with pytest.raises(ValueError, match="cannot be read"):
        training.load_state(path)


def test_a_state_of_another_network_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    training.Trainer(training.TrainablePLRNN(2), circle(), sequence_length=5).save(path)
    other = training.Trainer(training.TrainablePLRNN(3), circle(), sequence_length=5)
    before = other.module.to_model()
    with pytest.raises(ValueError, match="does not fit this trainer"):
        other.load(path)
    assert other.module.to_model() == before
