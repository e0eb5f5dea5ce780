"""Scans over one and two parameters: exact values, failures, executors, stores and files."""

import json
import math
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import rnndyn as rd
from ctrl_c import CtrlC
from rnndyn.io._archive import read_archive, write_archive
from scale_out.functions import sizes, touching

#: x -> a x + 1, whose exponent is ln |a|.
LINE = rd.PLRNN([[0.5]], [[0.0]], [1.0])
FACTORS = [-0.75, -0.5, 0.0, 0.25, 0.9, 1.5, 3.0]


@pytest.fixture(scope="module")
def lozi():
    return rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])


@pytest.fixture(scope="module")
def plane(lozi):
    return rd.scan(
        lozi,
        ("A[0,0]", np.linspace(0.2, 1.2, 15)),
        ("A[1,0]", np.linspace(0.1, 0.5, 11)),
        measures={"exponent": "max_lyapunov", "size": sizes},
        n_steps=300,
        n_threads=1,
        progress=False,
    )


def options_of(result):
    return {
        "measures": {"exponent": "max_lyapunov", "size": sizes},
        "n_steps": result.run.n_steps,
        "progress": False,
    }


def axes_of(result):
    return (result.x_name, result.x_values), (result.y_name, result.y_values)


def test_the_exponents_of_lines_are_logarithms():
    result = rd.scan(LINE, ("A[0,0]", FACTORS), n_steps=2000)
    assert result.variables == ("max_lyapunov", "max_lyapunov_error")
    values = result["max_lyapunov"]
    assert values.shape == result.shape == (7,)
    expected = [-math.inf if a == 0.0 else math.log(abs(a)) for a in FACTORS[:5]]
    assert values[:5].tolist() == pytest.approx(expected, abs=1e-12)
    assert values.mask.tolist() == [False] * 5 + [True] * 2
    assert result.status["max_lyapunov"].tolist() == ["ok"] * 5 + ["diverged"] * 2
    assert result.run.complete
    assert "max_lyapunov has no value at 2 of 7 points: diverged" in repr(result)


def test_every_point_is_what_a_call_of_its_own_gives(lozi, plane):
    assert plane.shape == (11, 15)
    assert plane.variables == ("exponent", "exponent_error", "size_square", "size_sum")
    for row, column in ((0, 0), (3, 14), (10, 7)):
        here = lozi.with_parameters(
            {"A[0,0]": plane.x_values[column], "A[1,0]": plane.y_values[row]}
        )
        spectrum = rd.lyapunov_spectrum(here, n_steps=300, n_exponents=1, progress=False)
        assert plane["exponent"][row, column] == spectrum.exponents[0, 0]
        assert plane["exponent_error"][row, column] == spectrum.standard_error[0, 0]
    np.testing.assert_array_equal(
        plane["size_square"].mask, np.broadcast_to(plane.x_values > 0.8, plane.shape)
    )
    assert plane["size_square"][4, 2] == plane.x_values[2] ** 2
    assert set(np.unique(plane.status["size"])) == {"ok", "too large for this test"}


@pytest.mark.threads
@pytest.mark.parametrize("n_threads", [2, 4, 7])
def test_threads_change_nothing(lozi, plane, n_threads):
    assert rd.scan(lozi, *axes_of(plane), n_threads=n_threads, **options_of(plane)) == plane


@pytest.mark.programs
def test_executors_and_stores_change_nothing(lozi, plane, tmp_path):
    store = tmp_path / "store"
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert (
            rd.scan(lozi, *axes_of(plane), executor=pool, store=store, **options_of(plane)) == plane
        )
    assert rd.scan(lozi, *axes_of(plane), store=store, **options_of(plane)) == plane
    with pytest.raises(ValueError, match="of another computation"):
        rd.scan(lozi, *axes_of(plane), store=store, seed=1, **options_of(plane))
    with pytest.raises(ValueError, match="of another computation"):
        rd.scan(
            lozi,
            *axes_of(plane),
            store=store,
            **{**options_of(plane), "measures": {"exponent": "max_lyapunov", "size": touching}},
        )


@pytest.mark.programs
def test_a_cluster_changes_nothing(lozi, plane):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert rd.scan(lozi, *axes_of(plane), executor=client, **options_of(plane)) == plane


def test_an_interrupted_scan_goes_on_where_it_was(tmp_path, monkeypatch):
    side = tmp_path / "side"
    side.mkdir()
    monkeypatch.setenv("RNNDYN_TEST_FOLDER", str(side))
    axis = ("A[0,0]", np.linspace(0.0, 0.5, 200))
    options = {"measures": {"value": touching}, "n_threads": 1, "store": tmp_path / "store"}
    meter = CtrlC(lambda state: state.n_done >= 60)
    part = rd.scan(LINE, axis, progress=meter, **options)
    for state in meter.states:
        assert 0.0 < state.fraction <= 1.0
        assert "of 200 points" in state.text(1.0)
    assert part.run.stopped_by == "interrupt"
    assert part.run.n_points_done == 60
    assert part.status["value"].tolist() == ["ok"] * 60 + ["not reached"] * 140
    assert part["value"].mask.tolist() == [False] * 60 + [True] * 140
    assert "INCOMPLETE: interrupted after 60 of 200 points" in repr(part)
    whole = rd.scan(LINE, axis, progress=False, **options)
    assert whole["value"].tolist() == axis[1].tolist()
    assert len(list(side.iterdir())) == 200


@pytest.mark.parametrize("with_executor", [False, True])
def test_a_time_limit_keeps_what_is_done(with_executor):
    pool = ThreadPoolExecutor(1) if with_executor else None
    result = rd.scan(
        LINE,
        ("A[0,0]", np.linspace(0.0, 0.5, 10)),
        time_limit=1e-9,
        n_threads=1,
        executor=pool,
        progress=False,
    )
    assert result.run.stopped_by == "time_limit"
    assert result.run.n_points_done == 0
    assert set(result.status["max_lyapunov"]) == {"not reached"}
    assert result["max_lyapunov"].count() == 0
    assert "INCOMPLETE: stopped by the time limit" in repr(result)
    if pool is not None:
        pool.shutdown()


def test_not_a_number_is_no_value():
    result = rd.scan(
        LINE,
        ("A[0,0]", [0.1, 0.2, 0.3]),
        measures={
            "a": lambda model: math.nan if model.get_parameter("A[0,0]") == 0.2 else math.inf,
            "b": lambda model: 1 / 0,
        },
    )
    assert result["a"].tolist() == [math.inf, None, math.inf]
    assert result.status["a"].tolist() == ["ok", "not a number", "ok"]
    assert result["b"].tolist() == [None, None, None]
    assert set(result.status["b"]) == {"division by zero"}


def test_values_that_a_model_cannot_have_are_no_value():
    model = rd.LeakyPLRNN(A=[[0.5]], W=[[2.0]], h=[-1.0], slope=0.0)
    result = rd.scan(model, ("slope", [-0.2, 1.5e308]), n_steps=100)
    assert result["max_lyapunov"].mask.tolist() == [False, True]
    assert "overflows float64" in result.status["max_lyapunov"][1]


def test_the_same_scan_comes_back_from_files(plane, tmp_path):
    plane.save(tmp_path / "plane.npz")
    again = rd.Scan.load(tmp_path / "plane.npz")
    assert again == plane
    assert again.run == plane.run
    assert repr(again) == repr(plane)
    assert pickle.loads(pickle.dumps(plane)) == plane
    line = rd.scan(LINE, ("A[0,0]", FACTORS), n_steps=100)
    line.save(tmp_path / "line.npz")
    assert rd.Scan.load(tmp_path / "line.npz") == line
    assert line != plane


def change_header(arrays, **entries):
    header = json.loads(str(arrays["header"]))
    arrays["header"] = np.array(json.dumps({**header, **entries}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("header"), "it has no header"),
        (lambda a: change_header(a, format="rnndyn cycle set"), 'it does not say "format"'),
        (lambda a: change_header(a, format_version=2), "install a newer rnndyn"),
        (lambda a: change_header(a, x=None), None),
        (lambda a: a.pop("x_values"), "'x_values' is missing"),
        (lambda a: a.pop("variable_1/values"), "'values' is missing"),
        (lambda a: a.pop("status_0"), "'status_0' is missing"),
        (lambda a: a.update({"status_0": np.zeros((11, 15))}), "must be text"),
        (lambda a: a.update({"variable_0/known": np.ones((11, 15))}), "bits that tell"),
        (lambda a: a.update({"variable_0/values": np.ones((11, 14))}), "reshape"),
        (lambda a: a["variable_0/values"].__setitem__((0, 0), np.nan), "holds NaN"),
        (lambda a: change_header(a, run={}), "missing"),
    ],
)
def test_damaged_files_are_refused(plane, tmp_path, damage, message):
    path = tmp_path / "scan.npz"
    plane.save(path)
    arrays = {name: array.copy() for name, array in read_archive(path, 2**30).items()}
    damage(arrays)
    write_archive(path, arrays)
    if message is None:
        assert rd.Scan.load(path) != plane
        return
    with pytest.raises(ValueError, match=message) as caught:
        rd.Scan.load(path)
    assert f"{path} cannot be read as a scan of rnndyn" in str(caught.value)


def test_tables(plane):
    pandas = pytest.importorskip("pandas")
    frame = plane.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 165
    row = frame.iloc[15 * 4 + 2]
    assert row["A[0,0]"] == plane.x_values[2]
    assert row["A[1,0]"] == plane.y_values[4]
    assert row["exponent"] == plane["exponent"][4, 2]
    assert frame["size_square"].isna().tolist() == (frame["size_status"] != "ok").tolist()
    dataset = plane.to_xarray()
    assert dataset["exponent"].dims == ("y", "x")
    assert dataset["x"].attrs["parameter"] == "A[0,0]"
    np.testing.assert_array_equal(dataset["size_sum"].isnull(), plane["size_sum"].mask)
    assert rd.scan(LINE, ("A[0,0]", [0.1, 0.2]), n_steps=50).to_xarray()["max_lyapunov"].dims == (
        "x",
    )


def test_nothing_of_a_scan_can_be_changed(plane):
    with pytest.raises(ValueError, match="read-only"):
        plane.x_values[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        plane.status["size"][0, 0] = "ok"
    plane["exponent"][0, 0] = 17.0
    assert plane["exponent"][0, 0] != 17.0, "a copy"
    with pytest.raises(KeyError, match="there is exponent, exponent_error"):
        plane["speed"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(plane)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": "net.npz"}, TypeError, "model must be a model of rnndyn"),
        ({"x": "A[0,0]"}, TypeError, "x must be the name of a parameter and its values"),
        ({"x": ("B[0]", [1, 2])}, ValueError, "no parameter 'B"),
        ({"y": ("h[0]", [1.0])}, ValueError, "y must be a list of at least 2 numbers"),
        ({"y": ("h[0]", [1.0, math.nan])}, ValueError, "y must be finite, got nan"),
        ({"y": ("A[0,0]", [1.0, 2.0])}, ValueError, "x and y must be different parameters"),
        ({"measures": "speed"}, ValueError, "must be 'max_lyapunov' or a function, got 'speed'"),
        ({"measures": {}}, TypeError, "measures must be 'max_lyapunov', or functions by name"),
        ({"measures": len}, TypeError, "measures must be 'max_lyapunov', or functions by name"),
        (
            {"measures": {"a": 3}},
            TypeError,
            r"measures\['a'\] must be 'max_lyapunov' or a function",
        ),
        ({"measures": {3: len}}, TypeError, "names of measures must be words"),
        ({"measures": {"a": repr}}, TypeError, r"measures\['a'\] must return a number"),
        (
            {"measures": {"a": lambda _: {"b": 1}, "a_b": lambda _: 1}},
            ValueError,
            "two measures give the variable 'a_b'",
        ),
        ({"n_steps": 0}, ValueError, "n_steps"),
        ({"transient": -1}, ValueError, "transient"),
        ({"seed": -1}, ValueError, "seed"),
        ({"n_threads": 0}, ValueError, "n_threads"),
        ({"time_limit": 0}, ValueError, "time_limit"),
        ({"executor": 3}, TypeError, "executor must be"),
    ],
)
def test_bad_input_is_named(changes, error, message):
    arguments = {"model": LINE, "x": ("A[0,0]", [0.1, 0.2]), "n_steps": 20, **changes}
    with pytest.raises(error, match=message):
        rd.scan(**arguments)


def test_an_error_of_a_function_ends_the_scan():
    def wrong(model):
        return model.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing"):
        rd.scan(LINE, ("A[0,0]", [0.1, 0.2]), measures={"a": wrong})
