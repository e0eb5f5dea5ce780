"""Every kind of result in every format: what is written is what the result holds."""

import json
import pickle
import tracemalloc

import numpy as np
import pytest

import rnndyn as rd
from rnndyn._common.words import plain
from rnndyn.results.export import EXPORT_VERSION

TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
#: Its multipliers are complex.
SPIRAL = rd.PLRNN([[0.4, -0.5], [0.5, 0.4]], np.zeros((2, 2)), [1.0, 0.5])
#: Orbits go to a fixed point, or beyond all bounds.
FOLD = rd.PLRNN([[2.0]], [[-1.5]], [1.0])
#: It has a line of fixed points.
LINE = rd.PLRNN([[0.5, 0.0], [0.0, 0.5]], [[0.5, 0.0], [0.0, 0.0]], [0.0, 1.0])


def _branches():
    return rd.bifurcation_diagram(TENT, "W[0,0]", [-2.2, -3.0, -4.0], max_order=3)


def _timeline():
    models = [rd.PLRNN([[0.5]], [[w]], [1.0]) for w in (-1.0, -1.2, -1.7, -1.8)]
    return rd.training_timeline(models, [3.0, 2.9, 1.0, 0.9], gradient_norms=[1.0, 2.0, 3.0, 4.0])


def _scan():
    # The first value gives -inf, the last one diverges.
    return rd.scan(rd.PLRNN([[0.5]], [[0.0]], [1.0]), ("A[0,0]", [0.0, 0.5, 3.0]), n_steps=2000)


RESULTS = {
    "cycles": lambda: rd.find_cycles(TENT, max_order=3, method="complete"),
    "spiral": lambda: rd.find_cycles(SPIRAL, max_order=1),
    "continuum": lambda: rd.find_cycles(LINE, max_order=1),
    "none": lambda: rd.find_cycles(rd.PLRNN([[1.0]], [[0.0]], [1.0]), max_order=2),
    "spectrum": lambda: rd.lyapunov_spectrum(SPIRAL, z0=[0.1, 0.1], n_steps=40, covariant=3),
    "branches": _branches,
    "timeline": _timeline,
    "timeline without jumps": lambda: rd.training_timeline([TENT, TENT], [1.0, 1.0]),
    "diagram": lambda: rd.stability_diagram(
        TENT, ("W[0,0]", [-4.0, -3.0, -2.2]), ("h[0]", [0.5, 1.0]), max_order=2
    ),
    "scan": _scan,
    "manifold": lambda: rd.manifold(
        rd.find_cycles(rd.examples.lozi_map(), max_order=1).saddles[0], depth=3
    ),
    "connections": lambda: rd.homoclinic_points(
        rd.find_cycles(rd.examples.lozi_map(), max_order=1), depth=5
    ),
    "boundary": lambda: rd.basin_boundary(rd.find_cycles(FOLD, max_order=1)),
    "shares": lambda: rd.basin_fractions(FOLD, 3.0, n=50, max_steps=50),
    "regions": lambda: rd.region_graph(TENT, TENT.orbit([[-0.2], [0.3]], 4), box=1.0),
    "regions of orbits": lambda: rd.region_graph(TENT, TENT.orbit([-0.2], 4)),
    "regions from a start": lambda: rd.region_graph(TENT, box=1.0, start=0.5),
    "basins": lambda: rd.basins(TENT, np.linspace(-1.0, 1.0, 7), max_steps=50),
}


@pytest.fixture(params=RESULTS)
def result(request):
    return RESULTS[request.param]()


def test_files_and_pickles_give_the_result_back(result, tmp_path):
    path = tmp_path / "result.npz"
    result.save(path)
    assert type(result).load(path) == result
    again = rd.load_result(path)
    assert type(again) is type(result)
    assert again == result
    assert pickle.loads(pickle.dumps(result)) == result
    assert result != object()


def test_json_is_valid_and_the_same_in_a_file(result, tmp_path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    text = result.to_json()
    content = json.loads(text, parse_constant=refuse)
    assert list(content)[:3] == ["schema", "schema_version", "model"]
    assert content["model"].keys() >= {"family", "n_states"}
    assert content["schema_version"] == EXPORT_VERSION
    result.to_json(tmp_path / "result.json")
    assert (tmp_path / "result.json").read_text("utf-8") == text + "\n"


def test_tables_have_the_same_columns_everywhere(result):
    pandas = pytest.importorskip("pandas")
    for table in result.TABLES:
        columns = result.to_columns(table)
        assert len({len(column) for column in columns.values()}) == 1
        frame = result.to_dataframe(table)
        assert isinstance(frame, pandas.DataFrame)
        assert list(frame) == list(columns)
        rows = result.to_rows(table)
        assert len(rows) == len(frame)
        json.dumps(rows)
    default = result.to_columns()
    assert list(default) == list(result.to_columns(result.TABLES[0]))
    with pytest.raises(ValueError, match=f"table must be one of {', '.join(result.TABLES)}, got"):
        result.to_columns("other")


def test_netcdf_holds_what_xarray_does(result, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    path = tmp_path / "result.nc"
    result.to_netcdf(path)
    dataset = result.to_xarray()
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.nc"]
    with xarray.open_dataset(path, engine="h5netcdf") as written:
        for name in [*dataset.variables]:
            expected = dataset[name]
            if expected.dtype.kind == "c":
                actual = written[f"{name}_real"] + 1j * written[f"{name}_imag"]
            else:
                actual = written[name]
            assert actual.dims == expected.dims
            # Times and truth values come back as what they were.
            assert actual.dtype.kind == expected.dtype.kind or expected.dtype.kind in "UO"
            np.testing.assert_array_equal(actual.values, expected.values)
        assert set(written.attrs) == set(dataset.attrs)
        for name, value in dataset.attrs.items():
            # A list of one number is a number in netCDF.
            assert np.array_equal(np.atleast_1d(written.attrs[name]), np.atleast_1d(value))
        assert written.attrs["schema"] == json.loads(result.to_json())["schema"]


def test_complex_multipliers_truth_values_and_points_are_in_the_dataset():
    pytest.importorskip("xarray")
    cycles = rd.find_cycles(SPIRAL, max_order=1)
    dataset = cycles.to_xarray()
    np.testing.assert_array_equal(dataset["multipliers"][0], cycles[0].multipliers)
    assert abs(dataset["multipliers"].values.imag).min() > 0.4
    tent = rd.find_cycles(TENT, max_order=3).to_xarray()
    assert tent["certified"].dtype == np.bool_
    last = tent.isel(point=tent["point_cycle"].values == 4)
    cycle = rd.find_cycles(TENT, max_order=3)[4]
    np.testing.assert_array_equal(last["points"], cycle.points)
    np.testing.assert_array_equal(last["region"], cycle.itinerary)
    np.testing.assert_array_equal(last["point_time"], [0, 1, 2])
    line = rd.find_cycles(LINE, max_order=1).to_xarray()
    assert line["continuum_dimension"].values.tolist() == [1]


def test_what_is_not_finite_is_null():
    content = json.loads(_scan().to_json())
    values = content["values"]["max_lyapunov"]
    assert values[0] is None
    assert values[2] is None
    assert values[1] == pytest.approx(np.log(0.5))
    assert content["status"]["max_lyapunov"] == ["ok", "ok", "diverged"]
    given = {"a": [np.nan, -np.inf, np.float32(0.5)], "b": (1 + 2j, complex(np.inf, 0)), "c": None}
    assert plain(given) == {"a": [None, None, 0.5], "b": [[1.0, 2.0], None], "c": None}


def test_the_names_of_exports_are_not_those_of_files(result, tmp_path):
    for suffix, method in ((".json", "to_json"), (".nc", "to_netcdf")):
        with pytest.raises(ValueError, match=rf"save writes \.npz, which load reads; use {method}"):
            result.save(tmp_path / f"result{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_is_json_in_both_ways(tmp_path):
    certificate = RESULTS["cycles"]().certificate
    for suffix in (".npz", ".json"):
        certificate.save(tmp_path / f"proof{suffix}")
        assert rd.load_result(tmp_path / f"proof{suffix}") == certificate
    assert json.loads(certificate.to_json())["schema"] == "rnndyn certificate"
    assert pickle.loads(pickle.dumps(certificate)) == certificate


@pytest.mark.parametrize("content", [b"PK", b"{}", b"[1, 2", b"\xff", b""])
def test_what_is_no_result_is_refused_in_one_sentence(content, tmp_path):
    path = tmp_path / "odd"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="odd"):
        rd.load_result(path)


def test_a_model_file_is_no_result(tmp_path):
    rd.save_model(TENT, tmp_path / "tent.npz")
    with pytest.raises(ValueError, match=r"tent\.npz is no result of rnndyn"):
        rd.load_result(tmp_path / "tent.npz")


def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(tmp_path):
    cycles = RESULTS["spiral"]()
    for write, name in ((cycles.save, "c.npz"), (cycles.to_json, "c.json")):
        with pytest.raises(FileNotFoundError) as caught:
            write(tmp_path / "missing" / name)
        assert caught.value.filename == str(tmp_path / "missing" / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        cycles.save(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_json_is_written_cycle_by_cycle(tmp_path, tent):
    """As Python's lists all cycles together took thirty times the memory of the arrays."""
    cycles = rd.find_cycles(tent, orders=[13], method="exhaustive", progress=False)
    assert len(cycles) == 630
    path = tmp_path / "cycles.json"
    tracemalloc.start()
    try:
        cycles.to_json(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2
    content = json.loads(path.read_text())
    assert content == json.loads(cycles.to_json())
    assert content["cycles"] == cycles.to_dict()["cycles"]
    assert list(content) == [
        "schema", "schema_version", "model", "search", "certificate", "cycles", "continua",
    ]  # fmt: skip
