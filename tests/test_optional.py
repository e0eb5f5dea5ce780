"""Without an optional package the message says which extra brings it."""

import subprocess
import sys

import pytest

from rnndyn._optional import MissingPackageError, import_optional

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


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    [
        ("pandas", "tables", "cycles.to_dataframe()"),
        ("pandas", "tables", "rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=9).to_dataframe()"),
        ("xarray", "tables", "rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=9).to_xarray()"),
        ("matplotlib", "plot", "rd.plot.lyapunov(rd.lyapunov_spectrum(tent, z0=[0.1], n_steps=9))"),
        ("pandas", "tables", "rd.scan(tent, ('h[0]', [1, 2]), n_steps=9).to_dataframe()"),
        ("xarray", "tables", "rd.scan(tent, ('h[0]', [1, 2]), n_steps=9).to_xarray()"),
        ("zarr", "cluster", "rd.scan(tent, ('h[0]', [1, 2]), n_steps=9, store='chunks')"),
        ("zarr", "cluster", "rd.training_timeline([tent, tent], store='chunks')"),
        ("matplotlib", "plot", "rd.plot.scan(rd.scan(tent, ('h[0]', [1, 2]), n_steps=9))"),
        ("matplotlib", "plot", "rd.plot.state_space(cycles)"),
        ("matplotlib", "plot", "rd.plot.basins(rd.basins(tent, [0, 1], max_steps=9))"),
        ("pandas", "tables", "rd.basins(tent, [0, 1], max_steps=9).to_dataframe()"),
        ("xarray", "tables", "rd.basins(tent, [0, 1], max_steps=9).to_xarray()"),
        ("matplotlib", "plot", "rd.plot.multipliers(cycles)"),
        ("plotly", "report", "rd.report(tent, 'report.html', cycles=cycles)"),
    ],
)
def test_the_message_names_the_extra(package, extra, code):
    done = run_without(package, code)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingPackageError" in last
    assert f"needs {package}, which is not installed" in last
    assert f'pip install "rnndyn[{extra}]"' in last


def test_without_tqdm_there_is_still_progress():
    done = run_without("tqdm", "print('done')", progress=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"


def test_the_command_line_says_what_is_missing_before_it_searches(tmp_path):
    code = (
        "from rnndyn.cli import main\n"
        f"rd.save_model(tent, {str(tmp_path / 'tent.npz')!r})\n"
        f"sys.exit(main(['cycles', {str(tmp_path / 'tent.npz')!r}, '--max-order', '3', "
        f"'--plot', {str(tmp_path / 'tent.png')!r}]))"
    )
    done = run_without("matplotlib", code)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "rnndyn: error: drawing a picture needs matplotlib, which is not installed; "
        'install it with: pip install "rnndyn[plot]"\n'
    )


def test_importing_the_package_imports_nothing_optional():
    code = (
        "import sys, rnndyn, rnndyn.cli\n"
        "names = ('matplotlib', 'pandas', 'torch', 'tqdm', 'scipy', 'zarr', 'dask', 'plotly')\n"
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
