"""Sets of slow points as values: files, exports, pictures, messages."""

import json
import pickle
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from slow_points.test_smooth_networks import line

LINE, _ = line(3, 1e-3)
#: A minimum on the line, a model with an input, and a curve.
DRIVEN = rd.RNN([[1.0], [1.0]], 1.0002 * np.full((2, 2), 0.5))
GHOST = rd.PLRNN([0.5, 0.5], [[1.0, 0.0], [0.0, 0.0]], [0.01, 0.0])


@pytest.fixture(scope="module", params=["smooth", "piecewise linear"])
def slow(request: pytest.FixtureRequest) -> Any:
    if request.param == "smooth":
        return rd.find_slow_points(DRIVEN, [1e-3])
    return rd.find_slow_points(GHOST)


def test_files_and_pickles(slow: Any, tmp_path: Any) -> None:
    slow.save(tmp_path / "slow.npz")
    for again in (rd.load_result(tmp_path / "slow.npz"), pickle.loads(pickle.dumps(slow))):
        assert again == slow
        assert repr(again) == repr(slow)
        assert again[0].time_scales.tolist() == slow[0].time_scales.tolist()
        assert again.run.n_restarts == slow.run.n_restarts
    empty = rd.find_slow_points(rd.RNN(None, [[0.5]]))
    empty.save(tmp_path / "none.npz")
    assert rd.SlowPointSet.load(tmp_path / "none.npz") == empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points/state": np.zeros((1, 5))}, "not those of their model"),
        ({"points/speed": np.zeros(4)}, "argument 2 is"),
        ({"curve_0/speeds": np.zeros(4)}, "a curve must have points"),
        ({"inputs": np.zeros(3)}, "inputs must have shape"),
    ],
)
def test_damaged_files(tmp_path: Any, change: dict[str, Any], message: str) -> None:
    rd.find_slow_points(DRIVEN, [1e-3]).save(tmp_path / "slow.npz")
    with np.load(tmp_path / "slow.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    assert change.keys() <= arrays.keys()
    np.savez(tmp_path / "damaged.npz", **{**arrays, **change})
    with pytest.raises(ValueError, match=message):
        rd.SlowPointSet.load(tmp_path / "damaged.npz")


def test_exports(slow: Any, tmp_path: Any) -> None:
    content = json.loads(slow.to_json())
    assert content["schema"] == "rnndyn slow points"
    assert len(content["points"]) == len(slow) == 1
    assert content["points"][0]["speed"] == slow[0].speed
    assert len(content["curves"]) == len(slow.curves)
    assert slow.to_columns()["speed"].tolist() == [slow[0].speed]
    assert len(slow.to_columns("curves")["length"]) == len(slow.curves)
    pytest.importorskip("xarray")
    dataset = slow.to_xarray()
    assert dataset["point"].shape == (1, 2)
    pytest.importorskip("h5netcdf")
    slow.to_netcdf(tmp_path / "slow.nc")
    assert len(slow.to_dataframe()) == 1


def test_sequence(slow: Any) -> None:
    assert [point.speed for point in slow] == [slow[0].speed]
    assert len(slow[1:]) == 0
    assert slow[:1] == slow
    assert slow.states.shape == (1, 2)
    assert repr(slow[0]).startswith("SlowPoint(speed=")


def test_picture(slow: Any) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    fixed = rd.find_fixed_points(slow.model, slow.inputs)
    ax = rd.plot.slow_points(slow, cycles=fixed, orbits=3)
    labels = ax.get_legend_handles_labels()[1]
    assert "slow point (1)" in labels
    assert ("approximate line attractor" in labels) == (len(slow.line_attractors) > 0)
    assert len(ax.texts) == 1  # an arrow
    with pytest.raises(ValueError, match="this network has one state"):
        rd.plot.slow_points(rd.find_slow_points(rd.RNN(None, [[0.5]])))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: rd.find_slow_points(3), TypeError, "model must be a model of rnndyn"),
        (lambda: rd.find_slow_points(DRIVEN, [[[1.0]], [[2.0]]]), ValueError, "inputs must"),
        (lambda: rd.find_slow_points(GHOST, [[1.0], [2.0]]), ValueError, "no external input"),
        (lambda: rd.find_slow_points(DRIVEN, [1.0, 2.0]), ValueError, "inputs must have shape"),
        (lambda: rd.find_slow_points(DRIVEN, [np.nan]), ValueError, "inputs must be finite"),
        (lambda: rd.find_slow_points(DRIVEN, states=[1.0]), ValueError, "states must have shape"),
        (lambda: rd.find_slow_points(DRIVEN, max_speed=0.0), ValueError, "max_speed must be a pos"),
        (lambda: rd.find_slow_points(DRIVEN, max_speed="a"), TypeError, "max_speed must be a num"),
        (lambda: rd.find_slow_points(DRIVEN, max_restarts=0), ValueError, "max_restarts must be"),
        (
            lambda: rd.find_slow_points(GHOST, [1.0]),
            ValueError,
            "has no external input: leave out inputs",
        ),
        (lambda: rd.find_slow_points(GHOST, drive=[[1.0]]), ValueError, "no external input"),
        (lambda: rd.find_slow_points(GHOST, states=[1.0]), ValueError, "states must have shape"),
    ],
)
def test_bad_arguments(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
