"""Fixed points and cycles of smooth networks through the public functions."""

import json
import pickle
import re
from typing import Any

import numpy as np
import pytest

import rnndyn as rd
from draws import drawn
from rnndyn.cli import main
from smooth.cases import FLIP_FLOPS, flip_flop, random_network

BIT = rd.RNN([[1.0]], [[2.0]])
LSTM = rd.LSTM([[0.3], [0.2], [1.0], [0.1]], [[1.0], [0.5], [3.0], [1.0]])
GRU = rd.GRU(None, [[0.0], [0.0], [3.0]])
RELU = rd.RNN([[1.0]], [[-2.0]], nonlinearity="relu")
TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])


@pytest.fixture(scope="module")
def points() -> rd.CycleSet:
    model, inputs = flip_flop("flipflop_gru")
    return rd.find_fixed_points(model, inputs)


@pytest.mark.parametrize("name", FLIP_FLOPS)
def test_trained_networks_have_27_fixed_points(name: str) -> None:
    model, inputs = flip_flop(name)
    visited = model.orbit(np.zeros((3, model.n_states)), 20, inputs)
    for states in (None, visited):
        found = rd.find_fixed_points(model, inputs, states)
        assert len(found) == 27
        assert len(found.stable) == 8
        assert found.index_sum == found.index_expected == 1
        assert found.finished
        assert not found.complete
        for point in found:
            assert point.certified
            assert point.error_bound < 1e-12
            assert np.abs(model.step(point.points, inputs) - point.points).max() < 1e-14


def test_missing_points_are_told() -> None:
    model, inputs = flip_flop("flipflop_lstm")
    found = rd.find_fixed_points(model, inputs, max_restarts=1)
    assert found.index_expected == 1
    n_missing = found.search.orders[0].n_missing
    assert n_missing == abs(found.index_sum - 1)
    assert 0 < n_missing <= 27 - len(found)
    assert f"not 1, so at least {n_missing} fixed point" in repr(found)
    assert "index sum is 1" not in repr(found)


@pytest.mark.parametrize("family", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("n_layers", [1, 2])
def test_jacobians_are_derivatives(family: str, n_layers: int) -> None:
    rng = np.random.default_rng(n_layers)
    n_cycles = 0
    for _ in range(drawn(3, 40)):
        free = random_network(family, 3, 4.0, rng, n_layers)
        weights = rng.normal(size=(free.parameters["weight_hh_l0"].shape[0], 2))
        model = type(free).from_parameters({**free.parameters, "weight_ih_l0": weights})
        inputs = rng.normal(size=2)
        for cycle in rd.find_cycles(model, 2, inputs=inputs):
            k, first = cycle.order, cycle.points[0]
            h = 1e-6

            def after(z: Any, x: Any, model: Any = model, k: int = k) -> Any:
                return model.orbit(z, k, x)[-1]

            for i, column in enumerate(cycle.jacobian.T):
                step = h * np.eye(len(first))[i]
                slope = (after(first + step, inputs) - after(first - step, inputs)) / (2 * h)
                np.testing.assert_allclose(column, slope, rtol=1e-5, atol=1e-7)
            for i, column in enumerate(cycle.input_jacobian.T):
                step = h * np.eye(2)[i]
                slope = (after(first, inputs + step) - after(first, inputs - step)) / (2 * h)
                np.testing.assert_allclose(column, slope, rtol=1e-5, atol=1e-7)
            largest = np.abs(np.linalg.eigvals(cycle.jacobian)).max()
            np.testing.assert_allclose(largest, cycle.spectral_radius, rtol=1e-6)
            n_cycles += 1
    assert n_cycles >= 3


def test_jacobians_of_piecewise_linear_networks() -> None:
    model = rd.PLRNN([0.5, 0.2], [[0.0, -3.0], [2.0, 0.0]], [1.0, 0.5], C=[[1.0], [2.0]], s=[0.3])
    cycle = rd.find_fixed_points(model)[0]
    np.testing.assert_array_equal(cycle.jacobian, model.jacobian(region=cycle.itinerary[0]))
    np.testing.assert_array_equal(cycle.input_jacobian, [[1.0], [2.0]])
    two = rd.find_cycles(TENT, max_order=2)[2]
    np.testing.assert_allclose(two.jacobian, [[-4.0]])
    assert two.input_jacobian.shape == (1, 0)
    with pytest.raises(ValueError, match="jacobian needs the network"):
        _ = two.__class__(**{**two._state(), "_origin": None}).jacobian


def test_relu_rnn_goes_to_the_exact_search() -> None:
    found = rd.find_fixed_points(RELU, [1.0])
    assert found == rd.find_fixed_points(RELU.as_piecewise_linear([1.0]))
    assert found[0].points[0, 0] == pytest.approx(1.0 / 3.0)
    # It maps [0, 1] into itself, and the slope at its fixed point is -2.
    assert found.index_sum == found.index_expected == 1
    assert rd.find_cycles(RELU, 2).model == RELU.as_piecewise_linear()


@pytest.mark.parametrize("model", [GRU, LSTM, BIT, rd.RNN(None, -2.0 * np.eye(2))])
def test_complete_proves_that_nothing_is_missing(model: Any) -> None:
    proof = rd.find_cycles(model, orders=[2], method="complete")
    assert proof.complete
    assert "Order 2: proved with" in repr(proof)
    again = rd.find_cycles(model, max_order=2, method="search")
    assert len(proof) == len(again.of_order(2))
    assert not again.complete
    record = proof.search.orders[0]
    assert record.proved
    assert record.n_boxes > 0
    assert record.n_undecided == 0


@pytest.mark.parametrize("family", ["RNN", "GRU", "LSTM"])
def test_small_networks_are_proved_by_default(family: str) -> None:
    rng = np.random.default_rng(1)
    for n, n_layers in ((1, 1), (2, 1), (3, 1), (2, 2)):
        model = random_network(family, n, 2.0, rng, n_layers)
        found = rd.find_fixed_points(model)
        assert found.complete
        assert "proved with" in repr(found)
        assert found.search.orders[0].n_boxes <= 2_100
        searched = rd.find_fixed_points(model, method="search")
        assert not searched.complete
        assert searched.blocks == found.blocks
    wide = rd.find_fixed_points(random_network(family, 7, 2.0, rng))
    assert not wide.complete
    assert wide.search.orders[0].n_boxes == 0


def test_orders_are_proved_by_default_with_those_that_divide_them() -> None:
    cycles = rd.find_cycles(rd.RNN(None, -2.0 * np.eye(2)), max_order=4)
    assert [record.method for record in cycles.search.orders] == ["complete"] * 3 + ["search"]
    assert not cycles.complete
    assert rd.find_cycles(BIT, orders=[2]).search.orders[0].method == "search"


def test_a_proof_by_default_that_takes_too_long_leaves_the_search() -> None:
    # Symmetric, with a continuum of nearly fixed points: boxes get smaller for ever.
    model = rd.RNN(None, np.eye(5) * 1.0000001)
    found = rd.find_fixed_points(model)
    assert found.finished
    assert found.search.orders[0].method == "search"
    assert not found.complete


def test_a_proof_by_default_finds_what_the_search_missed() -> None:
    rng = np.random.default_rng(2)
    models = [random_network("RNN", 4, 4.0, rng) for _ in range(8)]
    few: dict[str, Any] = {"max_restarts": 1}
    searched = [rd.find_fixed_points(model, method="search", **few) for model in models]
    proved = [rd.find_fixed_points(model, **few) for model in models]
    assert all(found.complete for found in proved)
    assert sum(map(len, searched)) < sum(map(len, proved))


def test_a_proof_finds_what_the_search_missed() -> None:
    found = rd.find_fixed_points(GRU, method="complete", max_restarts=1, states=[[0.7]])
    assert len(found) == 3
    assert found.complete


def test_degenerate_point_is_undecided_in_a_proof() -> None:
    # tanh(z) touches the diagonal at 0.
    found = rd.find_fixed_points(rd.RNN(None, [[1.0]]), method="complete")
    assert found.finished
    assert not found.complete
    assert found.index_expected is None
    assert found.search.orders[0].n_undecided > 0
    assert "could not be decided" in repr(found)


def test_time_limit_leaves_no_proof() -> None:
    rng = np.random.default_rng(2)
    found = rd.find_fixed_points(
        random_network("GRU", 8, 5.0, rng), method="complete", time_limit=0.5
    )
    assert found.search.stopped_by == "time_limit"
    assert not found.complete
    assert not found.finished
    assert len(found) > 0


@pytest.mark.threads
def test_same_seed_same_set(points: rd.CycleSet) -> None:
    model, inputs = flip_flop("flipflop_gru")
    assert rd.find_fixed_points(model, inputs, n_threads=2) == points
    assert rd.find_fixed_points(model) == rd.find_fixed_points(model)


def test_cycles_are_in_strict_order() -> None:
    model = rd.RNN(None, 2.0 * np.roll(np.eye(4), 1, axis=0))
    for k in (1, 2, 4):
        block = rd.find_cycles(model, orders=[1, 2, 4]).of_order(k).blocks[0]
        keys = [tuple(np.rint(first / 1e-9)) for first in block.points[:, 0]]
        assert keys == sorted(keys)
        for cycle in block.points:
            assert min(tuple(np.rint(point / 1e-9)) for point in cycle) == tuple(
                np.rint(cycle[0] / 1e-9)
            )


def test_files_and_pickles(points: rd.CycleSet, tmp_path: Any) -> None:
    points.save(tmp_path / "points.npz")
    loaded = rd.load_result(tmp_path / "points.npz")
    for again in (loaded, pickle.loads(pickle.dumps(points))):
        assert again == points
        np.testing.assert_array_equal(again.inputs, points.inputs)
        assert again.index_sum == points.index_sum
        assert repr(again) == repr(points)
        np.testing.assert_array_equal(again[3].jacobian, points[3].jacobian)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros(2)}, "inputs must have shape"),
        ({"order_1/points": np.zeros((27, 1, 5))}, "not those of its model|must have shape"),
        ({"order_1/itinerary": np.zeros((27, 1, 2), bool)}, "not those of its model"),
    ],
)
def test_damaged_files(
    points: rd.CycleSet, tmp_path: Any, change: dict[str, Any], message: str
) -> None:
    points.save(tmp_path / "points.npz")
    with np.load(tmp_path / "points.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(tmp_path / "damaged.npz", **{**arrays, **change})
    with pytest.raises(ValueError, match=message):
        rd.CycleSet.load(tmp_path / "damaged.npz")


def test_exports_leave_out_regions(points: rd.CycleSet, tmp_path: Any) -> None:
    columns = points.to_columns()
    assert not {"margin", "on_border", "itinerary"} & columns.keys()
    content = json.loads(points.to_json())
    assert content["inputs"] == [0.0, 0.0, 0.0]
    assert content["model"] == {"family": "GRU", "n_states": 16}
    assert content["search"]["orders"][0]["index_sum"] == 1
    assert not {"margin", "itinerary"} & content["cycles"][0].keys()
    assert "margin" not in repr(points)
    assert "margin" not in repr(points[0])
    assert "margin" not in points.to_latex()
    with pytest.raises(ValueError, match="columns must not have margin here"):
        points.to_latex(["order", "margin"])
    data = pytest.importorskip("xarray")
    dataset = points.to_xarray()
    assert isinstance(dataset, data.Dataset)
    assert "region" not in dataset
    assert dataset["points"].shape == (27, 16)
    pytest.importorskip("h5netcdf")
    points.to_netcdf(tmp_path / "points.nc")
    frame = pytest.importorskip("pandas").DataFrame(columns)
    assert points.to_dataframe().equals(frame)


def test_parts_keep_inputs(points: rd.CycleSet) -> None:
    assert points.stable.index_sum == 1
    np.testing.assert_array_equal(points[2:5].inputs, points.inputs)
    assert points.select(lambda point: point.certified) == points


@pytest.mark.parametrize("model", [GRU, BIT, LSTM, rd.RNN(None, 3.0 * np.eye(2))])
def test_plots(model: Any) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    inputs = [0.1] if model.n_inputs else None
    found = rd.find_cycles(model, max_order=2, inputs=inputs)
    for draw in (rd.plot.state_space, rd.plot.multipliers):
        assert draw(found).has_data()


def test_cobweb_is_that_of_the_input() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    ax = rd.plot.state_space(rd.find_fixed_points(BIT, [0.5]))
    curve = next(line for line in ax.lines if line.get_label() == "map")
    x, y = curve.get_data()
    np.testing.assert_allclose(y, np.tanh(2.0 * x + 0.5), atol=1e-14)


def test_report(tmp_path: Any) -> None:
    pytest.importorskip("plotly")
    path = rd.report(LSTM, tmp_path / "lstm.html", max_order=2, inputs=[0.1], n_steps=200)
    text = path.read_text("utf-8")
    assert "index sum" in text
    assert "<th>margin" not in text
    found = rd.find_fixed_points(LSTM, [0.2])
    with pytest.raises(ValueError, match="under the constant input of the report"):
        rd.report(LSTM, path, cycles=found, inputs=[0.1], n_steps=200)


def test_command_line(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "lstm.npz"
    rd.save_model(LSTM, model)
    np.save(tmp_path / "x.npy", [0.1])
    np.save(tmp_path / "z.npy", [[0.1, 0.2]])
    given = ["--inputs", str(tmp_path / "x.npy"), "--states", str(tmp_path / "z.npy")]
    command = ["cycles", str(model), "--max-order", "1"]
    assert main([*command, *given, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["inputs"] == [0.1]
    assert len(content["cycles"]) == len(rd.find_fixed_points(LSTM, [0.1]))
    assert main([*command, "--method", "complete", "--certificate", "proof.npz"]) == 2
    assert "--certificate is for piecewise-linear networks" in capsys.readouterr().err
    rd.save_model(RELU, model)
    assert main([*command, "-q"]) == 0
    assert "ReLURNN" in capsys.readouterr().out


def test_network_of_torch(tmp_path: Any) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.GRU(2, 3, num_layers=2)
    found = rd.find_fixed_points(rd.from_torch(module), [0.5, -0.5])
    state = torch.tensor(found[0].points.reshape(2, 1, 3), dtype=torch.float32)
    _, after = module(torch.tensor([[[0.5, -0.5]]]), state)
    np.testing.assert_allclose(after.detach().numpy(), state.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rd.find_fixed_points(BIT, [1.0, 2.0]),
            r"inputs must have shape \(K,\) or \(C, K\) with K = 1",
        ),
        (lambda: rd.find_fixed_points(BIT, [np.nan]), "inputs must be finite"),
        (lambda: rd.find_fixed_points(GRU, [1.0]), "this GRU has no external input"),
        (lambda: rd.find_fixed_points(BIT, states=[1.0, 2.0]), "states must have shape"),
        (lambda: rd.find_fixed_points(BIT, states=[[np.inf]]), "states must be finite"),
        (lambda: rd.find_fixed_points(TENT, [1.0]), "this PLRNN has no external input"),
        (lambda: rd.find_fixed_points(TENT, states=[1.0, 2.0]), "states must have shape"),
        (lambda: rd.find_fixed_points(RELU, [1.0, 2.0]), "inputs must have shape"),
        (lambda: rd.find_fixed_points(BIT, method="scyfi"), "method must be one of auto, search"),
        (lambda: rd.find_fixed_points(BIT, box=3.0), "box is for piecewise-linear networks"),
        (lambda: rd.find_fixed_points(BIT, max_iterations=3), "max_iterations is for piecewise"),
        (lambda: rd.find_fixed_points(BIT, rigorous=False), "rigorous is for piecewise-linear"),
        (lambda: rd.find_fixed_points(BIT, max_restarts=0), "max_restarts must be"),
        (
            lambda: rd.find_fixed_points(rd.LSTM(None, np.zeros((4, 1)), [0.0, 720.0, 0.0, 0.0])),
            "forget gate of this LSTM can reach about 700",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda found: rd.basins(found),
        lambda found: rd.basins(found.model),
        lambda found: rd.continue_cycles(TENT, TENT, cycles=found),
        lambda found: rd.stability_diagram(found.model, "a", "b", max_order=1),
        lambda found: rd.gradient_growth(found.model, found[0], 3),
        lambda found: rd.solve_cycle(found.model, [[True]]),
    ],
)
def test_what_takes_no_smooth_network_says_so(call: Any) -> None:
    sentence = "(?s)of this model rnndyn has the fixed points and cycles.*and no basins"
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        call(rd.find_fixed_points(BIT))
    assert re.search("RNN", str(caught.value))
