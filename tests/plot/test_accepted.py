"""What is no result of a figure is refused in one sentence that says what to do instead."""

import inspect

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import rnndyn as rd
from rnndyn.plot._accepted import _KINDS

FOLD = rd.PLRNN([[2.0]], [[-1.5]], [1.0])
FIGURES = sorted(rd.plot.__all__)


@pytest.fixture(scope="module")
def wrong():
    """Return results of two kinds, and what is often given in their place."""
    return {
        "network": FOLD,
        "shares": rd.basin_fractions(FOLD, 3.0, n=20, max_steps=50),
        "scan": rd.scan(FOLD, ("h[0]", [0.5, 1.0]), n_steps=50),
        "cycles": rd.find_cycles(FOLD, max_order=1),
        "None": None,
        "array": np.zeros((3, 2)),
        "path": "cycles.npz",
    }


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_what_it_is_of(name, wrong):
    figure = getattr(rd.plot, name)
    argument, parameter = next(iter(inspect.signature(figure).parameters.items()))
    annotation = getattr(parameter.annotation, "__name__", str(parameter.annotation))
    own = set(annotation.split(" | ")) & _KINDS.keys()
    assert own, "the first argument names its classes"
    n_refused = 0
    for value in wrong.values():
        if type(value).__name__ in own:
            continue
        n_refused += 1
        with pytest.raises(TypeError) as caught:
            figure(value)
        text = str(caught.value)
        assert text.startswith(f"{argument} must be a ")
        assert f"got {type(value).__name__}" in text
        assert all(kind in text for kind in own)
        assert "\n" not in text
        if isinstance(value, rd.Scan):
            assert text.endswith("got Scan; rnndyn.plot.scan draws that")
    assert n_refused >= len(wrong) - 1


def test_every_figure_is_known_and_every_kind_can_be_drawn():
    figures = {name for _, own in _KINDS.values() for name in own}
    assert figures == set(FIGURES)
    # And the advice what to call first is about functions that there are.
    for makers, _ in _KINDS.values():
        for maker in makers.removesuffix(" with several inputs").split(" or "):
            assert hasattr(rd, maker)


def test_further_results_are_checked_as_well(wrong):
    cycles = rd.find_cycles(rd.examples.lozi_map(), max_order=1)
    boundary = rd.basin_boundary(wrong["cycles"])
    with pytest.raises(TypeError, match=r"basins must be a Basins, .* got BasinFractions; "):
        rd.plot.basin_boundary(boundary, basins=wrong["shares"])
    slow = rd.find_slow_points(rd.RNN(None, [[1.0, 0.0], [0.0, 1.0]], None, [1e-3, 1e-3]))
    with pytest.raises(TypeError, match=r"cycles must be a CycleSet, .* got Cycle; give a part"):
        rd.plot.slow_points(slow, cycles=cycles[0])
