"""Slow points under several constant inputs."""

import json
import pickle
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn.cli import main

BIT = rd.RNN([[1.0]], [[2.0]])
#: Two lines of slow points, one of them with a minimum.
LINE = rd.RNN([[1.0], [1.0]], 1.0002 * np.full((2, 2), 0.5))
RELU = rd.RNN([[1.0]], [[0.9]], nonlinearity="relu")


@pytest.fixture(scope="module", params=["smooth", "curves", "relu"])
def found(request: pytest.FixtureRequest) -> Any:
    if request.param == "smooth":
        return rd.find_slow_points(BIT, [[0.3], [0.54], [0.3]])
    if request.param == "curves":
        return rd.find_slow_points(LINE, [[1e-3], [2e-3]])
    return rd.find_slow_points(RELU, [[0.1], [-0.1]])


def test_each_is_what_is_found_alone(found: Any) -> None:
    for row, slow in zip(found.inputs, found, strict=True):
        alone = rd.find_slow_points(found.model, row)
        assert len(slow) == len(alone)
        assert slow.model == alone.model
        np.testing.assert_allclose(slow.states, alone.states, rtol=0, atol=1e-9)
        if slow.inputs is not None:
            np.testing.assert_array_equal(slow.inputs, row)
    assert found.n_points == sum(len(slow) for slow in found)
    assert found.finished
    assert found.stopped_by == "finished"
    assert found.complete == all(slow.complete for slow in found)
    assert found[1:].inputs.tolist() == found.inputs[1:].tolist()


def test_equal_inputs_are_searched_once_and_begin_at_each_other() -> None:
    found = rd.find_slow_points(BIT, [[0.54], [0.55], [0.54]])
    assert found[0] is found[2]
    assert [slow.run.options["n_states_given"] for slow in found] == [0, 1, 0]


def test_files_exports_and_prints(found: Any, tmp_path: Any) -> None:
    found.save(tmp_path / "slow.npz")
    for again in (rd.load_result(tmp_path / "slow.npz"), pickle.loads(pickle.dumps(found))):
        assert again == found
        assert repr(again) == repr(found)
    text = repr(found)
    assert f"under {len(found)} constant inputs" in text
    content = json.loads(found.to_json())
    assert [len(part["points"]) for part in content["sets"]] == [len(slow) for slow in found]
    for table, of_one in (("points", len), ("curves", lambda slow: len(slow.curves))):
        numbers = found.to_columns(table)["input"].tolist()
        assert numbers == [i for i, slow in enumerate(found) for _ in range(of_one(slow))]
    assert found.to_columns("inputs")["n_points"].tolist() == [len(slow) for slow in found]
    labelled = found.to_xarray()
    assert labelled["point"].shape == (found.n_points, found.model.n_states)
    curves = [curve for slow in found for curve in slow.curves]
    for number, curve in enumerate(curves):
        own = labelled["curve_points"].values[labelled["curve_of_point"].values == number]
        np.testing.assert_array_equal(own, curve.points)
    assert rd.cite(found).bibtex == rd.cite(*found).bibtex


def test_a_time_limit_ends_all() -> None:
    found = rd.find_slow_points(LINE, [[0.0], [0.01]], max_restarts=10**9, time_limit=0.05)
    assert not found.finished
    assert found.stopped_by == "time_limit"
    assert "Input 1: " in repr(found)


def test_an_interrupt_ends_all() -> None:
    found = rd.find_slow_points(LINE, [[0.0], [0.01], [0.02]], max_restarts=10**9, progress=CtrlC())
    assert [slow.run.stopped_by for slow in found] == ["interrupt"] * 3
    assert not found.complete


def test_command_line(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rd.save_model(LINE, tmp_path / "line.npz")
    np.save(tmp_path / "one.npy", np.array([1e-3]))
    np.save(tmp_path / "two.npy", np.array([[1e-3], [2e-3]]))
    np.save(tmp_path / "u.npy", np.zeros((2, 10, 1)))
    command = ["slow-points", str(tmp_path / "line.npz"), "--drive", str(tmp_path / "u.npy")]
    one = [*command, "--inputs", str(tmp_path / "one.npy")]
    pytest.importorskip("matplotlib").use("Agg")
    assert main([*one, "--plot", str(tmp_path / "slow.png"), "-o", str(tmp_path / "s.npz")]) == 0
    assert "approximate line attractor" in capsys.readouterr().out
    assert rd.load_result(tmp_path / "s.npz").run.options["n_states_given"] == 22
    assert (tmp_path / "slow.png").stat().st_size > 1000
    two = [*command, "--inputs", str(tmp_path / "two.npy")]
    assert main([*two, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sets"]) == 2
    assert main([*two, "--plot", str(tmp_path / "slow.png")]) == 2
    assert "--plot draws the slow points of one input" in capsys.readouterr().err
    assert main([*one, "--max-speed", "-1"]) == 2
    assert "max_speed must be" in capsys.readouterr().err
