"""Names and shapes of arrays, and what the caller says about them, tell which network they are."""

import json

import numpy as np
import pytest
import torch

from foreign_files import ARRAYS, MODEL, torch_file, written
from rnndyn.io import import_model
from rnndyn.models import ALRNN, PLRNN, ReLURNN


def npz_file(tmp_path, **arrays):
    path = tmp_path / "arrays.npz"
    np.savez(path, **arrays)
    return path


def test_the_published_checkpoint_layout_is_swapped(tmp_path):
    A, h1, h2 = MODEL.A, MODEL.h1, MODEL.h2
    path = npz_file(tmp_path, A=A, W1=MODEL.W2, W2=MODEL.W1, h1=h2, h2=h1)
    found = import_model(path)
    assert found.model == MODEL
    assert found.keys["W1"] == "W2"
    assert any("swapped" in note for note in found.notes)


def test_given_keys_come_first(tmp_path):
    W, V = np.array([[1.0, 2.0], [3.0, 4.0]]), np.eye(2)
    path = npz_file(tmp_path, A=[0.5, 0.5], W=W, V=V, bias=[1.0, 2.0])
    assert import_model(path).model == PLRNN([0.5, 0.5], W, [1.0, 2.0])
    found = import_model(path, family="PLRNN", keys={"W": "V", "h": "bias"})
    assert found.model == PLRNN([0.5, 0.5], V, [1.0, 2.0])
    assert found.notes == ()
    assert found.unused == ("W",)
    with pytest.raises(ValueError, match=r"there is no array 'Q' for parameter W; the file holds"):
        import_model(path, keys={"W": "Q"})


def test_one_array_without_a_known_name_is_told_by_its_shape(tmp_path):
    path = npz_file(tmp_path, A=[0.5, 0.5], recurrent=np.eye(2), h=[1.0, 2.0])
    found = import_model(path)
    assert found.model == PLRNN([0.5, 0.5], np.eye(2), [1.0, 2.0])
    assert "W is 'recurrent', guessed" in found.notes
    # Two of them could be it.
    path = npz_file(tmp_path, A=[0.5, 0.5], r=np.eye(2), q=np.eye(2), h=[1.0, 2.0])
    with pytest.raises(ValueError, match="no family fits its arrays"):
        import_model(path)


@pytest.mark.parametrize("extra", ["z0", "initial"])
def test_an_initial_state_does_not_become_a_parameter(extra, tmp_path):
    path = npz_file(tmp_path, **ARRAYS, **{extra: np.zeros(3), "x": np.zeros(2)})
    found = import_model(path)
    assert found.model == MODEL
    assert set(found.unused) == {extra, "x"}
    path = npz_file(tmp_path, W_hh=np.eye(2), b=[1.0, 2.0], **{extra: np.zeros(2)})
    assert import_model(path).model == ReLURNN(np.eye(2), [1.0, 2.0])


def test_keys_choose_the_network_beside_them(tmp_path):
    state = {
        f"{part}.{name}": np.ones((2, 2)[: 2 - (name == "bias")])
        for part in ("inp", "rec")
        for name in ("weight", "bias")
    }
    path = npz_file(tmp_path, **state)
    found = import_model(path, keys={"W_hh": "rec.weight"})
    assert found.model == ReLURNN(np.ones((2, 2)), np.ones(2))
    assert found.keys == {"W_hh": "rec.weight", "b": "rec.bias"}
    with pytest.raises(ValueError, match=r"by keys which array is which parameter, such as"):
        import_model(path)


def test_keys_of_unknown_parameters_are_refused(tmp_path):
    path = npz_file(tmp_path, **ARRAYS, V=np.eye(2))
    with pytest.raises(ValueError, match=r"ShallowPLRNN has no parameter 'Wx'; its parameters are"):
        import_model(path, keys={"Wx": "V"})


def test_options_beside_the_arrays(tmp_path):
    path = npz_file(tmp_path, A=[0.5, 0.5], W=np.eye(2), h=[1.0, 2.0], n_relu=1)
    found = import_model(path)
    assert found.model == ALRNN([0.5, 0.5], np.eye(2), [1.0, 2.0], n_relu=1)
    assert found.notes == ()


def test_names_of_relu_networks(tmp_path):
    found = import_model(npz_file(tmp_path, W_hh=np.eye(2), b=[1.0, 2.0]))
    assert found.model == ReLURNN(np.eye(2), [1.0, 2.0])


def test_several_networks_need_a_prefix(tmp_path):
    state = {
        f"{part}.{name}": torch.tensor(array)
        for part in ("encoder", "decoder")
        for name, array in ARRAYS.items()
    }
    path = torch_file(tmp_path, state)
    with pytest.raises(ValueError, match="several networks: ShallowPLRNN at 'encoder', Shallow"):
        import_model(path)
    found = import_model(path, prefix="decoder")
    assert found.model == MODEL
    assert found.keys["A"] == "decoder.A"
    with pytest.raises(ValueError, match="no array has a name below 'middle'"):
        import_model(path, prefix="middle")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: torch.nn.GRU(2, 3, bidirectional=True), "bidirectional"),
        (lambda: torch.nn.LSTM(2, 3, proj_size=1), "projections"),
    ],
)
def test_networks_that_are_no_dynamical_systems_of_ours(make, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        import_model(torch_file(tmp_path, make().state_dict()))


def test_stacked_checkpoints_are_sent_to_their_reader(tmp_path):
    arrays = {name: np.stack([array] * 3) for name, array in ARRAYS.items()}
    with pytest.raises(ValueError, match=r"read by rnndyn\.load_checkpoints"):
        import_model(npz_file(tmp_path, **arrays))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "Transformer"}, "family must be one of ALRNN, "),
        ({"family": "GRU"}, "GRU does not fit its arrays; the file holds A (2,), W1 (2, 3), "),
        ({"options": {"n_relu": 1}}, "ShallowPLRNN has no parameter 'n_relu'"),
    ],
)
def test_wrong_arguments(arguments, message, tmp_path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        import_model(written(tmp_path, "NumPy"), **arguments)
    assert message in str(caught.value)


def test_json_of_other_programs_is_refused(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"A": [1.0], "W": [[1.0]], "h": [1.0]}))
    with pytest.raises(ValueError, match='does not say "format": "rnndyn model"'):
        import_model(tmp_path / "a.json")
