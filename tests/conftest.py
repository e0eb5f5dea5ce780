"""Settings and networks that many tests share, and which tests run where.

Without other options pytest starts one worker process per processor, at most eight, if pytest-xdist
is there. The option ``-n 0`` (or ``-p no:xdist``) runs all tests in one process.
"""

import functools
import importlib.util
import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

from rnndyn.models import PLRNN

TESTS = Path(__file__).parent

#: A worker reads all tests and most of them load torch: more of them would mostly do that.
MAX_WORKERS = 8


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


#: Tests that hardly reach the compiled core, or only by ways that other tests take as well: they
#: read and write files and texts, draw, train in torch, or check the reference itself. All others
#: get the marker `core` and run under AddressSanitizer.
NOT_CORE = (
    "citing",
    "cli",
    "common",
    "examples",
    "gallery",
    "io",
    "plot",
    "reference",
    "report",
    "results",
    "training",
    "cycles/test_cycle_file.py",
    "cycles/test_cycle_set.py",
    "cycles/test_latex.py",
    "lyapunov/test_error.py",
    "test_documentation.py",
    "test_documentation_site.py",
    "test_background.py",
    "test_core_layout.py",
    "test_layout.py",
    "test_markers.py",
    # The checks of certificates, in rational arithmetic.
    "verify/test_contraction.py",
    "verify/test_exact.py",
    "verify/test_tampered.py",
    # Long tests of files whose others take the same ways through the core (compared with gcov), as
    # `file::function` for all its parameters.
    "basins_of_attraction/test_basins.py::test_labels_are_where_orbits_end_up",
    "bifurcation/test_stability_diagram.py::test_high_orders_agree_with_complete_searches",
    "bifurcation/test_stability_diagram.py::test_threads_and_executors_do_not_matter",
    "cycles/test_complete_search.py::test_lozi_cycles_of_order_30",
    "cycles/test_complete_search.py::test_tent_cycles_up_to_order_22",
    "cycles/test_complete_search.py::test_the_10d_network_in_a_box_up_to_order_10",
    "lyapunov/test_known_values.py::test_random_tanh_networks",
)


def is_not_core(item):
    where = item.path.relative_to(TESTS)
    function = f"{where.as_posix()}::{getattr(item, 'originalname', item.name)}"
    return not {where.parts[0], where.as_posix(), function}.isdisjoint(NOT_CORE)


@functools.cache
def mentions_torch(path):
    return "torch" in path.read_text("utf-8")


@pytest.fixture(autouse=True)
def weights_are_the_same_every_time(request):
    """Networks of torch begin with weights that differ from one process to the next, else."""
    if mentions_torch(request.path) and importlib.util.find_spec("torch") is not None:
        importlib.import_module("torch").manual_seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Use all processors, unless the command says how many workers, or asks for a debugger."""
    options = vars(config.option)
    if hasattr(config, "workerinput") or "numprocesses" not in options:
        return
    if options["usepdb"] or options["trace"] or options["tx"]:
        return
    if options["numprocesses"] is None:
        # Not "auto", which counts two threads of one core as one, and not what is usable.
        config.option.numprocesses = min(usable_processors(), MAX_WORKERS)
        if options["dist"] == "no":
            # Neighbours stay together, so that what a file prepares is prepared once or twice.
            config.option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[object]) -> None:
    """Share the processors among the workers, and so among the threads that each of them starts.

    Threads that wait for each other do so by spinning. Tests of threads say how many they want.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_processors() // len(specs))))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reaches the core and what draws, before pytest looks at the markers."""
    for item in items:
        if not is_not_core(item):
            item.add_marker(pytest.mark.core)
        if getattr(item, "module", None) and hasattr(item.module, "drawn"):
            item.add_marker(pytest.mark.draws)


# The same examples in every run, so that a failure in CI is a failure everywhere.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def figures_are_closed():
    """Close what a test has drawn: matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session", autouse=True)
def listen_to_ctrl_c():
    """A program started in the background may have been told to ignore Ctrl-C; undo that.

    For the session, before any fixture of a module: a program that one of those starts would be
    told to ignore it, too, and would go on after Ctrl-C.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def tent() -> PLRNN:
    """The full tent map with slope 2: z -> 1 - 2 |z|; its cycles are known in closed form."""
    return PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])


@pytest.fixture
def lozi() -> PLRNN:
    """The Lozi map with a = 1.7 and b = 0.5: x -> 1 - a |x| + y, y -> b x."""
    return PLRNN(A=[[1.7, 1.0], [0.5, 0.0]], W=[[-3.4, 0.0], [0.0, 0.0]], h=[1.0, 0.0])
