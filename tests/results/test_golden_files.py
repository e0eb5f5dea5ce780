"""Files that earlier versions wrote still load, with the numbers that they were made of."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.io import _record
from rnndyn.io._archive import read_archive
from rnndyn.results.base import SavedResult
from rnndyn.results.export import EXPORT_VERSION, labelled_of

FILES = Path(__file__).parents[1] / "golden" / "files"

ONES = np.ones((2, 2))
#: The full tent map; its cycles and its exponent are known in closed form.
TENT = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
#: A unit under an input of period 2.
DRIVEN = rd.PeriodicallyDriven(
    rd.PLRNN([0.5], [[-3.0]], [0.5], C=[[1.0]], s=[0.0]), [[1.0], [-1.0]]
)


@pytest.mark.parametrize("version", [1, 2])
def test_a_cycle_set(version):
    cycles = rd.CycleSet.load(FILES / f"cycle_set_{version}.npz")
    assert cycles.model == TENT
    again = rd.find_cycles(TENT, max_order=3, method="complete", progress=False)
    assert cycles.finished
    assert cycles.complete
    for own, new in zip(cycles, again, strict=True):
        # Error bounds depend on the instruction set; what they bound does not.
        np.testing.assert_array_equal(own.itinerary, new.itinerary)
        np.testing.assert_allclose(own.points, new.points, rtol=0, atol=1e-14)
        assert own.stability == new.stability
    assert [cycle.spectral_radius for cycle in cycles] == [2.0, 2.0, 4.0, 8.0, 8.0]


def test_cycle_sets_by_input_of_version_1():
    found = rd.CyclesByInput.load(FILES / "cycle_sets_by_input_1.npz")
    again = rd.find_fixed_points(rd.RNN([[1.0]], [[2.0]]), [[0.0], [0.8]])
    assert [len(points) for points in found] == [3, 1]
    for own, new in zip(found, again, strict=True):
        assert own.index_sum == own.index_expected == 1
        np.testing.assert_array_equal(own.inputs, new.inputs)
        for point, other in zip(own, new, strict=True):
            np.testing.assert_allclose(point.points, other.points, rtol=0, atol=1e-14)


def test_slow_points_of_version_1():
    slow = rd.SlowPointSet.load(FILES / "slow_points_1.npz")
    # m' = m + 2e-4 m - m^3 / 3 + 1e-3: the speed has its minimum at m = -sqrt(2e-4).
    np.testing.assert_allclose(slow[0].state, -np.sqrt(2e-4), rtol=0.1)
    assert slow[0].speed == pytest.approx(np.sqrt(2.0) * 1e-3, rel=0.01)
    assert slow.line_attractors[0].length == pytest.approx(0.64, abs=0.02)


def test_slow_points_by_input_of_version_1():
    found = rd.SlowPointsByInput.load(FILES / "slow_points_by_input_1.npz")
    assert found.inputs.tolist() == [[0.3], [0.54]]
    assert [len(slow) for slow in found] == [0, 1]
    # The ghost of m = tanh(2 m + 0.54), whose speed is smallest where its slope is 1.
    assert found[1][0].state == pytest.approx([-np.sqrt(0.5)], abs=0.02)
    assert np.tanh(2.0 * found[1][0].state[0] + 0.54) - found[1][0].state[0] == pytest.approx(
        found[1][0].speed, abs=1e-14
    )


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_certificate_of_version_1(suffix):
    certificate = rd.Certificate.load(FILES / f"certificate_1.{suffix}")
    assert certificate.verify(TENT)


def test_a_certificate_of_a_composition_of_version_1():
    certificate = rd.CompositionCertificate.load(FILES / "composition_certificate_1.npz")
    assert certificate.proved_orders == (2, 4)
    assert certificate.verify(DRIVEN)


def test_a_spectrum_of_version_1():
    spectrum = rd.LyapunovSpectrum.load(FILES / "lyapunov_spectrum_1.npz")
    assert spectrum.exponents[0, 0] == pytest.approx(np.log(2.0), abs=1e-12)
    assert spectrum.n_steps == 40
    assert spectrum.covariant_vectors is not None
    assert (spectrum.orbit == 0).all()


def test_a_spectrum_of_version_2():
    spectrum = rd.LyapunovSpectrum.load(FILES / "lyapunov_spectrum_2.npz")
    # After 53 steps of doubling nothing is left of the digits of the start.
    assert spectrum.orbit.tolist() == [1]
    assert spectrum.exact.all()
    assert spectrum.exponents[0, 0] == pytest.approx(np.log(2.0), abs=1e-14)


def test_a_branch_set_of_version_1():
    branch_set = rd.BranchSet.load(FILES / "branch_set_1.npz")
    # The right slope goes from -1/2 to -3 within ten epochs; the cycle of order 2 has the slope
    # 1/2 times it, until -2.
    assert [event.kind for event in branch_set.events] == ["degenerate_flip"] * 2
    np.testing.assert_allclose([event.value for event in branch_set.events], [2.0, 6.0], atol=1e-9)
    assert len(branch_set.branches) == 2
    assert branch_set.run.version == "0.1.0"
    timeline = rd.Timeline.load(FILES / "branch_set_1.npz")
    assert timeline.branch_set == branch_set
    assert timeline.losses is None


@pytest.mark.parametrize("version", [1, 2])
def test_basins(version):
    basins = rd.Basins.load(FILES / f"basins_{version}.npz")
    # x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 in both coordinates.
    ends = {tuple(np.round(cycle.points[0], 12)) for cycle in basins.attractors}
    assert ends == {(-2.0, -2.0), (-2.0, 2.0), (2.0, -2.0), (2.0, 2.0)}
    for state, label in zip(basins.states.reshape(-1, 2), basins.labels.ravel(), strict=True):
        np.testing.assert_allclose(
            basins.attractors[label].points[0], 2.0 * np.sign(state), atol=1e-12
        )
    assert basins.run.version == "0.1.0"
    assert basins.complete


def test_a_timeline_of_version_2():
    timeline = rd.load_result(FILES / "branch_set_2.npz")
    assert isinstance(timeline, rd.Timeline)
    assert timeline.losses.tolist() == [2.0, 1.0]
    assert timeline.gradient_norms.tolist() == [1.0, 0.5]
    # As above: the flip is where the right slope is -1, with the cycle of order 2 born there.
    assert [event.kind for event in timeline.events] == ["degenerate_flip"] * 2
    np.testing.assert_allclose([event.epoch for event in timeline.events], [2.0, 6.0], atol=1e-9)
    assert [len(event.attached) for event in timeline.events] == [1, 0]


def test_a_timeline_of_version_3():
    timeline = rd.load_result(FILES / "branch_set_3.npz")
    assert [event.kind for event in timeline.events] == ["degenerate_flip"] * 2
    assert timeline.branch_set.curves == ()


def test_a_timeline_of_a_smooth_network_of_version_3():
    timeline = rd.load_result(FILES / "branch_set_3_smooth.npz")
    assert isinstance(timeline, rd.Timeline)
    assert timeline.losses.tolist() == [2.0, 1.0]
    # tanh(2 h + b), b from -1 to 1: folds where h^2 = 1/2.
    fold = 2.0 * np.sqrt(0.5) - np.arctanh(np.sqrt(0.5))
    assert [event.kind for event in timeline.events] == ["fold"] * 2
    places = [5.0 * (1.0 - fold), 5.0 * (1.0 + fold)]
    np.testing.assert_allclose([event.epoch for event in timeline.events], places, atol=1e-9)
    assert len(timeline.branch_set.curves) == 3
    assert [cycle.stability for cycle in timeline.branch_set.at(0.5)].count("stable") == 2


def test_a_scan_of_version_1():
    scan = rd.load_result(FILES / "scan_1.npz")
    assert scan["max_lyapunov"].tolist()[:2] == [-np.inf, pytest.approx(np.log(0.5))]
    assert scan.status["max_lyapunov"].tolist() == ["ok", "ok", "diverged"]
    assert scan.run.n_steps == 2000


@pytest.mark.parametrize("version", [1, 2])
def test_a_stability_diagram(version):
    diagram = rd.load_result(FILES / f"stability_diagram_{version}.npz")
    assert diagram.run.finished
    assert diagram.model == TENT
    # Right slopes of -2, -3/2 and -1/5: the flip at -1 brings the cycle of order 2, unstable.
    assert diagram.n_cycles.tolist() == [[[2, 2, 2]] * 2, [[1, 1, 0]] * 2]
    assert diagram.n_stable.tolist() == [[[0, 0, 1]] * 2, [[0, 0, 0]] * 2]


@pytest.mark.parametrize("version", [1, 2])
def test_a_manifold_and_a_boundary(version):
    # x -> 2 x + 1 on the left, x / 2 + 1 on the right: from below -1 orbits are unbounded.
    manifold = rd.load_result(FILES / f"manifold_{version}.npz")
    np.testing.assert_allclose(manifold.pieces.values, [[-1.0]], atol=1e-12)
    assert manifold.kind == "stable"
    assert manifold.pieces.has_errors == (version > 1)
    boundary = rd.load_result(FILES / f"basin_boundary_{version}.npz")
    assert isinstance(boundary, rd.BasinBoundary)
    assert boundary.gates[0].sides == ((-2,), (0,))
    assert boundary.complete


def test_connecting_orbits_and_a_proof_of_chaos_of_version_1():
    found = rd.load_result(FILES / "homoclinic_points_1.npz")
    assert found.homoclinic.any()
    proof = rd.load_result(FILES / "chaos_certificate_1.npz")
    assert isinstance(proof, rd.ChaosCertificate)
    assert proof.verify(rd.examples.lozi_map(1.7, 0.5))
    assert not proof.verify(rd.examples.lozi_map(1.6, 0.5))


def test_shares_and_regions_of_version_1():
    # From below -1 orbits are unbounded, from above they go to 2.
    shares = rd.load_result(FILES / "basin_fractions_1.npz")
    assert shares.attractors[0].points.item() == pytest.approx(2.0)
    lower, upper = shares.interval(0.999)
    assert lower[0] < 2.0 / 3.0 < upper[0]
    assert shares.n_unbounded == 100 - shares.counts[0]
    graph = rd.load_result(FILES / "region_graph_1.npz")
    assert graph.bounds_entropy
    assert graph.entropy == pytest.approx(np.log(2.0), abs=1e-12)
    assert graph.symbols.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_model_of_version_1(suffix):
    assert rd.load_model(FILES / f"model_1.{suffix}") == TENT
    assert rd.load_metadata(FILES / f"model_1.{suffix}") == {"task": "folding"}


# A change of what is written ----------------------------------------------------------------------


def formats():
    """Return every file format with its present version."""
    found = {}
    pending = [SavedResult]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        if "FORMAT" in vars(cls) and cls.__module__.startswith("rnndyn."):
            found[cls.FORMAT.name] = cls.FORMAT.version
    found[_record.FORMAT] = _record.FORMAT_VERSION
    return found


def stem(name):
    return name.removeprefix("rnndyn ").replace(" ", "_")


def test_every_version_of_every_format_has_a_file():
    names = {path.name for path in FILES.iterdir()}
    for name, version in formats().items():
        for number in range(1, version + 1):
            assert f"{stem(name)}_{number}.npz" in names, (name, number)


def layout(path):
    """Return what a reader must know of a file: its members and the entries of its header."""
    arrays = read_archive(path, 2**30)
    header = json.loads(str(arrays.pop("header")))
    # Numbers in names count orders, models and the like.
    members = {
        f"{re.sub(r'_[0-9]+', '_N', name)} {array.dtype.kind} {array.ndim}"
        for name, array in arrays.items()
        # How the proof went is not how it is written.
        if not name.startswith("certificate/")
    }
    return sorted(members), shape(header)


def shape(value):
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def written(tmp_path):
    """Return a new file of every format, of what the newest files here were made of."""
    line = rd.PLRNN([[0.5]], [[0.0]], [1.0])
    models = [rd.PLRNN([[0.5]], [[w]], [1.0]) for w in (-1.0, -3.5)]
    bit = rd.RNN([[1.0]], [[2.0]])
    results = {
        "cycle_sets_by_input": rd.find_fixed_points(bit, [[0.0], [0.8]], method="search"),
        "slow_points_by_input": rd.find_slow_points(bit, [[0.3], [0.54]]),
        "slow_points": rd.find_slow_points(rd.RNN([[1.0], [1.0]], 0.5001 * ONES), [1e-3]),
        "cycle_set": rd.find_cycles(TENT, max_order=3, method="complete"),
        "composition_certificate": rd.find_cycles(
            DRIVEN, max_order=4, method="complete", keep_tree=True
        ).certificate,
        "lyapunov_spectrum": rd.lyapunov_spectrum(TENT, z0=[0.1], n_steps=40, covariant=4),
        "branch_set": rd.training_timeline(
            models, [2.0, 1.0], [0.0, 10.0], max_order=2, gradient_norms=[1.0, 0.5]
        ),
        "scan": rd.scan(line, ("A[0,0]", [0.0, 0.5, 3.0]), n_steps=2000),
        "stability_diagram": rd.stability_diagram(
            TENT, ("W[0,0]", [-4.0, -3.5, -2.2]), ("h[0]", [0.5, 1.0]), max_order=2
        ),
        # x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 in both coordinates.
        "basins": rd.basins(
            rd.PiecewiseLinearMap(
                A=0.5 * np.eye(2),
                W1=np.kron(np.eye(2), [1.0, -1.0]),
                W2=np.kron(np.eye(2), [[1.0], [1.0]]),
                h1=[-1.0, -1.0],
                h2=[1.0, -1.0, 1.0, -1.0],
            ),
            [-1.0, 1.0],
            [-1.0, 1.0],
        ),
    }
    fold = rd.find_cycles(rd.PLRNN([[2.0]], [[-1.5]], [1.0]), max_order=1)
    results["manifold"] = rd.manifold(fold.unstable[0], depth=2)
    results["basin_boundary"] = rd.basin_boundary(fold, depth=2)
    lozi = rd.find_cycles(rd.examples.lozi_map(1.7, 0.5), max_order=1)
    results["homoclinic_points"] = rd.homoclinic_points(lozi, depth=4)
    results["chaos_certificate"] = results["homoclinic_points"].chaos()
    results["basin_fractions"] = rd.basin_fractions(fold, 3.0, n=100)
    results["region_graph"] = rd.region_graph(TENT, TENT.orbit([-0.2], 4), box=2.0)
    for name, result in results.items():
        result.save(tmp_path / f"{name}.npz")
    rd.save_model(TENT, tmp_path / "model.npz", metadata={"task": "folding"})
    return [*results, "model"]


def test_what_is_written_has_not_changed_without_a_new_version(tmp_path):
    """If this fails, raise the version of the format and add a file of it to golden/files."""
    versions = {stem(name): version for name, version in formats().items()}
    names = written(tmp_path)
    assert {*names, "certificate"} == versions.keys()
    for name in names:
        golden = layout(FILES / f"{name}_{versions[name]}.npz")
        assert layout(tmp_path / f"{name}.npz") == golden, name
    units = [rd.RNN(None, [[2.0]], bias_hh=[b]) for b in (-1.0, 1.0)]
    smooth = rd.training_timeline(units, [2.0, 1.0], [0.0, 10.0], gradient_norms=[1.0, 0.5])
    smooth.save(tmp_path / "smooth.npz")
    golden = layout(FILES / f"branch_set_{versions['branch_set']}_smooth.npz")
    assert layout(tmp_path / "smooth.npz") == golden


def keys_of(value):
    """Return the names in an export, without its numbers."""
    if isinstance(value, dict):
        return {name: keys_of(entry) for name, entry in sorted(value.items())}
    if isinstance(value, list):
        return keys_of(value[0]) if value and isinstance(value[0], dict) else None
    return None


#: Of the names in the exports of the files of the newest version; see the test.
EXPORTS = {
    "manifold_2.npz": (2, "6f413d163b0d"),
    "basin_boundary_2.npz": (2, "eddeb9e2465c"),
    "homoclinic_points_1.npz": (2, "36a7fc363c98"),
    "chaos_certificate_1.npz": (2, "01be45f43ea2"),
    "basin_fractions_1.npz": (2, "092a5d3f69c0"),
    "region_graph_1.npz": (2, "8565a92605aa"),
    "basins_2.npz": (2, "15e429593c1c"),
    "branch_set_3.npz": (2, "02ef1c5c85d9"),
    "certificate_1.npz": (2, "cd921ef4ea08"),
    "composition_certificate_1.npz": (2, "f5469958121a"),
    "cycle_set_2.npz": (2, "e04818745eeb"),
    "cycle_sets_by_input_1.npz": (2, "d7bb921170db"),
    "lyapunov_spectrum_2.npz": (2, "92e39e1a4290"),
    "scan_1.npz": (2, "a456d0856ba5"),
    "slow_points_1.npz": (2, "2efc6f174219"),
    "slow_points_by_input_1.npz": (2, "3a2dd849032e"),
    "stability_diagram_2.npz": (2, "c88caae12f60"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_what_is_exported_has_not_changed_without_a_new_version(name):
    """If this fails, raise EXPORT_VERSION in rnndyn.results.export and put the new numbers here."""
    result = rd.load_result(FILES / name)
    names = keys_of(json.loads(result.to_json()))
    if hasattr(result, "TABLES"):
        labelled = labelled_of(result)
        names["netcdf"] = [sorted(part) for part in labelled]
        names["tables"] = {table: list(result.to_columns(table)) for table in result.TABLES}
    text = json.dumps(names, sort_keys=True)
    assert (EXPORT_VERSION, hashlib.sha256(text.encode()).hexdigest()[:12]) == EXPORTS[name]
