"""Every result with a table says alike whether it ran to its end and whether nothing is missing."""

from dataclasses import replace

import numpy as np
import pytest

import rnndyn as rd
from rnndyn.bifurcation.plane.gap import PlaneGap
from rnndyn.results import loading
from rnndyn.results.base import TabularResult

TENT = rd.PLRNN(A=[[2.0]], W=[[-4.0]], h=[1.0])
MODELS = [TENT.with_parameters({"W[0,0]": w}) for w in (-3.0, -3.4, -3.8)]

RESULTS = {
    "cycles": lambda **o: rd.find_cycles(TENT, max_order=2, **o),
    "long cycles": lambda **o: rd.find_cycles(
        rd.examples.load("plrnn-10d"), orders=[20], method="search", max_restarts=50, **o
    ),
    "spectrum": lambda **o: rd.lyapunov_spectrum(TENT, z0=[0.1], n_steps=20, transient=0, **o),
    "branches": lambda **o: rd.continue_cycles(MODELS[0], MODELS[2], max_order=2, **o),
    "timeline": lambda **o: rd.training_timeline(MODELS, max_order=2, **o),
    "scan": lambda **o: rd.scan(TENT, ("W[0,0]", [-3.0, -2.0]), n_steps=50, **o),
    "diagram": lambda **o: rd.stability_diagram(
        TENT, ("W[0,0]", [-4.0, -3.0]), ("h[0]", [0.5, 1.0]), max_order=1, **o
    ),
    "slow points": lambda **o: rd.find_slow_points(
        rd.RNN([[0.0]], [[0.5]]), np.zeros(1), np.zeros((1, 1)), **o
    ),
    "slow points by input": lambda **o: rd.find_slow_points(
        rd.RNN([[1.0]], [[0.5]]), np.zeros((2, 1)), np.zeros((1, 1)), **o
    ),
    "cycles by input": lambda **o: rd.find_fixed_points(
        rd.RNN([[1.0]], [[0.5]]), np.zeros((2, 1)), **o
    ),
    "basins": lambda **o: rd.basins(TENT, np.linspace(-1.0, 1.0, 5), **o),
    "fractions": lambda **o: rd.basin_fractions(TENT, 1.0, n=10, **o),
    "regions": lambda **o: rd.region_graph(TENT, box=1.0, **o),
    "boundary": lambda **o: rd.basin_boundary(rd.find_cycles(TENT, max_order=1), depth=1, **o),
}


def subclasses(kind):
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize("name", RESULTS)
def test_a_finished_result_says_so(name):
    result = RESULTS[name](progress=False)
    assert isinstance(result, TabularResult)
    assert (result.finished, result.stopped_by) == (True, "finished")
    assert isinstance(result.complete, bool)


@pytest.mark.parametrize("name", ["long cycles", "branches", "timeline", "scan", "diagram"])
def test_what_the_time_limit_ended_is_neither_finished_nor_complete(name):
    result = RESULTS[name](progress=False, time_limit=1e-9)
    assert (result.finished, result.complete, result.stopped_by) == (False, False, "time_limit")


def test_no_kind_of_result_lacks_them():
    # All of them, whatever other tests have imported.
    loading._import_rooms()
    for kind in subclasses(TabularResult) - {TabularResult}:
        has_run = any("run" in vars(base).get("__annotations__", {}) for base in kind.__mro__)
        own = any("_made_by" in vars(base) for base in kind.__mro__ if base is not TabularResult)
        # What its own bases say, and not those that all results have.
        bases = [base for base in kind.__mro__ if base not in TabularResult.__mro__]
        every = {"finished", "complete", "stopped_by"} <= {name for b in bases for name in vars(b)}
        assert has_run or own or every or kind.__name__.startswith("_"), kind


@pytest.mark.parametrize("n_gaps", [0, 1, 3])
def test_a_diagram_with_gaps_is_not_complete_at_every_point(n_gaps):
    diagram = RESULTS["diagram"](progress=False)
    assert diagram.complete
    gap = PlaneGap(-3.5, 0.7, "not explained")
    text = repr(replace(diagram, gaps=(gap,) * n_gaps)).splitlines()[-1]
    assert (
        text.strip()
        == {
            0: "complete at every point; no gaps",
            1: "complete at every point but for what a gap tells of",
            3: "complete at every point but for what 3 gaps tell of",
        }[n_gaps]
    )
