"""The options of long computations: the same names, in the same order, doing what they say."""

import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import rnndyn as rd
from clock import used_after_interrupt
from rnndyn._common.options import NAMES

ALWAYS = ("n_threads", "time_limit", "progress", "seed")

#: A chaotic network whose searches, orbits and lines are many.
NETWORK = rd.examples.load("plrnn-10d")
TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
GRID = np.linspace(-0.9, -0.1, 200)


def changed(factor):
    return NETWORK.with_parameters(W=factor * NETWORK.W)


def path(n=400):
    return [changed(factor) for factor in np.linspace(0.9, 1.1, n)]


#: Calls that take many seconds, and of the result where it says how the computation ended.
LONG = {
    "find_cycles": lambda **how: (
        rd.find_cycles(NETWORK, 3, method="search", max_restarts=10**9, **how).search
    ),
    "find_fixed_points": lambda **how: (
        rd.find_fixed_points(wide_network(), method="search", max_restarts=10**9, **how).search
    ),
    "find_slow_points": lambda **how: (
        rd.find_slow_points(wide_network(), max_restarts=10**9, **how).run
    ),
    "lyapunov_spectrum": lambda **how: (
        rd.lyapunov_spectrum(NETWORK, n_steps=10**9, transient=0, **how).run
    ),
    "basins": lambda **how: rd.basins(TENT, GRID, max_steps=10**9, **how).run,
    "basin_fractions": lambda **how: (
        rd.basin_fractions(TENT, 0.9, n=10**4, max_steps=10**9, **how).run
    ),
    "region_graph": lambda **how: rd.region_graph(NETWORK, box=5.0, **how).run,
    "manifold": lambda **how: (
        rd.manifold(fixed_points().saddles[0], depth=10**6, max_pieces=10**12, **how).run
    ),
    "homoclinic_points": lambda **how: (
        rd.homoclinic_points(fixed_points(), depth=10**6, max_pieces=10**12, **how).run
    ),
    "basin_boundary": lambda **how: (
        rd.basin_boundary(fixed_points(), depth=10**6, max_pieces=10**12, **how).run
    ),
    "scan": lambda **how: rd.scan(NETWORK, ("h[0]", GRID), n_steps=10**6, **how).run,
    "continue_cycles": lambda **how: (
        rd.continue_cycles(path=path(), max_order=3, method="search", **how).run
    ),
    "bifurcation_diagram": lambda **how: (
        rd.bifurcation_diagram(NETWORK, "h[0]", GRID, max_order=3, method="search", **how).run
    ),
    "training_timeline": lambda **how: (
        rd.training_timeline(path(), max_order=3, method="search", **how).branch_set.run
    ),
    "stability_diagram": lambda **how: (
        rd.stability_diagram(
            NETWORK, ("h[0]", GRID), ("h[1]", GRID), max_order=3, method="search", **how
        ).run
    ),
}
SPREADABLE = (
    "scan",
    "continue_cycles",
    "bifurcation_diagram",
    "training_timeline",
    "stability_diagram",
)

#: Short calls, whose results can be compared.
SHORT = {
    "find_cycles": lambda **how: rd.find_cycles(NETWORK, 10, **how),
    "find_fixed_points": lambda **how: rd.find_fixed_points(NETWORK, **how),
    "find_slow_points": lambda **how: rd.find_slow_points(NETWORK, **how),
    "lyapunov_spectrum": lambda **how: rd.lyapunov_spectrum(NETWORK, n_steps=500, **how),
    "basin_fractions": lambda **how: rd.basin_fractions(
        TENT.with_parameters(W=[[-2.5]]), 0.9, n=500, **how
    ),
    "region_graph": lambda **how: rd.region_graph(NETWORK, box=0.2, max_regions=200, **how),
    "manifold": lambda **how: rd.manifold(fixed_points().saddles[0], depth=1, **how),
    "homoclinic_points": lambda **how: rd.homoclinic_points(
        fixed_points(), depth=1, max_pieces=300, **how
    ),
    "basin_boundary": lambda **how: rd.basin_boundary(fixed_points(), depth=1, **how),
    "basins": lambda **how: rd.basins(TENT.with_parameters(W=[[-2.5]]), GRID, **how),
    "scan": lambda **how: rd.scan(TENT, ("h[0]", [0.5, 1.0, 1.5]), n_steps=200, **how),
    "continue_cycles": lambda **how: rd.continue_cycles(path=path(3), max_order=2, **how),
    "bifurcation_diagram": lambda **how: rd.bifurcation_diagram(
        TENT, "W[0,0]", (-4.0, -2.2), max_order=3, **how
    ),
    "training_timeline": lambda **how: rd.training_timeline(path(3), max_order=2, **how),
    "stability_diagram": lambda **how: rd.stability_diagram(
        TENT, ("W[0,0]", [-4.0, -3.1, -2.2]), ("h[0]", [0.5, 1.0]), max_order=2, **how
    ),
}


def fixed_points():
    """Return those of the network: a saddle between two others has ever more pieces."""
    return rd.find_cycles(NETWORK, 1, n_threads=1, progress=False)


def wide_network():
    """Return a network whose fixed points cannot be listed in the time that a test has."""
    rng = np.random.default_rng(1)
    n = 40
    weights = 3.0 * rng.standard_normal((n, n)) / np.sqrt(n)
    return rd.PLRNN(0.5 * np.ones(n), weights, rng.standard_normal(n))


class Counting:
    """A meter that counts what it is told."""

    def __init__(self):
        self.titles, self.states, self.n_closed = [], [], 0

    def init(self, title):
        self.titles.append(title)

    def step(self, progress):
        self.states.append(progress)
        assert threading.current_thread() is threading.main_thread()

    def close(self):
        self.n_closed += 1


def long_running():
    """Return the public functions that show their progress: what takes long says how far it is."""
    functions = {name: getattr(rd, name) for name in rd.__all__}
    return {
        name: function
        for name, function in functions.items()
        if inspect.isfunction(function) and "progress" in inspect.signature(function).parameters
    }


def test_every_long_computation_is_tested_here():
    # A report is made of two of the others.
    assert long_running().keys() - {"report"} == LONG.keys() == SHORT.keys()


@pytest.mark.parametrize("name", sorted(long_running()))
def test_options_have_the_same_names_in_the_same_order(name):
    parameters = inspect.signature(long_running()[name]).parameters
    own = [option for option in parameters if option in NAMES]
    # The last ones, by keyword, in one order; those of clusters where a computation has chunks.
    assert tuple(own) == (NAMES if name in SPREADABLE else ALWAYS)
    assert list(parameters)[-len(own) :] == own
    assert all(parameters[option].kind is inspect.Parameter.KEYWORD_ONLY for option in own)
    defaults = {option: parameters[option].default for option in own}
    assert defaults == {option: 0 if option == "seed" else None for option in own}


@pytest.mark.parametrize("name", sorted(long_running()))
def test_two_axes_mean_the_same_everywhere(name):
    """`x` and `y` are parameters with their values; coordinates are `x_values` and `y_values`."""
    parameters = inspect.signature(long_running()[name]).parameters
    assert {"x", "y"} <= set(parameters) or not {"x", "y"} & set(parameters)
    for axis in ("x", "y"):
        if axis in parameters:
            assert "Axis" in str(parameters[axis].annotation) or "Sequence" in str(
                parameters[axis].annotation
            )


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("n_threads", 0, ValueError),
        ("n_threads", "two", TypeError),
        ("time_limit", 0.0, ValueError),
        ("time_limit", "long", TypeError),
        ("progress", "yes", TypeError),
        ("seed", -1, ValueError),
        ("seed", 1.5, TypeError),
    ],
)
@pytest.mark.parametrize("name", SHORT)
def test_wrong_options_are_named(name, option, value, error):
    with pytest.raises(error, match=f"^{option} must be"):
        SHORT[name](**{option: value})


@pytest.mark.parametrize("name", LONG)
def test_a_time_limit_ends_it(name):
    start = time.perf_counter()
    run = LONG[name](time_limit=0.5, n_threads=1)
    # Far below what it would take; what is left to do after a stop takes its time as well.
    assert time.perf_counter() - start < 20.0
    assert run.stopped_by == "time_limit"
    assert not run.finished
    assert not run.complete


@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_it(name):
    meter = Counting()
    _, run = used_after_interrupt(lambda: LONG[name](n_threads=1, progress=meter), 0.5)
    assert run.stopped_by == "interrupt"
    assert not run.finished
    assert meter.n_closed == 1


@pytest.mark.parametrize("name", SHORT)
def test_progress_is_shown_and_threads_change_nothing(name):
    meter = Counting()
    result = SHORT[name](progress=meter, n_threads=1)
    assert meter.titles == [name] or (name, meter.titles) == ("find_fixed_points", ["find_cycles"])
    assert meter.n_closed == 1
    for state in meter.states:
        assert 0.0 <= state.fraction <= 1.0
        assert state.text(1.0)
    assert SHORT[name](n_threads=2, progress=False) == result


@pytest.mark.parametrize("name", SHORT)
def test_the_seed_is_kept_with_the_result(name):
    result = SHORT[name](seed=7, progress=False)
    run = result.search if hasattr(result, "search") else getattr(result, "branch_set", result).run
    assert run.seed == 7
    assert SHORT[name](seed=7, progress=False) == result


@pytest.mark.parametrize("name", SPREADABLE)
def test_executors_and_stores(name, tmp_path):
    alone = SHORT[name](n_threads=1, progress=False)
    with ThreadPoolExecutor(2) as executor:
        stored = SHORT[name](executor=executor, store=tmp_path / "store", progress=False)
    assert stored == alone
    # All of it comes from the store now.
    assert (tmp_path / "store").exists()
    assert SHORT[name](store=tmp_path / "store", progress=False) == alone
