"""A notebook as somebody would write it, run in a kernel without a browser."""

import base64
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.programs

CELLS = {
    "load": """
import numpy as np
import rnndyn as rd
network = rd.examples.load("plrnn-10d")
network
""",
    "search": "cycles = rd.find_cycles(network, max_order=5)\ncycles",
    "slow": """
rd.find_cycles(network, orders=[60], method="search", max_restarts=10**9, time_limit=3.0)
""",
    "silent": """
import time
from rnndyn._common.progress import make_progress_meter
meter = make_progress_meter(None)
meter.init("silent work")
time.sleep(2.0)
meter.close()
""",
    "prove": "rd.find_cycles(network, 3, method='complete', keep_tree=True).certificate",
    "one": "cycles[0]",
    "plot": "ax = rd.plot.state_space(cycles)",
    "timeline": """
first = rd.PLRNN(A=[[0.5]], W=[[-1.0]], h=[1.0])
models = [first.with_parameters({"W[0,0]": w}) for w in (-1.0, -1.2, -1.7, -1.8)]
rd.training_timeline(models, epochs=[0, 10, 20, 30])
""",
    "exponents": "rd.lyapunov_spectrum(network, n_steps=2000)",
    "report": """
path = rd.report(network, "report.html", cycles=cycles, n_steps=1000)
path.stat().st_size
""",
    "error": "rd.load_model(3)",
}


#: Runs a notebook in the folder in which it lies, with this very Python as its kernel.
RUN = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import nbclient, nbformat
from jupyter_client.manager import AsyncKernelManager
path = Path(sys.argv[1])
notebook = nbformat.read(path, as_version=4)
manager = AsyncKernelManager(kernel_name="python3")
manager.kernel_spec.argv[0] = sys.executable
client = nbclient.NotebookClient(
    notebook, km=manager, timeout=120, resources={"metadata": {"path": str(path.parent)}}
)
client.execute()
nbformat.write(notebook, path)
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Return the outputs of every cell by its name."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("ipywidgets")
    v4 = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in CELLS.values()])
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    path = tmp_path_factory.mktemp("notebook") / "run.ipynb"
    nbformat.write(notebook, path)
    # A process of its own: what Jupyter's packages leave open is not ours.
    subprocess.run([sys.executable, "-c", RUN, str(path)], check=True, timeout=240)
    notebook = nbformat.read(path, as_version=4)
    return dict(zip(CELLS, (cell.outputs for cell in notebook.cells), strict=True))


def data(outputs, kind):
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def test_nothing_goes_to_standard_error(outputs):
    """Progress is a widget there, and no package warns."""
    for name, own in outputs.items():
        assert [o.text for o in own if o.output_type == "stream" and o.name == "stderr"] == [], name


@pytest.mark.parametrize("name", ["slow", "silent"])
def test_long_work_shows_a_widget(outputs, name):
    assert data(outputs[name], "application/vnd.jupyter.widget-view+json")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("load", r"PLRNN\(n_states=10, n_units=10\).*<th>parameter</th>"),
        ("search", r"cycles? of PLRNN.*<th>spectral radius</th>"),
        ("slow", "INCOMPLETE: stopped by the time limit"),
        ("prove", "Certificate: proved"),
        ("one", "<th>time constant</th>"),
        ("timeline", "degenerate flip"),
        ("exponents", "<th>standard error</th>"),
    ],
)
def test_results_are_tables(outputs, name, words):
    (text,) = data(outputs[name], "text/html")
    assert re.search(words, text, re.DOTALL)


def test_a_picture_is_shown(outputs):
    (picture,) = data(outputs["plot"], "image/png")
    assert len(base64.b64decode(picture)) > 5000


def test_a_page_is_written(outputs):
    (size,) = data(outputs["report"], "text/plain")
    assert int(size) > 100_000


def test_a_mistake_ends_in_one_sentence(outputs):
    (error,) = outputs["error"]
    assert error.output_type == "error"
    assert error.ename == "TypeError"
    assert error.evalue.startswith("path must be the name of a file, such as 'network.npz'")
