"""Searches under several constant inputs."""

import json
import pickle
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.cli import main
from smooth.cases import FLIP_FLOPS, flip_flop

BIT = rd.RNN([[1.0]], [[2.0]])
RELU = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
TWO = rd.LSTM(0.4 * np.ones((8, 2)), np.tile([[1.0, 0.4], [-0.3, 2.0]], (4, 1)))
FEW = np.array([[0.0, 0.0], [0.5, -0.5], [2.0, 0.0]])


@pytest.fixture(scope="module")
def found() -> Any:
    return rd.find_fixed_points(TWO, FEW)


@pytest.mark.parametrize("name", FLIP_FLOPS)
def test_each_input_has_the_points_that_it_has_alone(name: str) -> None:
    model, rest = flip_flop(name)
    inputs = rest + np.array([0.0, 0.02, 0.1, -0.4])[:, None] * np.eye(len(rest))[0]
    found = rd.find_fixed_points(model, inputs)
    assert len(found) == 4
    assert len(found[0]) == 27
    for row, points in zip(inputs, found, strict=True):
        alone = rd.find_fixed_points(model, row)
        assert len(points) >= len(alone)
        assert points.index_sum == points.index_expected == 1
        np.testing.assert_array_equal(points.inputs, row)
        for point in points:
            assert np.abs(model.step(point.points, row) - point.points).max() < 1e-13


def test_inputs_help_each_other() -> None:
    # With next to no restarts of their own, sets find each other's points.
    model, rest = flip_flop("flipflop_lstm")
    inputs = rest + 0.01 * np.arange(6)[:, None] * np.eye(3)[1]
    alone = [len(rd.find_fixed_points(model, row, max_restarts=4)) for row in inputs]
    found = rd.find_fixed_points(model, inputs, max_restarts=4)
    together = [len(points) for points in found]
    assert all(n >= m for n, m in zip(together, alone, strict=True))
    assert sum(together) > sum(alone)
    # Also the first, which others were searched after.
    assert together[0] > alone[0]


def test_equal_inputs_are_searched_once() -> None:
    found = rd.find_fixed_points(BIT, [[0.3], [0.0], [0.3]])
    assert found[0] is found[2]
    assert [len(points) for points in found] == [3, 3, 3]


def test_cycles_and_proofs() -> None:
    ring = rd.RNN([[1.0], [0.0]], [[0.0, -2.0], [2.0, 0.0]])
    found = rd.find_cycles(ring, orders=[1, 2, 4], inputs=[[0.0], [0.1]])
    assert [len(cycles.of_order(4)) for cycles in found] == [2, 2]
    proof = rd.find_fixed_points(BIT, [[0.0], [0.8]], method="complete")
    assert proof.complete
    assert [len(points) for points in proof] == [3, 1]
    assert "nothing is missing" in repr(proof)
    assert not found.complete


def test_relu_network() -> None:
    found = rd.find_fixed_points(RELU, [[1.0], [-1.0]])
    assert found.model == RELU
    for row, points in zip(found.inputs, found, strict=True):
        assert points == rd.find_fixed_points(RELU.as_piecewise_linear(row))


def test_drive_gives_states() -> None:
    model, rest = flip_flop("flipflop_gru")
    rng = np.random.default_rng(0)
    drive = np.where(rng.random((5, 60, 3)) < 0.1, rng.choice([-1.0, 1.0], (5, 60, 3)), rest)
    by_drive = rd.find_fixed_points(model, rest, drive=drive)
    states = np.concatenate([model.orbit(np.zeros(16), inputs=one) for one in drive])
    assert by_drive == rd.find_fixed_points(model, rest, states)
    assert by_drive.search.options["n_states_given"] == 5 * 61
    both = rd.find_fixed_points(model, rest, states[:7], drive=drive[0])
    assert both.search.options["n_states_given"] == 7 + 61
    # Where there are very many, every n-th, and of all sequences.
    long = rd.find_fixed_points(BIT, [0.0], drive=np.zeros((70, 2000, 1)), max_restarts=1)
    assert 40_000 < long.search.options["n_states_given"] <= 65_536 + 70


def test_files_and_exports(found: Any, tmp_path: Any) -> None:
    found.save(tmp_path / "sets.npz")
    loaded = rd.load_result(tmp_path / "sets.npz")
    for again in (loaded, pickle.loads(pickle.dumps(found))):
        assert again == found
        assert repr(again) == repr(found)
        assert again[1].index_sum == 1
    relu = rd.find_fixed_points(RELU, [[1.0], [-1.0]])
    relu.save(tmp_path / "relu.npz")
    assert rd.CyclesByInput.load(tmp_path / "relu.npz") == relu
    content = json.loads(found.to_json())
    assert content["schema"] == "rnndyn cycle sets by input"
    assert content["inputs"] == FEW.tolist()
    assert [len(own["cycles"]) for own in content["sets"]] == [len(points) for points in found]
    columns = found.to_columns()
    np.testing.assert_array_equal(np.bincount(columns["input"]), [len(points) for points in found])
    table = found.to_columns("inputs")
    np.testing.assert_array_equal(table["input_1"], FEW[:, 1])
    np.testing.assert_array_equal(table["index_sum"], [1.0, 1.0, 1.0])
    pytest.importorskip("xarray")
    dataset = found.to_xarray()
    assert dataset["points"].shape == (found.n_cycles, 4)
    assert dataset["inputs"].shape == (3, 2)
    pytest.importorskip("h5netcdf")
    found.to_netcdf(tmp_path / "sets.nc")


def test_parts_and_print(found: Any) -> None:
    assert found[1:].inputs.tolist() == FEW[1:].tolist()
    assert len(found[1:]) == 2
    text = repr(found)
    assert "under 3 constant inputs" in text
    assert "0.5, -0.5" in text
    missing = rd.find_fixed_points(*_flip_flop_inputs(), max_restarts=1)
    assert any(f"Input {i}: Order 1: the index sum is" in repr(missing) for i in range(2))


def _flip_flop_inputs() -> Any:
    model, rest = flip_flop("flipflop_lstm")
    return model, np.array([rest, rest + 0.8])


def test_time_limit_ends_all() -> None:
    model, rest = flip_flop("flipflop_lstm")
    inputs = rest + 0.01 * np.arange(5)[:, None]
    found = rd.find_fixed_points(model, inputs, max_restarts=10**9, time_limit=0.3)
    assert found.stopped_by == "time_limit"
    assert not found.finished
    assert len(found) == 5
    assert "Input 4: INCOMPLETE" in repr(found)


@pytest.mark.threads
def test_same_sets_for_any_number_of_threads() -> None:
    assert rd.find_fixed_points(TWO, FEW, n_threads=3) == rd.find_fixed_points(TWO, FEW)


def test_picture(found: Any) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    ax = rd.plot.state_space(found)
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["input 0, 0", "input 0.5, -0.5", "input 2, 0"]
    assert sum(len(c.get_offsets()) for c in ax.collections) == found.n_cycles
    with pytest.raises(TypeError, match=r"multipliers draws those of one input"):
        rd.plot.multipliers(found)
    with pytest.raises(ValueError, match=r"draw the cobweb of one of them.*found\[0\]"):
        rd.plot.state_space(rd.find_fixed_points(BIT, [[0.0], [1.0]]))


def test_command_line(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rd.save_model(TWO, tmp_path / "lstm.npz")
    np.save(tmp_path / "x.npy", FEW)
    np.save(tmp_path / "u.npy", np.zeros((2, 10, 2)))
    command = ["cycles", str(tmp_path / "lstm.npz"), "--max-order", "1"]
    command += ["--inputs", str(tmp_path / "x.npy"), "--drive", str(tmp_path / "u.npy")]
    command += ["--plot", str(tmp_path / "points.png"), "-o", str(tmp_path / "points.npz")]
    pytest.importorskip("matplotlib").use("Agg")
    assert main(command) == 0
    assert "under 3 constant inputs" in capsys.readouterr().out
    assert rd.load_result(tmp_path / "points.npz")[0].search.options["n_states_given"] == 22
    assert main([*command, "--method", "complete", "--certificate", "proof.npz"]) == 2
    assert "--certificate is for one constant input" in capsys.readouterr().err
