"""Without an optional package the message says which extra brings it."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import rnndyn as rd
from rnndyn._common.optional import _EXTRAS, MissingPackageError, import_optional

PACKAGE = Path(rd.__file__).parent
PROJECT = Path(__file__).parents[2] / "pyproject.toml"

# Run in a fresh interpreter that cannot find one package, like a machine where it is missing.
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
import rnndyn as rd
tent = rd.PLRNN([[2.0]], [[-4.0]], [1.0])
cycles = rd.find_cycles(tent, max_order=3, progress={progress})
assert len(cycles) == 5
"""


def run_without(package, code, progress=False):
    program = HIDE.format(package=package, progress=progress) + code
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )


# What the programs below use.
SETUP = """
models = [tent, tent.with_parameters({"W[0,0]": -4.2})]
spectrum = rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=9)
line = rd.scan(tent, ("h[0]", [1, 2]), n_steps=9)
timeline = rd.training_timeline(models, [2.0, 1.0])
branches = timeline.branch_set
diagram = rd.stability_diagram(tent, ("W[0,0]", [-4.2, -4]), ("h[0]", [1, 2]), max_order=1)
basins = rd.basins(tent, [0, 1], max_steps=9)
lozi = rd.PLRNN([[1.7, 1.0], [0.5, 0.0]], [[-3.4, 0.0], [0.0, 0.0]], [1.0, 0.0])
slow = rd.find_slow_points(lozi, max_restarts=4)
found = rd.find_fixed_points(lozi)
manifold = rd.manifold(found.saddles[0], "unstable", depth=3)
boundary = rd.basin_boundary(found, depth=2)
points = rd.homoclinic_points(found, depth=5)
shares = rd.basin_fractions(tent, 0.9, n=9, max_steps=9)
regions = rd.region_graph(lozi, box=2.0)
def command(*arguments):
    from rnndyn.cli import main
    return main(list(arguments))
"""
TABLES = [
    f"{name}.{{}}"
    for name in (
        "cycles",
        "spectrum",
        "line",
        "branches",
        "timeline",
        "diagram",
        "basins",
        "slow",
        "manifold",
        "boundary",
        "points",
        "shares",
        "regions",
    )
]
PLOTS = [
    "rd.plot.state_space(cycles)",
    "rd.plot.multipliers(cycles)",
    "rd.plot.lyapunov(spectrum)",
    "rd.plot.lyapunov_convergence(spectrum)",
    "rd.plot.finite_time_exponents(spectrum)",
    "rd.plot.scan(line)",
    "rd.plot.stability_diagram(diagram)",
    "rd.plot.bifurcation_diagram(branches)",
    "rd.plot.training_timeline(timeline)",
    "rd.plot.basins(basins)",
    "rd.plot.basin_fractions(shares)",
    "rd.plot.region_graph(regions)",
    "rd.plot.slow_points(slow)",
    "rd.plot.manifold(manifold)",
    "rd.plot.basin_boundary(boundary)",
    "rd.plot.connections(points)",
    "rd.plot.horseshoe(points.chaos())",
]
#: Package -> its extra, and everything public that needs it.
NEEDED: dict[str, tuple[str, list[str]]] = {
    "pandas": ("tables", [code.format("to_dataframe()") for code in TABLES]),
    "xarray": (
        "tables",
        [code.format(call) for code in TABLES for call in ("to_xarray()", "to_netcdf('a.nc')")],
    ),
    "h5netcdf": ("tables", [code.format("to_netcdf('a.nc')") for code in TABLES]),
    "h5py": ("files", ["rd.load_model(hdf5)", "cycles.to_netcdf('a.nc')"]),
    "matplotlib": ("plot", PLOTS),
    "plotly": ("report", ["rd.report(tent, 'report.html', cycles=cycles)"]),
    "shtab": ("completion", []),
    "torch": ("torch", ["import rnndyn.training"]),
    "scipy": (
        "datasets",
        ["import rnndyn.training.datasets as data; data.lorenz63(50)"],
    ),
    "sklearn": (
        "datasets",
        ["import rnndyn.training.datasets as data; data.sequential_digits()"],
    ),
}
#: Commands that need a package, with the exit code 2 and one sentence.
COMMANDS = {
    "matplotlib": [["cycles", "example:alrnn_2d_p1_2", "--max-order", "1", "--plot", "a.png"]],
    "plotly": [["report", "example:alrnn_2d_p1_2", "-o", "a.html"]],
    "shtab": [["completion", "bash"]],
    **{
        name: [["cycles", "example:alrnn_2d_p1_2", "--max-order", "1", "-o", "a.nc"]]
        for name in ("xarray", "h5netcdf", "h5py")
    },
}
#: Packages that are never missed: something else stands in, or the user brings an object of theirs.
NEVER_MISSED = {"tqdm"}


@pytest.mark.programs
@pytest.mark.parametrize("package", NEEDED)
def test_the_message_names_the_extra(package, tmp_path):
    if package in ("scipy", "sklearn"):
        pytest.importorskip("torch")
    extra, codes = NEEDED[package]
    # The signature of an HDF5 file.
    (tmp_path / "file.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    program = f"""{SETUP}
import contextlib, io
hdf5 = {str(tmp_path / "file.h5")!r}
for code in {codes!r}:
    try:
        exec(code)
    except rd.MissingPackageError as error:
        print(error)
    else:
        print("nothing is missing for", code)
for arguments in {COMMANDS.get(package, [])!r}:
    shown = io.StringIO()
    with contextlib.redirect_stderr(shown):
        code = command(*arguments)
    print(code, shown.getvalue().strip())
"""
    done = run_without(package, program)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(codes) + len(COMMANDS.get(package, []))
    for line in lines:
        assert f"needs {package}, which is not installed" in line
        other = "files" if package == "h5py" else extra
        assert f'pip install "rnndyn[{other}]"' in line
    for line in lines[len(codes) :]:
        assert line.startswith("2 rnndyn: error: ")


def test_every_package_and_every_figure_is_in_the_list():
    """A new call of import_optional, or a new figure, needs a line above."""
    packages = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_optional":
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{path.name}: write the name of the module"
                # A part of matplotlib.
                name = first.value.partition(".")[0].replace("mpl_toolkits", "matplotlib")
                packages.add(name)
    assert packages == NEEDED.keys() | NEVER_MISSED == set(_EXTRAS)
    drawn = {code.partition("(")[0].removeprefix("rd.plot.") for code in PLOTS}
    assert drawn == set(rd.plot.__all__)


def test_the_extras_install_what_their_messages_promise():
    text = PROJECT.read_text("utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    for package, extra in _EXTRAS.items():
        distribution = {"sklearn": "scikit-learn"}.get(package, package)
        assert any(entry.startswith(distribution) for entry in extras[extra]), package


@pytest.mark.programs
def test_without_tqdm_there_is_still_progress():
    done = run_without("tqdm", "print('done')", progress=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"


@pytest.mark.programs
def test_importing_the_package_imports_nothing_optional():
    code = (
        "import sys, rnndyn, rnndyn.cli\n"
        f"names = {[*_EXTRAS, 'dask', 'safetensors']!r}\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


def test_an_error_inside_an_optional_package_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "tqdm").mkdir()
    (tmp_path / "tqdm" / "__init__.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there") as caught:
        import_optional("tqdm", "a test")
    assert not isinstance(caught.value, MissingPackageError)
